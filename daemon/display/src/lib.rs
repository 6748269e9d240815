//! Displays behind one trait: a terminal, a small display, a screen, a PNG file, or none. A display shows and decides nothing.
//!
//! | module | what it does |
//! |---|---|
//! | `faces`, `idle` | what is shown of whom; dims and darkens while nobody is in view |
//! | `terminal`, `live`, `cells`, `job_control`, `log_lines` | the live view in a terminal |
//! | [`spi`], [`screen`], [`gpio`] | small displays; any screen of the kernel; the lines that both need |
//! | `beside`, `mood_light`, `mood_lines` | an LED, a strip or GPIO lines that follow the mood |
//! | `png`, `null` | a file that is replaced at each change; no display |
//! | `canvas`, `face_image`, `still_picture`, `animated_png`, `recording` | pictures of the face, for files, browsers and documents |

mod animated_png;
mod beside;
mod canvas;
mod cells;
mod face_image;
mod faces;
pub mod gpio;
mod idle;
mod job_control;
mod live;
mod log_lines;
mod mood_light;
mod mood_lines;
mod null;
mod png;
mod recording;
pub mod screen;
pub mod spi;
mod still_picture;
mod terminal;

pub use animated_png::write_animation;
pub use face_image::{FaceImage, FaceSvg, sticker, sticker_rgba, vector_sticker};
pub use log_lines::LogLines;
pub use null::NullDisplay;
pub use png::PngDisplay;
pub use recording::Recording;
pub use still_picture::{ShowStyle, show, show_sheet};
pub use terminal::TerminalDisplay;

use moodring_base::{
    config::{DisplayKind, DisplaySettings, Settings, ThemeName},
    snapshot::{BrokerState, CameraState, Snapshot},
};
use moodring_core::{frame::Millis, mood::Mood};
use moodring_face::{
    animate::{Animator, Pose},
    look::Look,
};

use crate::gpio::{Chips, wires};

/// The display that the settings ask for. `auto` is the live view if `stdout_is_terminal`, else nothing.
/// The live view shows `logs`; the caller must send its log there, or other lines would destroy the screen.
///
/// # Errors
/// [`DisplayError::Open`] if it cannot be used.
pub fn open(
    settings: &Settings,
    stdout_is_terminal: bool,
    logs: &LogLines,
) -> Result<Box<dyn Display + Send>, DisplayError> {
    let is_jetson = Chips::of_this_machine().jetson.is_some();
    for text in wires::collisions(&wires::wires(settings, is_jetson)) {
        tracing::warn!("{text}: {}", wires::WAY_OUT);
    }
    let display = picture(settings, stdout_is_terminal, logs)?;
    Ok(mood_lines::with(
        mood_light::with(display, settings),
        settings,
    ))
}

/// The display without a light.
fn picture(
    settings: &Settings,
    stdout_is_terminal: bool,
    logs: &LogLines,
) -> Result<Box<dyn Display + Send>, DisplayError> {
    let display = &settings.display;
    Ok(match display.kind {
        DisplayKind::Auto if !stdout_is_terminal => Box::new(NullDisplay),
        DisplayKind::Auto | DisplayKind::Terminal => Box::new(TerminalDisplay::open(logs.clone())?),
        DisplayKind::Png => Box::new(PngDisplay::open(display)?),
        DisplayKind::Spi => spi::open(display, &settings.panel)?,
        DisplayKind::Screen => screen::open(display, &settings.panel),
        DisplayKind::None => Box::new(NullDisplay),
    })
}

/// Shows the mood. It is called at its own rate, always with the newest snapshot.
pub trait Display {
    /// A name for people and logs.
    fn name(&self) -> &str;

    /// Shows this view.
    ///
    /// # Errors
    /// [`DisplayError`] if the device or file failed; the caller tries again after a while.
    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError>;

    /// Sets how to show from the next picture on.
    fn set(&mut self, controls: DisplayControls);

    /// Whether anybody could see it.
    fn is_there(&self) -> bool {
        true
    }

    /// Whether somebody asked at the display to stop, for example by pressing `q`. Does not wait.
    fn wants_quit(&mut self) -> bool {
        false
    }
}

/// How to show; people may change it while the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisplayControls {
    /// Off is dark.
    pub on: bool,
    /// Brightness by day, 0 to 100 percent; for displays that can be dimmed.
    pub brightness: u8,
    /// Brightness at night.
    pub night_brightness: u8,
    /// The theme; the live view uses that of its terminal.
    pub theme: ThemeName,
}

impl DisplayControls {
    /// As the settings have it.
    pub const fn new(settings: &DisplaySettings) -> Self {
        Self {
            on: true,
            brightness: settings.brightness,
            night_brightness: settings.night_brightness,
            theme: settings.theme,
        }
    }
}

/// What a display shows.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The newest snapshot.
    pub snapshot: &'a Snapshot,
    /// The link to the broker.
    pub broker: BrokerState,
    /// The source's name.
    pub source: &'a str,
    /// This device's name in messages.
    pub device: &'a str,
    /// Whether others can see the camera's picture.
    pub preview: bool,
    /// The time of the run; must not run backward from one view to the next.
    pub now: Millis,
    /// The minute of the day where the device stands, 0 to 1439.
    pub minute: u16,
}

impl View<'_> {
    /// The same at another time of the run.
    pub const fn at(&self, now: Millis) -> Self {
        Self { now, ..*self }
    }
}

/// Why a display could not show. The text names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// It cannot be used at all.
    #[error("cannot use display {name}: {reason}. {way_out}")]
    Open {
        /// Which display.
        name: String,
        /// The cause.
        reason: String,
        /// What the user can do.
        way_out: String,
    },
    /// One picture could not be shown; the next may.
    #[error("display {name} failed: {reason}")]
    Show {
        /// Which display.
        name: String,
        /// The cause.
        reason: String,
    },
}

impl DisplayError {
    fn open(name: &str, reason: impl ToString, way_out: &str) -> Self {
        Self::Open {
            name: name.into(),
            reason: reason.to_string(),
            way_out: way_out.into(),
        }
    }

    fn show(name: &str, reason: impl ToString) -> Self {
        Self::Show {
            name: name.into(),
            reason: reason.to_string(),
        }
    }
}

/// The fault that faces show while the camera is lost.
const CAMERA_LOST: u16 = 1;
/// The fault that faces show while the followed device cannot be reached.
const DEVICE_AWAY: u16 = 2;

/// The look for this snapshot. While there is a mood, it is the mood: the camera's state matters only once nobody is
/// left in view.
pub fn look_of(snapshot: &Snapshot) -> Look {
    match (snapshot.mood.mood(), snapshot.camera) {
        (_, CameraState::Off) => Look::CameraOff,
        (Mood::Nobody, CameraState::Starting) => Look::Starting,
        (Mood::Nobody, CameraState::Lost) => Look::Fault(CAMERA_LOST),
        (Mood::Nobody, CameraState::Away) => Look::Fault(DEVICE_AWAY),
        (mood, _) => mood.into(),
    }
}

/// Aims the face at what the snapshot shows, and returns its pose at `now`.
fn follow(animator: &mut Animator, snapshot: &Snapshot, now: Millis) -> Pose {
    // Whole steps: nobody sees them, and a face that trembles by a hair need not be drawn again.
    let confidence = (snapshot.mood.confidence() * 16.0).round() / 16.0;
    let roll_deg = snapshot.people.first().map_or(0.0, |p| p.roll_deg);
    let roll_deg = (roll_deg / 2.0).round() * 2.0;
    animator.aim(look_of(snapshot), confidence, roll_deg, now);
    animator.pose(now)
}

//! The display on a wire: draws the face, sends what changed, and opens a panel that failed again. Time comes in as
//! data.

use embedded_graphics::{
    draw_target::DrawTargetExt,
    pixelcolor::Rgb888,
    prelude::{Dimensions, Point, RgbColor},
};
use moodring_base::config::{DisplaySettings, ThemeName};
use moodring_core::frame::Millis;
use moodring_face::{
    animate::{IdleMotion, Pose},
    picture::{Painter, ScreenShape},
    theme::{Shades, Theme},
};

use super::{
    super::{
        Display, DisplayControls, DisplayError, View,
        faces::{Faces, Scene},
        idle::{IdleTimer, pixel_shift},
    },
    dirty::{Cost, dirty},
    framebuffer::Framebuffer,
    grid::Grid,
    interface::InterfaceError,
    panel::Panel,
    panel_retry::PanelRetry,
};

/// How often the whole picture is sent.
const WHOLE_MS: u64 = 60_000;

/// Opens the panel, also again after a failure.
pub type PanelOpener<P> = Box<dyn FnMut() -> Result<Box<dyn Panel<P>>, DisplayError> + Send>;

/// A display on SPI or I2C.
pub struct PanelDisplay<S: Framebuffer> {
    name: String,
    settings: DisplaySettings,
    on: bool,
    shape: ScreenShape,
    faces: Faces,
    idle: IdleTimer,
    /// Whether the picture moves by a pixel a minute, because the glass ages.
    moves: bool,
    /// Whether the panel is set up anew when it was dark.
    renews: bool,
    framebuffer: S,
    /// The inputs of the picture in the framebuffer.
    drawn: Option<PictureInputs>,
    open: PanelOpener<S::Cell>,
    panel: Option<ActivePanel<S::Cell>>,
    retry: PanelRetry,
}

/// Everything that a picture depends on.
#[derive(Clone, Debug, PartialEq)]
struct PictureInputs {
    scene: Scene,
    theme: ThemeName,
    gain: u8,
    shift: Point,
}

impl<S: Framebuffer> PanelDisplay<S> {
    /// A display whose panel is opened when it first shows something.
    pub fn new(
        name: &str,
        settings: &DisplaySettings,
        shape: ScreenShape,
        framebuffer: S,
        open: PanelOpener<S::Cell>,
    ) -> Self {
        Self {
            name: name.into(),
            settings: settings.clone(),
            on: true,
            shape,
            faces: Faces::new(settings, IdleMotion::Alive, Millis(0)),
            idle: IdleTimer::default(),
            moves: false,
            renews: false,
            framebuffer,
            drawn: None,
            open,
            panel: None,
            retry: PanelRetry::default(),
        }
    }

    /// The same display on glass that ages: the picture moves by a pixel a minute.
    #[must_use]
    pub fn with_pixel_shift(mut self) -> Self {
        self.moves = true;
        self
    }

    /// The same display set up anew whenever it was dark: a chip cannot report that it lost its settings.
    #[must_use]
    pub fn with_new_set_up(mut self) -> Self {
        self.renews = true;
        self
    }

    /// What the framebuffer holds.
    pub fn framebuffer(&self) -> &S {
        &self.framebuffer
    }

    /// Whether the panel works.
    pub fn is_up(&self) -> bool {
        self.panel.is_some()
    }

    fn try_show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        let set = self.on.then(|| self.settings.brightness_at(view.minute));
        let off_s = self.settings.dark_after_s();
        let wanted = self.idle.brightness(view.snapshot, set, off_s, view.now);
        let is_dark = |panel: &ActivePanel<_>| panel.percent == Some(0);
        if self.renews && wanted > 0 && self.panel.as_ref().is_some_and(is_dark) {
            // It may have lost its power or its settings in the meantime, and nobody sees it start now.
            self.panel = None;
        }
        let panel = match &mut self.panel {
            Some(panel) => panel,
            None => self
                .panel
                .insert(ActivePanel::new((self.open)()?, view.now)),
        };
        let failed = |error: InterfaceError| DisplayError::show(&self.name, error);
        // The light is set after the first picture, so that nobody sees what the memory held before. So a
        // change of the colours' gain is visible one picture later.
        let drawing = PictureInputs {
            scene: self
                .faces
                .scene(view)
                .map(|pose| steady(pose, &self.framebuffer)),
            theme: self.settings.theme,
            gain: panel.gain,
            shift: match self.moves {
                true => pixel_shift(view.now),
                false => Point::zero(),
            },
        };
        if self.drawn.as_ref() != Some(&drawing) {
            // Whatever the colours, a display that lights a pixel or not gets lines and letters for that.
            let mut theme = drawing.theme.or(&S::THEME);
            if S::THEME.shades == Shades::Two {
                theme.shades = Shades::Two;
            }
            paint(&mut self.framebuffer, &drawing, self.shape, &theme);
            self.drawn = Some(drawing);
        }
        panel
            .send(self.framebuffer.grid(), S::COST, view.now)
            .map_err(failed)?;
        panel.dim(wanted).map_err(failed)
    }
}

/// A panel that is open, and its contents.
struct ActivePanel<P> {
    panel: Box<dyn Panel<P>>,
    /// What its memory holds; unknown at first.
    memory: Option<Grid<P>>,
    /// When all of it was sent.
    whole: Millis,
    /// The brightness that was set, in percent.
    percent: Option<u8>,
    /// How bright its pictures must be drawn, in percent.
    gain: u8,
}

impl<P: Copy + PartialEq> ActivePanel<P> {
    fn new(panel: Box<dyn Panel<P>>, now: Millis) -> Self {
        Self {
            panel,
            memory: None,
            whole: now,
            percent: None,
            gain: 100,
        }
    }

    /// Sends what differs, and now and then all of it: a wire has no answer, so a byte that was lost on it would stay.
    fn send(&mut self, picture: &Grid<P>, cost: Cost, now: Millis) -> Result<(), InterfaceError> {
        if now.since(self.whole) >= WHOLE_MS {
            self.memory = None;
        }
        if self.memory.is_none() {
            self.whole = now;
        }
        let areas = match &self.memory {
            Some(memory) => dirty(memory, picture, cost),
            None => vec![picture.area()],
        };
        if areas.is_empty() {
            return Ok(());
        }
        self.panel.write(picture, &areas)?;
        match &mut self.memory {
            Some(memory) => memory.copy_from(picture),
            None => self.memory = Some(picture.clone()),
        }
        Ok(())
    }

    fn dim(&mut self, percent: u8) -> Result<(), InterfaceError> {
        if self.percent != Some(percent) {
            self.gain = self.panel.dim(percent)?;
            self.percent = Some(percent);
        }
        Ok(())
    }
}

fn paint<S: Framebuffer>(
    framebuffer: &mut S,
    drawing: &PictureInputs,
    shape: ScreenShape,
    theme: &Theme,
) {
    framebuffer.set_gain(drawing.gain);
    let area = framebuffer.bounding_box();
    if drawing.shift != Point::zero() {
        // The picture leaves an edge free.
        let Ok(()) = framebuffer.clear(Rgb888::BLACK);
    }
    let mut shifted = framebuffer.translated(drawing.shift);
    drawing.scene.with_picture(shape, |picture| {
        let Ok(()) = Painter::new(area, picture, theme).draw(&mut shifted);
    });
}

/// The pose with its breath in steps of half a pixel and without invisible changes, because each change is drawn and
/// sent.
fn steady(mut pose: Pose, framebuffer: &impl Dimensions) -> Pose {
    let size = framebuffer.bounding_box().size;
    let steps = size.width.min(size.height) as f32;
    pose.params.scale = (pose.params.scale * steps).round() / steps;
    if pose.params.extras.snore <= 0.0 {
        // The position of a sleeper's letters; they are not visible.
        pose.params.extras.float = 0.0;
    }
    pose
}

impl<S: Framebuffer> Display for PanelDisplay<S> {
    fn name(&self) -> &str {
        &self.name
    }

    /// A panel that failed is opened again after a wait. Only the first failure of an outage is an error; later ones
    /// are logged at debug level.
    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        if self.retry.rests(view.now) {
            return Ok(());
        }
        let shown = self.try_show(view);
        if shown.is_err() {
            self.panel = None;
        }
        self.retry.first_failure(&self.name, shown, view.now)
    }

    fn set(&mut self, controls: DisplayControls) {
        self.on = controls.on;
        self.settings.brightness = controls.brightness;
        self.settings.night_brightness = controls.night_brightness;
        self.settings.theme = controls.theme;
    }
}

impl<S: Framebuffer> Drop for PanelDisplay<S> {
    /// Nothing updates the picture any more, so the panel goes dark: black as well, because a line that is given back may
    /// light it again. A failure has no receiver here.
    fn drop(&mut self) {
        if let Some(shown) = &mut self.panel {
            let _ = shown.panel.dim(0);
            let Ok(()) = self.framebuffer.clear(Rgb888::BLACK);
            let now = shown.whole;
            let _ = shown.send(self.framebuffer.grid(), S::COST, now);
        }
    }
}

//! Any screen that the kernel knows, full screen and without a desktop: HDMI, DSI, a TV, a HAT with a kernel driver. By DRM/KMS
//! where there is a card with a connector, else by a framebuffer device.
//!
//! ```text
//! face -> framebuffer -> dirty (rectangles) -> layout (scaled, turned) -> kms (dumb buffer) or fbdev (/dev/fbN)
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | [`layout`] | scales and turns cells to rows of the screen's pixels |
//! | `kms` | a connector, its mode and a dumb buffer; what was shown before comes back at the end |
//! | `fbdev` | a framebuffer device by its files in /sys; what was shown before comes back at the end |
//! | `console` | the text console's cursor |

mod console;
mod fbdev;
mod kms;
pub mod layout;

use std::{fs, io, path::Path};

use moodring_base::config::{DisplaySettings, PanelSettings, board::Rotation};
use moodring_face::picture::ScreenShape;

use self::{
    console::HiddenCursor,
    layout::{Layout, PixelBlock, PixelForm},
};
use super::{
    Display, DisplayControls, DisplayError, View,
    spi::{
        PanelDisplay,
        check::{PartCheck, Problem},
        framebuffer::ColourBuffer,
        grid::{CellRect, Grid},
        interface::InterfaceError,
        panel::Panel,
        panel_retry::PanelRetry,
    },
};

/// A screen that takes finished pixels.
trait PixelTarget: Send {
    /// Width and height in pixels, and the form of a pixel.
    fn form(&self) -> (u16, u16, PixelForm);

    /// A name for people, with the size.
    fn describe(&self) -> String;

    /// Shows these blocks of pixels.
    ///
    /// # Errors
    /// If the device fails or is gone.
    fn write(&mut self, blocks: &[PixelBlock]) -> io::Result<()>;
}

/// The screen of the settings. It is opened when it first shows something, and again after a failure.
pub fn open(settings: &DisplaySettings, panel: &PanelSettings) -> Box<dyn Display + Send> {
    let mut rotation = Rotation::Deg0;
    panel.rotation.apply(&mut rotation);
    let mut bgr = false;
    panel.bgr.apply(&mut bgr);
    Box::new(ScreenDisplay {
        name: format!("screen ({})", settings.screen),
        settings: settings.clone(),
        rotation,
        bgr,
        controls: DisplayControls::new(settings),
        inner: None,
        retry: PanelRetry::default(),
    })
}

/// A screen whose size is known only once it is open.
struct ScreenDisplay {
    name: String,
    settings: DisplaySettings,
    rotation: Rotation,
    bgr: bool,
    controls: DisplayControls,
    inner: Option<PanelDisplay<ColourBuffer>>,
    retry: PanelRetry,
}

impl ScreenDisplay {
    fn try_show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        let inner = match &mut self.inner {
            Some(inner) => inner,
            None => {
                let target = open_target(&self.settings.screen)
                    .map_err(|error| DisplayError::open(&self.name, &error, way_out(&error)))?;
                tracing::info!("display {}: {}", self.name, target.describe());
                let display = self.panel_display(target);
                self.inner.insert(display)
            }
        };
        inner.show(view)
    }

    fn panel_display(&self, target: Box<dyn PixelTarget>) -> PanelDisplay<ColourBuffer> {
        let (width, height, form) = target.form();
        let layout = Layout::new((width, height), form, self.rotation).with_bgr(self.bgr);
        let mut panel = Some(ScreenPanel {
            target,
            layout,
            _cursor: HiddenCursor::of_the_console(),
        });
        // A failed screen is opened anew as a whole: it may have another size.
        let open = move || match panel.take() {
            Some(panel) => Ok(Box::new(panel) as Box<dyn Panel<u16>>),
            None => Err(DisplayError::show("screen", "it is gone")),
        };
        let framebuffer = ColourBuffer::new(layout.drawn_px());
        let shape = ScreenShape::Square;
        let mut display = PanelDisplay::new(
            &self.name,
            &self.settings,
            shape,
            framebuffer,
            Box::new(open),
        )
        .with_pixel_shift();
        display.set(self.controls);
        display
    }
}

impl Display for ScreenDisplay {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        if self.retry.rests(view.now) {
            return Ok(());
        }
        let shown = self.try_show(view);
        if shown.is_err() {
            self.inner = None;
        }
        self.retry.first_failure(&self.name, shown, view.now)
    }

    fn set(&mut self, controls: DisplayControls) {
        self.controls = controls;
        if let Some(inner) = &mut self.inner {
            inner.set(controls);
        }
    }
}

/// A screen as a panel: cells become pixels.
struct ScreenPanel {
    target: Box<dyn PixelTarget>,
    layout: Layout,
    _cursor: HiddenCursor,
}

impl Panel<u16> for ScreenPanel {
    fn write(&mut self, picture: &Grid<u16>, areas: &[CellRect]) -> Result<(), InterfaceError> {
        let blocks = areas.iter().map(|area| self.layout.block(picture, *area));
        let blocks: Vec<_> = blocks.collect();
        let wrote = self.target.write(&blocks);
        wrote.map_err(|error| InterfaceError(format!("{}: {error}", self.target.describe())))
    }

    /// A screen's light is its own: its colours are drawn darker, and black is off.
    fn dim(&mut self, percent: u8) -> Result<u8, InterfaceError> {
        Ok(percent)
    }
}

/// Opens the device of the settings, or the first screen that there is.
fn open_target(device: &str) -> io::Result<Box<dyn PixelTarget>> {
    if device != "auto" {
        let path = Path::new(device);
        return if device.starts_with("/dev/dri/") {
            Ok(Box::new(kms::Kms::open(path)?))
        } else {
            Ok(Box::new(fbdev::Framebuffer::open(
                path,
                Path::new(fbdev::CLASS),
            )?))
        };
    }
    // Cards without connectors, such as a renderer alone, show nothing.
    let cards = nodes("/dev/dri", "card");
    let mut first = None;
    for card in cards {
        match kms::Kms::open(&card) {
            Ok(screen) => return Ok(Box::new(screen)),
            Err(error) if kms::is_no_screen(&error) => {}
            Err(error) => first = first.or(Some(error)),
        }
    }
    if let Some(error) = first {
        return Err(error);
    }
    let fallback = nodes("/dev", "fb");
    match fallback.first() {
        Some(path) => {
            let screen = fbdev::Framebuffer::open(path, Path::new(fbdev::CLASS))?;
            Ok(Box::new(screen))
        }
        None => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no card in /dev/dri has a connector, and there is no /dev/fb0",
        )),
    }
}

/// The nodes of a folder whose names begin so and end in a number, the lowest first.
fn nodes(folder: &str, prefix: &str) -> Vec<std::path::PathBuf> {
    // A folder that is not there has none.
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let numbered = |file: fs::DirEntry| {
        let name = file.file_name().into_string().ok()?;
        let number: u32 = name.strip_prefix(prefix)?.parse().ok()?;
        Some((number, file.path()))
    };
    let mut found: Vec<_> = files.filter_map(numbered).collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// The way to mend a screen that cannot be opened.
fn way_out(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "Is a desktop or another program on the screen? Stop it (sudo systemctl isolate multi-user.target), or show the \
             page there instead (deploy/kiosk.md). Else join the group: sudo usermod -aG video $USER, then log in again"
        }
        io::ErrorKind::NotFound => {
            "Is a screen plugged in and switched on? `ls /dev/dri /dev/fb*` shows what there is; set display.screen to it; in a \
             container pass the device in"
        }
        io::ErrorKind::ResourceBusy => {
            "Another program is on the screen: stop it, or show the page there instead (deploy/kiosk.md)"
        }
        _ => "`ls /dev/dri /dev/fb*` shows what there is; set display.screen to another",
    }
}

/// Looks for the screen of the settings, for `moodring doctor`. Shows nothing on it.
pub fn check(settings: &DisplaySettings) -> PartCheck {
    let found = match settings.screen.as_str() {
        "auto" => nodes("/dev/dri", "card")
            .iter()
            .find_map(|card| kms::look(card).ok())
            .or_else(|| {
                nodes("/dev", "fb")
                    .first()
                    .map(|fb| fb.display().to_string())
            }),
        device if device.starts_with("/dev/dri/") => kms::look(Path::new(device)).ok(),
        device => Path::new(device).exists().then(|| device.to_owned()),
    };
    let absent = io::Error::from(io::ErrorKind::NotFound);
    PartCheck {
        part: "screen".into(),
        found: found.ok_or_else(|| Problem {
            text: format!("{}: no screen is there", settings.screen),
            mend: way_out(&absent).into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_in_the_order_of_their_numbers() {
        let root = tempfile::tempdir().unwrap();
        for name in ["card10", "card2", "card1-HDMI", "renderD128", "card0"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        let found = nodes(root.path().to_str().unwrap(), "card");
        let names: Vec<_> = found.iter().map(|p| p.file_name().unwrap()).collect();
        assert_eq!(names, ["card0", "card2", "card10"]);
        assert!(nodes("/absent", "card").is_empty());
    }

    #[test]
    fn a_screen_that_is_not_there_is_an_error_with_the_way_out() {
        let settings = DisplaySettings {
            screen: "/dev/dri/card99".into(),
            ..DisplaySettings::default()
        };
        let mut screen = open(&settings, &PanelSettings::default());
        let view = View {
            snapshot: &moodring_base::snapshot::Snapshot::default(),
            broker: moodring_base::snapshot::BrokerState::Off,
            source: "",
            device: "",
            preview: false,
            now: moodring_core::frame::Millis(0),
            minute: 0,
        };
        let error = screen.show(&view).unwrap_err().to_string();
        assert!(
            error.contains("plugged in") && error.contains("display.screen"),
            "{error}"
        );
        // It rests before it tries again, without an error.
        assert!(screen.show(&view).is_ok());
        assert!(check(&settings).found.is_err());
    }
}

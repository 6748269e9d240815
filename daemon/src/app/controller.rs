//! Executes commands, whoever sends them, and keeps the published controls up to date.

use std::time::Instant;

use moodring_base::{
    command::{Calibrate, Command},
    config::{DisplaySettings, Settings},
    control::Controls,
};
use moodring_camera::CameraControl;
use moodring_core::{calibration::CalibrationStep, resting::Calibration};
use moodring_display::DisplayControls;
use moodring_store::notes::Notes;
use moodring_web::preview::Preview;
use tokio::sync::watch;

use super::{
    calibration::CalibrationFile, camera_off::CameraOffFile, cameras::Cameras, stills::Stills,
    vision_thread::Calibrating,
};

/// The controls of the vision thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct VisionControls {
    /// In percent, 0 to 100.
    pub(super) sensitivity: u8,
    /// How often somebody asked for the nets to be loaded again.
    pub(super) reloads: u32,
    /// The resting face that is subtracted.
    pub(super) calibration: Option<Calibration>,
    /// Which calibration is under way, counted from 1; `None`: none is.
    pub(super) calibrating: Option<u32>,
}

/// Executes commands.
pub(super) struct Controller {
    camera: CameraControl,
    off: CameraOffFile,
    calibration: CalibrationFile,
    stills: Stills,
    preview: Preview,
    display: DisplaySettings,
    cameras: Cameras,
    display_controls: watch::Sender<DisplayControls>,
    vision_controls: watch::Sender<VisionControls>,
    controls: watch::Sender<Controls>,
}

impl Controller {
    /// A controller for these settings, at this minute of the day.
    pub(super) fn new(
        settings: &Settings,
        camera: CameraControl,
        cameras: Cameras,
        preview: Preview,
        notes: Notes,
        has_display: bool,
        minute: u16,
    ) -> Self {
        let calibration = CalibrationFile::open(notes.clone());
        let vision_controls = VisionControls {
            sensitivity: settings.mood.sensitivity,
            reloads: 0,
            calibration: calibration.state().kept,
            calibrating: None,
        };
        let controls = Controls::new(settings, has_display, minute);
        let controller = Self {
            camera,
            off: CameraOffFile::new(notes),
            calibration,
            stills: Stills::new(
                &settings.camera.pictures,
                settings.mqtt.sends_camera_picture(),
            ),
            preview,
            display: settings.display.clone(),
            cameras,
            display_controls: watch::channel(DisplayControls::new(&settings.display)).0,
            vision_controls: watch::channel(vision_controls).0,
            controls: watch::channel(controls).0,
        };
        controller.publish_controls(minute);
        controller
    }

    pub(super) fn stills(&self) -> Stills {
        self.stills.clone()
    }

    pub(super) fn display_controls(&self) -> watch::Receiver<DisplayControls> {
        self.display_controls.subscribe()
    }

    pub(super) fn vision_controls(&self) -> watch::Receiver<VisionControls> {
        self.vision_controls.subscribe()
    }

    pub(super) fn controls(&self) -> watch::Receiver<Controls> {
        self.controls.subscribe()
    }

    /// The settings that can change while the daemon runs.
    pub(super) const TAKEN_OVER: [&str; 4] = [
        "display.brightness",
        "display.night_brightness",
        "display.theme",
        "mood.sensitivity",
    ];

    /// Takes over what changed in the settings since they were read; what people set since then stays where nothing changed.
    pub(super) fn take_over(&mut self, before: &Settings, now: &Settings, minute: u16) {
        let (was, display) = (&before.display, &now.display);
        if was.brightness != display.brightness {
            self.display.brightness = display.brightness;
        }
        if was.night_brightness != display.night_brightness {
            self.display.night_brightness = display.night_brightness;
        }
        let dim = self.display.clone();
        self.display_controls.send_modify(|controls| {
            let newest = DisplayControls::new(&dim);
            let theme = if was.theme == display.theme {
                controls.theme
            } else {
                display.theme
            };
            *controls = DisplayControls {
                on: controls.on,
                theme,
                ..newest
            };
        });
        if before.mood.sensitivity != now.mood.sensitivity {
            self.vision_controls
                .send_modify(|controls| controls.sensitivity = now.mood.sensitivity);
        }
        self.publish_controls(minute);
    }

    /// Does it, as of this minute of the day.
    pub(super) fn execute(&mut self, command: Command, minute: u16) {
        match command {
            Command::NextCamera if self.camera.next() => tracing::info!("going to the next camera"),
            Command::NextCamera => tracing::info!("the camera is off and stays so"),
            Command::ChooseCamera(name) => self.choose(&name),
            Command::Camera(switch) => {
                let on = self.camera.switch(switch);
                self.off.set(!on, Instant::now());
                tracing::info!("the camera is wanted {}", on_or_off(on));
            }
            Command::TakePicture => self.stills.ask(),
            Command::Preview(switch) => {
                let on = switch.apply(self.preview.until().is_some());
                let on = self.preview.switch(on);
                tracing::info!("the preview is {}", on_or_off(on));
            }
            Command::Display(switch) => {
                let on = switch.apply(self.display_controls.borrow().on);
                self.display_controls
                    .send_modify(|display_controls| display_controls.on = on);
                tracing::info!("the display is wanted {}", on_or_off(on));
            }
            Command::Brightness(percent) => self.dim(percent.min(100), minute),
            Command::Theme(theme) => self
                .display_controls
                .send_modify(|display_controls| display_controls.theme = theme),
            Command::Sensitivity(percent) => {
                self.vision_controls
                    .send_modify(|d| d.sensitivity = percent.min(100));
            }
            Command::Calibrate(asked) => self.calibrate(asked),
            Command::Restart => {
                tracing::info!("opening the camera and reading the nets again");
                self.vision_controls
                    .send_modify(|d| d.reloads = d.reloads.wrapping_add(1));
                self.camera.reopen();
            }
        }
        self.publish_controls(minute);
    }

    fn calibrate(&mut self, asked: Calibrate) {
        let calibrating = match asked {
            Calibrate::Start => Some(self.calibration.start()),
            Calibrate::Erase => {
                self.calibration.erase();
                None
            }
        };
        let kept = self.calibration.state().kept;
        self.vision_controls.send_modify(|controls| {
            controls.calibrating = calibrating;
            controls.calibration = kept;
        });
    }

    /// The vision thread learned something of a resting face.
    pub(super) fn calibrated(&mut self, progress: Calibrating, minute: u16) {
        let wanted = self.vision_controls.borrow().calibrating;
        let Some((run, step)) = progress.filter(|(run, _)| Some(*run) == wanted) else {
            return; // of one that was stopped meanwhile
        };
        self.calibration.take(step);
        if !matches!(step, CalibrationStep::Running(..)) {
            let kept = self.calibration.state().kept;
            self.vision_controls.send_modify(|controls| {
                controls.calibrating = None;
                controls.calibration = kept;
            });
            tracing::debug!("calibration {run} is over");
        }
        self.publish_controls(minute);
    }

    /// When a note waits to be written; `None`: none does.
    pub(super) fn note_due(&self) -> Option<Instant> {
        self.off.due()
    }

    /// Writes the note that waits.
    pub(super) fn write_note(&mut self) {
        self.off.write(Instant::now());
    }

    /// The camera thread did something: there may be another camera now.
    pub(super) fn look_at_cameras(&mut self, minute: u16) {
        self.cameras.look(self.camera.source());
        self.publish_controls(minute);
    }

    /// Call now and then: night may begin, and a camera may have been plugged in.
    pub(super) fn tick(&mut self, minute: u16) {
        if self.cameras.may_differ() {
            self.cameras.look(self.camera.source());
        }
        self.publish_controls(minute);
    }

    fn choose(&self, name: &str) {
        match self.cameras.named(name) {
            Some(source) => {
                tracing::info!("going to the camera {name}");
                self.camera.choose(source);
            }
            // It was there when somebody chose it.
            None => tracing::warn!("the camera {name} is gone; staying with this one"),
        }
    }

    /// Sets the brightness of the day or of the night, whichever it is now.
    fn dim(&mut self, percent: u8, minute: u16) {
        if self.display.night.holds(minute) {
            self.display.night_brightness = percent;
        } else {
            self.display.brightness = percent;
        }
        self.display_controls.send_modify(|display_controls| {
            display_controls.brightness = self.display.brightness;
            display_controls.night_brightness = self.display.night_brightness;
        });
    }

    /// Publishes the controls; receivers are notified of changes only.
    fn publish_controls(&self, minute: u16) {
        let (display_controls, vision_controls) = (
            *self.display_controls.borrow(),
            *self.vision_controls.borrow(),
        );
        let before = self.controls.borrow().clone();
        let now = Controls {
            camera_on: self.camera.is_on(),
            camera: self.cameras.name_of(self.camera.source()),
            cameras: self.cameras.names().to_vec(),
            display_on: display_controls.on,
            brightness: self.display.brightness_at(minute),
            theme: display_controls.theme,
            sensitivity: vision_controls.sensitivity,
            calibration: self.calibration.state(),
            preview_until: self.preview.until(),
            ..before
        };
        self.controls.send_if_modified(|controls| {
            let changed = *controls != now;
            *controls = now;
            changed
        });
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_base::{command::Switch, config::ThemeName};
    use moodring_camera::Source;

    const NOON: u16 = 12 * 60;
    const MIDNIGHT: u16 = 0;

    fn controller(settings: &str) -> Controller {
        let settings: Settings = toml::from_str(settings).unwrap();
        let source = |text: &str| text.parse::<Source>().unwrap();
        let others = vec![source("argus"), source("/dev/video7")];
        let cameras = Cameras::new(source("rpicam"), others);
        let preview = Preview::new(&settings.preview, moodring_base::clock::Clock::start());
        Controller::new(
            &settings,
            CameraControl::default(),
            cameras,
            preview,
            moodring_store::notes::Notes::none(),
            true,
            NOON,
        )
    }

    #[test]
    fn commands_reach_the_camera_and_the_published_controls() {
        let mut controller = controller("");
        let mut controls = controller.controls();
        assert!(controls.borrow_and_update().camera_on);
        assert_eq!(
            controls.borrow().cameras,
            ["rpicam", "argus", "/dev/video7"]
        );
        assert_eq!(controls.borrow().camera, "rpicam");
        controller.execute(Command::Camera(Switch::Toggle), NOON);
        assert!(!controls.borrow_and_update().camera_on);
        assert!(!controller.camera.next(), "it is off");
        controller.execute(Command::NextCamera, NOON);
        assert!(!controls.has_changed().unwrap(), "nothing changed");
        controller.execute(Command::Camera(Switch::On), NOON);
        assert!(controller.camera.next());
        controller.execute(Command::ChooseCamera("argus".into()), NOON);
        assert_eq!(controls.borrow().camera, "argus");
        assert_eq!(controller.camera.source(), Some(Source::Argus));
        controller.execute(Command::ChooseCamera("cmd:reboot".into()), NOON);
        assert_eq!(controls.borrow().camera, "argus");
    }

    #[test]
    fn the_preview_is_on_only_where_the_settings_allow_it() {
        let mut closed = controller("");
        closed.execute(Command::Preview(Switch::On), NOON);
        assert_eq!(closed.controls().borrow().preview_until, None);
        let mut open = controller("[preview]\nallowed = true\nlimit_s = 60");
        open.execute(Command::Preview(Switch::On), NOON);
        let until = open.controls().borrow().preview_until;
        assert!(until.is_some_and(|until| (60_000..70_000).contains(&until.0)));
        open.execute(Command::Preview(Switch::Toggle), NOON);
        assert_eq!(open.controls().borrow().preview_until, None);
    }

    #[test]
    fn display_and_sensitivity_reach_their_threads() {
        let text = "[display]\nnight = \"22:00-07:00\"\nbrightness = 80\nnight_brightness = 5";
        let mut controller = controller(text);
        let (display_controls, vision_controls, controls) = (
            controller.display_controls(),
            controller.vision_controls(),
            controller.controls(),
        );
        assert_eq!(controls.borrow().brightness, 80);
        controller.tick(MIDNIGHT);
        assert_eq!(controls.borrow().brightness, 5);
        controller.execute(Command::Brightness(9), MIDNIGHT);
        controller.execute(Command::Brightness(70), NOON);
        let published = *display_controls.borrow();
        assert_eq!((published.brightness, published.night_brightness), (70, 9));
        assert_eq!(controls.borrow().brightness, 70);
        controller.execute(Command::Display(Switch::Toggle), NOON);
        assert!(!display_controls.borrow().on && !controls.borrow().display_on);
        controller.execute(Command::Theme(ThemeName::Mono), NOON);
        let themes = (display_controls.borrow().theme, controls.borrow().theme);
        assert_eq!(themes, (ThemeName::Mono, ThemeName::Mono));
        controller.execute(Command::Sensitivity(90), NOON);
        controller.execute(Command::Restart, NOON);
        let expected = VisionControls {
            sensitivity: 90,
            reloads: 1,
            calibration: None,
            calibrating: None,
        };
        assert_eq!(*vision_controls.borrow(), expected);
        assert_eq!(controls.borrow().sensitivity, 90);
    }
}

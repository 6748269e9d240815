//! Where commands arrive, whoever gives them; and what keeps the controls true.

use std::time::Instant;

use tokio::sync::watch;

use super::{album::Album, cameras::Cameras, keep::OffNote};
use crate::{
    camera::Control,
    command::Command,
    config::{DisplaySettings, Settings},
    control::Controls,
    display::Wish,
    preview::Preview,
};

/// How the vision thread is to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dials {
    /// 0 to 100 percent.
    pub(super) sensitivity: u8,
    /// How often the nets are to have been read again.
    pub(super) reloads: u32,
}

/// Does what is asked.
pub(super) struct Desk {
    camera: Control,
    off: OffNote,
    album: Album,
    preview: Preview,
    display: DisplaySettings,
    cameras: Cameras,
    wish: watch::Sender<Wish>,
    dials: watch::Sender<Dials>,
    controls: watch::Sender<Controls>,
}

impl Desk {
    /// A desk for what the settings describe, at this minute of the day.
    pub(super) fn new(
        settings: &Settings,
        camera: Control,
        cameras: Cameras,
        preview: Preview,
        off: OffNote,
        has_display: bool,
        minute: u16,
    ) -> Self {
        let dials = Dials {
            sensitivity: settings.mood.sensitivity,
            reloads: 0,
        };
        let controls = Controls::new(settings, has_display, minute);
        let desk = Self {
            camera,
            off,
            album: Album::new(&settings.camera.pictures),
            preview,
            display: settings.display.clone(),
            cameras,
            wish: watch::channel(Wish::new(&settings.display)).0,
            dials: watch::channel(dials).0,
            controls: watch::channel(controls).0,
        };
        desk.tell(minute);
        desk
    }

    pub(super) fn album(&self) -> Album {
        self.album.clone()
    }

    pub(super) fn wish(&self) -> watch::Receiver<Wish> {
        self.wish.subscribe()
    }

    pub(super) fn dials(&self) -> watch::Receiver<Dials> {
        self.dials.subscribe()
    }

    pub(super) fn controls(&self) -> watch::Receiver<Controls> {
        self.controls.subscribe()
    }

    /// Does it, as of this minute of the day.
    pub(super) fn obey(&mut self, command: Command, minute: u16) {
        match command {
            Command::NextCamera if self.camera.next() => tracing::info!("going to the next camera"),
            Command::NextCamera => tracing::info!("the camera is off and stays so"),
            Command::ChooseCamera(name) => self.choose(&name),
            Command::Camera(switch) => {
                let on = self.camera.switch(switch);
                self.off.set(!on, Instant::now());
                tracing::info!("the camera is wanted {}", on_or_off(on));
            }
            Command::TakePicture => self.album.ask(),
            Command::Preview(switch) => {
                let on = switch.apply(self.preview.until().is_some());
                let on = self.preview.switch(on);
                tracing::info!("the preview is {}", on_or_off(on));
            }
            Command::Display(switch) => {
                let on = switch.apply(self.wish.borrow().on);
                self.wish.send_modify(|wish| wish.on = on);
                tracing::info!("the display is wanted {}", on_or_off(on));
            }
            Command::Brightness(percent) => self.dim(percent.min(100), minute),
            Command::Theme(theme) => self.wish.send_modify(|wish| wish.theme = theme),
            Command::Sensitivity(percent) => {
                self.dials.send_modify(|d| d.sensitivity = percent.min(100));
            }
            Command::Restart => {
                tracing::info!("opening the camera and reading the nets again");
                self.dials
                    .send_modify(|d| d.reloads = d.reloads.wrapping_add(1));
                self.camera.reopen();
            }
        }
        self.tell(minute);
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
        self.tell(minute);
    }

    /// Time passed: it may be night, and a camera may have been plugged in.
    pub(super) fn pass(&mut self, minute: u16) {
        if self.cameras.may_differ() {
            self.cameras.look(self.camera.source());
        }
        self.tell(minute);
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

    /// By day it is the day's brightness that is set, at night the night's.
    fn dim(&mut self, percent: u8, minute: u16) {
        if self.display.night.holds(minute) {
            self.display.night_brightness = percent;
        } else {
            self.display.brightness = percent;
        }
        self.wish.send_modify(|wish| {
            wish.brightness = self.display.brightness;
            wish.night_brightness = self.display.night_brightness;
        });
    }

    /// Makes the controls true; who watches hears only of a change.
    fn tell(&self, minute: u16) {
        let (wish, dials) = (*self.wish.borrow(), *self.dials.borrow());
        let before = self.controls.borrow().clone();
        let now = Controls {
            camera_on: self.camera.is_on(),
            camera: self.cameras.name_of(self.camera.source()),
            cameras: self.cameras.names().to_vec(),
            display_on: wish.on,
            brightness: self.display.brightness_at(minute),
            theme: wish.theme,
            sensitivity: dials.sensitivity,
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
    use crate::{camera::Source, command::Switch, config::ThemeName};

    const NOON: u16 = 12 * 60;
    const MIDNIGHT: u16 = 0;

    fn desk(settings: &str) -> Desk {
        let settings: Settings = toml::from_str(settings).unwrap();
        let source = |text: &str| text.parse::<Source>().unwrap();
        let others = vec![source("argus"), source("/dev/video7")];
        let cameras = Cameras::new(source("rpicam"), others);
        let preview = Preview::new(&settings.preview, crate::clock::Clock::start());
        let off = OffNote::new(crate::notes::Notes::none());
        Desk::new(
            &settings,
            Control::default(),
            cameras,
            preview,
            off,
            true,
            NOON,
        )
    }

    #[test]
    fn commands_reach_the_camera_and_the_controls_say_so() {
        let mut desk = desk("");
        let mut controls = desk.controls();
        assert!(controls.borrow_and_update().camera_on);
        assert_eq!(
            controls.borrow().cameras,
            ["rpicam", "argus", "/dev/video7"]
        );
        assert_eq!(controls.borrow().camera, "rpicam");
        desk.obey(Command::Camera(Switch::Toggle), NOON);
        assert!(!controls.borrow_and_update().camera_on);
        assert!(!desk.camera.next(), "it is off");
        desk.obey(Command::NextCamera, NOON);
        assert!(!controls.has_changed().unwrap(), "nothing changed");
        desk.obey(Command::Camera(Switch::On), NOON);
        assert!(desk.camera.next());
        desk.obey(Command::ChooseCamera("argus".into()), NOON);
        assert_eq!(controls.borrow().camera, "argus");
        assert_eq!(desk.camera.source(), Some(Source::Argus));
        desk.obey(Command::ChooseCamera("cmd:reboot".into()), NOON);
        assert_eq!(controls.borrow().camera, "argus");
    }

    #[test]
    fn the_preview_is_on_only_where_the_settings_allow_it() {
        let mut closed = desk("");
        closed.obey(Command::Preview(Switch::On), NOON);
        assert_eq!(closed.controls().borrow().preview_until, None);
        let mut open = desk("[preview]\nallowed = true\nlimit_s = 60");
        open.obey(Command::Preview(Switch::On), NOON);
        let until = open.controls().borrow().preview_until;
        assert!(until.is_some_and(|until| (60_000..70_000).contains(&until.0)));
        open.obey(Command::Preview(Switch::Toggle), NOON);
        assert_eq!(open.controls().borrow().preview_until, None);
    }

    #[test]
    fn the_display_and_the_sensitivity_are_told_on() {
        let text = "[display]\nnight = \"22:00-07:00\"\nbrightness = 80\nnight_brightness = 5";
        let mut desk = desk(text);
        let (wish, dials, controls) = (desk.wish(), desk.dials(), desk.controls());
        assert_eq!(controls.borrow().brightness, 80);
        desk.pass(MIDNIGHT);
        assert_eq!(controls.borrow().brightness, 5);
        desk.obey(Command::Brightness(9), MIDNIGHT);
        desk.obey(Command::Brightness(70), NOON);
        let told = *wish.borrow();
        assert_eq!((told.brightness, told.night_brightness), (70, 9));
        assert_eq!(controls.borrow().brightness, 70);
        desk.obey(Command::Display(Switch::Toggle), NOON);
        assert!(!wish.borrow().on && !controls.borrow().display_on);
        desk.obey(Command::Theme(ThemeName::Mono), NOON);
        let themes = (wish.borrow().theme, controls.borrow().theme);
        assert_eq!(themes, (ThemeName::Mono, ThemeName::Mono));
        desk.obey(Command::Sensitivity(90), NOON);
        desk.obey(Command::Restart, NOON);
        let expected = Dials {
            sensitivity: 90,
            reloads: 1,
        };
        assert_eq!(*dials.borrow(), expected);
        assert_eq!(controls.borrow().sensitivity, 90);
    }
}

//! What people ask a running daemon to do, from buttons, MQTT and the web page. One mailbox for all.
//!
//! Texts from outside become commands in [`parse`], the only door; who is asked to do them is `app::desk`.

mod limit;
mod mailbox;
mod text;

use crate::config::ThemeName;

pub use mailbox::{CommandReceiver, CommandSender, TooMany, channel};
pub use text::{CommandError, ControlName, MAX_BYTES, parse};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take the next camera.
    NextCamera,
    /// Take this camera, by the name that [`Controls::cameras`](crate::control::Controls::cameras) lists.
    ChooseCamera(String),
    /// Switch the camera on or off; off closes the device, so that its light goes out.
    Camera(Switch),
    /// Keep one picture, if the settings allow it.
    TakePicture,
    /// Show the camera's picture to who may see the page, for a while, if the settings allow it; or no longer.
    Preview(Switch),
    /// Switch the display on or off; off is dark.
    Display(Switch),
    /// How bright the display is, 0 to 100 percent.
    Brightness(u8),
    /// The face's colours.
    Theme(ThemeName),
    /// How quickly the mood follows a face, 0 to 100 percent, see
    /// [`MoodSettings::at_sensitivity`](crate::config::MoodSettings::at_sensitivity).
    Sensitivity(u8),
    /// Close the camera and open it again, and read the nets again.
    Restart,
}

/// On, off, or the other of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// What it is not now.
    Toggle,
}

impl Switch {
    /// What follows from it.
    pub const fn apply(self, on: bool) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Toggle => !on,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_says_what_follows() {
        let after = |switch: Switch| [switch.apply(false), switch.apply(true)];
        assert_eq!(after(Switch::On), [true, true]);
        assert_eq!(after(Switch::Off), [false, false]);
        assert_eq!(after(Switch::Toggle), [true, false]);
    }
}

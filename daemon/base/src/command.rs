//! The commands that people give a running daemon, by buttons, MQTT and the web page. One mailbox for all.
//!
//! [`parse`] makes commands from texts; `app::controller` executes them.

mod limit;
mod mailbox;
mod text;

use crate::config::ThemeName;

pub use mailbox::{CommandReceiver, CommandSender, TooMany, channel};
pub use text::{CommandError, ControlName, MAX_BYTES, parse};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Switch to the next camera.
    NextCamera,
    /// Switch to this camera, by a name that [`Controls::cameras`](crate::control::Controls::cameras) lists.
    ChooseCamera(String),
    /// Switch the camera on or off; off closes the device, so that its light goes out.
    Camera(Switch),
    /// Save one picture, if the settings allow it.
    TakePicture,
    /// Show the camera's picture on the page for a while, if the settings allow it; or stop showing it.
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
    /// Learn the resting face of the one person in view, or forget it: see [`moodring_core::calibration`].
    Calibrate(Calibrate),
    /// Close the camera and open it again, and read the nets again.
    Restart,
}

/// What is asked of the kept resting face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calibrate {
    /// Learn it anew from whoever is in view.
    Start,
    /// Forget it, or stop learning it.
    Erase,
}

/// On, off, or the other of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// The opposite of what it is now.
    Toggle,
}

impl Switch {
    /// The new value, from the present one.
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
    fn a_switch_decides_the_next_state() {
        let after = |switch: Switch| [switch.apply(false), switch.apply(true)];
        assert_eq!(after(Switch::On), [true, true]);
        assert_eq!(after(Switch::Off), [false, false]);
        assert_eq!(after(Switch::Toggle), [true, false]);
    }
}

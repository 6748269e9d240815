//! What people ask a running daemon to do, from buttons today and from MQTT and the web page tomorrow. One channel for all.

use tokio::sync::mpsc;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take the next camera.
    NextCamera,
    /// Switch the camera on or off; off closes the device, so that its light goes out.
    Camera(Switch),
    /// Keep one picture, if the settings allow it.
    TakePicture,
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

/// Where requests go in. Clones share the channel; people are slow, so it never needs a bound.
pub type Sender = mpsc::UnboundedSender<Command>;
/// Where the daemon hears them.
pub type Receiver = mpsc::UnboundedReceiver<Command>;

/// A channel.
pub fn channel() -> (Sender, Receiver) {
    mpsc::unbounded_channel()
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

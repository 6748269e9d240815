//! GPIO lines by the kernel's character device: finds them by the chip's label, drives outputs, watches buttons.
//!
//! | file | what it does |
//! |---|---|
//! | [`chip`] | finds the chip and offset of a pin: by the chip's label, never by its number |
//! | [`header`] | the 40-pin header, and its lines on a Jetson |
//! | [`pinmux`] | what a Jetson's pins are set to |
//! | [`wires`] | which part of the settings is on which pin; what is on one pin twice |
//! | [`mod@line`] | an output |
//! | [`edges`] | watches lines for edges |
//! | [`button`] | turns edges into presses; time comes in as data |
//! | [`buttons`] | the thread that turns presses into commands |

pub mod button;
pub mod buttons;
pub mod chip;
pub mod edges;
pub mod header;
pub mod line;
pub mod pinmux;
pub mod wires;

pub use chip::{Chips, LineAddress};
pub use line::{LineError, OutputLine};

/// The program that uses a line, as `gpioinfo` shows it.
pub const CONSUMER: &str = "moodring";

/// Why a GPIO line cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpioError {
    /// There is no GPIO character device at all.
    #[error(
        "this machine shows no GPIO chip. On a Raspberry Pi or Jetson: is the user in the group `gpio` \
         (sudo usermod -aG gpio $USER, then log in again)? In a container: is /dev/gpiochip* passed in?"
    )]
    NoChip,
    /// None of the chips has the label.
    #[error(
        "no GPIO chip is labelled {wanted}; there are: {there}. `gpiodetect` lists them; set panel.gpio_chip to the one \
         with the 40-pin header"
    )]
    NoSuchChip {
        /// The labels that were searched for.
        wanted: String,
        /// The labels that exist.
        there: String,
    },
    /// A Jetson on a carrier board or with a module that is not known.
    #[error(
        "the 40-pin header of this Jetson is not known (/proc/device-tree/compatible): take the kernel's names instead of \
         numbers, such as dc = \"PP.04\"; `gpioinfo` lists them"
    )]
    UnknownJetson,
    /// No line has the name, or the chip has no such number.
    #[error("there is no GPIO line {pin} on {chip}. `gpioinfo` lists them")]
    NoSuchLine {
        /// The pin.
        pin: String,
        /// Where it was searched.
        chip: String,
    },
    /// The kernel refuses the line.
    #[error("GPIO line {pin} cannot be had: {reason}. {way_out}")]
    Refused {
        /// The pin.
        pin: String,
        /// The cause.
        reason: String,
        /// What the user can do.
        way_out: &'static str,
    },
}

/// The way to mend a refused line.
fn way_out(error: &gpiocdev::Error) -> &'static str {
    let text = error.to_string();
    let has = |parts: [&str; 2]| parts.iter().any(|part| text.contains(part));
    if has(["EACCES", "denied"]) {
        "Join the group: sudo usermod -aG gpio $USER, then log in again"
    } else if has(["EBUSY", "busy"]) {
        "Something else holds it: `gpioinfo` shows what (another program, or a dtoverlay in /boot/firmware/config.txt)"
    } else {
        "`gpioinfo` lists the lines and who uses them"
    }
}

//! A line that is driven, as embedded-hal sees it.

use embedded_hal::digital::{ErrorType, OutputPin};
use gpiocdev::{Request, line::Value};

use super::{CONSUMER, GpioError, LineAddress, way_out};
use crate::{config::pin::Pin, display::spi::interface::InterfaceError};

/// An output. It is given back to the kernel when it is dropped.
#[derive(Debug)]
pub struct OutputLine {
    request: Request,
    name: String,
}

impl OutputLine {
    /// Takes the line and sets it.
    ///
    /// # Errors
    /// [`GpioError::Refused`] with the cause and the way out.
    pub fn open(pin: &Pin, place: &LineAddress, high: bool) -> Result<Self, GpioError> {
        let request = Request::builder()
            .on_chip(&place.chip)
            .with_consumer(CONSUMER)
            .with_line(place.offset)
            .as_output(value(high))
            .request();
        let request = request.map_err(|error| GpioError::Refused {
            pin: pin.to_string(),
            reason: error.to_string(),
            way_out: way_out(&error),
        })?;
        Ok(Self {
            request,
            name: pin.to_string(),
        })
    }

    fn set(&self, high: bool) -> Result<(), InterfaceError> {
        let set = self.request.set_lone_value(value(high));
        set.map_err(|error| InterfaceError(format!("{}: {error}", self.name)))
    }
}

fn value(high: bool) -> Value {
    if high { Value::Active } else { Value::Inactive }
}

impl ErrorType for OutputLine {
    type Error = InterfaceError;
}

impl OutputPin for OutputLine {
    fn set_low(&mut self) -> Result<(), InterfaceError> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), InterfaceError> {
        self.set(true)
    }
}

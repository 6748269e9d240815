//! A GPIO output, as embedded-hal wants it.

use embedded_hal::digital::{self, ErrorType, OutputPin};
use gpiocdev::{Request, line::Value};
use moodring_base::config::pin::Pin;

use super::{CONSUMER, GpioError, LineAddress, way_out};

/// Why a line's level could not be set; the text names the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LineError(pub String);

impl digital::Error for LineError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

/// An output. Dropping it returns the line to the kernel.
#[derive(Debug)]
pub struct OutputLine {
    request: Request,
    name: String,
}

impl OutputLine {
    /// Requests the line as an output and sets it.
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

    fn set(&self, high: bool) -> Result<(), LineError> {
        let set = self.request.set_lone_value(value(high));
        set.map_err(|error| LineError(format!("{}: {error}", self.name)))
    }
}

fn value(high: bool) -> Value {
    if high { Value::Active } else { Value::Inactive }
}

impl ErrorType for OutputLine {
    type Error = LineError;
}

impl OutputPin for OutputLine {
    fn set_low(&mut self) -> Result<(), LineError> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), LineError> {
        self.set(true)
    }
}

//! Sends commands and data to a display's chip, over SPI with a D/C line or over I2C. Knows no chip.

use embedded_hal::{
    digital::{self, OutputPin},
    i2c::{self, I2c},
    spi::{self, SpiDevice},
};

use crate::gpio::LineError;

/// Why bytes or a pin's level could not be sent; the text names the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InterfaceError(pub String);

impl From<LineError> for InterfaceError {
    fn from(error: LineError) -> Self {
        Self(error.0)
    }
}

impl spi::Error for InterfaceError {
    fn kind(&self) -> spi::ErrorKind {
        spi::ErrorKind::Other
    }
}

impl digital::Error for InterfaceError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

impl i2c::Error for InterfaceError {
    fn kind(&self) -> i2c::ErrorKind {
        i2c::ErrorKind::Other
    }
}

/// The interface to a display's chip.
pub trait DisplayInterface: Send {
    /// Sends bytes as commands.
    ///
    /// # Errors
    /// [`InterfaceError`] if they could not be sent; then the chip's state is unknown.
    fn command(&mut self, bytes: &[u8]) -> Result<(), InterfaceError>;

    /// Sends bytes as data: of the last command, or for the chip's memory.
    ///
    /// # Errors
    /// As [`DisplayInterface::command`].
    fn data(&mut self, bytes: &[u8]) -> Result<(), InterfaceError>;
}

/// An interface and a line that must keep its level as long as the interface is used: many kernels return a dropped line
/// to an input, and a chip whose reset line floats may stay in reset.
pub struct WithHeldLine<L> {
    interface: Box<dyn DisplayInterface>,
    _line: L,
}

impl<L: Send + 'static> WithHeldLine<L> {
    /// Holds `line` for `interface`.
    pub fn new(interface: Box<dyn DisplayInterface>, line: L) -> Self {
        Self {
            interface,
            _line: line,
        }
    }
}

impl<L: Send> DisplayInterface for WithHeldLine<L> {
    fn command(&mut self, bytes: &[u8]) -> Result<(), InterfaceError> {
        self.interface.command(bytes)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), InterfaceError> {
        self.interface.data(bytes)
    }
}

/// SPI with a line that marks bytes as data (high) or as a command (low).
#[derive(Debug)]
pub struct SpiInterface<S, P> {
    spi: S,
    dc: P,
    /// The line's level; `None` before the first byte and after an error.
    level: Option<bool>,
    chunk: usize,
}

impl<S: SpiDevice, P: OutputPin> SpiInterface<S, P> {
    /// An interface that sends at most `chunk` bytes at once, as many as the device takes (1 or more).
    pub fn new(spi: S, dc: P, chunk: usize) -> Self {
        Self {
            spi,
            dc,
            level: None,
            chunk: chunk.max(1),
        }
    }

    fn send(&mut self, is_data: bool, bytes: &[u8]) -> Result<(), InterfaceError> {
        if self.level != Some(is_data) {
            self.level = None;
            let set = self.dc.set_state(is_data.into());
            set.map_err(|error| InterfaceError(format!("the D/C line: {error:?}")))?;
            self.level = Some(is_data);
        }
        for chunk in bytes.chunks(self.chunk) {
            self.spi
                .write(chunk)
                .map_err(|error| InterfaceError(format!("SPI: {error:?}")))?;
        }
        Ok(())
    }
}

impl<S: SpiDevice + Send, P: OutputPin + Send> DisplayInterface for SpiInterface<S, P> {
    fn command(&mut self, bytes: &[u8]) -> Result<(), InterfaceError> {
        self.send(false, bytes)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), InterfaceError> {
        self.send(true, bytes)
    }
}

/// I2C with a control byte before commands (0x00) and data (0x40), as mono OLEDs want it (SSD1306, 8.1.5.2).
#[derive(Debug)]
pub struct I2cInterface<B> {
    bus: B,
    address: u8,
    packet: Vec<u8>,
}

impl<B: I2c> I2cInterface<B> {
    /// Data bytes in one message: a page's row, which stays below every driver's limit.
    const CHUNK: usize = 132;

    /// An interface to the chip at `address`.
    pub fn new(bus: B, address: u8) -> Self {
        Self {
            bus,
            address,
            packet: Vec::with_capacity(Self::CHUNK + 1),
        }
    }

    fn send(&mut self, control: u8, bytes: &[u8]) -> Result<(), InterfaceError> {
        for chunk in bytes.chunks(Self::CHUNK) {
            self.packet.clear();
            self.packet.push(control);
            self.packet.extend_from_slice(chunk);
            let sent = self.bus.write(self.address, &self.packet);
            sent.map_err(|e| InterfaceError(format!("I2C address {:#04x}: {e:?}", self.address)))?;
        }
        Ok(())
    }
}

impl<B: I2c + Send> DisplayInterface for I2cInterface<B> {
    fn command(&mut self, bytes: &[u8]) -> Result<(), InterfaceError> {
        self.send(0x00, bytes)
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), InterfaceError> {
        self.send(0x40, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Records what happens on the device and the line, in order.
    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl Recorder {
        fn note(&self, text: String) -> Result<(), InterfaceError> {
            self.0.lock().unwrap().push(text);
            Ok(())
        }
    }

    impl spi::ErrorType for Recorder {
        type Error = InterfaceError;
    }

    impl SpiDevice for Recorder {
        fn transaction(
            &mut self,
            all: &mut [spi::Operation<'_, u8>],
        ) -> Result<(), InterfaceError> {
            for operation in all {
                let spi::Operation::Write(bytes) = operation else {
                    panic!("only writes")
                };
                self.note(format!("{} bytes", bytes.len()))?;
            }
            Ok(())
        }
    }

    impl digital::ErrorType for Recorder {
        type Error = InterfaceError;
    }

    impl OutputPin for Recorder {
        fn set_low(&mut self) -> Result<(), InterfaceError> {
            self.note("low".into())
        }

        fn set_high(&mut self) -> Result<(), InterfaceError> {
            self.note("high".into())
        }
    }

    impl i2c::ErrorType for Recorder {
        type Error = InterfaceError;
    }

    impl I2c for Recorder {
        fn transaction(
            &mut self,
            address: u8,
            all: &mut [i2c::Operation<'_>],
        ) -> Result<(), InterfaceError> {
            for operation in all {
                let i2c::Operation::Write(bytes) = operation else {
                    panic!("only writes")
                };
                self.note(format!("{address:x}: {} {}", bytes[0], bytes.len()))?;
            }
            Ok(())
        }
    }

    #[test]
    fn spi_is_cut_into_chunks_and_the_line_moves_only_when_it_must() {
        let notes = Recorder::default();
        let mut interface = SpiInterface::new(notes.clone(), notes.clone(), 4096);
        interface.command(&[0x2a]).unwrap();
        interface.command(&[]).unwrap();
        interface.data(&[0; 4]).unwrap();
        interface.data(&[0; 9000]).unwrap();
        let expected = [
            "low",
            "1 bytes",
            "high",
            "4 bytes",
            "4096 bytes",
            "4096 bytes",
            "808 bytes",
        ];
        assert_eq!(*notes.0.lock().unwrap(), expected);
    }

    #[test]
    fn a_line_is_held_as_long_as_its_interface() {
        /// Returns to an input when it is dropped.
        struct ResetLine(Recorder);
        impl Drop for ResetLine {
            fn drop(&mut self) {
                self.0.note("input".into()).unwrap();
            }
        }
        let notes = Recorder::default();
        let spi = SpiInterface::new(notes.clone(), notes.clone(), 4096);
        let mut held = WithHeldLine::new(Box::new(spi), ResetLine(notes.clone()));
        held.command(&[0xae]).unwrap();
        held.data(&[1, 2]).unwrap();
        let sent = ["low", "1 bytes", "high", "2 bytes"];
        assert_eq!(*notes.0.lock().unwrap(), sent);
        drop(held);
        assert_eq!(notes.0.lock().unwrap().last().unwrap(), "input");
    }

    #[test]
    fn i2c_has_a_control_byte_in_each_message() {
        let notes = Recorder::default();
        let mut interface = I2cInterface::new(notes.clone(), 0x3c);
        interface.command(&[0xae]).unwrap();
        interface.data(&[0; 200]).unwrap();
        assert_eq!(
            *notes.0.lock().unwrap(),
            ["3c: 0 2", "3c: 64 133", "3c: 64 69"]
        );
    }
}

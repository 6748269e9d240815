//! Fake devices: SPI with its D/C line, and I2C, that hand what they get to a chip of the harness.

use std::sync::{Arc, Mutex};

use embedded_hal::{
    digital::{self, OutputPin},
    i2c::{self, I2c},
    spi::{self, SpiDevice},
};
use moodring_display::spi::interface::InterfaceError;
use moodring_tests::panel::{Dcs, Pages, Ssd1351};

/// What reads the bytes.
pub(super) trait Reader: Send + 'static {
    fn take(&mut self, is_data: bool, bytes: &[u8]);
}

impl Reader for Dcs {
    fn take(&mut self, is_data: bool, bytes: &[u8]) {
        Dcs::take(self, is_data, bytes);
    }
}

impl Reader for Pages {
    fn take(&mut self, is_data: bool, bytes: &[u8]) {
        Pages::take(self, is_data, bytes);
    }
}

impl Reader for Ssd1351 {
    fn take(&mut self, is_data: bool, bytes: &[u8]) {
        Ssd1351::take(self, is_data, bytes);
    }
}

/// A device node whose chip can be looked at.
pub(super) struct Device<C>(Arc<Mutex<Inner<C>>>);

struct Inner<C> {
    chip: C,
    is_data: bool,
    bytes: usize,
    /// Fails from here on, as an unplugged device does.
    broken: bool,
    /// Fails once so many more messages came through.
    breaks_after: Option<usize>,
}

impl<C> Clone for Device<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Reader> Device<C> {
    pub(super) fn new(chip: C) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            chip,
            is_data: false,
            bytes: 0,
            broken: false,
            breaks_after: None,
        })))
    }

    /// Asks the chip.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&C) -> T) -> T {
        question(&self.0.lock().unwrap().chip)
    }

    /// Another chip: what plugging out and in makes of it.
    pub(super) fn replace(&self, chip: C) {
        let mut inner = self.0.lock().unwrap();
        (inner.chip, inner.broken, inner.breaks_after) = (chip, false, None);
    }

    pub(super) fn break_after(&self, messages: usize) {
        self.0.lock().unwrap().breaks_after = Some(messages);
    }

    /// Bytes since the last call.
    pub(super) fn take_bytes(&self) -> usize {
        std::mem::take(&mut self.0.lock().unwrap().bytes)
    }

    fn message(&self, is_data: Option<bool>, bytes: &[u8]) -> Result<(), InterfaceError> {
        // As spidev's EMSGSIZE.
        assert!(bytes.len() <= 4096, "{} bytes at once", bytes.len());
        assert!(!bytes.is_empty(), "an empty message");
        let mut inner = self.0.lock().unwrap();
        if let Some(left) = &mut inner.breaks_after {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => inner.broken = true,
            }
        }
        if inner.broken {
            return Err(InterfaceError("EIO".into()));
        }
        inner.bytes += bytes.len();
        let is_data = is_data.unwrap_or(inner.is_data);
        inner.chip.take(is_data, bytes);
        Ok(())
    }
}

impl<C> spi::ErrorType for Device<C> {
    type Error = InterfaceError;
}

impl<C: Reader> SpiDevice for Device<C> {
    fn transaction(&mut self, all: &mut [spi::Operation<'_, u8>]) -> Result<(), InterfaceError> {
        all.iter().try_for_each(|operation| match operation {
            spi::Operation::Write(bytes) => self.message(None, bytes),
            other => panic!("a display is only written: {other:?}"),
        })
    }
}

impl<C> i2c::ErrorType for Device<C> {
    type Error = InterfaceError;
}

impl<C: Reader> I2c for Device<C> {
    fn transaction(
        &mut self,
        address: u8,
        all: &mut [i2c::Operation<'_>],
    ) -> Result<(), InterfaceError> {
        assert_eq!(address, 0x3c);
        all.iter().try_for_each(|operation| match operation {
            i2c::Operation::Write([0x00, bytes @ ..]) => self.message(Some(false), bytes),
            i2c::Operation::Write([0x40, bytes @ ..]) => self.message(Some(true), bytes),
            other => panic!("no message for an OLED: {other:?}"),
        })
    }
}

/// The D/C line of a device.
pub(super) struct DcLine<C>(pub(super) Device<C>);

impl<C> digital::ErrorType for DcLine<C> {
    type Error = InterfaceError;
}

impl<C: Reader> OutputPin for DcLine<C> {
    fn set_low(&mut self) -> Result<(), InterfaceError> {
        self.0.0.lock().unwrap().is_data = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), InterfaceError> {
        self.0.0.lock().unwrap().is_data = true;
        Ok(())
    }
}

/// Waits for nothing.
pub(super) struct NoDelay;

impl embedded_hal::delay::DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

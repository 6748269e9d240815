//! SPI and its pins by rppal, for users who must avoid the kernel's GPIO driver. Raspberry Pi only.

use std::{thread, time::Duration};

use embedded_hal::{
    digital::{ErrorType, OutputPin},
    spi::SpiDevice,
};
use moodring_base::config::{
    board::{Board, SpiMode},
    pin::Pin,
};
use rppal::{
    gpio::{self, Gpio},
    spi::{Bus, Mode, SimpleHalSpiDevice, SlaveSelect, Spi},
};

use super::interface::{DisplayInterface, InterfaceError, SpiInterface, WithHeldLine};

/// The way to mend it.
pub(super) const WAY_OUT: &str = "rppal works on a Raspberry Pi with /dev/spidevB.C and GPIO numbers; else set panel.driver = \"kernel\"";

/// Resets the chip and returns the interface to it.
pub(super) fn interface(board: &Board) -> Result<Box<dyn DisplayInterface>, InterfaceError> {
    let gpio = Gpio::new().map_err(|error| InterfaceError(error.to_string()))?;
    let reset_line = match board.reset {
        Pin::None => None,
        _ => Some(reset(output(&gpio, &board.reset)?)?),
    };
    let (bus, select) = numbers(&board.bus)?;
    let spi = Spi::new(bus, select, board.speed_hz, mode(board.mode))
        .map_err(|error| InterfaceError(format!("{}: {error}", board.bus)))?;
    let device = RppalSpi(SimpleHalSpiDevice::new(spi));
    // rppal does not split messages.
    let spi = Box::new(SpiInterface::new(device, output(&gpio, &board.dc)?, 4096));
    Ok(match reset_line {
        Some(line) => Box::new(WithHeldLine::new(spi, line)),
        None => spi,
    })
}

/// A pulse; the line stays high as long as it is held.
fn reset(mut line: RppalPin) -> Result<RppalPin, InterfaceError> {
    for (high, wait_ms) in [(true, 5), (false, 20), (true, 150)] {
        line.set_state(high.into())?;
        thread::sleep(Duration::from_millis(wait_ms));
    }
    Ok(line)
}

fn mode(mode: SpiMode) -> Mode {
    match mode {
        SpiMode::Mode0 => Mode::Mode0,
        SpiMode::Mode1 => Mode::Mode1,
        SpiMode::Mode2 => Mode::Mode2,
        SpiMode::Mode3 => Mode::Mode3,
    }
}

fn numbers(node: &str) -> Result<(Bus, SlaveSelect), InterfaceError> {
    let wrong = || InterfaceError(format!("rppal has no {node}"));
    let (bus, select) = node
        .strip_prefix("/dev/spidev")
        .and_then(|rest| rest.split_once('.'))
        .ok_or_else(wrong)?;
    let bus = match bus {
        "0" => Bus::Spi0,
        "1" => Bus::Spi1,
        _ => return Err(wrong()),
    };
    let select = match select {
        "0" => SlaveSelect::Ss0,
        "1" => SlaveSelect::Ss1,
        "2" => SlaveSelect::Ss2,
        _ => return Err(wrong()),
    };
    Ok((bus, select))
}

fn output(gpio: &Gpio, pin: &Pin) -> Result<RppalPin, InterfaceError> {
    let Pin::Gpio(number) = pin else {
        return Err(InterfaceError(format!(
            "rppal knows GPIO numbers, not {pin}"
        )));
    };
    let pin = gpio
        .get(*number)
        .map_err(|error| InterfaceError(error.to_string()))?;
    Ok(RppalPin(pin.into_output()))
}

struct RppalPin(gpio::OutputPin);

impl ErrorType for RppalPin {
    type Error = InterfaceError;
}

impl OutputPin for RppalPin {
    fn set_low(&mut self) -> Result<(), InterfaceError> {
        self.0.set_low();
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), InterfaceError> {
        self.0.set_high();
        Ok(())
    }
}

struct RppalSpi(SimpleHalSpiDevice);

impl embedded_hal::spi::ErrorType for RppalSpi {
    type Error = InterfaceError;
}

impl SpiDevice for RppalSpi {
    fn transaction(
        &mut self,
        operations: &mut [embedded_hal::spi::Operation<'_, u8>],
    ) -> Result<(), InterfaceError> {
        let done = self.0.transaction(operations);
        done.map_err(|error| InterfaceError(error.to_string()))
    }
}

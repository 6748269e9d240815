//! The display on its pins: an ST7789 module of 240x240 by SPI, its light by PWM.

use embassy_rp::{
    Peri,
    gpio::{AnyPin, Level, Output},
    peripherals::{PIN_18, PIN_19, SPI0},
    pwm::{self, Pwm, SetDutyCycle},
    spi::{self, Blocking, Phase, Polarity, Spi},
};
use embassy_time::Delay;
use embedded_hal_bus::spi::{ExclusiveDevice, NoDelay};
use mipidsi::{Builder, Display, interface::SpiInterface, models::ST7789, options::ColorInversion};
use moodring_satellite::{band::Band, panel::Panel};
use static_cell::ConstStaticCell;

/// What it is.
pub(crate) const PANEL: Panel = Panel::ST7789_SQUARE;
/// ST7789's data sheet promises 62.5 MHz for writing; modules on loose wires are happier below.
const SPI_HZ: u32 = 40_000_000;
/// What the driver collects before it sends.
const CHUNK_BYTES: usize = 1024;

/// The module's pins, by the names printed on it.
pub(crate) struct Wires {
    pub(crate) spi: Peri<'static, SPI0>,
    pub(crate) scl: Peri<'static, PIN_18>,
    pub(crate) sda: Peri<'static, PIN_19>,
    pub(crate) cs: Peri<'static, AnyPin>,
    pub(crate) dc: Peri<'static, AnyPin>,
    pub(crate) res: Peri<'static, AnyPin>,
    pub(crate) light: Pwm<'static>,
}

type Bus = ExclusiveDevice<Spi<'static, SPI0, Blocking>, Output<'static>, NoDelay>;
type Module = Display<SpiInterface<'static, Bus, Output<'static>>, ST7789, Output<'static>>;

/// The display. `None` inside if it could not be set up; then the satellite answers and nothing is seen.
pub(crate) struct Screen {
    module: Option<Module>,
    light: Pwm<'static>,
}

impl Screen {
    /// Sets the module up; dark.
    pub(crate) fn open(wires: Wires) -> Self {
        static CHUNK: ConstStaticCell<[u8; CHUNK_BYTES]> = ConstStaticCell::new([0; CHUNK_BYTES]);
        let mut config = spi::Config::default();
        config.frequency = SPI_HZ;
        // Modules without a CS pin want the clock to rest high; the others do not mind.
        config.polarity = Polarity::IdleHigh;
        config.phase = Phase::CaptureOnSecondTransition;
        let spi = Spi::new_blocking_txonly(wires.spi, wires.scl, wires.sda, config);
        let Ok(bus) = ExclusiveDevice::new_no_delay(spi, Output::new(wires.cs, Level::High));
        let pins = SpiInterface::new(bus, Output::new(wires.dc, Level::Low), CHUNK.take());
        let module = Builder::new(ST7789, pins)
            .display_size(PANEL.width_px, PANEL.height_px)
            .invert_colors(ColorInversion::Inverted)
            .reset_pin(Output::new(wires.res, Level::High))
            .init(&mut Delay);
        Self {
            module: module.ok(),
            light: wires.light,
        }
    }

    /// Sends some rows. False if the module does not take them.
    pub(crate) fn show(&mut self, band: &Band<'_>) -> bool {
        let Some(module) = &mut self.module else {
            return false;
        };
        let (columns, rows) = (band.columns(), band.rows());
        let (right, bottom) = (columns.end - 1, rows.end - 1);
        let sent = module.set_pixels(columns.start, rows.start, right, bottom, band.colours());
        sent.is_ok()
    }

    /// Lights it, 0 to 100.
    pub(crate) fn light(&mut self, percent: u8) {
        // It refuses only what is over 100.
        let _over = self.light.set_duty_cycle_percent(percent.min(100));
    }
}

/// A PWM of some 20 kHz, which nobody hears or sees; dark.
pub(crate) fn light_config() -> pwm::Config {
    let mut config = pwm::Config::default();
    config.top = 6_249; // 125 MHz / 20 kHz - 1; the 150 MHz of an RP2350 make 24 kHz
    config
}

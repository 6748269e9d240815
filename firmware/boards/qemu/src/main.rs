//! A satellite on QEMU's lm3s6965evb: messages in and replies out over UART 0. It draws each picture in bands, as a
//! real board does, and sends the picture's checksum out by semihosting.
//!
//! The serial line is the clock: each byte that comes in takes a millisecond, as at 9600 baud. So the pictures depend
//! on the bytes alone, and a host that draws them from the same bytes must get the same checksums.
#![no_std]
#![no_main]

mod uart;

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use cortex_m_rt::entry;
use cortex_m_semihosting::hprintln;
use crc::{CRC_32_ISO_HDLC, Crc, Table};
use moodring_core::frame::Millis;
use moodring_satellite::{panel::Panel, satellite::Satellite, sent_bands::SentBands};
use panic_semihosting as _;

use crate::uart::Uart;

/// At most four pictures a second of the line's time: each takes the emulator a while.
const PANEL: Panel = Panel {
    frame_ms: 250,
    ..Panel::ST7789_SQUARE
};
/// Rows of a band, as many as boards/pico has.
const BAND_ROWS: usize = 16;
/// Instructions that the counter is measured by.
const KNOWN: u32 = 1_000_000;

static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else {
        panic!("nobody else takes them");
    };
    let mut counter = InstructionCounter::new(peripherals.SYST);
    let mut line = Uart;
    let mut now = Millis(0);
    let mut satellite = Satellite::new(PANEL, now);
    let mut buffer = [0; PANEL.width_px as usize * 2 * BAND_ROWS];
    let mut shown = SentBands::default();
    loop {
        let byte = line.read();
        now.0 += 1;
        satellite.receive(&[byte], now);
        while let Some(reply) = satellite.reply() {
            reply.iter().for_each(|byte| line.write(*byte));
        }
        if let Some(picture) = satellite.picture(now) {
            // All of it, as after a start; then what a display needs that shows the last picture.
            let mut digest = CRC.digest();
            let mut drawn = |shown: &mut SentBands| {
                let mut ticks = 0;
                counter.start();
                picture.changed_bands(shown, &mut buffer, |band| {
                    ticks += counter.read();
                    digest.update(band.bytes());
                    counter.start();
                });
                ticks + counter.read()
            };
            let whole = drawn(&mut SentBands::default());
            let changed = drawn(&mut shown);
            let checksum = digest.finalize();
            let per_tick = counter.known_ticks;
            hprintln!(
                "picture {} {:08x} {} {} {}",
                now.0,
                checksum,
                whole,
                changed,
                per_tick
            );
        }
    }
}

/// SysTick as a counter of instructions: under `-icount` QEMU's time is the number of instructions done.
struct InstructionCounter {
    timer: SYST,
    /// Ticks that [`KNOWN`] instructions take.
    known_ticks: u32,
}

impl InstructionCounter {
    fn new(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(0x00ff_ffff);
        timer.enable_counter();
        let mut counter = Self {
            timer,
            known_ticks: 0,
        };
        counter.start();
        // A turn of its loop for each, of two instructions (cortex-m 0.7.10; the lock file holds it).
        cortex_m::asm::delay(KNOWN / 2);
        counter.known_ticks = counter.read();
        counter
    }

    fn start(&mut self) {
        self.timer.clear_current();
    }

    fn read(&self) -> u32 {
        match SYST::get_current() {
            // Cleared, and no tick since.
            0 => 0,
            left => 0x00ff_ffff - left,
        }
    }
}

//! The loop of core 1: packets to the satellite, its answers back, its pictures to the screen.

use embassy_futures::select::{Either, select};
use embassy_time::{Duration, Instant, Timer};
use moodring_core::frame::Millis;
use moodring_satellite::{band::PIXEL_BYTES, satellite::Satellite, sent_bands::SentBands};
use static_cell::ConstStaticCell;

use crate::{
    lines::{HEARD, Packet, Port, TO_UART, TO_USB},
    screen::{PANEL, Screen},
};

/// Rows that are drawn and sent at once: a fifteenth of the picture.
const BAND_ROWS: usize = 16;
const BAND_BYTES: usize = PANEL.width_px as usize * PIXEL_BYTES * BAND_ROWS;
/// How often to look whether there is something to draw.
const TICK: Duration = Duration::from_millis(10);
/// The fault that is reported when the display refuses its pixels.
const DISPLAY_FAULT: u16 = 1;

#[embassy_executor::task]
pub(crate) async fn show(mut screen: Screen) -> ! {
    static BUFFER: ConstStaticCell<[u8; BAND_BYTES]> = ConstStaticCell::new([0; BAND_BYTES]);
    let buffer = BUFFER.take();
    let mut satellite = Satellite::new(PANEL, now());
    let mut host = Port::Usb;
    let mut well = true;
    let mut on_glass = SentBands::default();
    loop {
        if let Either::First((port, packet)) = select(HEARD.receive(), Timer::after(TICK)).await {
            host = port;
            satellite.receive(&packet, now());
        }
        while let Some(reply) = satellite.reply() {
            answer(host, &reply);
        }
        if let Some(picture) = satellite.picture(now()) {
            let mut shown = true;
            picture.changed_bands(&mut on_glass, buffer, |band| shown &= screen.show(band));
            if !shown {
                on_glass.forget();
            }
            if well && !shown {
                satellite.fault(DISPLAY_FAULT);
            }
            well = shown;
        }
        screen.light(satellite.light_percent(now()));
    }
}

/// To whoever spoke last. Where nobody reads, answers are dropped: they must not stop the face.
fn answer(host: Port, reply: &[u8]) {
    let Ok(packet) = Packet::from_slice(reply) else {
        return;
    };
    let _full = match host {
        Port::Usb => TO_USB.try_send(packet),
        Port::Uart => TO_UART.try_send(packet),
    };
}

fn now() -> Millis {
    Millis(Instant::now().as_millis())
}

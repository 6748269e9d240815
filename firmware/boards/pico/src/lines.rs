//! The connections to a host: USB as a serial port, and a UART. They pass bytes to and from the satellite, which knows
//! no port.

use embassy_rp::{
    peripherals::USB,
    uart::{BufferedUartRx, BufferedUartTx},
    usb::Driver,
};
use embassy_sync::{blocking_mutex::raw::CriticalSectionRawMutex, channel::Channel};
use embassy_usb::{
    Builder, Config, UsbDevice,
    class::cdc_acm::{CdcAcmClass, Receiver, Sender, State},
};
use embedded_io_async::{Read, Write};
use heapless::Vec;
use static_cell::{ConstStaticCell, StaticCell};

/// The largest packet of a full-speed port, in which each message fits whole.
const PACKET_BYTES: u16 = 64;

/// What came at once, and what goes at once.
pub(crate) type Packet = Vec<u8, { PACKET_BYTES as usize }>;

/// Packets between the cores. A host that sends faster than this is drawn waits.
pub(crate) type Packets = Channel<CriticalSectionRawMutex, (Port, Packet), 8>;
/// Packets to one port.
pub(crate) type Replies = Channel<CriticalSectionRawMutex, Packet, 4>;

/// Where a packet came from.
#[derive(Clone, Copy)]
pub(crate) enum Port {
    Usb,
    Uart,
}

/// From the host.
pub(crate) static HEARD: Packets = Channel::new();
/// To the host at the USB port.
pub(crate) static TO_USB: Replies = Channel::new();
/// To the host at the UART.
pub(crate) static TO_UART: Replies = Channel::new();

/// The ids by which the daemon finds us: pid.codes' pair for private use. Who sells such devices needs one of their own.
const VENDOR_ID: u16 = 0x1209;
const PRODUCT_ID: u16 = 0x0001;
/// The daemon checks this name, too, because others use the same pair of ids.
const PRODUCT: &str = "moodring satellite";

/// The serial port on USB: the device that has to be run, and its two directions.
pub(crate) fn usb(port: Driver<'static, USB>) -> (Device, ToUsb, FromUsb) {
    static STATE: StaticCell<State<'static>> = StaticCell::new();
    static CONFIGURATION: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
    static BOS: ConstStaticCell<[u8; 32]> = ConstStaticCell::new([0; 32]);
    static CONTROL: ConstStaticCell<[u8; 64]> = ConstStaticCell::new([0; 64]);

    let mut config = Config::new(VENDOR_ID, PRODUCT_ID);
    config.manufacturer = Some("moodring");
    config.product = Some(PRODUCT);
    config.max_power = 100;
    let mut builder = Builder::new(
        port,
        config,
        CONFIGURATION.take(),
        BOS.take(),
        &mut [],
        CONTROL.take(),
    );
    let serial = CdcAcmClass::new(&mut builder, STATE.init(State::new()), PACKET_BYTES);
    let (to_host, from_host) = serial.split();
    (builder.build(), to_host, from_host)
}

type Device = UsbDevice<'static, Driver<'static, USB>>;
type ToUsb = Sender<'static, Driver<'static, USB>>;
type FromUsb = Receiver<'static, Driver<'static, USB>>;

/// The UART's buffers: to send, to receive.
pub(crate) fn uart_buffers() -> (&'static mut [u8], &'static mut [u8]) {
    static SENT: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
    static RECEIVED: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
    (SENT.take(), RECEIVED.take())
}

#[embassy_executor::task]
pub(crate) async fn run_usb(mut device: Device) -> ! {
    device.run().await
}

#[embassy_executor::task]
pub(crate) async fn from_usb(mut host: FromUsb) -> ! {
    loop {
        host.wait_connection().await;
        let mut bytes = [0; PACKET_BYTES as usize];
        while let Ok(count) = host.read_packet(&mut bytes).await {
            HEARD.send((Port::Usb, packet(&bytes[..count]))).await;
        }
    }
}

#[embassy_executor::task]
pub(crate) async fn to_usb(mut host: ToUsb) -> ! {
    loop {
        let packet = TO_USB.receive().await;
        // A host that went away does not miss its answer.
        let _gone = host.write_packet(&packet).await;
    }
}

#[embassy_executor::task]
pub(crate) async fn from_uart(mut wire: BufferedUartRx) -> ! {
    let mut bytes = [0; PACKET_BYTES as usize];
    loop {
        // Noise is the decoder's business: what it breaks does not pass the checksum.
        if let Ok(count) = wire.read(&mut bytes).await {
            HEARD.send((Port::Uart, packet(&bytes[..count]))).await;
        }
    }
}

#[embassy_executor::task]
pub(crate) async fn to_uart(mut wire: BufferedUartTx) -> ! {
    loop {
        let packet = TO_UART.receive().await;
        let _never = wire.write_all(&packet).await;
    }
}

fn packet(bytes: &[u8]) -> Packet {
    // As long as a packet can be.
    Packet::from_slice(bytes).unwrap_or_default()
}

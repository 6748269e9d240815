//! A satellite on a Raspberry Pi Pico or Pico 2: its pins, and which core runs what. moodring-satellite holds the behaviour.
//!
//! Core 0 talks (USB and UART, by interrupts), core 1 draws: so no message waits for a picture.
#![no_std]
#![no_main]

mod lines;
mod screen;
mod show;

use cortex_m_rt::entry;
use embassy_executor::{Executor, SpawnToken, Spawner};
use embassy_rp::{
    bind_interrupts,
    multicore::{Stack, spawn_core1},
    peripherals::{UART0, USB},
    pwm::Pwm,
    uart::{self, BufferedUart},
    usb,
};
use panic_halt as _;
use static_cell::StaticCell;

use crate::screen::{Screen, Wires};

bind_interrupts!(struct Interrupts {
    USBCTRL_IRQ => usb::InterruptHandler<USB>;
    UART0_IRQ => uart::BufferedInterruptHandler<UART0>;
});

/// Drawing prepares a whole picture on the stack. By the machine code: 27.7 KB of the task, 2.1 of `parts::build`, 4.0 of
/// `outline::stroke`, under 2 of what they call.
static DRAWING_STACK: StaticCell<Stack<{ 40 * 1024 }>> = StaticCell::new();
static TALKING: StaticCell<Executor> = StaticCell::new();
static DRAWING: StaticCell<Executor> = StaticCell::new();

#[entry]
fn main() -> ! {
    let p = embassy_rp::init(Default::default());

    // The display, as its module's pins are named; the README has the table.
    let wires = Wires {
        spi: p.SPI0,
        scl: p.PIN_18,
        sda: p.PIN_19,
        cs: p.PIN_17.into(),
        dc: p.PIN_16.into(),
        res: p.PIN_20.into(),
        light: Pwm::new_output_b(p.PWM_SLICE2, p.PIN_21, screen::light_config()),
    };
    let stack = DRAWING_STACK.init(Stack::new());
    spawn_core1(p.CORE1, stack, move || {
        let drawing = DRAWING.init(Executor::new());
        drawing.run(|spawner| start(spawner, show::show(Screen::open(wires))))
    });

    let port = usb::Driver::new(p.USB, Interrupts);
    let (usb, to_host, from_host) = lines::usb(port);
    let uart = lines::uart_buffers();
    let uart = BufferedUart::new(
        p.UART0,
        p.PIN_0,
        p.PIN_1,
        Interrupts,
        uart.0,
        uart.1,
        uart::Config::default(),
    );
    let (to_wire, from_wire) = uart.split();
    let talking = TALKING.init(Executor::new());
    talking.run(|spawner| {
        start(spawner, lines::run_usb(usb));
        start(spawner, lines::from_usb(from_host));
        start(spawner, lines::to_usb(to_host));
        start(spawner, lines::from_uart(from_wire));
        start(spawner, lines::to_uart(to_wire));
    })
}

/// Starts a task. Each has one place and is started once, so there is room for it.
fn start<S, E>(spawner: Spawner, task: Result<SpawnToken<S>, E>) {
    if let Ok(task) = task {
        spawner.spawn(task);
    }
}

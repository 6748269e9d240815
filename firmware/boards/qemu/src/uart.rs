//! UART 0 of the LM3S6965, an Arm PL011, as QEMU emulates it: clock, pins and speed need no set-up. The only file of
//! this board that touches registers.

/// Where it is (LM3S6965 data sheet, 12.4).
const BASE: usize = 0x4000_c000;
/// The data register.
const DATA: *mut u32 = BASE as *mut u32;
/// The flag register.
const FLAGS: *const u32 = (BASE + 0x18) as *const u32;
/// Nothing was received.
const RECEIVE_EMPTY: u32 = 1 << 4;
/// Nothing can be sent just now.
const TRANSMIT_FULL: u32 = 1 << 5;

/// The port. There is one.
pub(crate) struct Uart;

impl Uart {
    /// Waits for a byte.
    pub(crate) fn read(&mut self) -> u8 {
        while flags() & RECEIVE_EMPTY != 0 {}
        // SAFETY: the address is the data register's, aligned, and reading takes a received byte and nothing else.
        let register = unsafe { DATA.read_volatile() };
        // The bits above the byte are errors that an emulated line does not have.
        register as u8
    }

    /// Sends a byte.
    pub(crate) fn write(&mut self, byte: u8) {
        while flags() & TRANSMIT_FULL != 0 {}
        // SAFETY: the address is the data register's, aligned, and writing sends a byte and nothing else.
        unsafe { DATA.write_volatile(byte.into()) }
    }
}

fn flags() -> u32 {
    // SAFETY: the address is the flag register's, aligned, and reading it changes nothing.
    unsafe { FLAGS.read_volatile() }
}

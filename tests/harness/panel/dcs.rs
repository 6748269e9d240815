//! Chips of the MIPI Display Command Set, as far as a picture needs it: CASET, RASET, RAMWR, MADCTL, COLMOD, inversion,
//! sleep and display on; of everything else they remember the values. Command set as ST7789, ILI9341 and GC9A01 share it.

use std::collections::BTreeMap;

use super::Picture;

const SWRESET: u8 = 0x01;
const SLPIN: u8 = 0x10;
const SLPOUT: u8 = 0x11;
const INVOFF: u8 = 0x20;
const INVON: u8 = 0x21;
const DISPOFF: u8 = 0x28;
const DISPON: u8 = 0x29;
const CASET: u8 = 0x2a;
const RASET: u8 = 0x2b;
const RAMWR: u8 = 0x2c;
const MADCTL: u8 = 0x36;
const COLMOD: u8 = 0x3a;

const MY: u8 = 0x80;
const MX: u8 = 0x40;
const MV: u8 = 0x20;
const BGR: u8 = 0x08;

/// How a glass hangs on its chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wiring {
    /// Width and height of the chip's memory.
    pub memory_px: (usize, usize),
    /// Width and height of the glass.
    pub glass_px: (usize, usize),
    /// Where in the memory the glass begins.
    pub offset_px: (usize, usize),
    /// Whether its columns run from right to left.
    pub mirror: bool,
    /// Whether its pixels are blue, green, red.
    pub bgr: bool,
    /// Whether it shows bright as dark.
    pub inverts: bool,
}

/// How a maker's own driver addresses a glass so that its picture is upright. With the size of the memory this decides
/// which cell of the memory each pixel of the glass shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upright {
    /// MADCTL.
    pub madctl: u8,
    /// The first column and row of the window (CASET, RASET).
    pub first: (usize, usize),
    /// Width and height of the upright picture.
    pub size_px: (usize, usize),
    /// Whether the driver switches inversion on.
    pub inverts: bool,
}

/// A chip and its glass.
#[derive(Clone, Debug)]
pub struct Dcs {
    wiring: Wiring,
    /// RGB565 as it was written, with the order of its colours at that time.
    memory: Vec<u16>,
    command: u8,
    args: Vec<u8>,
    columns: (usize, usize),
    rows: (usize, usize),
    /// The next address to be written; `None` once the window is full.
    cursor: Option<(usize, usize)>,
    /// The first byte of a pixel whose second has not come.
    half: Option<u8>,
    madctl: u8,
    colmod: u8,
    inverted: bool,
    awake: bool,
    on: bool,
    /// The values of commands that no picture depends on.
    registers: BTreeMap<u8, Vec<u8>>,
    /// The reset line is low, or floats.
    held_in_reset: bool,
}

impl Dcs {
    /// A chip after power on: asleep, dark, its memory full of noise.
    pub fn new(wiring: Wiring) -> Self {
        let (width, height) = wiring.memory_px;
        let noise = |i: usize| (i as u32).wrapping_mul(2_654_435_761).to_be_bytes();
        let noise = |i| u16::from_be_bytes([noise(i)[0], noise(i)[1]]);
        let mut chip = Self {
            wiring,
            memory: (0..width * height).map(noise).collect(),
            command: 0,
            args: Vec::new(),
            columns: (0, 0),
            rows: (0, 0),
            cursor: None,
            half: None,
            madctl: 0,
            colmod: 0,
            inverted: false,
            awake: false,
            on: false,
            registers: BTreeMap::new(),
            held_in_reset: false,
        };
        chip.reset();
        chip
    }

    /// Takes bytes; the D/C line marks data.
    ///
    /// # Panics
    /// At what a driver must not send.
    pub fn take(&mut self, is_data: bool, bytes: &[u8]) {
        if self.held_in_reset {
            return;
        }
        for &byte in bytes {
            if is_data {
                self.data(byte);
            } else {
                self.end_command();
                self.begin(byte);
            }
        }
    }

    /// Sets the reset line: high lets it work; low resets it, and so does a line that nobody drives, for there is no pull-up
    /// behind this glass.
    pub fn set_reset_line(&mut self, is_high: bool) {
        self.held_in_reset = !is_high;
        if !is_high {
            self.reset();
        }
    }

    /// Whether it shows anything: awake and on.
    pub fn is_lit(&self) -> bool {
        self.awake && self.on
    }

    /// What people see, in the glass's own columns and rows, as RGB565.
    ///
    /// # Panics
    /// If the display is dark: asleep or off.
    pub fn picture(&self) -> Picture<u16> {
        assert!(self.awake && self.on, "the display was not switched on");
        let (w, (left, top)) = (self.wiring.glass_px.0, self.wiring.offset_px);
        Picture::from_fn(self.wiring.glass_px, |x, y| {
            let x = if self.wiring.mirror { w - 1 - x } else { x };
            let raw = self.memory[(top + y) * self.wiring.memory_px.0 + left + x];
            if self.inverted == self.wiring.inverts {
                raw
            } else {
                !raw
            }
        })
    }

    /// What people see on a glass that this maker's driver shows upright.
    ///
    /// # Panics
    /// If the display is dark: asleep or off.
    pub fn picture_upright(&self, maker: Upright) -> Picture<u16> {
        assert!(self.awake && self.on, "the display was not switched on");
        Picture::from_fn(maker.size_px, |x, y| {
            let at = (maker.first.0 + x, maker.first.1 + y);
            let (x, y) = cell(maker.madctl, self.wiring.memory_px, at);
            let raw = self.memory[y * self.wiring.memory_px.0 + x];
            if self.inverted == maker.inverts {
                raw
            } else {
                !raw
            }
        })
    }

    /// MADCTL as it was last set.
    pub fn madctl(&self) -> u8 {
        self.madctl
    }

    /// Voltages, timings, gamma: the last values of each command since the last reset.
    pub fn registers(&self) -> &BTreeMap<u8, Vec<u8>> {
        &self.registers
    }

    /// First and last column, and first and last row, of the last window.
    pub fn last_window(&self) -> [(usize, usize); 2] {
        [self.columns, self.rows]
    }

    fn reset(&mut self) {
        (self.columns, self.rows) = (
            (0, self.wiring.memory_px.0 - 1),
            (0, self.wiring.memory_px.1 - 1),
        );
        (self.madctl, self.colmod) = (0, 0x66);
        (self.inverted, self.awake, self.on) = (false, false, false);
        self.registers.clear();
        self.cursor = None;
    }

    fn begin(&mut self, command: u8) {
        (self.command, self.half) = (command, None);
        self.args.clear();
        match command {
            SWRESET => self.reset(),
            SLPIN | SLPOUT => self.awake = command == SLPOUT,
            INVOFF | INVON => self.inverted = command == INVON,
            DISPOFF | DISPON => self.on = command == DISPON,
            RAMWR => self.cursor = Some((self.columns.0, self.rows.0)),
            _ => {}
        }
    }

    fn data(&mut self, byte: u8) {
        if self.command == RAMWR {
            match self.half.take() {
                None => self.half = Some(byte),
                Some(high) => self.pixel(u16::from_be_bytes([high, byte])),
            }
            return;
        }
        self.args.push(byte);
        match (self.command, self.args[..].len()) {
            (CASET, 4) => self.columns = self.window(),
            (RASET, 4) => self.rows = self.window(),
            (CASET | RASET, 1..4) => {}
            (CASET | RASET, _) => panic!("an address has four bytes"),
            (MADCTL, 1) => self.madctl = byte,
            (COLMOD, 1) => self.colmod = byte,
            (SWRESET | SLPIN | SLPOUT | INVOFF | INVON | DISPOFF | DISPON | MADCTL | COLMOD, _) => {
                panic!("too much data for command {:#04x}", self.command)
            }
            _ => {
                self.registers.insert(self.command, self.args.clone());
            }
        }
    }

    /// What a command leaves behind must be whole.
    fn end_command(&self) {
        assert!(self.half.is_none(), "half a pixel was sent");
        let whole = match self.command {
            CASET | RASET => self.args.len() == 4,
            MADCTL | COLMOD => self.args.len() == 1,
            _ => true,
        };
        assert!(whole, "command {:#04x} with {:?}", self.command, self.args);
    }

    fn window(&self) -> (usize, usize) {
        let word = |i: usize| usize::from(u16::from_be_bytes([self.args[i], self.args[i + 1]]));
        let (begin, end) = (word(0), word(2));
        assert!(begin <= end, "a window from {begin} to {end}");
        (begin, end)
    }

    fn pixel(&mut self, raw: u16) {
        assert_eq!(
            self.colmod & 0x07,
            5,
            "pixels of 16 bits were not asked for"
        );
        let (column, row) = self.cursor.expect("more pixels than the window has");
        let (x, y) = cell(self.madctl, self.wiring.memory_px, (column, row));
        let width = self.wiring.memory_px.0;
        let same_order = (self.madctl & BGR != 0) == self.wiring.bgr;
        self.memory[y * width + x] = if same_order {
            raw
        } else {
            raw << 11 | raw & 0x07e0 | raw >> 11
        };
        self.cursor = match (column == self.columns.1, row == self.rows.1) {
            (false, _) => Some((column + 1, row)),
            (true, false) => Some((self.columns.0, row + 1)),
            (true, true) => None,
        };
    }
}

/// The cell of the memory that this address means.
fn cell(
    madctl: u8,
    (width, height): (usize, usize),
    (column, row): (usize, usize),
) -> (usize, usize) {
    let (x, y) = if madctl & MV == 0 {
        (column, row)
    } else {
        (row, column)
    };
    assert!(
        x < width && y < height,
        "address ({column}, {row}) is outside the memory"
    );
    let flip = |bit: u8, at: usize, length: usize| {
        if madctl & bit == 0 {
            at
        } else {
            length - 1 - at
        }
    };
    (flip(MX, x, width), flip(MY, y, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRING: Wiring = Wiring {
        memory_px: (4, 6),
        glass_px: (3, 2),
        offset_px: (1, 2),
        mirror: false,
        bgr: false,
        inverts: false,
    };

    /// A chip that is on and got these commands with their data.
    fn chip(wiring: Wiring, sent: &[(u8, &[u8])]) -> Dcs {
        let mut chip = Dcs::new(wiring);
        let on: [(u8, &[u8]); 3] = [(SLPOUT, &[]), (COLMOD, &[0x55]), (DISPON, &[])];
        for (command, data) in on.iter().chain(sent) {
            chip.take(false, &[*command]);
            chip.take(true, data);
        }
        chip
    }

    #[test]
    fn a_window_is_filled_row_by_row() {
        let chip = chip(
            WIRING,
            &[
                (CASET, &[0, 1, 0, 3]),
                (RASET, &[0, 2, 0, 3]),
                (RAMWR, &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6]),
            ],
        );
        assert_eq!(chip.picture().cells, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn madctl_turns_and_orders_and_inversion_inverts() {
        let one: [(u8, &[u8]); 2] = [(CASET, &[0, 0, 0, 0]), (RASET, &[0, 0, 0, 0])];
        let wiring = Wiring {
            glass_px: (4, 6),
            offset_px: (0, 0),
            ..WIRING
        };
        for (madctl, at) in [
            (0, (0, 0)),
            (MX, (3, 0)),
            (MY, (0, 5)),
            (MV | MX, (3, 0)),
            (MV | MY, (0, 5)),
        ] {
            let sent = [
                one[0],
                one[1],
                (MADCTL, &[madctl][..]),
                (RAMWR, &[0xf8, 0x01]),
            ];
            assert_eq!(
                chip(wiring, &sent).picture().at(at.0, at.1),
                0xf801,
                "{madctl:#x}"
            );
        }
        let bgr = [one[0], one[1], (MADCTL, &[BGR][..]), (RAMWR, &[0xf8, 0x01])];
        assert_eq!(chip(wiring, &bgr).picture().at(0, 0), 0x081f);
        let inverted = [one[0], one[1], (INVON, &[][..]), (RAMWR, &[0xff, 0xff])];
        assert_eq!(chip(wiring, &inverted).picture().at(0, 0), 0);
    }

    #[test]
    fn a_dark_display_shows_nothing() {
        let dark = || Dcs::new(WIRING).picture();
        assert!(std::panic::catch_unwind(dark).is_err());
    }

    #[test]
    fn a_chip_whose_reset_line_floats_stays_dark() {
        let mut chip = chip(WIRING, &[]);
        assert!(chip.is_lit());
        chip.set_reset_line(false);
        chip.take(false, &[SLPOUT, DISPON]);
        assert!(!chip.is_lit());
        chip.set_reset_line(true);
        chip.take(false, &[SLPOUT, DISPON]);
        assert!(chip.is_lit());
    }

    #[test]
    fn what_the_chip_would_misread_is_refused() {
        let wrong: [&[(u8, &[u8])]; 6] = [
            &[(CASET, &[0, 1, 0]), (RAMWR, &[])],
            &[(CASET, &[0, 3, 0, 1])],
            &[(RAMWR, &[1]), (DISPON, &[])],
            &[
                (CASET, &[0, 0, 0, 0]),
                (RASET, &[0, 0, 0, 0]),
                (RAMWR, &[0, 1, 0, 2]),
            ],
            &[(CASET, &[0, 4, 0, 4]), (RAMWR, &[0, 1])],
            &[(COLMOD, &[0x66]), (RAMWR, &[0, 1])],
        ];
        for sent in wrong {
            let taken = std::panic::catch_unwind(|| chip(WIRING, sent));
            assert!(taken.is_err(), "{sent:02x?}");
        }
    }
}

//! The SSD1351, a colour OLED of 128x128 pixels, as its datasheet (section 10) has it: commands whose arguments are data.

use super::Picture;

const SIDE: usize = 128;

/// A chip and its glass.
#[derive(Clone, Debug)]
pub struct Ssd1351 {
    memory: Vec<u16>,
    command: u8,
    arguments: Vec<u8>,
    columns: (usize, usize),
    rows: (usize, usize),
    cursor: Option<(usize, usize)>,
    half: Option<u8>,
    remap: u8,
    inverted: bool,
    unlocked: bool,
    on: bool,
    contrast: [u8; 3],
}

impl Default for Ssd1351 {
    fn default() -> Self {
        Self::new()
    }
}

impl Ssd1351 {
    /// A chip after power on: dark, its memory full of noise.
    pub fn new() -> Self {
        Self {
            memory: (0..SIDE * SIDE).map(|i| (i * 40_503) as u16).collect(),
            command: 0,
            arguments: Vec::new(),
            columns: (0, SIDE - 1),
            rows: (0, SIDE - 1),
            cursor: None,
            half: None,
            remap: 0x40,
            inverted: false,
            unlocked: false,
            on: false,
            contrast: [0x8a, 0x51, 0x8a],
        }
    }

    /// Takes bytes; the D/C line marks data.
    ///
    /// # Panics
    /// At what a driver must not send.
    pub fn take(&mut self, is_data: bool, bytes: &[u8]) {
        for &byte in bytes {
            if is_data {
                self.data(byte);
            } else {
                self.begin(byte);
            }
        }
    }

    /// What people see in the orientation in which the chip's first row is at the top and its first column on the left:
    /// rows from the bottom (remap bit 4) and columns not reversed.
    ///
    /// # Panics
    /// If the display is dark.
    pub fn picture(&self) -> Picture<u16> {
        assert!(self.on, "the display was not switched on");
        Picture::from_fn((SIDE, SIDE), |x, y| {
            let row = if self.remap & 0x10 == 0 {
                SIDE - 1 - y
            } else {
                y
            };
            let raw = self.memory[row * SIDE + x];
            if self.inverted { !raw } else { raw }
        })
    }

    /// The remap byte as it was last set.
    pub fn remap(&self) -> u8 {
        self.remap
    }

    /// The currents of the three colours; zeros if it is off.
    pub fn contrast(&self) -> [u8; 3] {
        if self.on { self.contrast } else { [0; 3] }
    }

    fn begin(&mut self, command: u8) {
        assert!(self.half.is_none(), "half a pixel was sent");
        (self.command, self.arguments) = (command, Vec::new());
        match command {
            0x5c => self.cursor = Some((self.columns.0, self.rows.0)),
            0xa6 | 0xa7 => self.inverted = command == 0xa7,
            0xae | 0xaf => self.on = command == 0xaf,
            0x15 | 0x75 | 0xa0 | 0xa1 | 0xa2 | 0xab | 0xb1 | 0xb3 | 0xb4 | 0xb5 | 0xb6 | 0xbe
            | 0xc1 | 0xc7 | 0xca | 0xfd => {}
            other => panic!("command {other:#04x} is not one that a driver of ours needs"),
        }
    }

    fn data(&mut self, byte: u8) {
        if self.command == 0x5c {
            match self.half.take() {
                None => self.half = Some(byte),
                Some(high) => self.pixel(u16::from_be_bytes([high, byte])),
            }
            return;
        }
        self.arguments.push(byte);
        match (self.command, &self.arguments[..]) {
            (0x15, &[begin, end]) => self.columns = (begin.into(), end.into()),
            (0x75, &[begin, end]) => self.rows = (begin.into(), end.into()),
            (0xa0, &[remap]) => self.remap = remap,
            (0xa1 | 0xa2, &[line]) => assert_eq!(line, 0, "no row offset"),
            (0xca, &[last]) => assert_eq!(usize::from(last), SIDE - 1, "128 rows"),
            (0xc1, &[a, b, c]) => self.contrast = [a, b, c],
            (0xfd, &[key]) => self.unlocked |= key == 0xb1,
            (0xb1 | 0xb3 | 0xbe, _) => assert!(self.unlocked, "the command is locked"),
            _ => {}
        }
    }

    fn pixel(&mut self, raw: u16) {
        let (column, row) = self.cursor.expect("more pixels than the window has");
        assert!(column < SIDE && row < SIDE, "({column}, {row}) is outside");
        let x = if self.remap & 0x02 == 0 {
            column
        } else {
            SIDE - 1 - column
        };
        self.memory[row * SIDE + x] = raw;
        let (end_column, end_row) = (column == self.columns.1, row == self.rows.1);
        // Bit 0: the row is counted first.
        self.cursor = match (self.remap & 1, end_column, end_row) {
            (_, true, true) => None,
            (0, false, _) => Some((column + 1, row)),
            (0, true, false) => Some((self.columns.0, row + 1)),
            (_, _, false) => Some((column, row + 1)),
            (_, false, true) => Some((column + 1, self.rows.0)),
        };
    }
}

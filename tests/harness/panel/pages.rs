//! Mono chips with page addressing: eight rows to a byte. As SSD1306 and SH1106 are commonly documented.

use super::Picture;

/// Which chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    /// 128 columns, 64 rows.
    Ssd1306,
    /// 132 columns, 64 rows.
    Sh1106,
    /// 128 columns, 128 rows.
    Sh1107,
}

impl Chip {
    const fn columns(self) -> usize {
        match self {
            Self::Ssd1306 | Self::Sh1107 => 128,
            Self::Sh1106 => 132,
        }
    }

    const fn pages(self) -> usize {
        match self {
            Self::Ssd1306 | Self::Sh1106 => 8,
            Self::Sh1107 => 16,
        }
    }
}

/// How a glass is glued on its chip, described for the upright picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gluing {
    /// Width and height of the glass.
    pub size_px: (usize, usize),
    /// Whether an upright glass needs the columns reversed (0xa1).
    pub columns_reversed: bool,
    /// Whether it needs the rows from the bottom (0xc8).
    pub rows_reversed: bool,
    /// The first column that is then on the glass.
    pub first_column: usize,
    /// How its rows' lines are wired (the argument of 0xda), if the chip has to know it.
    pub com_pins: Option<u8>,
    /// Whether the glass needs the chip's own reference current (0xad, 0x30 of an SSD1306).
    pub needs_reference_current: bool,
}

/// A chip and its glass.
#[derive(Clone, Debug)]
pub struct Pages {
    chip: Chip,
    gluing: Gluing,
    memory: Vec<[u8; 132]>,
    /// A command whose arguments are missing, and how many.
    waiting: Option<(u8, usize)>,
    page: usize,
    column: usize,
    page_addressing: bool,
    remapped: bool,
    from_bottom: bool,
    inverted: bool,
    powered: bool,
    on: bool,
    /// The argument of 0xda; after power on as for a tall glass.
    com_pins: u8,
    reference_current: bool,
    /// The last row that is driven.
    last_row: usize,
    /// How bright, 0 to 255.
    contrast: u8,
    /// The argument of 0xdb: the voltage of rows at rest, which dims an SSD1306 more than its contrast does.
    deselect: u8,
}

impl Pages {
    /// A chip after power on: dark, its memory full of noise; its glass has 128x64 pixels in the middle of its columns and
    /// is glued on as modules are: the last segment is on the left.
    pub fn new(chip: Chip) -> Self {
        Self::glued(
            chip,
            Gluing {
                size_px: (128, 64),
                columns_reversed: true,
                rows_reversed: true,
                first_column: (chip.columns() - 128) / 2,
                com_pins: Some(0x12),
                needs_reference_current: false,
            },
        )
    }

    /// The same with another glass.
    pub fn glued(chip: Chip, gluing: Gluing) -> Self {
        Self {
            chip,
            gluing,
            memory: (0..16).map(|page| [0x55 + page; 132]).collect(),
            waiting: None,
            page: 0,
            column: 0,
            page_addressing: true,
            remapped: false,
            from_bottom: false,
            inverted: false,
            powered: false,
            on: false,
            com_pins: 0x12,
            reference_current: false,
            last_row: chip.pages() * 8 - 1,
            contrast: 0x7f,
            deselect: 0x20,
        }
    }

    /// The voltage of rows at rest, as command 0xdb set it last.
    pub fn deselect(&self) -> u8 {
        self.deselect
    }

    /// Takes bytes; the D/C line, or the control byte on I2C, marks data.
    ///
    /// # Panics
    /// At what a driver must not send.
    pub fn take(&mut self, is_data: bool, bytes: &[u8]) {
        for &byte in bytes {
            match (is_data, self.waiting.take()) {
                (true, None) => self.write(byte),
                (true, Some((command, _))) => panic!("data amid command {command:#04x}"),
                (false, None) => self.command(byte),
                (false, Some((command, missing))) => {
                    self.argument(command, byte);
                    self.waiting = (missing > 1).then_some((command, missing - 1));
                }
            }
        }
    }

    /// A message on I2C: a control byte and what it announces.
    ///
    /// # Panics
    /// At other control bytes, and as [`Pages::take`].
    pub fn take_i2c(&mut self, message: &[u8]) {
        match message {
            [0x00, commands @ ..] => self.take(false, commands),
            [0x40, data @ ..] => self.take(true, data),
            other => panic!("no control byte in {other:02x?}"),
        }
    }

    /// What people see; true is bright.
    ///
    /// # Panics
    /// If the display is dark.
    pub fn picture(&self) -> Picture<bool> {
        assert!(self.powered, "nobody switched the charge pump on");
        assert!(self.on, "the display was not switched on");
        let gluing = self.gluing;
        let (width, height) = gluing.size_px;
        assert_eq!(self.last_row, height - 1, "other rows than the glass has");
        if let Some(pins) = gluing.com_pins {
            assert_eq!(self.com_pins, pins, "the rows are garbled");
        }
        let current = self.reference_current || !gluing.needs_reference_current;
        assert!(current, "the pixels have no reference current");
        let last = self.chip.columns() - 1;
        Picture::from_fn((width, height), |x, y| {
            // The glass's lines are glued to segments and rows of the chip.
            let upright = gluing.first_column + x;
            let segment = if gluing.columns_reversed {
                last - upright
            } else {
                upright
            };
            let line = if gluing.rows_reversed {
                height - 1 - y
            } else {
                y
            };
            let column = if self.remapped {
                last - segment
            } else {
                segment
            };
            let row = if self.from_bottom {
                height - 1 - line
            } else {
                line
            };
            (self.memory[row / 8][column] >> (row % 8) & 1 == 1) != self.inverted
        })
    }

    /// How bright it is, 0 to 255; 0 if it is off.
    pub fn contrast(&self) -> u8 {
        if self.on { self.contrast } else { 0 }
    }

    fn command(&mut self, command: u8) {
        let sh1107 = self.chip == Chip::Sh1107;
        match command {
            0x00..=0x0f => self.column = self.column & 0xf0 | usize::from(command),
            0x10..=0x1f => self.column = self.column & 0x0f | usize::from(command & 0x0f) << 4,
            0xb0..=0xbf => self.page = usize::from(command & 15) % self.chip.pages(),
            0xa0 | 0xa1 => self.remapped = command == 0xa1,
            0xa6 | 0xa7 => self.inverted = command == 0xa7,
            0xae | 0xaf => self.on = command == 0xaf,
            0xc0 | 0xc8 => self.from_bottom = command == 0xc8,
            // An SH1107 takes no argument here.
            0x20 | 0x21 if sh1107 => self.page_addressing = command == 0x20,
            0xdc if sh1107 => self.waiting = Some((command, 1)),
            0x8d if self.chip != Chip::Ssd1306 => panic!("there is no charge pump"),
            0x20 | 0x81 | 0x8d | 0xa8 | 0xad | 0xd3 | 0xd5 | 0xd9 | 0xda | 0xdb => {
                self.waiting = Some((command, 1));
            }
            0x40 | 0xa4 => {}
            other => panic!("command {other:#04x} is not one that a driver of ours needs"),
        }
    }

    fn argument(&mut self, command: u8, value: u8) {
        match command {
            0x20 => self.page_addressing = value == 2,
            0x81 => self.contrast = value,
            0xdb => self.deselect = value,
            0x8d => self.powered |= value == 0x14,
            0xad => match self.chip {
                Chip::Ssd1306 => self.reference_current = value == 0x30,
                Chip::Sh1106 => self.powered |= value == 0x8b,
                Chip::Sh1107 => self.powered |= value == 0x8a,
            },
            0xa8 => self.last_row = value.into(),
            0xda => self.com_pins = value,
            0xd3 | 0xdc => assert_eq!(value, 0, "no row offset"),
            _ => {}
        }
    }

    fn write(&mut self, byte: u8) {
        assert!(self.page_addressing, "data without page addressing");
        let columns = self.chip.columns();
        assert!(self.column < columns, "column {} of {columns}", self.column);
        self.memory[self.page][self.column] = byte;
        self.column += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: [u8; 5] = [0x8d, 0x14, 0xaf, 0xa1, 0xc8];

    #[test]
    fn a_bit_is_a_pixel() {
        let mut chip = Pages::new(Chip::Ssd1306);
        chip.take(false, &ON);
        for page in 0..8 {
            chip.take(false, &[0xb0 + page, 0x00, 0x10]);
            chip.take(true, &[0; 128]);
        }
        chip.take_i2c(&[0x00, 0xb1, 0x05, 0x11]);
        chip.take_i2c(&[0x40, 0b100]);
        let picture = chip.picture();
        assert!(picture.at(0x15, 10));
        assert_eq!(picture.cells.iter().filter(|p| **p).count(), 1);
        chip.take(false, &[0xa0, 0xc0, 0xa7]);
        assert!(!chip.picture().at(127 - 0x15, 63 - 10));
    }

    #[test]
    fn what_the_chip_would_misread_is_refused() {
        let wrong = |commands: &[u8], data: &[u8]| {
            let mut chip = Pages::new(Chip::Ssd1306);
            let taken = std::panic::AssertUnwindSafe(|| {
                chip.take(false, commands);
                chip.take(true, data);
            });
            assert!(std::panic::catch_unwind(taken).is_err(), "{commands:02x?}");
        };
        wrong(&[0x81], &[0]);
        wrong(&[0x20, 0x00], &[0]);
        wrong(&[0x0f, 0x17], &[0; 2]);
        wrong(&[0x23], &[]);
    }
}

//! Mono chips with page addressing: eight rows to a byte. As SSD1306 and SH1106 are commonly documented.

use super::Picture;

/// Which chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chip {
    /// 128 columns; the glass has them all.
    Ssd1306,
    /// 132 columns; the glass has the middle 128.
    Sh1106,
}

/// A chip and its glass of 128x64 pixels, glued on as modules are: the last segment is on the left.
#[derive(Clone, Debug)]
pub struct Pages {
    chip: Chip,
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
    /// How bright, 0 to 255.
    contrast: u8,
}

impl Pages {
    const SIZE: (usize, usize) = (128, 64);

    /// A chip after power on: dark, its memory full of noise.
    pub fn new(chip: Chip) -> Self {
        Self {
            chip,
            memory: (0..8).map(|page| [0x55 + page; 132]).collect(),
            waiting: None,
            page: 0,
            column: 0,
            page_addressing: true,
            remapped: false,
            from_bottom: false,
            inverted: false,
            powered: false,
            on: false,
            contrast: 0x7f,
        }
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
        let (width, height) = Self::SIZE;
        let columns = match self.chip {
            Chip::Ssd1306 => 128,
            Chip::Sh1106 => 132,
        };
        let border = (columns - width) / 2;
        Picture::from_fn(Self::SIZE, |x, y| {
            let segment = columns - 1 - border - x;
            let column = if self.remapped {
                columns - 1 - segment
            } else {
                segment
            };
            let row = if self.from_bottom { y } else { height - 1 - y };
            (self.memory[row / 8][column] >> (row % 8) & 1 == 1) != self.inverted
        })
    }

    /// How bright it is, 0 to 255; 0 if it is off.
    pub fn contrast(&self) -> u8 {
        if self.on { self.contrast } else { 0 }
    }

    fn command(&mut self, command: u8) {
        match command {
            0x00..=0x0f => self.column = self.column & 0xf0 | usize::from(command),
            0x10..=0x1f => self.column = self.column & 0x0f | usize::from(command & 0x0f) << 4,
            0xb0..=0xb7 => self.page = usize::from(command & 7),
            0xa0 | 0xa1 => self.remapped = command == 0xa1,
            0xa6 | 0xa7 => self.inverted = command == 0xa7,
            0xae | 0xaf => self.on = command == 0xaf,
            0xc0 | 0xc8 => self.from_bottom = command == 0xc8,
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
            0x8d => self.powered |= self.chip == Chip::Ssd1306 && value == 0x14,
            0xad => self.powered |= self.chip == Chip::Sh1106 && value == 0x8b,
            0xa8 => assert_eq!(value, 63, "64 rows"),
            0xd3 => assert_eq!(value, 0, "no row offset"),
            _ => {}
        }
    }

    fn write(&mut self, byte: u8) {
        assert!(self.page_addressing, "data without page addressing");
        let columns = if self.chip == Chip::Ssd1306 { 128 } else { 132 };
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

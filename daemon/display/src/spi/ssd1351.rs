//! The SSD1351, a colour OLED of 128x128 (datasheet, section 10). It has no backlight: the currents of its three colours
//! dim it. Commands take their arguments as data. Voltages and timings are those of Adafruit_SSD1351 and luma.oled.

use super::{
    grid::{CellRect, Grid},
    interface::{DisplayInterface, InterfaceError},
    panel::Panel,
};

mod command {
    //! The commands used here.

    pub(super) const COLUMNS: u8 = 0x15;
    pub(super) const WRITE: u8 = 0x5c;
    pub(super) const ROWS: u8 = 0x75;
    pub(super) const REMAP: u8 = 0xa0;
    pub(super) const START_LINE: u8 = 0xa1;
    pub(super) const OFFSET: u8 = 0xa2;
    /// + 1: inverted.
    pub(super) const NORMAL: u8 = 0xa6;
    pub(super) const FUNCTION: u8 = 0xab;
    pub(super) const OFF: u8 = 0xae;
    pub(super) const ON: u8 = 0xaf;
    pub(super) const PRECHARGE: u8 = 0xb1;
    pub(super) const CLOCK: u8 = 0xb3;
    pub(super) const SEGMENT_LOW: u8 = 0xb4;
    pub(super) const GPIO: u8 = 0xb5;
    pub(super) const PRECHARGE_2: u8 = 0xb6;
    pub(super) const VCOMH: u8 = 0xbe;
    pub(super) const CONTRAST: u8 = 0xc1;
    pub(super) const MASTER_CONTRAST: u8 = 0xc7;
    pub(super) const MUX: u8 = 0xca;
    pub(super) const LOCK: u8 = 0xfd;
}
use command as c;
use moodring_base::config::board::{Board, Rotation};

/// 65,000 colours, and the rows' lines split in odd and even.
const REMAP: u8 = 0x60;
const REMAP_VERTICAL: u8 = 0x01;
const REMAP_COLUMNS: u8 = 0x02;
const REMAP_BGR: u8 = 0x04;
const REMAP_ROWS: u8 = 0x10;

/// The currents of blue, green and red at full brightness: the middle colour is the most efficient.
const CONTRAST: [u8; 3] = [0xc8, 0x80, 0xc8];

/// The remap byte: how the written picture lies on the glass. Rows run from the bottom of a glass as it is sold.
fn remap(board: &Board) -> u8 {
    let (rows, columns, vertical) = match board.rotation {
        Rotation::Deg0 => (true, false, false),
        Rotation::Deg90 => (true, true, true),
        Rotation::Deg180 => (false, true, false),
        Rotation::Deg270 => (false, false, true),
    };
    let bit = |set: bool, bit: u8| if set { bit } else { 0 };
    REMAP
        | bit(rows, REMAP_ROWS)
        | bit(columns ^ board.mirror, REMAP_COLUMNS)
        | bit(vertical, REMAP_VERTICAL)
        | bit(board.bgr, REMAP_BGR)
}

/// A colour OLED.
pub struct Ssd1351 {
    interface: Box<dyn DisplayInterface>,
    contrast: u8,
    /// The first column and row of the picture, in the order in which it is written.
    first: (u16, u16),
    /// Columns and rows change places.
    vertical: bool,
    is_on: bool,
    pixels: Vec<u8>,
}

impl Ssd1351 {
    /// Sets up the chip. The glass stays dark until a brightness is set.
    ///
    /// # Errors
    /// [`InterfaceError`] if the chip cannot be reached.
    pub fn open(
        board: &Board,
        interface: Box<dyn DisplayInterface>,
    ) -> Result<Self, InterfaceError> {
        let (memory, glass, offset) = (board.memory_px(), board.glass_px, board.offset_px);
        let remap = remap(board);
        let first = (
            match remap & REMAP_COLUMNS {
                0 => offset.0,
                _ => memory.0 - glass.0 - offset.0,
            },
            match remap & REMAP_ROWS {
                0 => memory.1 - glass.1 - offset.1,
                _ => offset.1,
            },
        );
        let mut chip = Self {
            interface,
            contrast: board.contrast,
            first,
            vertical: remap & REMAP_VERTICAL != 0,
            is_on: false,
            pixels: Vec::new(),
        };
        // The settings keep the glass inside the memory of 128 rows.
        let last_row = (memory.1 - 1) as u8;
        let setup: [(u8, &[u8]); 16] = [
            (c::LOCK, &[0x12]),
            (c::LOCK, &[0xb1]),
            (c::OFF, &[]),
            (c::CLOCK, &[0xf1]),
            (c::MUX, &[last_row]),
            (c::REMAP, &[remap]),
            (c::START_LINE, &[0]),
            (c::OFFSET, &[0]),
            (c::GPIO, &[0]),
            (c::FUNCTION, &[0x01]),
            (c::PRECHARGE, &[0x32]),
            (c::VCOMH, &[0x05]),
            (c::NORMAL + u8::from(board.invert), &[]),
            (c::MASTER_CONTRAST, &[0x0f]),
            (c::SEGMENT_LOW, &[0xa0, 0xb5, 0x55]),
            (c::PRECHARGE_2, &[0x01]),
        ];
        for (command, arguments) in setup {
            chip.send(command, arguments)?;
        }
        Ok(chip)
    }

    fn send(&mut self, command: u8, arguments: &[u8]) -> Result<(), InterfaceError> {
        self.interface.command(&[command])?;
        if arguments.is_empty() {
            return Ok(());
        }
        self.interface.data(arguments)
    }
}

impl Panel<u16> for Ssd1351 {
    fn write(&mut self, picture: &Grid<u16>, areas: &[CellRect]) -> Result<(), InterfaceError> {
        for area in areas {
            let (mut x, mut y) = ((area.x, area.width), (area.y, area.height));
            if self.vertical {
                std::mem::swap(&mut x, &mut y);
            }
            // All below 128.
            let window = |(begin, length): (u16, u16), first: u16| {
                let begin = begin + first;
                [begin as u8, (begin + length - 1) as u8]
            };
            self.send(c::COLUMNS, &window(x, self.first.0))?;
            self.send(c::ROWS, &window(y, self.first.1))?;
            self.interface.command(&[c::WRITE])?;
            self.pixels.clear();
            let pixels = picture.cells_in(*area).flat_map(u16::to_be_bytes);
            self.pixels.extend(pixels);
            self.interface.data(&self.pixels)?;
        }
        Ok(())
    }

    fn dim(&mut self, percent: u8) -> Result<u8, InterfaceError> {
        if percent == 0 {
            self.send(c::OFF, &[])?;
        } else {
            // At most 255 * 100 * 255 / (100 * 255).
            let scale = u32::from(percent.min(100)) * u32::from(self.contrast);
            let contrast =
                CONTRAST.map(|full| (u32::from(full) * scale / (100 * 255)).max(1) as u8);
            self.send(c::CONTRAST, &contrast)?;
            if !self.is_on {
                self.send(c::ON, &[])?;
            }
        }
        self.is_on = percent > 0;
        Ok(100)
    }
}

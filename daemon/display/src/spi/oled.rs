//! Mono OLEDs with an SSD1306, SH1106 or SH1107. One driver serves all: they differ in the pump that makes their voltage,
//! in some timings and in the start line, and all have page addressing (SSD1306 datasheet 10.1.3, SH1106 datasheet,
//! commands 1 to 25). The values are those of Adafruit_SSD1306, Adafruit_SH110X, luma.oled and Waveshare.

use super::{
    grid::{CellRect, Grid},
    interface::{DisplayInterface, InterfaceError},
    panel::Panel,
};

mod command {
    //! The commands used here.

    pub(super) const COLUMN_LOW: u8 = 0x00;
    pub(super) const COLUMN_HIGH: u8 = 0x10;
    /// SSD1306 only: 2 is page addressing.
    pub(super) const ADDRESSING: u8 = 0x20;
    /// SH1107: the way of addressing without an argument; this is page addressing.
    pub(super) const PAGE_ADDRESSING: u8 = 0x20;
    pub(super) const START_LINE: u8 = 0x40;
    pub(super) const CONTRAST: u8 = 0x81;
    /// SSD1306 only: 0x14 switches it on.
    pub(super) const CHARGE_PUMP: u8 = 0x8d;
    /// + 1: the first column is on the right.
    pub(super) const SEGMENTS: u8 = 0xa0;
    pub(super) const SHOW_MEMORY: u8 = 0xa4;
    /// + 1: inverted.
    pub(super) const NORMAL: u8 = 0xa6;
    pub(super) const ROWS: u8 = 0xa8;
    /// SH1106: 0x8b switches the converter on, SH1107: 0x8a. SSD1306: 0x30 makes the reference current inside.
    pub(super) const SUPPLY: u8 = 0xad;
    pub(super) const OFF: u8 = 0xae;
    pub(super) const ON: u8 = 0xaf;
    pub(super) const PAGE: u8 = 0xb0;
    /// + 8: the first row is at the bottom.
    pub(super) const SCAN: u8 = 0xc0;
    pub(super) const OFFSET: u8 = 0xd3;
    pub(super) const CLOCK: u8 = 0xd5;
    pub(super) const PRECHARGE: u8 = 0xd9;
    pub(super) const WIRING: u8 = 0xda;
    pub(super) const DESELECT: u8 = 0xdb;
    /// SH1107 only: the start line with an argument.
    pub(super) const START_LINE_OF: u8 = 0xdc;
}
use command as c;
use moodring_base::config::board::{Board, PanelChip, Rotation};

/// How the rows' lines are wired (command 0xda): one row after the other on flat glasses, alternately on others.
/// Adafruit's drivers decide it by the glass's shape, and luma's table agrees.
fn wiring((width, height): (u16, u16)) -> u8 {
    if width > 2 * height { 0x02 } else { 0x12 }
}

/// A mono OLED.
pub struct Oled {
    interface: Box<dyn DisplayInterface>,
    first_column: u8,
    contrast: u8,
    /// Whether dimming takes more than the contrast.
    needs_voltages: bool,
    is_on: bool,
}

/// Percent below which an SSD1306 is dimmed by its voltages, too.
const DIM: u8 = 50;
/// Precharge and deselect level at full brightness.
const VOLTAGES: (u8, u8) = (0xf1, 0x40);

impl Oled {
    /// Sets up the chip. The glass stays dark until a brightness is set.
    ///
    /// # Errors
    /// [`InterfaceError`] if the chip cannot be reached.
    pub fn open(
        board: &Board,
        mut interface: Box<dyn DisplayInterface>,
    ) -> Result<Self, InterfaceError> {
        let (memory, glass, offset) = (board.memory_px(), board.glass_px, board.offset_px);
        let upside_down = matches!(board.rotation, Rotation::Deg180 | Rotation::Deg270);
        // Modules are glued so that their first column is on the right of an upright glass.
        let reversed = !upside_down ^ board.mirror;
        // Reversed is how such a module is upright, and there the offset counts.
        let first_column = if reversed {
            offset.0
        } else {
            memory.0 - glass.0 - offset.0
        };
        let columns = c::SEGMENTS + u8::from(reversed);
        let scan = c::SCAN + if upside_down { 0 } else { 8 };
        // The settings keep the glass inside a memory of 132 columns and 128 rows.
        let (last_row, first_column) = ((glass.1 - 1) as u8, first_column as u8);
        let clock = if glass == (96, 16) { 0x60 } else { 0x80 };
        interface.command(&[c::OFF, c::CLOCK, clock, c::ROWS, last_row, c::OFFSET, 0])?;
        interface.command(&[columns, scan])?;
        match board.controller {
            PanelChip::Sh1107 => {
                interface.command(&[c::START_LINE_OF, 0, c::PAGE_ADDRESSING, c::SUPPLY, 0x8a])?;
                interface.command(&[c::PRECHARGE, 0x22, c::DESELECT, 0x35])?;
            }
            chip => {
                interface.command(&[c::START_LINE, c::WIRING, wiring(glass)])?;
                interface.command(&[c::PRECHARGE, VOLTAGES.0, c::DESELECT, VOLTAGES.1])?;
                match chip {
                    PanelChip::Sh1106 => interface.command(&[c::SUPPLY, 0x8b])?,
                    _ => interface.command(&[
                        c::CHARGE_PUMP,
                        0x14,
                        c::SUPPLY,
                        0x30,
                        c::ADDRESSING,
                        0x02,
                    ])?,
                }
            }
        }
        interface.command(&[c::SHOW_MEMORY, c::NORMAL + u8::from(board.invert)])?;
        Ok(Self {
            interface,
            first_column,
            contrast: board.contrast,
            needs_voltages: board.controller == PanelChip::Ssd1306,
            is_on: false,
        })
    }
}

impl Panel<u8> for Oled {
    fn write(&mut self, picture: &Grid<u8>, areas: &[CellRect]) -> Result<(), InterfaceError> {
        for area in areas {
            // Both are below 132.
            let column = self.first_column + area.x as u8;
            for page in area.y..area.y + area.height {
                let (low, high) = (column & 0x0f, column >> 4);
                let at = [
                    c::PAGE + page as u8,
                    c::COLUMN_LOW + low,
                    c::COLUMN_HIGH + high,
                ];
                self.interface.command(&at)?;
                self.interface.data(picture.row_in(*area, page))?;
            }
        }
        Ok(())
    }

    fn dim(&mut self, percent: u8) -> Result<u8, InterfaceError> {
        if percent == 0 {
            self.interface.command(&[c::OFF])?;
        } else {
            // At most 100 * 255 / 100.
            let contrast = (u16::from(percent.min(100)) * u16::from(self.contrast) / 100) as u8;
            self.interface.command(&[c::CONTRAST, contrast])?;
            if self.needs_voltages {
                // Its contrast alone changes little: the voltages that the rows rest at must go down, too.
                let (precharge, deselect) = if percent < DIM {
                    (0x11, 0x00)
                } else {
                    VOLTAGES
                };
                self.interface
                    .command(&[c::PRECHARGE, precharge, c::DESELECT, deselect])?;
            }
            if !self.is_on {
                self.interface.command(&[c::ON])?;
            }
        }
        self.is_on = percent > 0;
        Ok(100)
    }
}

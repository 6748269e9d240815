//! Mono OLEDs with an SSD1306 or SH1106. One driver serves both: they differ in a charge pump and a column offset, and
//! both have page addressing (SSD1306 datasheet 10.1.3, SH1106 datasheet, commands 1 to 25).

use super::{
    grid::{CellRect, Grid},
    interface::{DisplayInterface, InterfaceError},
    panel::Panel,
};
use crate::config::board::{Board, PanelChip, Rotation};

mod command {
    //! The commands used here.

    pub(super) const COLUMN_LOW: u8 = 0x00;
    pub(super) const COLUMN_HIGH: u8 = 0x10;
    /// SSD1306 only: 2 is page addressing.
    pub(super) const ADDRESSING: u8 = 0x20;
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
    /// SH1106 only: 0x8b switches it on.
    pub(super) const CONVERTER: u8 = 0xad;
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
}
use command as c;

/// A mono OLED.
pub struct Oled {
    interface: Box<dyn DisplayInterface>,
    first_column: u8,
    is_on: bool,
}

impl Oled {
    /// Sets up the chip. The glass stays dark until a brightness is set.
    ///
    /// # Errors
    /// [`InterfaceError`] if the chip cannot be reached.
    pub fn open(
        board: &Board,
        mut interface: Box<dyn DisplayInterface>,
    ) -> Result<Self, InterfaceError> {
        // The settings keep both in range: a memory has 132 columns and 64 rows.
        let (rows, first_column) = (board.glass_px.1 as u8, board.offset_px.0 as u8);
        let upside_down = matches!(board.rotation, Rotation::Deg180 | Rotation::Deg270);
        // Modules are glued so that their first column is on the right of an upright glass.
        let columns = u8::from(!upside_down ^ board.mirror);
        let scan = if upside_down { 0 } else { 8 };
        // Glasses of 32 rows are wired one row after the other, taller ones alternately.
        let wiring = if rows == 32 { 0x02 } else { 0x12 };
        interface.command(&[c::OFF, c::CLOCK, 0x80, c::ROWS, rows - 1, c::OFFSET, 0])?;
        interface.command(&[c::START_LINE, c::SEGMENTS + columns, c::SCAN + scan])?;
        interface.command(&[c::WIRING, wiring, c::PRECHARGE, 0xf1, c::DESELECT, 0x40])?;
        match board.controller {
            PanelChip::Sh1106 => interface.command(&[c::CONVERTER, 0x8b])?,
            _ => interface.command(&[c::CHARGE_PUMP, 0x14, c::ADDRESSING, 0x02])?,
        }
        interface.command(&[c::SHOW_MEMORY, c::NORMAL + u8::from(board.invert)])?;
        Ok(Self {
            interface,
            first_column,
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
            // Below 256: 100 * 255 / 100.
            let contrast = (u16::from(percent.min(100)) * 255 / 100) as u8;
            self.interface.command(&[c::CONTRAST, contrast])?;
            if !self.is_on {
                self.interface.command(&[c::ON])?;
            }
        }
        self.is_on = percent > 0;
        Ok(100)
    }
}

//! What every panel can: take rectangles of its memory, and be bright or dark.

use super::{
    grid::{CellRect, Grid},
    interface::InterfaceError,
};

/// A display's chip, set up and switched on. `P` is a cell of its memory.
pub trait Panel<P>: Send {
    /// Sends these areas of the picture.
    ///
    /// # Errors
    /// [`InterfaceError`] if something did not get through; the panel must be opened again then.
    fn write(&mut self, picture: &Grid<P>, areas: &[CellRect]) -> Result<(), InterfaceError>;

    /// Makes it this bright, in percent; 0 is dark. What it cannot do itself it gives back: how bright the picture
    /// must be drawn, in percent.
    ///
    /// # Errors
    /// As [`Panel::write`].
    fn dim(&mut self, percent: u8) -> Result<u8, InterfaceError>;
}

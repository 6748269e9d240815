//! What every panel can do: take rectangles of its memory, and be bright or dark.

use super::{
    grid::{CellRect, Grid},
    interface::InterfaceError,
};

/// A display's chip, set up and switched on. `P` is a cell of its memory.
pub trait Panel<P>: Send {
    /// Sends these areas of the picture.
    ///
    /// # Errors
    /// [`InterfaceError`] if something could not be sent; then the panel must be opened again.
    fn write(&mut self, picture: &Grid<P>, areas: &[CellRect]) -> Result<(), InterfaceError>;

    /// Sets the brightness in percent; 0 is dark. Returns how bright the picture must be drawn, in percent, for what
    /// the panel cannot do itself.
    ///
    /// # Errors
    /// As [`Panel::write`].
    fn dim(&mut self, percent: u8) -> Result<u8, InterfaceError>;
}

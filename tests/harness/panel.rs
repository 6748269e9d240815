//! Models of display chips: captured commands and data become the picture that people see.
//!
//! Written from the chips' datasheets, not from any driver, so that a driver can be held against it. A chip panics at
//! bytes that the real one would take for something else.

mod dcs;
mod pages;
mod ssd1351;

pub use dcs::{Dcs, Upright, Wiring};
pub use pages::{Chip, Gluing, Pages};
pub use ssd1351::Ssd1351;

/// A picture: width, height and cells row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture<P> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row.
    pub cells: Vec<P>,
}

impl<P: Copy> Picture<P> {
    /// A picture made by `cell` for each column and row.
    pub fn from_fn(
        (width, height): (usize, usize),
        mut cell: impl FnMut(usize, usize) -> P,
    ) -> Self {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let cells = places.map(|(x, y)| cell(x, y)).collect();
        Self {
            width,
            height,
            cells,
        }
    }

    /// A cell inside.
    ///
    /// # Panics
    /// Outside.
    pub fn at(&self, x: usize, y: usize) -> P {
        assert!(x < self.width && y < self.height, "({x}, {y}) is outside");
        self.cells[y * self.width + x]
    }

    /// The same, turned clockwise by so many quarters.
    pub fn turned(&self, quarters: usize) -> Self {
        let (w, h) = (self.width, self.height);
        match quarters % 4 {
            0 => self.clone(),
            1 => Self::from_fn((h, w), |x, y| self.at(y, h - 1 - x)),
            2 => Self::from_fn((w, h), |x, y| self.at(w - 1 - x, h - 1 - y)),
            _ => Self::from_fn((h, w), |x, y| self.at(w - 1 - y, x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_moves_the_top_left_to_the_top_right() {
        let picture = Picture::from_fn((3, 2), |x, y| 10 * y + x);
        let turned = picture.turned(1);
        assert_eq!((turned.width, turned.height), (2, 3));
        assert_eq!(turned.cells, [10, 0, 11, 1, 12, 2]);
        assert_eq!(turned.turned(1), picture.turned(2));
        assert_eq!(turned.turned(3), picture);
    }
}

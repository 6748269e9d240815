//! A display's memory as cells in rows, and rectangles of them. A cell is a pixel, or eight of a mono OLED's page.

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRect {
    /// First column.
    pub x: u16,
    /// First row.
    pub y: u16,
    /// Columns, 1 or more.
    pub width: u16,
    /// Rows, 1 or more.
    pub height: u16,
}

impl CellRect {
    /// How many cells it has.
    pub const fn cells(self) -> usize {
        self.width as usize * self.height as usize
    }

    /// The smallest rectangle around both.
    pub fn union(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        }
    }
}

/// Cells in rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid<P> {
    width: u16,
    cells: Vec<P>,
}

impl<P: Copy> Grid<P> {
    /// A grid full of `cell`; both sides 1 or more.
    pub fn new((width, height): (u16, u16), cell: P) -> Self {
        let width = width.max(1);
        Self {
            width,
            cells: vec![cell; usize::from(width) * usize::from(height.max(1))],
        }
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        // It was made from two such numbers.
        (
            self.width,
            (self.cells.len() / usize::from(self.width)) as u16,
        )
    }

    /// All of it.
    pub fn area(&self) -> CellRect {
        let (width, height) = self.size();
        CellRect {
            x: 0,
            y: 0,
            width,
            height,
        }
    }

    /// All cells, row by row.
    pub fn cells(&self) -> &[P] {
        &self.cells
    }

    /// A row.
    pub fn row(&self, y: u16) -> &[P] {
        let width = usize::from(self.width);
        let begin = usize::from(y) * width;
        self.cells.get(begin..begin + width).unwrap_or(&[])
    }

    /// The part of a row that lies in the area.
    pub fn row_in(&self, area: CellRect, y: u16) -> &[P] {
        let begin = usize::from(area.x);
        let row = self.row(y);
        row.get(begin..begin + usize::from(area.width))
            .unwrap_or(&[])
    }

    /// The area's cells, row by row.
    pub fn cells_in(&self, area: CellRect) -> impl Iterator<Item = P> + '_ {
        let rows = area.y..area.y + area.height;
        rows.flat_map(move |y| self.row_in(area, y)).copied()
    }

    /// The place of a cell, if it is inside.
    pub fn cell_mut(&mut self, x: u16, y: u16) -> Option<&mut P> {
        let inside = x < self.width;
        let at = usize::from(y) * usize::from(self.width) + usize::from(x);
        self.cells.get_mut(at).filter(|_| inside)
    }

    /// Takes the other's cells; both have the same size.
    pub fn copy_from(&mut self, other: &Self) {
        self.width = other.width;
        self.cells.clone_from(&other.cells);
    }
}

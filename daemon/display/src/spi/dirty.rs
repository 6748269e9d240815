//! Finds what changed between two pictures, as few rectangles that are cheap to send.
//!
//! Every rectangle costs some bytes for its address, and more for the system calls and D/C changes around it. So
//! rectangles that lie close together are merged, even if a few cells between them did not change.

use super::grid::{CellRect, Grid};

/// The costs of sending, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Of one cell.
    pub cell: usize,
    /// Of one rectangle, whatever its size.
    pub area: usize,
}

impl Cost {
    fn of(self, area: CellRect) -> usize {
        self.area + self.cell * area.cells()
    }
}

/// The most rectangles of one picture.
pub const MAX_AREAS: usize = 48;

/// Rectangles that hold every cell in which the grids differ; both grids have the same size. They may overlap. Together
/// they never cost more than the whole picture.
pub fn dirty<P: Copy + PartialEq>(old: &Grid<P>, new: &Grid<P>, cost: Cost) -> Vec<CellRect> {
    let mut areas = Vec::new();
    for y in 0..new.size().1 {
        let (old, new) = (old.row(y), new.row(y));
        if old == new {
            continue;
        }
        for (x, width) in runs(old, new, cost.area / cost.cell / 4) {
            let strip = CellRect {
                x,
                y,
                width,
                height: 1,
            };
            put(&mut areas, strip, cost);
        }
    }
    merge(&mut areas, cost);
    let whole = new.area();
    if areas.iter().map(|a| cost.of(*a)).sum::<usize>() > cost.of(whole) {
        areas = vec![whole];
    }
    areas
}

/// Start and length of each run of changed cells; up to `gap` equal cells between two runs join them.
fn runs<P: PartialEq>(old: &[P], new: &[P], gap: usize) -> Vec<(u16, u16)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (x, (old, new)) in old.iter().zip(new).enumerate() {
        if old == new {
            continue;
        }
        match runs.last_mut() {
            Some((_, end)) if x - *end <= gap => *end = x + 1,
            _ => runs.push((x, x + 1)),
        }
    }
    // A row has at most 65,535 cells.
    let narrow = |(begin, end): (usize, usize)| (begin as u16, (end - begin) as u16);
    runs.into_iter().map(narrow).collect()
}

/// Adds a strip where it costs least: into a rectangle that exists, or as a new one if there is room.
fn put(areas: &mut Vec<CellRect>, strip: CellRect, cost: Cost) {
    let growth = |area: CellRect| cost.of(area.union(strip)) - cost.of(area);
    let full = areas.len() >= MAX_AREAS;
    match areas.iter_mut().min_by_key(|area| growth(**area)) {
        Some(area) if full || growth(*area) <= cost.of(strip) => *area = area.union(strip),
        _ => areas.push(strip),
    }
}

/// Merges pairs of rectangles as long as that is cheaper.
fn merge(areas: &mut Vec<CellRect>, cost: Cost) {
    let mut i = 0;
    while i < areas.len() {
        let area = areas[i];
        let cheaper =
            |other: CellRect| cost.of(area.union(other)) <= cost.of(area) + cost.of(other);
        match (i + 1..areas.len()).find(|&j| cheaper(areas[j])) {
            Some(j) => {
                areas[i] = area.union(areas.swap_remove(j));
                // The rectangle grew, so a merge that was too expensive before may pay now.
                i = 0;
            }
            None => i += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COST: Cost = Cost { cell: 2, area: 40 };

    /// Sends the areas to a memory that holds `old`.
    fn apply(old: &Grid<u8>, new: &Grid<u8>, areas: &[CellRect]) -> Grid<u8> {
        let mut memory = old.clone();
        for area in areas {
            let mut cells = new.cells_in(*area);
            for y in area.y..area.y + area.height {
                for x in area.x..area.x + area.width {
                    *memory.cell_mut(x, y).unwrap() = cells.next().unwrap();
                }
            }
            assert!(cells.next().is_none());
        }
        memory
    }

    fn grid(size: (u16, u16), set: &[(u16, u16)]) -> Grid<u8> {
        let mut grid = Grid::new(size, 0);
        for &(x, y) in set {
            *grid.cell_mut(x % size.0, y % size.1).unwrap() = 1;
        }
        grid
    }

    #[test]
    fn nothing_changed_is_nothing_sent() {
        let same = grid((30, 20), &[(3, 3)]);
        assert_eq!(dirty(&same, &same, COST), []);
    }

    #[test]
    fn near_changes_share_a_rectangle_and_far_ones_do_not() {
        let old = grid((100, 100), &[]);
        let near = grid((100, 100), &[(10, 10), (14, 10), (12, 13)]);
        let one = CellRect {
            x: 10,
            y: 10,
            width: 5,
            height: 4,
        };
        assert_eq!(dirty(&old, &near, COST), [one]);
        let far = grid((100, 100), &[(0, 0), (99, 99)]);
        assert_eq!(dirty(&old, &far, COST).len(), 2);
    }

    #[test]
    fn a_picture_that_changed_everywhere_is_one_rectangle() {
        let old = grid((64, 64), &[]);
        let all = Grid::new((64, 64), 1);
        assert_eq!(dirty(&old, &all, COST), [all.area()]);
        let spots: Vec<_> = (0..64)
            .flat_map(|x| (0..8).map(move |y| (x, 8 * y)))
            .collect();
        assert!(dirty(&old, &grid((64, 64), &spots), COST).len() <= MAX_AREAS);
    }

    type Spots = Vec<(u16, u16)>;

    fn pictures() -> impl Strategy<Value = ((u16, u16), [Spots; 2])> {
        let spots = || prop::collection::vec((0_u16..90, 0_u16..90), 0..120);
        ((1_u16..90, 1_u16..90), [spots(), spots()])
    }

    proptest! {
        #[test]
        fn what_is_sent_always_makes_the_new_picture((size, [old, new]) in pictures(), area in 0_usize..300) {
            let (old, new) = (grid(size, &old), grid(size, &new));
            let cost = Cost { cell: 2, area };
            let areas = dirty(&old, &new, cost);
            prop_assert_eq!(&apply(&old, &new, &areas), &new);
            let sent: usize = areas.iter().map(|a| cost.of(*a)).sum();
            prop_assert!(sent <= cost.of(new.area()), "{} bytes", sent);
            prop_assert!(areas.len() <= MAX_AREAS);
        }
    }
}

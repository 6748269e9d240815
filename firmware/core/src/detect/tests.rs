//! Cells written by hand, and raw integer heads compared with the same heads as real numbers.

use super::*;
use proptest::prelude::*;
use std::vec;

/// A 4x3 head at stride 8 with one cell set.
fn head_with(at: usize, cell: [f32; Head::CELL]) -> vec::Vec<f32> {
    let mut cells = vec![0.0; 12 * Head::CELL];
    cells[at * Head::CELL..][..Head::CELL].copy_from_slice(&cell);
    cells
}

fn cell(cls: f32, obj: f32) -> [f32; Head::CELL] {
    let mut cell = [0.0; Head::CELL];
    cell[..6].copy_from_slice(&[cls, obj, 0.5, 0.25, 2.0_f32.ln(), 3.0_f32.ln()]);
    cell[6..].copy_from_slice(&[0.0, 0.0, 1.0, 0.0, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0]);
    cell
}

fn decoded<const N: usize>(cells: &[f32], threshold: f32) -> Vec<Face, N> {
    let head = Head {
        stride_px: 8,
        cols: 4,
        rows: 3,
        cells: Cells::Reals(cells),
    };
    let mut faces = Vec::new();
    decode(&[head], threshold, &mut faces).unwrap();
    faces
}

#[test]
fn a_cell_becomes_a_face() {
    let faces = decoded::<4>(&head_with(6, cell(0.81, 0.25)), 0.4);
    assert_eq!(faces.len(), 1);
    // Column 2, row 1: the centre is at (2.5, 1.25) * 8 and the box 16x24.
    let Rect { x, y, w, h } = faces[0].rect;
    for (value, expected) in [(x, 12.0), (y, -2.0), (w, 16.0), (h, 24.0)] {
        assert!((value - expected).abs() < 1e-4, "{:?}", faces[0].rect);
    }
    assert!((faces[0].score - 0.45).abs() < 1e-6);
    assert_eq!(faces[0].landmarks[0], Point::new(16.0, 8.0));
    assert_eq!(faces[0].landmarks[1], Point::new(24.0, 8.0));
    assert_eq!(faces[0].landmarks[4], Point::new(24.0, 16.0));
    assert_eq!(faces[0].roll_deg(), 0.0);
}

#[test]
fn the_threshold_is_on_the_root() {
    let cells = head_with(0, cell(0.5, 0.5));
    assert_eq!(decoded::<4>(&cells, 0.5).len(), 1);
    assert_eq!(decoded::<4>(&cells, 0.51).len(), 0);
    assert_eq!(decoded::<4>(&cells, 0.0).len(), 1, "empty cells stay out");
}

#[test]
fn values_that_are_not_numbers_are_no_faces_and_wild_sizes_are_cut() {
    for (at, value) in [
        (0, f32::NAN),
        (2, f32::INFINITY),
        (5, f32::NAN),
        (9, f32::NAN),
        (3, 3e38),
    ] {
        let mut bad = cell(0.9, 0.9);
        bad[at] = value;
        assert!(decoded::<4>(&head_with(0, bad), 0.3).is_empty(), "{at}");
    }
    let mut wild = cell(0.9, 7.0);
    wild[4] = 1e9;
    let faces = decoded::<4>(&head_with(0, wild), 0.3);
    assert!(faces[0].rect.w > 20_000.0 && faces[0].rect.w.is_finite());
    assert!(faces[0].score < 1.0);
}

#[test]
fn a_full_buffer_keeps_the_best() {
    let mut cells = vec![0.0; 12 * Head::CELL];
    for (i, c) in cells.chunks_exact_mut(Head::CELL).enumerate() {
        // 0.05, 0.55, 0.15, 0.65, ... : good ones come late and early.
        let score = if i % 2 == 0 { 0.05 } else { 0.5 } + 0.05 * i as f32;
        c.copy_from_slice(&cell(score, score));
    }
    let mut all: vec::Vec<f32> = decoded::<16>(&cells, 0.01)
        .iter()
        .map(|f| f.score)
        .collect();
    let mut best: vec::Vec<f32> = decoded::<5>(&cells, 0.01).iter().map(|f| f.score).collect();
    all.sort_by(f32::total_cmp);
    best.sort_by(f32::total_cmp);
    assert_eq!(all.len(), 12);
    assert_eq!(best, all[7..]);
}

#[test]
fn heads_of_another_shape_are_refused() {
    let head = Head {
        stride_px: 8,
        cols: 2,
        rows: 2,
        cells: Cells::Reals(&[0.0; 63]),
    };
    let raw = Cells::Raw {
        values: &[0; 65],
        scales: [1.0; Head::CELL],
    };
    for head in [head, Head { cells: raw, ..head }] {
        let refused = decode::<4>(&[head], 0.5, &mut Vec::new());
        assert_eq!(refused, Err(NetError::Shape));
    }
}

proptest! {
    #[test]
    fn raw_cells_give_the_same_faces_as_all_of_them_made_real(
        values in prop::collection::vec(prop_oneof![-300..300_i32, any::<i32>()], 12 * Head::CELL),
        scales in prop::array::uniform16(1e-4..0.1_f32), threshold in 0.01..0.99_f32,
    ) {
        let raw = Cells::Raw { values: &values, scales };
        let all: vec::Vec<f32> = values.as_chunks().0.iter().flat_map(|raw| reals(raw, &scales)).collect();
        let [quick, slow] = [raw, Cells::Reals(&all)].map(|cells| {
            let head = Head { stride_px: 8, cols: 4, rows: 3, cells };
            let mut faces = Vec::<Face, 16>::new();
            decode(&[head], threshold, &mut faces).unwrap();
            faces
        });
        prop_assert_eq!(quick, slow);
    }
}

#[test]
fn a_raw_value_at_the_threshold_passes() {
    // A probability of one half is the logit 0; the other one is all but certain.
    let mut values = [0; Head::CELL];
    values[1] = 10_000;
    for (cls, count) in [(0, 1), (1, 1), (-1, 0), (i32::MIN, 0), (i32::MAX, 1)] {
        values[0] = cls;
        let cells = Cells::Raw {
            values: &values,
            scales: [0.01; Head::CELL],
        };
        let head = Head {
            stride_px: 8,
            cols: 1,
            rows: 1,
            cells,
        };
        let mut faces = Vec::<Face, 4>::new();
        decode(&[head], 0.5_f32.sqrt() - 1e-6, &mut faces).unwrap();
        assert_eq!(faces.len(), count, "{cls}");
    }
}

//! Makes colours of a frame that keeps its size, where chroma lies at half of it: YUYV and 4:2:0 of even sides. Luma stays,
//! and chroma is doubled: each pixel gets three quarters of its own sample and one of the next one on its side.

use moodring_nn::Wide;

use super::{
    plane::Plane,
    recolour::{BLOCK, Recolour, write},
};
use crate::frame::{Frame, PixelFormat};

/// Chroma samples of a row that are made at a time.
const SPAN: usize = 256;

/// Fills the rows, each at least as long as the picture is wide, if it is that case; else leaves them and returns `false`.
pub(super) fn copy<'a>(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    way: Recolour,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let (width, height) = size_px;
    let same = size_px == (frame.width_px(), frame.height_px());
    if !same || width % 2 != 0 || (width as usize) < BLOCK {
        return false;
    }
    match frame.format() {
        PixelFormat::Yuyv => each_row::<4, 4, 1, 3>(frame, way, rows),
        PixelFormat::Nv12 if height % 2 == 0 => each_row::<2, 2, 0, 1>(frame, way, rows),
        PixelFormat::I420 if height % 2 == 0 => each_row::<2, 1, 0, 0>(frame, way, rows),
        _ => false,
    }
}

/// Two pixels' luma lies in `L` bytes, a chroma sample in every `S` bytes, at `U` and `V` of them.
fn each_row<'a, const L: usize, const S: usize, const U: usize, const V: usize>(
    frame: &Frame<'_>,
    way: Recolour,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let Some(chroma) = Plane::others(frame) else {
        return false;
    };
    let (luma, pairs) = (Plane::first(frame), frame.width_px() as usize / 2);
    let lines = chroma[0].size_px().1;
    for (y, row) in (0_u32..).zip(rows) {
        let [near, far] = if lines == frame.height_px() {
            [y; 2]
        } else if y % 2 == 0 {
            [y / 2, (y / 2).saturating_sub(1)]
        } else {
            [y / 2, (y / 2 + 1).min(lines - 1)]
        };
        Row::<L, S, U, V> {
            luma: line(luma, y, pairs),
            u: [line(chroma[0], near, pairs), line(chroma[0], far, pairs)],
            v: [line(chroma[1], near, pairs), line(chroma[1], far, pairs)],
            row: &mut row.as_chunks_mut().0[..2 * pairs],
            way,
        }
        .run_wide();
    }
    true
}

fn line<'a, const N: usize>(plane: Plane<'a>, y: u32, pairs: usize) -> &'a [[u8; N]] {
    &plane.line(y).as_chunks().0[..pairs]
}

/// A row, at least a block long, and its lines: of each chroma the nearer and the farther one.
struct Row<'a, const L: usize, const S: usize, const U: usize, const V: usize> {
    luma: &'a [[u8; L]],
    u: [&'a [[u8; S]]; 2],
    v: [&'a [[u8; S]]; 2],
    row: &'a mut [[u8; 3]],
    way: Recolour,
}

/// Four times the samples of a span, and of the one before it and the one behind it.
type Mixed = [u16; SPAN + 2];

impl<const L: usize, const S: usize, const U: usize, const V: usize> Row<'_, L, S, U, V> {
    /// Samples `from..from + len` of two lines, mixed; the picture's first and last ones go on outside of it.
    #[inline(always)]
    fn mix<const AT: usize>(lines: [&[[u8; S]]; 2], from: usize, len: usize) -> Mixed {
        let mixed = |near: &[u8; S], far: &[u8; S]| 3 * u16::from(near[AT]) + u16::from(far[AT]);
        let mut sums = [0; SPAN + 2];
        let pairs = lines[0][from..from + len]
            .iter()
            .zip(&lines[1][from..from + len]);
        for (sum, (near, far)) in sums[1..].iter_mut().zip(pairs) {
            *sum = mixed(near, far);
        }
        let before = from.saturating_sub(1);
        let behind = (from + len).min(lines[0].len() - 1);
        sums[0] = mixed(&lines[0][before], &lines[1][before]);
        sums[len + 1] = mixed(&lines[0][behind], &lines[1][behind]);
        sums
    }

    /// The block that begins at chroma sample `from + at`; the sums begin one before `from`.
    #[inline(always)]
    fn block(&mut self, [u, v]: [&Mixed; 2], from: usize, at: usize) {
        const PAIRS: usize = BLOCK / 2;
        let mut words = [0; BLOCK];
        let luma = &self.luma[from + at..][..PAIRS];
        let [u, v] = [&u[at..][..PAIRS + 2], &v[at..][..PAIRS + 2]];
        for i in 0..PAIRS {
            let side = |sums: &[u16], j: usize| u32::from((3 * sums[i + 1] + sums[j] + 8) >> 4);
            let word = |luma: u8, j| u32::from(luma) | side(u, j) << 8 | side(v, j) << 16;
            words[2 * i] = word(luma[i][0], i);
            words[2 * i + 1] = word(luma[i][L / 2], i + 2);
        }
        self.way.block(&mut words);
        if let Some(block) = self.row[2 * (from + at)..].first_chunk_mut() {
            write(&words, block);
        }
    }
}

impl<const L: usize, const S: usize, const U: usize, const V: usize> Wide for Row<'_, L, S, U, V> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let (pairs, block) = (self.luma.len(), BLOCK / 2);
        for from in (0..pairs).step_by(SPAN) {
            // Some pixels of the last span and of its last block may have been made already.
            let from = from.min(pairs - block);
            let len = SPAN.min(pairs - from);
            let u = Self::mix::<U>(self.u, from, len);
            let v = Self::mix::<V>(self.v, from, len);
            for at in (0..len - block).step_by(block) {
                self.block([&u, &v], from, at);
            }
            self.block([&u, &v], from, len - block);
        }
    }
}

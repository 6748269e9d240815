//! Halves what cameras send, YUYV and 4:2:0, straight into colours, for example 640x480 to 320x240: the hot case.

use moodring_nn::Wide;

use super::{
    plane::Plane,
    recolour::{BLOCK, Recolour, write},
    whole_factor,
};
use crate::frame::{Frame, PixelFormat};

/// Fills the rows, each at least as long as the picture is wide, if it is that case; else leaves them and returns `false`.
pub(super) fn shrink<'a>(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    way: Recolour,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let width = size_px.0 as usize;
    let Some(chroma) = Plane::others(frame) else {
        return false;
    };
    let stored_colours = frame.format() == PixelFormat::Rgb;
    if stored_colours || whole_factor(frame, size_px) != Some(2) || width < BLOCK {
        return false;
    }
    let luma = Plane::first(frame);
    let pair = |y| [luma.line(2 * y), luma.line(2 * y + 1)];
    for (y, row) in (0..).zip(rows) {
        let row = &mut row.as_chunks_mut().0[..width];
        match frame.format() {
            PixelFormat::Yuyv => {
                let lines = pair(y).map(|line| &line.as_chunks().0[..width]);
                HalfOf { lines, row, way }.run_wide();
            }
            PixelFormat::Nv12 => {
                let lines = pair(y).map(|line| &line.as_chunks().0[..width]);
                let chroma = &chroma[0].line(y).as_chunks().0[..width];
                HalfOf {
                    lines: (lines, chroma),
                    row,
                    way,
                }
                .run_wide();
            }
            PixelFormat::I420 => {
                let lines = pair(y).map(|line| &line.as_chunks().0[..width]);
                let chroma = chroma.map(|plane| &plane.line(y)[..width]);
                HalfOf {
                    lines: (lines, chroma),
                    row,
                    way,
                }
                .run_wide();
            }
            PixelFormat::Grey | PixelFormat::Rgb => return false,
        }
    }
    true
}

/// Where stored means of an output row come from.
trait Lines {
    /// Those of pixel `at`, a byte each from the lowest on.
    fn word(&self, at: usize) -> u32;
}

/// Two lines of `Y0 U Y1 V`: one output pixel in each word of both.
impl Lines for [&[[u8; 4]]; 2] {
    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        let [a, b] = self.map(|line| u32::from_le_bytes(line[at]));
        let lumas = (a & 0x00ff_00ff) + (b & 0x00ff_00ff);
        let chromas = (a >> 8 & 0x00ff_00ff) + (b >> 8 & 0x00ff_00ff);
        let luma = ((lumas & 0xffff) + (lumas >> 16) + 2) >> 2;
        let [u, v] = [chromas & 0xffff, chromas >> 16].map(|sum| (sum + 1) >> 1);
        luma | u << 8 | v << 16
    }
}

/// Two lines of luma, and one of `U V`.
impl Lines for ([&[[u8; 2]]; 2], &[[u8; 2]]) {
    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        mean_of_four(self.0, at) | u32::from(u16::from_le_bytes(self.1[at])) << 8
    }
}

/// Two lines of luma, and one of U and of V.
impl Lines for ([&[[u8; 2]]; 2], [&[u8]; 2]) {
    #[inline(always)]
    fn word(&self, at: usize) -> u32 {
        let [u, v] = self.1.map(|line| u32::from(line[at]));
        mean_of_four(self.0, at) | u << 8 | v << 16
    }
}

#[inline(always)]
fn mean_of_four(lines: [&[[u8; 2]]; 2], at: usize) -> u32 {
    let [a, b] = lines.map(|line| u32::from(u16::from_le_bytes(line[at])));
    let sums = (a & 0xff) + (a >> 8) + (b & 0xff) + (b >> 8);
    (sums + 2) >> 2
}

/// An output row, at least a block long.
struct HalfOf<'a, L> {
    lines: L,
    row: &'a mut [[u8; 3]],
    way: Recolour,
}

impl<L: Lines> HalfOf<'_, L> {
    #[inline(always)]
    fn block(&mut self, at: usize) {
        let mut words = [0; BLOCK];
        for (i, word) in words.iter_mut().enumerate() {
            *word = self.lines.word(at + i);
        }
        self.way.block(&mut words);
        if let Some(block) = self.row[at..].first_chunk_mut() {
            write(&words, block);
        }
    }
}

impl<L: Lines> Wide for HalfOf<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let last = self.row.len() - BLOCK;
        for at in (0..last).step_by(BLOCK) {
            self.block(at);
        }
        // Some of its pixels may have been made already.
        self.block(last);
    }
}

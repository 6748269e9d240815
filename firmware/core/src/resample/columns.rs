//! Shrinks planes whose samples lie in the same lines of bytes, by any factor: first adds up lines, many bytes at a time, then
//! takes each output pixel's columns out of their running sum, of some rows at a time. So an output pixel costs the same however many
//! columns it has, and compilers make vectors of it.

use core::ops::Range;

use super::{
    axis::Axis,
    plane::Plane,
    reciprocal::{MOST_TOTAL, Reciprocal},
    strips::STRIP,
    tile::{LANES, TILE, Tile},
};

/// Bytes of a tile that are kept free: where the planes of a line begin and end differs by a few.
const TILE_MARGIN: usize = 16;

/// The byte of an output pixel that gets a plane's means, and the plane.
pub(super) type Channel<'a> = (usize, Plane<'a>);

/// Fills the rows if all planes are to shrink in both directions and one output pixel's columns fit a tile; else leaves them and
/// returns `false`. The planes, one to three, lie in the same lines of bytes and are of the same height, and those behind the first
/// of the same width. An output pixel has `C` bytes. `finish` is done to every mean. The rows begin at column `left`, and at most
/// [`STRIP`] pixels of each are made.
pub(super) fn shrink<'a, const C: usize>(
    channels: &[Channel<'_>],
    size_px: (u32, u32),
    left: u32,
    finish: impl Fn(u8) -> u8,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let (Some((_, first)), Some((_, last))) = (channels.first(), channels.last()) else {
        return false;
    };
    let span = span(&[*first, *last], size_px.0);
    if span == 0 || ![first, last].iter().all(|plane| shrinks(plane, size_px)) {
        return false;
    }
    let axes = [first, last].map(|plane| Axis::new(plane.size_px().0, size_px.0));
    let down = Axis::new(first.size_px().1, size_px.1);
    let starts = axes.map(|axis| starts(axis, left));
    let width = STRIP.min((size_px.0 - left) as usize);
    let means = axes.map(|axis| Reciprocal::new(axis.total() * down.total()));
    let mut tile = Tile::new();
    for y in (0..size_px.1).step_by(LANES) {
        let mut rows: [Option<&mut [u8]>; LANES] = core::array::from_fn(|_| rows.next());
        for at in (0..width).step_by(span) {
            let end = (at + span).min(width);
            let starts = [&starts[0][at..=end], &starts[1][at..=end]];
            let used = used_bytes(channels, starts);
            tile.from = used.start;
            for (lane, y) in (y..size_px.1).take(LANES).enumerate() {
                tile.add_lines(lane, first, used.clone(), &down.taps(y));
            }
            for (i, (byte, plane)) in channels.iter().enumerate() {
                let starts = starts[i.min(1)];
                tile.add_columns(plane, starts);
                let tile_means = tile.means(starts, size_px.0, &means[i.min(1)]);
                for (lane, row) in rows.iter_mut().flatten().enumerate() {
                    let row = row[at * C + byte..].iter_mut().step_by(C);
                    for (byte, means) in row.zip(tile_means) {
                        *byte = finish(means[lane]);
                    }
                }
            }
        }
    }
    true
}

fn shrinks(plane: &Plane<'_>, to: (u32, u32)) -> bool {
    let (width, height) = plane.size_px();
    let total = u64::from(width) * u64::from(height);
    to.0 <= width && to.1 <= height && total <= MOST_TOTAL
}

/// The bytes of a line in which any of the planes has samples; the planes behind the first share the second starts.
fn used_bytes(channels: &[Channel<'_>], starts: [&[Start]; 2]) -> Range<usize> {
    let parts = channels.iter().enumerate();
    let parts = parts.map(|(i, (_, plane))| bytes(plane, starts[i.min(1)]));
    parts
        .reduce(|all, part| all.start.min(part.start)..all.end.max(part.end))
        .unwrap_or_default()
}

/// As many output pixels as surely fit a tile.
fn span(planes: &[Plane<'_>], to: u32) -> usize {
    let line = planes
        .iter()
        .map(|plane| plane.size_px().0 as usize * plane.step())
        .max();
    (TILE - TILE_MARGIN) * to as usize / line.unwrap_or(usize::MAX).max(1)
}

/// Where an output pixel begins: in which source pixel, and how far in it, in units of `1 / to` source pixels.
#[derive(Clone, Copy, Default)]
pub(super) struct Start {
    pub(super) pixel: u16,
    pub(super) part: u16,
}

/// Where each output pixel of a strip begins, and where the last one ends.
fn starts(Axis { from, to }: Axis, left: u32) -> [Start; STRIP + 1] {
    let mut starts = [Start::default(); STRIP + 1];
    for (at, start) in (left..=to).zip(&mut starts) {
        // A picture's side is at most 32,768.
        *start = Start {
            pixel: (at * from / to) as u16,
            part: (at * from % to) as u16,
        };
    }
    starts
}

/// The bytes of a line in which a plane has the samples of output pixels; `starts` are theirs, and the end of the last.
pub(super) fn bytes(plane: &Plane<'_>, starts: &[Start]) -> Range<usize> {
    let (first, end) = (starts[0], starts[starts.len() - 1]);
    let last = usize::from(end.pixel) - usize::from(end.part == 0);
    // The last sample's other bytes may lie behind the picture.
    plane.byte_of(first.pixel.into())..plane.byte_of(last) + 1
}

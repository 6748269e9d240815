//! Shrinks stored colours by the same whole factor in both directions, for example 640x480 to 320x240: the hot case.

use super::whole_factor;
use crate::frame::{Frame, PixelFormat};

/// Fills the rows, each at least as long as the picture is wide, if it is that case and a layout that cameras send;
/// else leaves them and returns `false`. A pixel gets the means of what is stored: three of RGB or of YUV.
pub(super) fn shrink<'a>(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let Some(factor) = whole_factor(frame, size_px) else {
        return false;
    };
    // One copy of the loop for each layout and factor that cameras call for.
    match (frame.format(), factor) {
        (PixelFormat::Rgb, 1) => means::<1>(frame, size_px.0, rows, rgb),
        (PixelFormat::Rgb, 2) => means::<2>(frame, size_px.0, rows, rgb),
        (PixelFormat::Rgb, 3) => means::<3>(frame, size_px.0, rows, rgb),
        (PixelFormat::Rgb, 4) => means::<4>(frame, size_px.0, rows, rgb),
        _ => return false,
    }
    true
}

/// Means of blocks of `K` x `K` pixels. `sum` adds up what is stored of the block's pixels in one line of bytes.
fn means<'a, const K: usize>(
    frame: &Frame<'_>,
    width_px: u32,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
    sum: impl Fn(&[u8]) -> [u16; 3],
) {
    let bytes = frame.format().row_bytes(K as u32);
    let width = width_px as usize;
    // 36 bytes and half of 36 fit.
    let area = (K * K) as u16;
    for (y, out) in rows.enumerate() {
        let lines: [&[u8]; K] = core::array::from_fn(|i| {
            let start = (y * K + i) * frame.stride();
            &frame.data()[start..start + width * bytes]
        });
        let blocks = (0..width).map(|x| lines.map(|line| &line[x * bytes..][..bytes]));
        for (pixel, block) in out.as_chunks_mut::<3>().0.iter_mut().zip(blocks) {
            let mut sums = [area / 2; 3];
            for line in block {
                let [a, b, c] = sum(line);
                sums = [sums[0] + a, sums[1] + b, sums[2] + c];
            }
            *pixel = sums.map(|sum| (sum / area) as u8);
        }
    }
}

fn rgb(line: &[u8]) -> [u16; 3] {
    let mut sums = [0; 3];
    for pixel in line.as_chunks::<3>().0 {
        for (sum, byte) in sums.iter_mut().zip(pixel) {
            *sum += u16::from(*byte);
        }
    }
    sums
}

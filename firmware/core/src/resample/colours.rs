//! Shrinks colours by the same whole factor in both directions, for example 640x480 to 320x240: the hot case.

use super::{plane::Plane, whole_factor};
use crate::frame::{Frame, PixelFormat};

/// Fills the rows, each at least as long as the picture is wide, if it is that case and a layout that cameras send;
/// else leaves them and returns `false`. `order` is that of the channels in `rows`, of red, green, blue.
pub(super) fn shrink<'a>(
    frame: &Frame<'_>,
    size_px: (u32, u32),
    order: &impl Fn([u8; 3]) -> [u8; 3],
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) -> bool {
    let Some(factor) = whole_factor(frame, size_px) else {
        return false;
    };
    // One copy of the loop for each layout and factor that cameras call for.
    match (frame.format(), factor) {
        (PixelFormat::Rgb, 1) => means::<1>(frame, size_px.0, order, rows, rgb),
        (PixelFormat::Rgb, 2) => means::<2>(frame, size_px.0, order, rows, rgb),
        (PixelFormat::Rgb, 3) => means::<3>(frame, size_px.0, order, rows, rgb),
        (PixelFormat::Rgb, 4) => means::<4>(frame, size_px.0, order, rows, rgb),
        (PixelFormat::Rgb, 6) => means::<6>(frame, size_px.0, order, rows, rgb),
        (PixelFormat::Yuyv, 2) => means::<2>(frame, size_px.0, order, rows, yuyv),
        (PixelFormat::Yuyv, 4) => means::<4>(frame, size_px.0, order, rows, yuyv),
        (PixelFormat::Yuyv, 6) => means::<6>(frame, size_px.0, order, rows, yuyv),
        (PixelFormat::Nv12 | PixelFormat::I420, 2 | 4 | 6) => {
            let Some(chroma) = Plane::others(frame) else {
                return false;
            };
            match factor {
                2 => planar::<2>(frame, chroma, size_px.0, order, rows),
                4 => planar::<4>(frame, chroma, size_px.0, order, rows),
                _ => planar::<6>(frame, chroma, size_px.0, order, rows),
            }
        }
        _ => return false,
    }
    true
}

/// The same for 4:2:0: blocks of `K` x `K` luma samples and a quarter as many of each chroma.
fn planar<'a, const K: usize>(
    frame: &Frame<'_>,
    chroma: [Plane<'_>; 2],
    width_px: u32,
    order: &impl Fn([u8; 3]) -> [u8; 3],
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
) {
    let (luma, half) = (Plane::first(frame), K / 2);
    let (area, quarter) = ((K * K) as u16, (half * half) as u16);
    for (y, out) in (0..).zip(rows) {
        let lines: [&[u8]; K] = core::array::from_fn(|i| luma.from(0, y * K as u32 + i as u32));
        let pixels = out.as_chunks_mut::<3>().0.iter_mut();
        for (x, pixel) in (0..width_px as usize).zip(pixels) {
            let block = lines.iter().flat_map(|line| &line[x * K..][..K]);
            let mut sums = [area / 2, quarter / 2, quarter / 2];
            sums[0] += block.map(|&byte| u16::from(byte)).sum::<u16>();
            for (sum, plane) in sums[1..].iter_mut().zip(chroma) {
                for line in 0..half {
                    let samples = plane.from(x * half, y * half as u32 + line as u32);
                    let samples = samples.iter().step_by(plane.step()).take(half);
                    *sum += samples.map(|&byte| u16::from(byte)).sum::<u16>();
                }
            }
            let [y, u, v] = sums;
            *pixel =
                order(frame.rgb_of([y / area, u / quarter, v / quarter].map(|mean| mean as u8)));
        }
    }
}

/// Means of blocks of `K` x `K` pixels. `sum` adds up what is stored of the block's pixels in one line of bytes.
fn means<'a, const K: usize>(
    frame: &Frame<'_>,
    width_px: u32,
    order: &impl Fn([u8; 3]) -> [u8; 3],
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
            *pixel = order(frame.rgb_of(sums.map(|sum| (sum / area) as u8)));
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

/// An even number of pixels: each pair has its own luma and one chroma, which counts for both.
fn yuyv(line: &[u8]) -> [u16; 3] {
    let mut sums = [0; 3];
    for &[first, u, second, v] in line.as_chunks::<4>().0 {
        sums[0] += u16::from(first) + u16::from(second);
        sums[1] += 2 * u16::from(u);
        sums[2] += 2 * u16::from(v);
    }
    sums
}

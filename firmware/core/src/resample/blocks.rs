//! Shrinks luma by the same whole factor in both directions, for example 640x480 to 320x240: the hot case.

use super::whole_factor;
use crate::frame::{Frame, LumaRange, PixelFormat, rgb_luma};

/// Fills the rows, each as long as the picture is wide, if it is that case; else leaves them and returns `false`.
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
        (PixelFormat::Rgb, 1) => means::<1, 3>(frame, rows, rgb),
        (PixelFormat::Rgb, 2) => means::<2, 6>(frame, rows, rgb),
        (PixelFormat::Rgb, 3) => means::<3, 9>(frame, rows, rgb),
        (PixelFormat::Rgb, 4) => means::<4, 12>(frame, rows, rgb),
        (PixelFormat::Rgb, 6) => means::<6, 18>(frame, rows, rgb),
        (PixelFormat::Yuyv, 1) => means::<1, 2>(frame, rows, |[line]| line[0].into()),
        (PixelFormat::Yuyv, 2) => means::<2, 4>(frame, rows, two_of_yuyv),
        (PixelFormat::Yuyv, 3) => means::<3, 6>(frame, rows, yuyv),
        (PixelFormat::Yuyv, 4) => means::<4, 8>(frame, rows, four_of_yuyv),
        (PixelFormat::Yuyv, 6) => means::<6, 12>(frame, rows, yuyv),
        (_, 1) => means::<1, 1>(frame, rows, |[line]| line[0].into()),
        (_, 2) => means::<2, 2>(frame, rows, two_of_grey),
        (_, 3) => means::<3, 3>(frame, rows, grey),
        (_, 4) => means::<4, 4>(frame, rows, four_of_grey),
        (_, 6) => means::<6, 6>(frame, rows, grey),
        _ => return false,
    }
    true
}

/// Means of blocks of `K` x `K` pixels: `N` bytes hold `K` pixels of a line, and `sum` adds up the luma of a block.
fn means<'a, const K: usize, const N: usize>(
    frame: &Frame<'_>,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
    sum: impl Fn([&[u8; N]; K]) -> u16,
) {
    match frame.range() {
        LumaRange::Full => finished(frame, rows, sum, |mean| mean),
        LumaRange::Limited => finished(frame, rows, sum, |mean| LumaRange::Limited.stretch(mean)),
    }
}

fn finished<'a, const K: usize, const N: usize>(
    frame: &Frame<'_>,
    rows: &mut impl Iterator<Item = &'a mut [u8]>,
    sum: impl Fn([&[u8; N]; K]) -> u16,
    finish: impl Fn(u8) -> u8,
) {
    // 36 bytes and half of 36 fit.
    let area = (K * K) as u16;
    for (y, out) in rows.enumerate() {
        let lines: [&[[u8; N]]; K] = core::array::from_fn(|i| {
            let start = (y * K + i) * frame.stride();
            frame.data()[start..start + out.len() * N].as_chunks().0
        });
        // Of the same length, so that nothing is checked inside.
        let lines = lines.map(|line| &line[..out.len()]);
        for (x, mean) in out.iter_mut().enumerate() {
            let block = sum(lines.map(|line| &line[x]));
            *mean = finish(((block + area / 2) / area) as u8);
        }
    }
}

fn rgb<const K: usize, const N: usize>(lines: [&[u8; N]; K]) -> u16 {
    let pixels = lines.iter().flat_map(|line| line.as_chunks::<3>().0);
    pixels.map(|&pixel| u16::from(rgb_luma(pixel))).sum()
}

fn yuyv<const K: usize, const N: usize>(lines: [&[u8; N]; K]) -> u16 {
    let mut sum = 0;
    for line in lines {
        for [luma, _] in line.as_chunks::<2>().0 {
            sum += u16::from(*luma);
        }
    }
    sum
}

fn grey<const K: usize, const N: usize>(lines: [&[u8; N]; K]) -> u16 {
    let mut sum = 0;
    for line in lines {
        for &luma in line {
            sum += u16::from(luma);
        }
    }
    sum
}

// The same with machine words, several pixels in each: compilers then do many of them at a time.

fn two_of_grey(lines: [&[u8; 2]; 2]) -> u16 {
    let words = lines.map(|line| u16::from_le_bytes(*line));
    words.iter().map(|word| (word & 0xff) + (word >> 8)).sum()
}

fn two_of_yuyv(lines: [&[u8; 4]; 2]) -> u16 {
    let words = lines.map(|line| u32::from_le_bytes(*line) & 0x00ff_00ff);
    let pair = words[0] + words[1];
    (pair + (pair >> 16)) as u16
}

fn four_of_grey(lines: [&[u8; 4]; 4]) -> u16 {
    let words = lines.map(|line| u32::from_le_bytes(*line));
    let pairs = words.map(|word| (word & 0x00ff_00ff) + (word >> 8 & 0x00ff_00ff));
    let pair: u32 = pairs.iter().sum();
    (pair + (pair >> 16)) as u16
}

fn four_of_yuyv(lines: [&[u8; 8]; 4]) -> u16 {
    let words = lines.map(|line| u64::from_le_bytes(*line) & 0x00ff_00ff_00ff_00ff);
    let four: u64 = words.iter().sum();
    let pair = four + (four >> 32);
    (pair + (pair >> 16)) as u16
}

//! Depthwise rows for all NEON kernels: 16 channels at once, two taps in 16 bits before they are added in 32.
//! Dot products would need the taps of a channel side by side; bringing them there costs what they save.

use core::arch::aarch64::*;
use core::ptr::null_mut;

use super::super::tile::{Landing, WORDS};
use super::super::{BLOCK, DepthRow, Sink};
use super::flip;
use super::land::Factor;
use crate::quant::Clamp;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: Sink<'_>) {
    let harmless = Clamp {
        zero: 0,
        lo: 0,
        hi: 0,
    };
    let (bytes, raw, clamp, room) = match sink {
        Sink::Raw(out) => (null_mut(), out.as_mut_ptr(), harmless, out.len()),
        Sink::Bytes { out, clamp, .. } => (out.as_mut_ptr(), null_mut(), clamp, out.len()),
    };
    assert!(
        room >= row.pixels * row.channels,
        "a row of outputs has this length"
    );
    let words = [row.packed.bias, row.packed.m, row.packed.s].map(|words| words.0);
    let blocks = row.channels.div_ceil(BLOCK);
    assert!(
        words.iter().all(|words| words.len() >= blocks * WORDS),
        "words are packed in whole blocks"
    );
    let taps = row.lines.len();
    let reach =
        row.pixels.saturating_sub(1) * row.step + (taps - 1) * row.channels + blocks * BLOCK;
    assert!(
        row.lines.iter().all(|line| line.len() >= reach),
        "tensors end with slack"
    );

    for block in 0..blocks {
        let first = block * BLOCK;
        let [bias, m, s] = words.map(|words| words.as_ptr().wrapping_add(block * WORDS));
        let landing = Landing {
            bias,
            m,
            s,
            clamp,
            bytes: if bytes.is_null() {
                bytes
            } else {
                bytes.wrapping_add(first)
            },
            raw: if raw.is_null() {
                raw
            } else {
                raw.wrapping_add(first)
            },
            pitch: row.channels,
            outputs: row.channels - first,
        };
        // SAFETY: lines, words and output row were measured above. This kernel is chosen only where the processor
        // has NEON.
        unsafe {
            match taps {
                1 => channels::<1>(row, first, &landing),
                _ => channels::<9>(row, first, &landing),
            }
        }
    }
}

/// 16 channels of all pixels, with `T` taps.
///
/// # Safety
/// The lines are readable for 16 channels from `first` on, of every tap of every pixel; the landing has room for
/// every pixel; the processor has NEON.
#[target_feature(enable = "neon")]
unsafe fn channels<const T: usize>(row: &DepthRow<'_>, first: usize, landing: &Landing) {
    let weights: [int8x16_t; T] = core::array::from_fn(|tap| weights(row, tap, first));
    let side = row.lines.len();
    let starts: [*const u8; T] = core::array::from_fn(|tap| {
        row.lines[tap / side]
            .as_ptr()
            .wrapping_add(tap % side * row.channels + first)
    });
    // SAFETY: words of a whole block are readable.
    let factor = unsafe { Factor::load(landing) };
    for pixel in 0..row.pixels {
        let mut acc = [vdupq_n_s32(0); 4];
        // SAFETY: as this function demands.
        let x = |tap: usize| flip(unsafe { vld1q_u8(starts[tap].add(pixel * row.step)) });
        let mut taps = 0..T;
        while let (Some(tap), next) = (taps.next(), taps.next()) {
            let (u, w) = (x(tap), weights[tap]);
            let mut low = vmull_s8(vget_low_s8(u), vget_low_s8(w));
            let mut high = vmull_high_s8(u, w);
            if let Some(tap) = next {
                let (u, w) = (x(tap), weights[tap]);
                low = vmlal_s8(low, vget_low_s8(u), vget_low_s8(w));
                high = vmlal_high_s8(high, u, w);
            }
            acc[0] = vaddw_s16(acc[0], vget_low_s16(low));
            acc[1] = vaddw_high_s16(acc[1], low);
            acc[2] = vaddw_s16(acc[2], vget_low_s16(high));
            acc[3] = vaddw_high_s16(acc[3], high);
        }
        // SAFETY: as this function demands.
        unsafe { factor.store(landing, pixel, acc) };
    }
}

/// One tap's weights of 16 channels; 0 where there are fewer.
#[inline]
#[target_feature(enable = "neon")]
fn weights(row: &DepthRow<'_>, tap: usize, first: usize) -> int8x16_t {
    let mut whole = [0_u8; BLOCK];
    let lanes = (row.channels - first).min(BLOCK);
    whole[..lanes].copy_from_slice(&row.weights[tap * row.channels + first..][..lanes]);
    // SAFETY: `whole` has 16 bytes.
    unsafe { vld1q_s8(whole.as_ptr().cast()) }
}

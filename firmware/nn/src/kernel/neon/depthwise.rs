//! Depthwise rows for all NEON kernels: 16 channels at once, two taps in 16 bits before they are added in 32.
//! Dot products would need the taps of a channel side by side; bringing them there costs what they save.

use core::arch::aarch64::*;

use super::super::depthwise::{blocks, weights};
use super::super::tile::Epilogue;
use super::super::{DepthRow, RowOutput};
use super::epilogue::Factor;
use super::flip;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: RowOutput<'_>) {
    for (first, epilogue) in blocks(row, sink, true) {
        // SAFETY: `blocks` measured lines, words and output row. This kernel is chosen only where the processor has NEON.
        unsafe {
            match row.lines.len() {
                1 => channels::<1>(row, first, &epilogue),
                _ => channels::<9>(row, first, &epilogue),
            }
        }
    }
}

/// 16 channels of all pixels, with `T` taps.
///
/// # Safety
/// The lines are readable for 16 channels from `first` on, of every tap of every pixel; the epilogue has room for
/// every pixel; the processor has NEON.
#[target_feature(enable = "neon")]
unsafe fn channels<const T: usize>(row: &DepthRow<'_>, first: usize, epilogue: &Epilogue) {
    // SAFETY: each has 16 bytes.
    let weights: [int8x16_t; T] =
        core::array::from_fn(|tap| unsafe { vld1q_s8(weights(row, tap, first).as_ptr().cast()) });
    let side = row.lines.len();
    let starts: [*const u8; T] = core::array::from_fn(|tap| {
        row.lines[tap / side]
            .as_ptr()
            .wrapping_add(tap % side * row.channels + first)
    });
    // SAFETY: words of a whole block are readable.
    let factor = unsafe { Factor::load(epilogue) };
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
        unsafe { factor.store(epilogue, pixel, acc) };
    }
}

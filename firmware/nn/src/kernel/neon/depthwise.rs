//! Depthwise rows with plain NEON: 16 channels at once, two taps in 16 bits before they are added in 32.

use core::arch::aarch64::*;

use super::super::depthwise::{blocks, weights};
use super::super::tile::Epilogue;
use super::super::{DepthRow, RowOutput};
use super::epilogue::Factor;
use super::products;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: RowOutput<'_>) {
    for (first, epilogue) in blocks(row, sink, true) {
        // SAFETY: `blocks` measured lines, words and output row. This kernel is chosen only where the processor has NEON.
        unsafe { channels(row, first, &epilogue) }
    }
}

/// 16 channels of all pixels.
///
/// # Safety
/// The lines are readable for 16 channels from `first` on, of every tap of every pixel; the epilogue has room for
/// every pixel; the processor has NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn channels(row: &DepthRow<'_>, first: usize, epilogue: &Epilogue) {
    // SAFETY: words of a whole block are readable; the rest is what this function demands.
    unsafe {
        let factor = Factor::load(epilogue);
        match (row.lines.len(), is_side_by_side(row), factor.plain) {
            (1, _, _) => any_step::<1>(row, first, epilogue, &factor),
            (_, false, _) => any_step::<9>(row, first, epilogue, &factor),
            (_, true, true) => side_by_side::<true>(row, first, epilogue, &factor),
            (_, true, false) => side_by_side::<false>(row, first, epilogue, &factor),
        }
    }
}

/// Whether pixels share columns of nine taps, and there are enough of them.
pub(super) fn is_side_by_side(row: &DepthRow<'_>) -> bool {
    row.lines.len() == 3 && row.step == row.channels && row.pixels >= 3
}

/// The weights of `T` taps.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn taps<const T: usize>(row: &DepthRow<'_>, first: usize) -> [int8x16_t; T] {
    // SAFETY: each has 16 bytes.
    core::array::from_fn(|tap| unsafe { vld1q_s8(weights(row, tap, first).as_ptr().cast()) })
}

/// # Safety
/// As [`channels`], with `T` taps.
#[target_feature(enable = "neon")]
unsafe fn any_step<const T: usize>(
    row: &DepthRow<'_>,
    first: usize,
    epilogue: &Epilogue,
    factor: &Factor,
) {
    let w = taps::<T>(row, first);
    let side = row.lines.len();
    let starts: [*const i8; T] = core::array::from_fn(|tap| {
        let at = tap % side * row.channels + first;
        row.lines[tap / side].as_ptr().wrapping_add(at).cast()
    });
    for pixel in 0..row.pixels {
        // SAFETY: as this function demands.
        unsafe {
            let x = core::array::from_fn(|tap| vld1q_s8(starts[tap].add(pixel * row.step)));
            factor.store::<false>(epilogue, pixel, sums(&factor.bias, &w, &x));
        }
    }
}

/// Each pixel's taps but three were its left neighbour's.
///
/// # Safety
/// As [`channels`], of a row that [`is_side_by_side`]; `PLAIN` is the factor's.
#[target_feature(enable = "neon")]
unsafe fn side_by_side<const PLAIN: bool>(
    row: &DepthRow<'_>,
    first: usize,
    epilogue: &Epilogue,
    factor: &Factor,
) {
    let w = taps::<9>(row, first);
    let starts: [*const i8; 3] =
        core::array::from_fn(|line| row.lines[line].as_ptr().wrapping_add(first).cast());
    // SAFETY: pixel `p` sees the columns `p ..= p + 2`, each of three lines of 16 channels.
    let column = |c: usize| unsafe { starts.map(|start| vld1q_s8(start.add(c * row.channels))) };
    let mut columns = [column(0), column(1), [vdupq_n_s8(0); 3]];
    let (mut three, last) = (0, row.pixels - 3);
    loop {
        // Each turn replaces the column that no later pixel sees.
        for turn in 0..3 {
            let pixel = three + turn;
            columns[(turn + 2) % 3] = column(pixel + 2);
            let [l, m, r] = [0, 1, 2].map(|at| columns[(turn + at) % 3]);
            let x = [l[0], m[0], r[0], l[1], m[1], r[1], l[2], m[2], r[2]];
            // SAFETY: as this function demands.
            unsafe { factor.store::<PLAIN>(epilogue, pixel, sums(&factor.bias, &w, &x)) };
        }
        three += 3;
        if three > last {
            if three == row.pixels {
                return;
            }
            // The last three pixels, some of them once more: without an exit between pixels the compiler mixes their instructions.
            three = last;
            (columns[0], columns[1]) = (column(three), column(three + 1));
        }
    }
}

/// The bias and all taps' products.
#[inline]
#[target_feature(enable = "neon")]
fn sums<const T: usize>(
    bias: &[int32x4_t; 4],
    w: &[int8x16_t; T],
    x: &[int8x16_t; T],
) -> [int32x4_t; 4] {
    let mut acc = *bias;
    // Four taps at a time, so that an in-order core finds products that do not wait for each other. Loops of fixed length, so that
    // compilers unroll them and taps stay in registers.
    for first in 0..T / 4 {
        let [a, b, c, d] = [0, 1, 2, 3].map(|tap| first * 4 + tap);
        let mut low = [products::smull(x[a], w[a]), products::smull(x[b], w[b])];
        let mut high = [products::smull2(x[a], w[a]), products::smull2(x[b], w[b])];
        low[0] = products::smlal(low[0], x[c], w[c]);
        low[1] = products::smlal(low[1], x[d], w[d]);
        high[0] = products::smlal2(high[0], x[c], w[c]);
        high[1] = products::smlal2(high[1], x[d], w[d]);
        widen(&mut acc, low[0], high[0]);
        widen(&mut acc, low[1], high[1]);
    }
    for tap in T / 4 * 4..T {
        widen(
            &mut acc,
            products::smull(x[tap], w[tap]),
            products::smull2(x[tap], w[tap]),
        );
    }
    acc
}

/// Adds sums in 16 bits.
#[inline]
#[target_feature(enable = "neon")]
fn widen(acc: &mut [int32x4_t; 4], low: int16x8_t, high: int16x8_t) {
    acc[0] = vaddw_s16(acc[0], vget_low_s16(low));
    acc[1] = vaddw_high_s16(acc[1], low);
    acc[2] = vaddw_s16(acc[2], vget_low_s16(high));
    acc[3] = vaddw_high_s16(acc[3], high);
}

//! Depthwise rows with dot products: the three bytes of a channel in a column of the kernel come to lie side by side, once for the
//! three pixels that see this column, and one `sdot` adds their products. What is not 3x3 with pixels side by side takes plain NEON.

use core::arch::{aarch64::*, asm};

use super::super::depthwise::blocks;
use super::super::tile::Epilogue;
use super::super::{DepthRow, RowOutput};
use super::depthwise::{channels, taps};
use super::epilogue::Factor;

/// One output row of a depthwise convolution.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: RowOutput<'_>) {
    let side_by_side = row.lines.len() == 3 && row.step == row.channels;
    for (first, epilogue) in blocks(row, sink, true) {
        // SAFETY: `blocks` measured lines, words and output row. This kernel is chosen only where the processor has dot products.
        unsafe {
            let factor = Factor::load(&epilogue);
            match (side_by_side, factor.plain) {
                (false, _) => channels(row, first, &epilogue),
                (_, true) => dots::<true>(row, first, &epilogue, &factor),
                (_, false) => dots::<false>(row, first, &epilogue, &factor),
            }
        }
    }
}

/// A column of 16 channels: four bytes of each, of three lines and once more of the last, whose weight is 0.
type Column = [int8x16_t; 4];

/// 16 channels of all pixels.
///
/// # Safety
/// As [`channels`], with nine taps and pixels side by side; the processor has dot products; `PLAIN` is the factor's.
#[target_feature(enable = "neon,dotprod")]
unsafe fn dots<const PLAIN: bool>(
    row: &DepthRow<'_>,
    first: usize,
    epilogue: &Epilogue,
    factor: &Factor,
) {
    let taps = taps::<9>(row, first);
    let none = vdupq_n_s8(0);
    let w: [Column; 3] =
        core::array::from_fn(|c| interleaved([taps[c], taps[3 + c], taps[6 + c], none]));
    let starts: [*const i8; 3] =
        core::array::from_fn(|line| row.lines[line].as_ptr().wrapping_add(first).cast());
    let column = |c: usize| {
        // SAFETY: pixel `p` sees the columns `p ..= p + 2`, each of three lines of 16 channels.
        let [x, y, z] = unsafe { starts.map(|start| vld1q_s8(start.add(c * row.channels))) };
        interleaved([x, y, z, z])
    };
    let mut columns = [column(0), column(1), [none; 4]];
    for three in (0..row.pixels).step_by(3) {
        // Each turn replaces the column that no later pixel sees.
        for turn in 0..3 {
            let pixel = three + turn;
            if pixel == row.pixels {
                return;
            }
            columns[(turn + 2) % 3] = column(pixel + 2);
            let mut acc = factor.bias;
            for (at, w) in w.iter().enumerate() {
                let x = &columns[(turn + at) % 3];
                for quad in 0..4 {
                    acc[quad] = sdot(acc[quad], w[quad], x[quad]);
                }
            }
            // SAFETY: as this function demands.
            unsafe { factor.store::<PLAIN>(epilogue, pixel, acc) };
        }
    }
}

/// The bytes of four vectors side by side.
#[inline]
#[target_feature(enable = "neon")]
fn interleaved([a, b, c, d]: [int8x16_t; 4]) -> Column {
    let pairs = [
        vzip1q_s8(a, b),
        vzip1q_s8(c, d),
        vzip2q_s8(a, b),
        vzip2q_s8(c, d),
    ];
    let [ab, cd, high_ab, high_cd] = pairs.map(|pair| vreinterpretq_s16_s8(pair));
    [
        vzip1q_s16(ab, cd),
        vzip2q_s16(ab, cd),
        vzip1q_s16(high_ab, high_cd),
        vzip2q_s16(high_ab, high_cd),
    ]
    .map(|four| vreinterpretq_s8_s16(four))
}

/// `acc[i] += w[4 * i ..][.. 4] . x[4 * i ..][.. 4]`: `vdotq_s32`, which is not stable yet.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(mut acc: int32x4_t, w: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: it computes on registers and does nothing else; the feature is there.
    unsafe {
        asm!(
            "sdot {acc:v}.4s, {w:v}.16b, {x:v}.16b",
            acc = inout(vreg) acc,
            w = in(vreg) w,
            x = in(vreg) x,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    acc
}

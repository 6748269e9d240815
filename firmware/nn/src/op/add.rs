//! Sum of two tensors of one shape.

use crate::quant::Clamp;
use crate::tensor::{Map, MapMut};

/// `clamp(zy + (((a - za) * ma + (b - zb) * mb + 2^(s-1)) >> s), lo, hi)`: at most `2 * 255 * 2^22 + 2^19`, so
/// 32 bits are enough.
pub(crate) fn run(
    (ma, mb, s): (i32, i32, u32),
    clamp: Clamp,
    a: Map<'_>,
    b: Map<'_>,
    y: &mut MapMut<'_>,
) {
    let (za, zb) = (i32::from(a.zero), i32::from(b.zero));
    let half = 1 << (s - 1);
    let (zero, lo, hi) = (
        i32::from(clamp.zero),
        i32::from(clamp.lo),
        i32::from(clamp.hi),
    );
    for r in 0..y.shape.rows {
        for ((y, &a), &b) in y.row(r).iter_mut().zip(a.row(r)).zip(b.row(r)) {
            let sum = (i32::from(a) - za) * ma + (i32::from(b) - zb) * mb + half;
            *y = (zero + (sum >> s)).clamp(lo, hi) as u8;
        }
    }
}

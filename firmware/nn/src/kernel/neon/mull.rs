//! Plain NEON, for Cortex-A53 and A72: `smull` and `smlal` add two products in 16 bits, where two of signed bytes just
//! fit (2 * 128 * 127 < 2^15), and `sadalp` adds neighbours of those in 32 bits.
//!
//! A tile is `P` pixels times 16 outputs; 16 bytes of a pixel serve four groups of weights.

use core::arch::aarch64::*;
use core::array::from_fn;
use core::hint::assert_unchecked;

use super::super::tile::{Tile, TileJob, for_each_tile};
use super::super::{Row, RowOutput};
use super::epilogue::Factor;
use super::products;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<Mull>(row, sink);
}

struct Mull;

impl Tile for Mull {
    const DEPTH: usize = 4;
    const FETCH: usize = 16;
    const ANY_SHIFT: bool = true;

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &TileJob<'_>, _: usize, pixels: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has NEON.
        unsafe {
            let factor = Factor::load(&job.epilogue);
            match factor.plain {
                true => row::<true>(job, pixels, &factor),
                false => row::<false>(job, pixels, &factor),
            }
        }
    }
}

/// Each vector holds two outputs as two partial sums each.
type Sums = [int32x4_t; 8];

/// # Safety
/// As [`Tile::compute`], with one block; the processor has NEON; `PLAIN` is the factor's.
#[target_feature(enable = "neon")]
unsafe fn row<const PLAIN: bool>(job: &TileJob<'_>, pixels: usize, factor: &Factor) {
    let none = vdupq_n_s32(0);
    let bias: Sums = core::array::from_fn(|two| match two % 2 {
        0 => vzip1q_s32(factor.bias[two / 2], none),
        _ => vzip2q_s32(factor.bias[two / 2], none),
    });
    // SAFETY: all pixels are the caller's.
    unsafe {
        for pixel in (0..pixels - 1).step_by(2) {
            tile::<2, PLAIN>(job, pixel, &bias, factor);
        }
        if pixels % 2 == 1 {
            tile::<1, PLAIN>(job, pixels - 1, &bias, factor);
        }
    }
}

/// # Safety
/// As [`row`], for `P` pixels from `pixel` on.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn tile<const P: usize, const PLAIN: bool>(
    job: &TileJob<'_>,
    pixel: usize,
    bias: &Sums,
    factor: &Factor,
) {
    let mut acc = [*bias; P];
    let (fetches, rest) = (job.groups / 4, job.groups % 4);
    // SAFETY: a job has lines.
    unsafe { assert_unchecked(!job.lines.is_empty()) };
    for line in 0..job.lines.len() {
        let first = job.offset + pixel * job.step;
        let input = job.lines[line].as_ptr().wrapping_add(first).cast::<i8>();
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for fetch in 0..fetches {
            // SAFETY: the line reaches to the last group of the last pixel; each group has 64 bytes of weights.
            unsafe {
                let x: [_; P] = from_fn(|p| input.add(p * job.step + fetch * 16));
                let weights = weights.add(fetch * 256);
                // Only where most tiles go, so that it is compiled once, into this loop.
                if P == 2 && PLAIN {
                    let [one, two] = acc.get_disjoint_unchecked_mut([0, 1]);
                    two_pixels(one, two, [x[0], x[P - 1]], weights);
                } else {
                    let x = x.map(|x| vld1q_s8(x));
                    two_groups::<P, 0, 1>(&mut acc, &x, weights);
                    two_groups::<P, 2, 3>(&mut acc, &x, weights.add(128));
                }
            }
        }
        if rest > 0 {
            // SAFETY: the line reaches to the end of the last fetch, and there are weights for `rest` groups.
            unsafe {
                let x = core::array::from_fn(|p| vld1q_s8(input.add(p * job.step + fetches * 16)));
                let weights = weights.add(fetches * 256);
                match rest {
                    1 => one_group::<P, 0>(&mut acc, &x, weights),
                    2 => two_groups::<P, 0, 1>(&mut acc, &x, weights),
                    _ => {
                        two_groups::<P, 0, 1>(&mut acc, &x, weights);
                        one_group::<P, 2>(&mut acc, &x, weights.add(128));
                    }
                }
            }
        }
    }
    let put = |p: usize, acc: &Sums| {
        let sums = core::array::from_fn(|quad| vpaddq_s32(acc[quad * 2], acc[quad * 2 + 1]));
        // SAFETY: the output row has room for all pixels.
        unsafe { factor.store::<PLAIN>(&job.epilogue, pixel + p, sums) };
    };
    // No loop: what is counted through lies in memory.
    put(0, &acc[0]);
    if P == 2 {
        put(1, &acc[P - 1]);
    }
}

/// Four groups of two pixels, for the in-order Cortex-A53: eight products that do not wait for each other, then the eight that are added
/// to them, then the eight sums; what the next eight need is loaded between. This takes all 32 registers.
///
/// # Safety
/// 16 bytes of each pixel are readable; `weights` points to four groups.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn two_pixels(p: &mut Sums, q: &mut Sums, x: [*const i8; 2], weights: *const u8) {
    // SAFETY: as this function demands.
    unsafe {
        let of = |group: usize, half: usize| weights.add(group * 64 + half * 32);
        let now = Operands {
            x: again(x),
            u: two_quads(of(0, 0)),
        };
        let next = x.map(|x| x.add(8));
        let now = now.multiply::<0, false>(p, q, x, of(1, 0), of(0, 1));
        let now = now.multiply::<1, true>(p, q, next, of(1, 1), of(2, 0));
        let now = now.multiply::<0, false>(p, q, x, of(3, 0), of(2, 1));
        now.multiply::<1, false>(p, q, x, of(3, 1), of(2, 1));
    }
}

/// Two groups of two pixels, each four times over, and the first group's weights of eight outputs.
struct Operands {
    x: [int32x4x2_t; 2],
    u: [int8x16_t; 2],
}

impl Operands {
    /// Adds the products of half `HALF` of the outputs, the second group's weights at `v`, and loads those at `next` and, if `NEXT`, the
    /// groups at `next_x`.
    ///
    /// # Safety
    /// As [`two_pixels`]; there are 32 bytes of weights at `v` and `next`, and two groups at `next_x`.
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn multiply<const HALF: usize, const NEXT: bool>(
        self,
        p: &mut Sums,
        q: &mut Sums,
        next_x: [*const i8; 2],
        v: *const u8,
        next: *const u8,
    ) -> Self {
        use products::{sadalp, smlal, smlal2, smull, smull2};
        let Self { x, u } = self;
        let [a, b] = [
            x.map(|x| vreinterpretq_s8_s32(x.0)),
            x.map(|x| vreinterpretq_s8_s32(x.1)),
        ];
        // SAFETY: as this function demands.
        let v = unsafe { two_quads(v) };
        let [s0, t0] = [smull(u[0], a[0]), smull(u[0], a[1])];
        let [s1, t1] = [smull2(u[0], a[0]), smull2(u[0], a[1])];
        let [s2, t2] = [smull(u[1], a[0]), smull(u[1], a[1])];
        let [s3, t3] = [smull2(u[1], a[0]), smull2(u[1], a[1])];
        // SAFETY: as this function demands.
        let u = unsafe { two_quads(next) };
        let [s0, t0] = [smlal(s0, v[0], b[0]), smlal(t0, v[0], b[1])];
        let [s1, t1] = [smlal2(s1, v[0], b[0]), smlal2(t1, v[0], b[1])];
        let [s2, t2] = [smlal(s2, v[1], b[0]), smlal(t2, v[1], b[1])];
        let [s3, t3] = [smlal2(s3, v[1], b[0]), smlal2(t3, v[1], b[1])];
        // SAFETY: as this function demands.
        let x = if NEXT { unsafe { again(next_x) } } else { x };
        let at = HALF * 4;
        [p[at], q[at]] = [sadalp(p[at], s0), sadalp(q[at], t0)];
        [p[at + 1], q[at + 1]] = [sadalp(p[at + 1], s1), sadalp(q[at + 1], t1)];
        [p[at + 2], q[at + 2]] = [sadalp(p[at + 2], s2), sadalp(q[at + 2], t2)];
        [p[at + 3], q[at + 3]] = [sadalp(p[at + 3], s3), sadalp(q[at + 3], t3)];
        Self { x, u }
    }
}

/// Two groups of two pixels, each group four times over.
///
/// # Safety
/// They are readable.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn again(x: [*const i8; 2]) -> [int32x4x2_t; 2] {
    // SAFETY: as this function demands; the instruction takes any address.
    x.map(|x| unsafe { vld2q_dup_s32(x.cast()) })
}

/// One group of a fetch, four times over.
#[inline]
#[target_feature(enable = "neon")]
fn spread<const GROUP: i32>(x: int8x16_t) -> int8x16_t {
    vreinterpretq_s8_s32(vdupq_laneq_s32::<GROUP>(vreinterpretq_s32_s8(x)))
}

/// # Safety
/// `weights` points to two groups.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn two_groups<const P: usize, const A: i32, const B: i32>(
    acc: &mut [Sums; P],
    x: &[int8x16_t; P],
    weights: *const u8,
) {
    let (a, b) = (x.map(|x| spread::<A>(x)), x.map(|x| spread::<B>(x)));
    for half in 0..2 {
        // SAFETY: as this function demands.
        let [u, v] = [0, 64].map(|at| unsafe { two_quads(weights.add(at + half * 32)) });
        #[allow(clippy::needless_range_loop)] // by an iterator's count, sums would lie in memory
        for of in 0..2 {
            let quad = half * 2 + of;
            let mut low = a.map(|a| products::smull(u[of], a));
            let mut high = a.map(|a| products::smull2(u[of], a));
            for p in 0..P {
                low[p] = products::smlal(low[p], v[of], b[p]);
            }
            for p in 0..P {
                high[p] = products::smlal2(high[p], v[of], b[p]);
            }
            for p in 0..P {
                acc[p][quad * 2] = products::sadalp(acc[p][quad * 2], low[p]);
            }
            for p in 0..P {
                acc[p][quad * 2 + 1] = products::sadalp(acc[p][quad * 2 + 1], high[p]);
            }
        }
    }
}

/// Weights of eight outputs.
///
/// # Safety
/// There are 32 bytes.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn two_quads(weights: *const u8) -> [int8x16_t; 2] {
    // SAFETY: as this function demands.
    [0, 16].map(|at| unsafe { vld1q_s8(weights.add(at).cast()) })
}

/// # Safety
/// `weights` points to a group.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn one_group<const P: usize, const A: i32>(
    acc: &mut [Sums; P],
    x: &[int8x16_t; P],
    weights: *const u8,
) {
    let a = x.map(|x| spread::<A>(x));
    for half in 0..2 {
        // SAFETY: as this function demands.
        let u = unsafe { two_quads(weights.add(half * 32)) };
        #[allow(clippy::needless_range_loop)] // by an iterator's count, sums would lie in memory
        for of in 0..2 {
            let quad = half * 2 + of;
            let low = a.map(|a| products::smull(u[of], a));
            let high = a.map(|a| products::smull2(u[of], a));
            for p in 0..P {
                acc[p][quad * 2] = products::sadalp(acc[p][quad * 2], low[p]);
                acc[p][quad * 2 + 1] = products::sadalp(acc[p][quad * 2 + 1], high[p]);
            }
        }
    }
}

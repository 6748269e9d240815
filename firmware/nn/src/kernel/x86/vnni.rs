//! AVX-512 with VNNI: `vpdpbusd` adds four products of a byte and a weight to each of 16 sums, without saturation.
//!
//! A tile is `P` pixels times `B` blocks of 16 outputs, all in registers; requantizing is its epilogue.

use core::arch::x86_64::*;

use super::super::tile::{Job, Landing, Tile, drive};
use super::super::{BLOCK, Row, Sink};

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: Sink<'_>) {
    drive::<Vnni>(row, sink);
}

struct Vnni;

impl Tile for Vnni {
    const DEPTH: usize = 4;
    const ANY_SHIFT: bool = false;

    fn widths(blocks: usize) -> &'static [usize] {
        match blocks {
            4 => &[6, 3, 1],
            2 => &[12, 4, 1],
            _ => &[14, 4, 1],
        }
    }

    fn blocks(left: usize) -> usize {
        match left {
            4.. => 4,
            2.. => 2,
            _ => 1,
        }
    }

    unsafe fn compute(job: &Job<'_>, blocks: usize, width: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has the features.
        unsafe {
            match (blocks, width) {
                (4, 6) => tile::<4, 6>(job),
                (4, 3) => tile::<4, 3>(job),
                (4, _) => tile::<4, 1>(job),
                (2, 12) => tile::<2, 12>(job),
                (2, 4) => tile::<2, 4>(job),
                (2, _) => tile::<2, 1>(job),
                (_, 14) => tile::<1, 14>(job),
                (_, 4) => tile::<1, 4>(job),
                (_, _) => tile::<1, 1>(job),
            }
        }
    }
}

/// # Safety
/// As [`Tile::compute`], with `B` blocks and `P` pixels; the processor has AVX-512 F, BW, VL and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile<const B: usize, const P: usize>(job: &Job<'_>) {
    // SAFETY: `bias` holds 64 bytes for each of the blocks.
    let bias: [__m512i; B] = core::array::from_fn(|b| unsafe {
        _mm512_loadu_si512(job.landing.bias.add(b * 64).cast())
    });
    let mut acc = [bias; P];
    for line in 0..job.lines.len() {
        let input = job.lines[line].as_ptr().wrapping_add(job.offset);
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for group in 0..job.groups {
            // SAFETY: each line has `groups` groups of 64 bytes of weights in each of the blocks.
            let w: [__m512i; B] = core::array::from_fn(|b| unsafe {
                _mm512_loadu_si512(weights.add(b * job.block_stride + group * 64).cast())
            });
            for (p, acc) in acc.iter_mut().enumerate() {
                // SAFETY: the line reaches to the last group of the last pixel.
                let x = unsafe {
                    input
                        .add(p * job.step + group * 4)
                        .cast::<i32>()
                        .read_unaligned()
                };
                let x = _mm512_set1_epi32(x);
                for b in 0..B {
                    acc[b] = _mm512_dpbusd_epi32(acc[b], x, w[b]);
                }
            }
        }
    }
    // SAFETY: as this function demands.
    unsafe { store(&job.landing, &acc) }
}

/// # Safety
/// As [`tile`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn store<const B: usize, const P: usize>(job: &Landing, acc: &[[__m512i; B]; P]) {
    for b in 0..B {
        let lanes = (job.outputs - b * BLOCK).min(BLOCK);
        let mask = u16::MAX >> (BLOCK - lanes);
        if !job.raw.is_null() {
            for (p, acc) in acc.iter().enumerate() {
                // SAFETY: the output row has room for `lanes` more values here, and no other lane is written.
                unsafe {
                    _mm512_mask_storeu_epi32(job.raw.add(p * job.pitch + b * BLOCK), mask, acc[b])
                };
            }
            continue;
        }
        // SAFETY: `m` and `s` hold 64 bytes for each of the blocks.
        let factor = unsafe { Factor::load(job.m.add(b * 64), job.s.add(b * 64)) };
        let zero = _mm512_set1_epi32(job.clamp.zero.into());
        let lo = _mm512_sub_epi32(_mm512_set1_epi32(job.clamp.lo.into()), zero);
        let hi = _mm512_sub_epi32(_mm512_set1_epi32(job.clamp.hi.into()), zero);
        for (p, acc) in acc.iter().enumerate() {
            let y = factor.requantize(acc[b]);
            // Clamped before the zero point is added: the sum of both might not fit.
            let y = _mm512_add_epi32(_mm512_min_epi32(_mm512_max_epi32(y, lo), hi), zero);
            // SAFETY: as for raw values.
            unsafe {
                _mm_mask_storeu_epi8(
                    job.bytes.add(p * job.pitch + b * BLOCK).cast(),
                    mask,
                    _mm512_cvtepi32_epi8(y),
                )
            };
        }
    }
}

/// Multipliers, shifts and halves of 16 outputs, even and odd ones apart, as the 64-bit products need them.
struct Factor {
    m: [__m512i; 2],
    s: [__m512i; 2],
    half: [__m512i; 2],
}

impl Factor {
    /// # Safety
    /// `m` and `s` point to 64 readable bytes.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(m: *const u8, s: *const u8) -> Self {
        // SAFETY: as this function demands.
        let (m, s) = unsafe { (_mm512_loadu_si512(m.cast()), _mm512_loadu_si512(s.cast())) };
        let s = [
            _mm512_and_si512(s, _mm512_set1_epi64(0xffff_ffff)),
            _mm512_srli_epi64::<32>(s),
        ];
        let one = _mm512_set1_epi64(1);
        let half = [0, 1].map(|odd| _mm512_sllv_epi64(one, _mm512_sub_epi64(s[odd], one)));
        Self {
            m: [m, _mm512_srli_epi64::<32>(m)],
            s,
            half,
        }
    }

    /// The rounding rule for 16 accumulators, for shifts of at least 31.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn requantize(&self, acc: __m512i) -> __m512i {
        let shifted = |odd: usize, acc| {
            let product = _mm512_mul_epi32(acc, self.m[odd]);
            _mm512_srav_epi64(_mm512_add_epi64(product, self.half[odd]), self.s[odd])
        };
        let (even, odd) = (shifted(0, acc), shifted(1, _mm512_srli_epi64::<32>(acc)));
        _mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64::<32>(odd))
    }
}

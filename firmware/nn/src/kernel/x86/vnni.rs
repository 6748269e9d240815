//! AVX-512 with VNNI: `vpdpbusd` adds four products of a byte and a weight to each of 16 sums, without saturation.
//!
//! A tile is `P` pixels times `B` blocks of 16 outputs, all in registers; requantizing is its epilogue (`epilogue`).

use core::arch::x86_64::*;

use super::super::tile::{Epilogue, Tile, TileJob, for_each_tile};
use super::super::{BLOCK, Row, RowOutput};
use super::epilogue::{Factor, bytes};

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: RowOutput<'_>) {
    for_each_tile::<Vnni>(row, sink);
}

struct Vnni;

impl Tile for Vnni {
    const DEPTH: usize = 4;
    const ANY_SHIFT: bool = false;

    fn blocks(left: usize) -> usize {
        left.min(4)
    }

    unsafe fn compute(job: &TileJob<'_>, blocks: usize, pixels: usize) {
        let widths: &[usize] = match blocks {
            4 => &[6, 4, 2, 1],
            3 => &[8, 4, 1],
            2 => &[12, 4, 1],
            _ => &[16, 4, 1],
        };
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has the features.
        job.tiles(pixels, widths, |job, width| unsafe {
            match (blocks, width) {
                (4, 6) => tile::<4, 6>(job),
                (4, 4) => tile::<4, 4>(job),
                (4, 2) => tile::<4, 2>(job),
                (4, _) => tile::<4, 1>(job),
                (3, 8) => tile::<3, 8>(job),
                (3, 4) => tile::<3, 4>(job),
                (3, _) => tile::<3, 1>(job),
                (2, 12) => tile::<2, 12>(job),
                (2, 4) => tile::<2, 4>(job),
                (2, _) => tile::<2, 1>(job),
                (_, 16) => tile::<1, 16>(job),
                (_, 4) => tile::<1, 4>(job),
                (_, _) => tile::<1, 1>(job),
            }
        });
    }
}

/// # Safety
/// As [`Tile::compute`], with `B` blocks and `P` pixels; the processor has AVX-512 F, BW, VL and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile<const B: usize, const P: usize>(job: &TileJob<'_>) {
    // SAFETY: `bias` holds 64 bytes for each of the blocks.
    let bias: [__m512i; B] = core::array::from_fn(|b| unsafe {
        _mm512_loadu_si512(job.epilogue.bias.add(b * 64).cast())
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
    unsafe {
        if job.epilogue.raw.is_null() {
            store(&job.epilogue, &acc);
        } else {
            store_raw(&job.epilogue, &acc);
        }
    }
}

/// # Safety
/// As [`tile`]; `raw` is the place of the tile's first value.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store_raw<const B: usize, const P: usize>(job: &Epilogue, acc: &[[__m512i; B]; P]) {
    for (p, acc) in acc.iter().enumerate() {
        for (b, acc) in acc.iter().enumerate() {
            let lanes = (job.outputs - b * BLOCK).min(BLOCK);
            // SAFETY: the output row has room for `lanes` more values here, and no other lane is written.
            unsafe {
                _mm512_mask_storeu_epi32(
                    job.raw.add(p * job.pitch + b * BLOCK),
                    u16::MAX >> (BLOCK - lanes),
                    *acc,
                )
            };
        }
    }
}

/// Four registers of sums become one of bytes: the blocks of one pixel, or of several if a pixel has one or two.
///
/// # Safety
/// As [`tile`]; `bytes` is the place of the tile's first value.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn store<const B: usize, const P: usize>(job: &Epilogue, acc: &[[__m512i; B]; P]) {
    // SAFETY: `m` and `s` hold 64 bytes for each of the blocks.
    let factors: [Factor; B] = core::array::from_fn(|b| unsafe {
        Factor::load(job.m.wrapping_add(b * 64), job.s.wrapping_add(b * 64))
    });
    // SAFETY: as this function demands.
    unsafe {
        group::<B, P, 0>(job, &factors, acc);
        group::<B, P, 1>(job, &factors, acc);
        group::<B, P, 2>(job, &factors, acc);
        group::<B, P, 3>(job, &factors, acc);
        group::<B, P, 4>(job, &factors, acc);
        group::<B, P, 5>(job, &factors, acc);
        group::<B, P, 6>(job, &factors, acc);
        group::<B, P, 7>(job, &factors, acc);
    }
}

/// The bytes of group `G` of one pixel, or of two pixels of two blocks, or of four of one; nothing if the tile has
/// fewer. Called once for each, not in a loop: only then `acc` stays in registers from the first sum to the last.
///
/// # Safety
/// As [`store`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn group<const B: usize, const P: usize, const G: usize>(
    job: &Epilogue,
    factors: &[Factor; B],
    acc: &[[__m512i; B]; P],
) {
    let together = if B > 2 || P == 1 { 1 } else { 4 / B };
    if (G + 1) * together > P {
        return;
    }
    let y = |i: usize| {
        // A block that does not exist is stood in for by the last one.
        let (p, b) = if together == 1 {
            (G, i.min(B - 1))
        } else {
            (G * together + i / B, i % B)
        };
        factors[b].requantize(acc[p][b])
    };
    let y = bytes([y(0), y(1), y(2), y(3)], job.clamp);
    // SAFETY: as this function demands; the pixels are the tile's.
    unsafe {
        match together {
            1 => put::<1>(job, B, G, y),
            2 => put::<2>(job, B, G * 2, y),
            _ => put::<4>(job, B, G * 4, y),
        }
    }
}

/// Writes the bytes of `T` pixels of `blocks` blocks, from pixel `p` of the tile on.
///
/// # Safety
/// As [`store`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn put<const T: usize>(job: &Epilogue, blocks: usize, p: usize, y: __m512i) {
    let lanes = job.outputs.min(blocks * BLOCK);
    let mask = u64::MAX >> (64 - lanes);
    // SAFETY: the output row has room for `lanes` more bytes at each of these pixels; no other byte is written.
    unsafe {
        let target = job.bytes.add(p * job.pitch).cast::<i8>();
        if T == 1 {
            _mm512_mask_storeu_epi8(target, mask, y);
        } else if lanes * T == 64 && job.pitch == lanes {
            _mm512_storeu_si512(target.cast(), y);
        } else if T == 2 {
            _mm256_mask_storeu_epi8(target, mask as u32, _mm512_castsi512_si256(y));
            let high = _mm512_extracti64x4_epi64::<1>(y);
            _mm256_mask_storeu_epi8(target.add(job.pitch), mask as u32, high);
        } else {
            let quarters = [
                _mm512_castsi512_si128(y),
                _mm512_extracti32x4_epi32::<1>(y),
                _mm512_extracti32x4_epi32::<2>(y),
                _mm512_extracti32x4_epi32::<3>(y),
            ];
            for (p, y) in quarters.into_iter().enumerate() {
                _mm_mask_storeu_epi8(target.add(p * job.pitch), mask as u16, y);
            }
        }
    }
}

//! AVX2: bytes and weights widened to 16 bits, then `vpmaddwd`, which adds pairs of products in 32 bits. The tempting
//! `vpmaddubsw` would saturate: 2 * 255 * 127 does not fit 16 bits.

use core::arch::x86_64::*;

use core::ptr::null_mut;

use super::super::tile::{Job, Landing, Tile, WORDS, drive};
use super::super::{AddRow, BLOCK, DepthRow, Row, Sink, portable};
use crate::quant::Clamp;

/// One output row of a full convolution.
pub(crate) fn conv(row: &Row<'_>, sink: Sink<'_>) {
    drive::<Avx2>(row, sink);
}

/// One output row of a depthwise convolution: the portable sums, compiled for AVX2, and this kernel's epilogue.
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: Sink<'_>) {
    // SAFETY: this kernel is chosen only where the processor has AVX2.
    unsafe {
        match sink {
            Sink::Bytes {
                out,
                clamp,
                narrow: true,
            } => depth_bytes(row, out, clamp),
            rare => depth_plainly(row, rare),
        }
    }
}

#[target_feature(enable = "avx2")]
fn depth_plainly(row: &DepthRow<'_>, sink: Sink<'_>) {
    portable::depthwise(row, sink);
}

#[target_feature(enable = "avx2")]
fn depth_bytes(row: &DepthRow<'_>, out: &mut [u8], clamp: Clamp) {
    let words = [row.packed.bias, row.packed.m, row.packed.s].map(|words| words.0);
    let blocks = row.channels.div_ceil(BLOCK);
    assert!(
        words.iter().all(|words| words.len() >= blocks * WORDS),
        "words are packed in whole blocks"
    );
    assert!(
        out.len() >= row.pixels * row.channels,
        "a row of a tensor has this length"
    );
    for block in 0..blocks {
        let first = block * BLOCK;
        let [bias, m, s] = words.map(|words| words.as_ptr().wrapping_add(block * WORDS));
        let landing = Landing {
            bias,
            m,
            s,
            clamp,
            bytes: out.as_mut_ptr().wrapping_add(first),
            raw: null_mut(),
            pitch: row.channels,
            outputs: row.channels - first,
        };
        for pixel in 0..row.pixels {
            let acc = portable::depth_sums(row, [0; BLOCK], pixel, first);
            // SAFETY: `acc` has two halves of eight; words and output row were measured above.
            unsafe {
                let sums = [0, 8].map(|half| _mm256_loadu_si256(acc.as_ptr().add(half).cast()));
                store(&landing, pixel, sums);
            }
        }
    }
}

/// Adds two rows: the portable loop, compiled for AVX2.
pub(crate) fn add(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
    #[target_feature(enable = "avx2")]
    fn compiled(row: &AddRow, a: &[u8], b: &[u8], y: &mut [u8]) {
        portable::add(row, a, b, y);
    }
    // SAFETY: this kernel is chosen only where the processor has AVX2.
    unsafe { compiled(row, a, b, y) }
}

struct Avx2;

impl Tile for Avx2 {
    const DEPTH: usize = 4;
    const ANY_SHIFT: bool = false;

    fn widths(_: usize) -> &'static [usize] {
        &[3, 1]
    }

    fn blocks(_: usize) -> usize {
        1
    }

    unsafe fn compute(job: &Job<'_>, _: usize, width: usize) {
        // SAFETY: the caller vouches for the job; the kernel is chosen only where the processor has AVX2.
        unsafe {
            match width {
                3 => tile::<3>(job),
                _ => tile::<1>(job),
            }
        }
    }
}

/// # Safety
/// As [`Tile::compute`], with one block and `P` pixels; the processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn tile<const P: usize>(job: &Job<'_>) {
    // Each register holds four outputs as two partial sums each.
    let mut acc = [[_mm256_setzero_si256(); 4]; P];
    for line in 0..job.lines.len() {
        let input = job.lines[line].as_ptr().wrapping_add(job.offset);
        let weights = job.weights.wrapping_add(line * job.groups * 64);
        for group in 0..job.groups {
            let mut x = [_mm256_setzero_si256(); P];
            for (p, x) in x.iter_mut().enumerate() {
                // SAFETY: the line reaches to the last group of the last pixel.
                let four = unsafe {
                    input
                        .add(p * job.step + group * 4)
                        .cast::<i32>()
                        .read_unaligned()
                };
                *x = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
            }
            // SAFETY: each group has 64 bytes of weights.
            let w = [0, 16, 32, 48].map(|at| unsafe { widened(weights.add(group * 64 + at)) });
            for (acc, &x) in acc.iter_mut().zip(&x) {
                for (acc, &w) in acc.iter_mut().zip(&w) {
                    *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(x, w));
                }
            }
        }
    }
    for (p, acc) in acc.iter().enumerate() {
        let sums = [join(acc[0], acc[1]), join(acc[2], acc[3])];
        // SAFETY: as this function demands.
        unsafe { store(&job.landing, p, sums) };
    }
}

/// 16 weights as 16-bit numbers.
///
/// # Safety
/// `weights` points to 16 readable bytes.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn widened(weights: *const u8) -> __m256i {
    // SAFETY: as this function demands.
    _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(weights.cast()) })
}

/// Adds the partial sums of eight outputs and brings them in order.
#[inline]
#[target_feature(enable = "avx2")]
fn join(a: __m256i, b: __m256i) -> __m256i {
    _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b))
}

/// # Safety
/// As [`tile`]; `p` is a pixel of the tile.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store(job: &Landing, p: usize, sums: [__m256i; 2]) {
    let lanes = job.outputs.min(BLOCK);
    let mut words = [0_i32; BLOCK];
    let mut packed = [_mm256_setzero_si256(); 2];
    for half in 0..2 {
        // SAFETY: `bias`, `m` and `s` hold 64 bytes.
        let [bias, m, s] = [job.bias, job.m, job.s]
            .map(|words| unsafe { _mm256_loadu_si256(words.add(half * 32).cast()) });
        let acc = _mm256_add_epi32(sums[half], bias);
        if !job.raw.is_null() {
            // SAFETY: `words` has room for two halves of eight.
            unsafe { _mm256_storeu_si256(words.as_mut_ptr().add(half * 8).cast(), acc) };
            continue;
        }
        let zero = _mm256_set1_epi32(job.clamp.zero.into());
        let lo = _mm256_sub_epi32(_mm256_set1_epi32(job.clamp.lo.into()), zero);
        let hi = _mm256_sub_epi32(_mm256_set1_epi32(job.clamp.hi.into()), zero);
        let y = _mm256_min_epi32(_mm256_max_epi32(requantize(acc, m, s), lo), hi);
        packed[half] = _mm256_add_epi32(y, zero);
    }
    if !job.raw.is_null() {
        // SAFETY: the output row has room for `lanes` more values here.
        unsafe {
            words
                .as_ptr()
                .copy_to_nonoverlapping(job.raw.add(p * job.pitch), lanes)
        };
        return;
    }
    // 16 words of 0..=255 to bytes: both packs work within halves of a register, so the order is mended last.
    let halves = _mm256_packs_epi32(packed[0], packed[1]);
    let bytes = _mm256_packus_epi16(halves, halves);
    let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 0, 0, 0);
    let bytes = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bytes, order));
    // SAFETY: the output row has room for `lanes` more bytes here.
    unsafe {
        let target = job.bytes.add(p * job.pitch);
        if lanes == BLOCK {
            _mm_storeu_si128(target.cast(), bytes);
        } else {
            let mut whole = [0_u8; BLOCK];
            _mm_storeu_si128(whole.as_mut_ptr().cast(), bytes);
            whole.as_ptr().copy_to_nonoverlapping(target, lanes);
        }
    }
}

/// The rounding rule for eight accumulators, for shifts of at least 31.
///
/// AVX2 has no arithmetic shift of 64 bits: 2^63 is added, the shift is a logical one, and 2^(63-s) is taken off.
#[inline]
#[target_feature(enable = "avx2")]
fn requantize(acc: __m256i, m: __m256i, s: __m256i) -> __m256i {
    let one = _mm256_set1_epi64x(1);
    let top = _mm256_set1_epi64x(i64::MIN);
    let shifted = |acc, m, s| {
        let half = _mm256_sllv_epi64(one, _mm256_sub_epi64(s, one));
        let sum = _mm256_add_epi64(_mm256_mul_epi32(acc, m), _mm256_add_epi64(half, top));
        _mm256_sub_epi64(_mm256_srlv_epi64(sum, s), _mm256_srlv_epi64(top, s))
    };
    let odd = |words| _mm256_srli_epi64::<32>(words);
    let low = shifted(acc, m, _mm256_and_si256(s, _mm256_set1_epi64x(0xffff_ffff)));
    let high = shifted(odd(acc), odd(m), odd(s));
    _mm256_blend_epi32::<0b1010_1010>(low, _mm256_slli_epi64::<32>(high))
}

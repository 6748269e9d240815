//! AVX2: from sums of 32 bits to bytes, 16 at a time, by the rounding rule.

use core::arch::{asm, x86_64::*};

use super::super::BLOCK;
use super::super::tile::Epilogue;
use crate::quant::Clamp;

/// Biases, multipliers, halves and shifts of 8 outputs, for shifts of at least 33: as the AVX-512 `Factor`.
pub(super) struct Half {
    bias: __m256i,
    /// Of even outputs, and of odd ones in the even places.
    m: [__m256i; 2],
    half: __m256i,
    shift: __m256i,
}

impl Half {
    /// # Safety
    /// The pointers point to 32 readable bytes each.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn load([bias, m, s]: [*const u8; 3]) -> Self {
        // SAFETY: as this function demands.
        let [bias, m, s] = [bias, m, s].map(|words| unsafe { _mm256_loadu_si256(words.cast()) });
        let one = _mm256_set1_epi32(1);
        Self {
            bias,
            m: [m, _mm256_srli_epi64::<32>(m)],
            half: _mm256_sllv_epi32(one, _mm256_sub_epi32(s, _mm256_set1_epi32(33))),
            shift: _mm256_sub_epi32(s, _mm256_set1_epi32(32)),
        }
    }

    /// What the sums begin with.
    #[inline(always)]
    pub(super) fn bias(&self) -> __m256i {
        self.bias
    }

    /// The rounding rule for eight accumulators that have their bias.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn requantize(&self, acc: __m256i) -> __m256i {
        let even = products(acc, self.m[0]);
        let odd = products(_mm256_srli_epi64::<32>(acc), self.m[1]);
        let upper = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
        _mm256_srav_epi32(_mm256_add_epi32(upper, self.half), self.shift)
    }
}

/// `_mm256_mul_epi32`: signed products of the even words, in 64 bits. As assembly, because LLVM takes the intrinsic apart, moves
/// the widening of the multipliers out of the loop, and then multiplies 64 by 64 bits, which takes three times as many instructions.
#[inline]
#[target_feature(enable = "avx2")]
fn products(a: __m256i, b: __m256i) -> __m256i {
    let y;
    // SAFETY: it computes on registers and does nothing else; the feature is there.
    unsafe {
        asm!(
            "vpmuldq {y}, {a}, {b}",
            y = lateout(ymm_reg) y,
            a = in(ymm_reg) a,
            b = in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    y
}

/// What 16 outputs of every pixel go through.
pub(super) struct Block<'a> {
    epilogue: &'a Epilogue,
    halves: [Half; 2],
    lanes: usize,
}

impl<'a> Block<'a> {
    /// # Safety
    /// The epilogue's words are 64 readable bytes each.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn load(epilogue: &'a Epilogue) -> Self {
        let words = |half: usize| {
            [epilogue.bias, epilogue.m, epilogue.s].map(|words| words.wrapping_add(half * 32))
        };
        Self {
            epilogue,
            // SAFETY: two halves of 32 bytes.
            halves: unsafe { [Half::load(words(0)), Half::load(words(1))] },
            lanes: epilogue.outputs.min(BLOCK),
        }
    }

    /// What each pixel's sums begin with.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn bias(&self) -> [__m256i; 2] {
        [self.halves[0].bias, self.halves[1].bias]
    }

    /// Stores the sums of `P` pixels, at most 12, from `pixel` on.
    ///
    /// # Safety
    /// The epilogue has room for these pixels.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn store<const P: usize>(&self, pixel: usize, sums: &[[__m256i; 2]; P]) {
        // SAFETY: as this function demands.
        unsafe {
            if self.epilogue.raw.is_null() {
                // Called once for each, not in a loop: only then the sums stay in registers.
                self.pair::<P, 0>(pixel, sums);
                self.pair::<P, 1>(pixel, sums);
                self.pair::<P, 2>(pixel, sums);
                self.pair::<P, 3>(pixel, sums);
                self.pair::<P, 4>(pixel, sums);
                self.pair::<P, 5>(pixel, sums);
            } else {
                for (p, sums) in sums.iter().enumerate() {
                    self.put_words(pixel + p, *sums);
                }
            }
        }
    }

    /// The bytes of two pixels of the tile, or of its last one; nothing if it has fewer.
    ///
    /// # Safety
    /// As [`Block::store`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn pair<const P: usize, const INDEX: usize>(
        &self,
        pixel: usize,
        sums: &[[__m256i; 2]; P],
    ) {
        if 2 * INDEX >= P {
            return;
        }
        let [low, high] = &self.halves;
        let (left, right) = (2 * INDEX, (2 * INDEX + 1).min(P - 1));
        let y = [
            low.requantize(sums[left][0]),
            high.requantize(sums[left][1]),
            low.requantize(sums[right][0]),
            high.requantize(sums[right][1]),
        ];
        // Packing works within halves of a register, so the order is mended last.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        let y = _mm256_permutevar8x32_epi32(interleaved_bytes(y, self.epilogue.clamp), order);
        // SAFETY: as this function demands.
        unsafe {
            self.put_bytes(pixel + left, _mm256_castsi256_si128(y));
            if right > left {
                self.put_bytes(pixel + right, _mm256_extracti128_si256::<1>(y));
            }
        }
    }

    /// # Safety
    /// The output row has room for pixel `pixel`.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn put_bytes(&self, pixel: usize, bytes: __m128i) {
        let target = self
            .epilogue
            .bytes
            .wrapping_add(pixel * self.epilogue.pitch);
        let mut whole = [0_u8; BLOCK];
        // SAFETY: as this function demands; `whole` has 16 bytes.
        unsafe {
            if self.lanes == BLOCK {
                _mm_storeu_si128(target.cast(), bytes);
            } else {
                _mm_storeu_si128(whole.as_mut_ptr().cast(), bytes);
                whole.as_ptr().copy_to_nonoverlapping(target, self.lanes);
            }
        }
    }

    /// # Safety
    /// As [`Block::put_bytes`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn put_words(&self, pixel: usize, sums: [__m256i; 2]) {
        let target = self.epilogue.raw.wrapping_add(pixel * self.epilogue.pitch);
        let mut words = [0_i32; BLOCK];
        // SAFETY: `words` has room for two halves of eight; the output row for `lanes` more values.
        unsafe {
            _mm256_storeu_si256(words.as_mut_ptr().cast(), sums[0]);
            _mm256_storeu_si256(words.as_mut_ptr().add(8).cast(), sums[1]);
            words.as_ptr().copy_to_nonoverlapping(target, self.lanes);
        }
    }
}

/// The zero point added, clamped, packed: each half of 16 bytes holds four of each `y`.
///
/// Packing saturates, and so does the addition; a value that hits an end there is clamped to the same bound.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn interleaved_bytes(y: [__m256i; 4], clamp: Clamp) -> __m256i {
    let zero = _mm256_set1_epi16(clamp.zero.into());
    let low = _mm256_adds_epi16(_mm256_packs_epi32(y[0], y[1]), zero);
    let high = _mm256_adds_epi16(_mm256_packs_epi32(y[2], y[3]), zero);
    let y = _mm256_packus_epi16(low, high);
    let y = _mm256_max_epu8(y, _mm256_set1_epi8(clamp.lo.cast_signed()));
    _mm256_min_epu8(y, _mm256_set1_epi8(clamp.hi.cast_signed()))
}

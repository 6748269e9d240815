//! AVX2: from sums of 32 bits to bytes, 16 at a time, by the rounding rule.

use core::arch::x86_64::*;

use super::super::BLOCK;
use super::super::tile::Epilogue;
use crate::quant::Clamp;

/// Biases, multipliers, halves and shifts of 8 outputs, for shifts of at least 33: as the AVX-512 `Factor`.
struct Half {
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
    unsafe fn load([bias, m, s]: [*const u8; 3]) -> Self {
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

    /// The rounding rule for eight accumulators that have their bias.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn requantize(&self, acc: __m256i) -> __m256i {
        let even = _mm256_mul_epi32(acc, self.m[0]);
        let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(acc), self.m[1]);
        let upper = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
        _mm256_srav_epi32(_mm256_add_epi32(upper, self.half), self.shift)
    }
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

    /// Stores the sums of pixel `p`, still without their bias.
    ///
    /// # Safety
    /// The epilogue has room for pixel `p`.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn store(&self, p: usize, sums: [__m256i; 2]) {
        let [low, high] = &self.halves;
        let sums = [
            _mm256_add_epi32(sums[0], low.bias),
            _mm256_add_epi32(sums[1], high.bias),
        ];
        let place = p * self.epilogue.pitch;
        if self.epilogue.raw.is_null() {
            let y = [low.requantize(sums[0]), high.requantize(sums[1])];
            let bytes = bytes(y, self.epilogue.clamp);
            // SAFETY: as this function demands.
            unsafe { self.put_bytes(self.epilogue.bytes.add(place), bytes) };
        } else {
            let mut words = [0_i32; BLOCK];
            // SAFETY: `words` has room for two halves of eight; the output row for `lanes` more values.
            unsafe {
                _mm256_storeu_si256(words.as_mut_ptr().cast(), sums[0]);
                _mm256_storeu_si256(words.as_mut_ptr().add(8).cast(), sums[1]);
                words
                    .as_ptr()
                    .copy_to_nonoverlapping(self.epilogue.raw.add(place), self.lanes);
            }
        }
    }

    /// # Safety
    /// The output row has room for `lanes` more bytes at `target`.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn put_bytes(&self, target: *mut u8, bytes: __m128i) {
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
}

/// The zero point added, clamped, packed.
///
/// Packing saturates, and so does the addition; a value that hits an end there is clamped to the same bound.
#[inline]
#[target_feature(enable = "avx2")]
fn bytes(y: [__m256i; 2], clamp: Clamp) -> __m128i {
    let zero = _mm256_set1_epi16(clamp.zero.into());
    let words = _mm256_adds_epi16(_mm256_packs_epi32(y[0], y[1]), zero);
    // Packing works within halves of a register, so the order is mended last.
    let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 0, 0, 0);
    let y = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, words), order);
    let y = _mm_max_epu8(
        _mm256_castsi256_si128(y),
        _mm_set1_epi8(clamp.lo.cast_signed()),
    );
    _mm_min_epu8(y, _mm_set1_epi8(clamp.hi.cast_signed()))
}

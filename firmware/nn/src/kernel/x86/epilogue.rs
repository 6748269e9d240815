//! AVX-512: from sums of 32 bits to bytes, 64 at a time, by the rounding rule.

use core::arch::x86_64::*;

use crate::quant::Clamp;

/// Multipliers, shifts and halves of 16 outputs, for shifts of at least 33.
///
/// Then `(acc * m + 2^(s-1)) >> s = ((acc * m >> 32) + 2^(s-33)) >> (s-32)`: half of the divisor has no bits below
/// the upper word of the product, so that only the product needs 64 bits.
pub(super) struct Factor {
    /// Of even outputs, and of odd ones in the even places.
    m: [__m512i; 2],
    half: __m512i,
    shift: __m512i,
}

impl Factor {
    /// # Safety
    /// `m` and `s` point to 64 readable bytes.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn load(m: *const u8, s: *const u8) -> Self {
        // SAFETY: as this function demands.
        let (m, s) = unsafe { (_mm512_loadu_si512(m.cast()), _mm512_loadu_si512(s.cast())) };
        let one = _mm512_set1_epi32(1);
        Self {
            m: [m, _mm512_srli_epi64::<32>(m)],
            half: _mm512_sllv_epi32(one, _mm512_sub_epi32(s, _mm512_set1_epi32(33))),
            shift: _mm512_sub_epi32(s, _mm512_set1_epi32(32)),
        }
    }

    /// The rounding rule for 16 accumulators.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn requantize(&self, acc: __m512i) -> __m512i {
        let even = _mm512_mul_epi32(acc, self.m[0]);
        let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(acc), self.m[1]);
        let upper = _mm512_mask_shuffle_epi32::<0b11_11_01_01>(odd, 0x5555, even);
        _mm512_srav_epi32(_mm512_add_epi32(upper, self.half), self.shift)
    }
}

/// The zero point added, clamped, packed: the bytes of `y[0]`, then those of `y[1]`, and so on.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn bytes(y: [__m512i; 4], clamp: Clamp) -> __m512i {
    // Packing works within quarters of a register: each holds four bytes of each `y`.
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_permutexvar_epi32(order, interleaved_bytes(y, clamp))
}

/// As [`bytes`], but every 16 bytes hold four of each `y`.
///
/// Packing saturates, and so does the addition; a value that hits an end there is clamped to the same bound.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn interleaved_bytes(y: [__m512i; 4], clamp: Clamp) -> __m512i {
    let zero = _mm512_set1_epi16(clamp.zero.into());
    let low = _mm512_adds_epi16(_mm512_packs_epi32(y[0], y[1]), zero);
    let high = _mm512_adds_epi16(_mm512_packs_epi32(y[2], y[3]), zero);
    let y = _mm512_packus_epi16(low, high);
    let y = _mm512_max_epu8(y, _mm512_set1_epi8(clamp.lo.cast_signed()));
    _mm512_min_epu8(y, _mm512_set1_epi8(clamp.hi.cast_signed()))
}

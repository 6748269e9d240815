//! The machine's limit: dot products of bytes and nothing else, for benchmarks to compare with.

use core::arch::x86_64::*;

/// Sums that do not wait for each other: more than the instruction's delay times its rate, and all in registers.
const CHAINS: usize = 16;
const NARROW_CHAINS: usize = 12;

/// Does `rounds` times 16 `vpdpbusd` of 64 products each by AVX-512, or 12 of 32 by AVX-VNNI, and returns the number of
/// multiply-accumulates; the sums are handed to the compiler as if someone looked at them. `None` if the processor lacks the
/// instruction.
pub(crate) fn dot_products(rounds: u64) -> Option<u64> {
    let products = if super::detect::vnni() {
        // SAFETY: the processor has AVX-512 F and VNNI, as was just checked.
        unsafe { chains(rounds) };
        CHAINS * 64
    } else if super::detect::avx_vnni() {
        // SAFETY: the processor has AVX-VNNI, as was just checked.
        unsafe { narrow_chains(rounds) };
        NARROW_CHAINS * 32
    } else {
        return None;
    };
    Some(rounds * products as u64)
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn chains(rounds: u64) {
    let (x, w) = core::hint::black_box((_mm512_set1_epi8(3), _mm512_set1_epi8(-5)));
    let mut acc = [_mm512_setzero_si512(); CHAINS];
    for _ in 0..rounds {
        for acc in &mut acc {
            *acc = _mm512_dpbusd_epi32(*acc, x, w);
        }
    }
    core::hint::black_box(acc);
}

#[target_feature(enable = "avx2,avxvnni")]
fn narrow_chains(rounds: u64) {
    let (x, w) = core::hint::black_box((_mm256_set1_epi8(3), _mm256_set1_epi8(-5)));
    let mut acc = [_mm256_setzero_si256(); NARROW_CHAINS];
    for _ in 0..rounds {
        for acc in &mut acc {
            *acc = _mm256_dpbusd_avx_epi32(*acc, x, w);
        }
    }
    core::hint::black_box(acc);
}

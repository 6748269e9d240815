//! The machine's limit: dot products of bytes and nothing else, for benchmarks to compare with.

use core::arch::x86_64::*;

/// Sums that do not wait for each other: more than the instruction's delay times its rate.
const CHAINS: usize = 16;

/// Does `rounds` times 16 `vpdpbusd` of 64 products each, and returns the number of multiply-accumulates; the sums are
/// handed to the compiler as if someone looked at them. `None` if the processor lacks the instruction.
pub(crate) fn dot_products(rounds: u64) -> Option<u64> {
    if !super::detect::vnni() {
        return None;
    }
    // SAFETY: the processor has AVX-512 F and VNNI, as was just checked.
    unsafe { chains(rounds) };
    Some(rounds * CHAINS as u64 * 64)
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

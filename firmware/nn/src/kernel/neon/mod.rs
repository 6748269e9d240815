//! aarch64: what the processor can do, and the kernels that need it: plain NEON, its dot products, its small matrices.
//!
//! The first two (and all depthwise rows) multiply signed bytes by signed bytes, so activations are flipped: `x ^ 0x80` is `x - 128`, and the
//! packed bias holds what that takes away. Instructions that Rust has not stabilized stand here as one-line assembly.
#![allow(unsafe_code)] // vector instructions on raw pointers have no safe form; every block says why it is sound

pub(crate) mod depthwise;
pub(crate) mod detect;
pub(crate) mod dotprod;
mod epilogue;
pub(crate) mod i8mm;
pub(crate) mod mull;

use core::arch::aarch64::{int8x16_t, uint8x16_t, vdupq_n_u8, veorq_u8, vreinterpretq_s8_u8};

/// Unsigned bytes as signed ones, 128 less each.
#[inline]
#[target_feature(enable = "neon")]
fn flip(x: uint8x16_t) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(0x80)))
}

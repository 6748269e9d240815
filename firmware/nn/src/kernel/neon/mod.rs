//! aarch64: what the processor can do, and the kernels that need it: plain NEON, its dot products, its small matrices.
//!
//! All of them multiply signed bytes by signed bytes, so activations lie in the arena as signed ones, 128 less each
//! (`Kernel::offset`), and the packed bias holds what that takes away. Instructions that Rust has not stabilized stand here
//! as one-line assembly.
#![allow(unsafe_code)] // vector instructions on raw pointers have no safe form; every block says why it is sound

pub(crate) mod add;
pub(crate) mod depthwise;
pub(crate) mod detect;
pub(crate) mod dotprod;
pub(crate) mod dotprod_depthwise;
mod epilogue;
pub(crate) mod i8mm;
pub(crate) mod mull;
mod products;

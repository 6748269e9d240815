//! x86-64: what the processor can do, and the kernels that need it.
#![allow(unsafe_code)] // vector instructions on raw pointers have no safe form; every block says why it is sound

pub(crate) mod avx2;
pub(crate) mod avx2_depthwise;
mod avx2_epilogue;
pub(crate) mod avxvnni;
pub(crate) mod avxvnni_depthwise;
mod depthwise_chunks;
pub(crate) mod detect;
mod epilogue;
pub(crate) mod peak;
pub(crate) mod rows;
pub(crate) mod vnni;
pub(crate) mod vnni_depthwise;
pub(crate) mod wide;

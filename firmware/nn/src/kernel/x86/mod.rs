//! x86-64: what the processor can do, and the kernels that need it.
#![allow(unsafe_code)] // vector instructions on raw pointers have no safe form; every block says why it is sound

pub(crate) mod avx2;
pub(crate) mod depth2;
pub(crate) mod detect;
mod land2;
mod landing;
pub(crate) mod peak;
pub(crate) mod rows;
pub(crate) mod taps;
pub(crate) mod vnni;

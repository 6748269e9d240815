//! Int8 inference for small vision nets: no std, no heap, no clock.
//!
//! The numbers and the file are defined in `ARITHMETIC.md` beside this crate.
#![no_std]

//! Int8 inference for small vision nets: no std, no heap, no clock.
//!
//! The numbers and the file are defined in `ARITHMETIC.md` beside this crate. [`Model::parse`] checks a file once,
//! [`Net::new`] lays out its weights for a [`Kernel`] in the caller's memory, and after that [`Net::run`] can fail
//! only on the length of a buffer. All kernels give the same bits.
//!
//! | room | what lives there |
//! |---|---|
//! | `format` | the packed file's bytes: checksum, header |
//! | `record` | one operator's record, checked |
//! | `model` | the whole net, checked |
//! | `plan` | where every tensor lies in the arena |
//! | `tensor` | shapes, rows, borders |
//! | `quant` | the one rounding rule |
//! | `net` | the run |
//! | `output` | integers out, and what they mean |
//! | `ops` | the operators on whole tensors |
//! | `kernel` | rows, fast: plain loop, portable, AVX2, AVX-VNNI, VNNI, NEON; and the packing of weights |
//! | `error` | what can be wrong |
//!
//! `docs/glossary.md` in the repository explains every word.
#![no_std]

#[cfg(test)]
extern crate std;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod error;
mod format;
mod kernel;
mod model;
mod net;
mod ops;
mod output;
mod plan;
mod quant;
mod record;
mod tensor;

pub use error::{Fault, FormatError, LengthError, NetError, PlanError};
pub use format::Kind;
#[doc(hidden)]
pub use kernel::dot_products;
pub use kernel::{Kernel, Wide};
pub use model::{MAX_CHANNELS, MAX_OPERATORS, MAX_OUTPUTS, MAX_SIDE, Model};
pub use net::{Net, Step};
pub use output::{Output, Outputs};
pub use plan::Plan;
pub use quant::{Quant, requantize};
pub use tensor::Shape;

//! The operators on whole tensors: each walks its output row by row. `kernel` computes a row.

pub(crate) mod add;
pub(crate) mod conv;
pub(crate) mod gap;
pub(crate) mod pool;
pub(crate) mod upsample;

use crate::tensor::TensorViewMut;

/// Where an operator's result goes: a tensor of the arena, or the caller's buffer of raw outputs.
pub(crate) enum OpOutput<'a> {
    Map(TensorViewMut<'a>),
    Raw(&'a mut [i32]),
}

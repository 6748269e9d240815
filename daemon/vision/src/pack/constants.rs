//! Constants: `Constant` nodes, and weights that the graph quantizes itself.

use std::rc::Rc;

use super::{
    error::{Fault, fault},
    value::{self, Value},
};
use crate::onnx_file::{Node, Tensor, Values};

/// A `Constant` node.
pub(super) fn constant(node: &Node) -> Result<Value, Fault> {
    let accepted = "constant tensors";
    if let Some(floats) = node.floats("value_floats") {
        return Ok(plain(Values::F32(floats.to_vec())));
    }
    if let Some(ints) = node.ints("value_ints") {
        return Ok(plain(Values::I64(ints.to_vec())));
    }
    if let Some(float) = node.float("value_float") {
        return Ok(plain(Values::F32(vec![float])));
    }
    if let Some(int) = node.int("value_int") {
        return Ok(plain(Values::I64(vec![int])));
    }
    match node.tensor("value") {
        Some(Ok(tensor)) => Ok(Value::Constant(Rc::new(tensor))),
        Some(Err(reason)) => fault(reason, accepted),
        None => fault("no tensor", accepted),
    }
}

fn plain(values: Values) -> Value {
    Value::Constant(Rc::new(Tensor {
        sides: vec![values.len()],
        values,
    }))
}

/// i8 and i32 constants are symmetric: every zero point is 0.
pub(super) fn check_symmetric(zero: Option<&Value>) -> Result<(), Fault> {
    let symmetric = match zero {
        None => true,
        Some(Value::Constant(zero)) => match &zero.values {
            Values::I8(zeros) => zeros.iter().all(|&z| z == 0),
            Values::I32(zeros) => zeros.iter().all(|&z| z == 0),
            _ => false,
        },
        Some(_) => false,
    };
    if symmetric {
        return Ok(());
    }
    fault(
        "weights with a zero point",
        "i8 weights and i32 biases with zero point 0 (weight_type=QuantType.QInt8)",
    )
}

/// A constant that the graph quantizes itself, once.
pub(super) fn quantized_constant(
    node: &Node,
    tensor: &Tensor,
    scale: &Value,
    zero: Option<&Value>,
) -> Result<Value, Fault> {
    let accepted = "constant f32 weights quantized to i8 with zero point 0";
    check_symmetric(zero)?;
    let (Values::F32(reals), Some(Value::Constant(zero))) = (&tensor.values, zero) else {
        return fault("a constant of another type", accepted);
    };
    if !matches!(zero.values, Values::I8(_)) {
        return fault("a constant quantized to another type", accepted);
    }
    let scales = value::scales(scale)?;
    let axis = usize::try_from(node.int("axis").unwrap_or(1)).unwrap_or(usize::MAX);
    let inner: usize = tensor.sides.iter().skip(axis.saturating_add(1)).product();
    let slices = tensor.sides.get(axis).copied().unwrap_or(1);
    if scales.len() != 1 && scales.len() != slices {
        return fault(
            format!("{} scales for {slices} slices", scales.len()),
            accepted,
        );
    }
    let scale = |i: usize| {
        scales[if scales.len() == 1 {
            0
        } else {
            i / inner.max(1) % slices
        }]
    };
    let round =
        |(i, real): (usize, &f32)| (real / scale(i)).round_ties_even().clamp(-128.0, 127.0) as i8;
    let values = Values::I8(reals.iter().enumerate().map(round).collect());
    let sides = tensor.sides.clone();
    Ok(Value::Constant(Rc::new(Tensor { sides, values })))
}

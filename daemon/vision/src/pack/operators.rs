//! The nodes that compute: each becomes a `PendingSum`, an operator whose result still waits for its scale.

use std::rc::Rc;

use moodring_nn::MAX_SIDE;

use super::{
    error::{Fault, fault},
    filter::Filter,
    graph::{GraphPacker, QUANTIZED},
    value::{NetEnd, NetShape, PendingKind, PendingSum, Scaled, Value, View},
};
use crate::onnx_file::{Node, Tensor, Values};

impl GraphPacker<'_> {
    pub(super) fn conv(&mut self, node: &Node) -> Result<Value, Fault> {
        let a = self.planes(node, 0)?;
        let weights = self.weights(node)?;
        let filter = Filter::conv(
            node,
            &self.filter_input(a),
            &weights,
            self.optional(node, 2),
        )?;
        self.filtered(filter, View::Planes)
    }

    pub(super) fn gemm(&mut self, node: &Node) -> Result<Value, Fault> {
        let plain = [("alpha", 1.0), ("beta", 1.0)]
            .iter()
            .all(|(name, one)| node.float(name).is_none_or(|f| f == *one));
        if !plain || node.int("transA").unwrap_or(0) != 0 {
            return fault(
                "alpha, beta or transA",
                "a plain dense layer: alpha = beta = 1, transA = 0",
            );
        }
        let bias = self.optional(node, 2).cloned();
        self.dense(node, bias.as_ref(), node.int("transB").unwrap_or(0) != 0)
    }

    pub(super) fn dense(
        &mut self,
        node: &Node,
        bias: Option<&Value>,
        transposed: bool,
    ) -> Result<Value, Fault> {
        let a = match self.input(node, 0)? {
            Value::Real(seen) if self.shape(seen.tensor).is_point() && seen.end == NetEnd::Open => {
                seen.tensor
            }
            Value::Real(seen) => {
                let NetShape { rows, columns, .. } = self.shape(seen.tensor);
                return fault(
                    format!("an input of {columns}x{rows} places"),
                    "a dense layer on a 1x1 tensor, such as a global average pool's",
                );
            }
            _ => return fault("an input that is not quantized", QUANTIZED),
        };
        let weights = self.weights(node)?;
        let filter = Filter::dense(&self.filter_input(a), &weights, bias, transposed)?;
        self.filtered(filter, View::Flat)
    }

    pub(super) fn weights(&self, node: &Node) -> Result<Rc<Scaled>, Fault> {
        match self.input(node, 1)? {
            Value::Scaled(weights) => Ok(Rc::clone(weights)),
            _ => fault(
                "weights that are not quantized",
                "constant i8 weights through DequantizeLinear (a QDQ graph)",
            ),
        }
    }

    pub(super) fn filtered(&self, filter: Filter, view: View) -> Result<Value, Fault> {
        match filter.shape(self.shape(filter.a)) {
            Some(shape) => Ok(self.sum(PendingKind::Filter(Rc::new(filter)), shape, view)),
            None => fault("an empty result", "a larger picture"),
        }
    }

    pub(super) fn add(&mut self, node: &Node) -> Result<Value, Fault> {
        if let [Value::Sum(open), Value::Constant(bias)]
        | [Value::Constant(bias), Value::Sum(open)] =
            [self.input(node, 0)?, self.input(node, 1)?]
        {
            return biased(open, bias);
        }
        let (a, b) = (self.planes(node, 0)?, self.planes(node, 1)?);
        if self.shape(a) != self.shape(b) {
            return fault("inputs of different shapes", "two tensors of one shape");
        }
        Ok(self.sum(PendingKind::Add(a, b), self.shape(a), View::Planes))
    }

    /// A ReLU, or with `top` a clamp from 0 to there.
    pub(super) fn limit(&mut self, node: &Node, top: Option<f32>) -> Result<Value, Fault> {
        let open = match self.input(node, 0)? {
            Value::Sum(open) => Some(open),
            // Quantized before the ReLU: the operator before it is used again, without the rounding in between.
            Value::Real(seen) => self.made[seen.tensor].sum.as_ref(),
            _ => None,
        };
        let Some(open) =
            open.filter(|sum| matches!(sum.work, PendingKind::Filter(_) | PendingKind::Add(..)))
        else {
            return fault(
                "a clamp that does not follow a convolution, dense layer or add",
                "a clamp right after one of them",
            );
        };
        let mut limited = PendingSum::clone(open);
        limited.relu = true;
        limited.top = top.or(limited.top);
        Ok(Value::Sum(Rc::new(limited)))
    }

    pub(super) fn clip(&mut self, node: &Node) -> Result<Value, Fault> {
        let bound = |index: usize, name: &str| match self.optional(node, index) {
            Some(Value::Constant(tensor)) => match &tensor.values {
                Values::F32(values) => values.first().copied(),
                _ => None,
            },
            _ => node.float(name),
        };
        if bound(1, "min") != Some(0.0) {
            return fault("a clamp that does not begin at 0", "Relu, or Clip from 0");
        }
        let top = bound(2, "max");
        self.limit(node, top)
    }

    pub(super) fn max_pool(&mut self, node: &Node) -> Result<Value, Fault> {
        let a = self.planes(node, 0)?;
        let fits = node.ints("kernel_shape") == Some(&[2, 2])
            && node.ints("strides") == Some(&[2, 2])
            && node
                .ints("pads")
                .is_none_or(|pads| pads.iter().all(|&pad| pad == 0))
            && node.int("ceil_mode").unwrap_or(0) == 0;
        if !fits {
            return fault(
                format!(
                    "kernel {:?}, strides {:?}",
                    node.ints("kernel_shape"),
                    node.ints("strides")
                ),
                "2x2, stride 2, no padding, ceil_mode 0",
            );
        }
        let NetShape {
            rows,
            columns,
            channels,
        } = self.shape(a);
        let shape = NetShape {
            rows: rows / 2,
            columns: columns / 2,
            channels,
        };
        Ok(self.sum(PendingKind::MaxPool(a), shape, View::Planes))
    }

    pub(super) fn average(&mut self, node: &Node) -> Result<Value, Fault> {
        let a = self.planes(node, 0)?;
        let NetShape {
            rows,
            columns,
            channels,
        } = self.shape(a);
        let whole = match node.kind.as_str() {
            "AveragePool" => node.ints("kernel_shape") == Some(&[rows as i64, columns as i64]),
            "ReduceMean" => {
                let given = match self.optional(node, 1) {
                    Some(Value::Constant(tensor)) => match &tensor.values {
                        Values::I64(axes) => Some(axes.as_slice()),
                        _ => None,
                    },
                    _ => node.ints("axes"),
                };
                matches!(given, Some([2, 3] | [-2, -1]))
            }
            _ => true,
        };
        if !whole {
            return fault(
                "an average over a part of the tensor",
                "an average over all rows and columns",
            );
        }
        let flat = node.kind == "ReduceMean" && node.int("keepdims") == Some(0);
        let view = if flat { View::Flat } else { View::Planes };
        Ok(self.sum(
            PendingKind::Gap(a),
            NetShape {
                rows: 1,
                columns: 1,
                channels,
            },
            view,
        ))
    }

    pub(super) fn resize(&mut self, node: &Node) -> Result<Value, Fault> {
        let accepted = "nearest, twice as many rows and columns: scales 1, 1, 2, 2, \
                        asymmetric with floor, or half_pixel with round_prefer_floor";
        let a = self.planes(node, 0)?;
        let NetShape {
            rows,
            columns,
            channels,
        } = self.shape(a);
        let doubled = NetShape {
            rows: 2 * rows,
            columns: 2 * columns,
            channels,
        };
        if doubled.rows.max(doubled.columns) > MAX_SIDE {
            return fault("a result of over 2048 rows or columns", "a smaller picture");
        }
        let wanted = [1, channels, doubled.rows, doubled.columns].map(|side| side as i64);
        let by_two = |index: usize| match self.optional(node, index) {
            Some(Value::Constant(tensor)) => match &tensor.values {
                Values::F32(scales) => scales == &[1.0, 1.0, 2.0, 2.0],
                Values::I64(sizes) => sizes == &wanted,
                _ => false,
            },
            // In such a net, sizes computed at run time can only be twice the input's; the add that follows proves it.
            Some(Value::Size) => true,
            _ => node.floats("scales") == Some(&[1.0, 1.0, 2.0, 2.0]),
        };
        let mode = |name| node.text(name);
        let nearest = match mode("coordinate_transformation_mode").unwrap_or("half_pixel") {
            _ if node.kind == "Upsample" => true,
            "asymmetric" => mode("nearest_mode") == Some("floor"),
            "half_pixel" | "pytorch_half_pixel" => {
                mode("nearest_mode").is_none_or(|mode| mode == "round_prefer_floor")
            }
            _ => false,
        };
        if !nearest || mode("mode").unwrap_or("nearest") != "nearest" || !(1..4).any(by_two) {
            return fault("another resize", accepted);
        }
        Ok(self.sum(PendingKind::Upsample(a), doubled, View::Planes))
    }
}

/// A dense layer's bias that a separate node adds.
fn biased(open: &Rc<PendingSum>, bias: &Tensor) -> Result<Value, Fault> {
    let accepted = "an f32 bias per channel right after a MatMul";
    let (PendingKind::Filter(filter), Values::F32(reals)) = (&open.work, &bias.values) else {
        return fault("a constant added to something else", accepted);
    };
    if reals.len() != filter.channels() || open.relu || open.view != View::Flat {
        return fault(
            format!("{} values for {} channels", reals.len(), filter.channels()),
            accepted,
        );
    }
    let mut filter = Filter::clone(filter);
    for ((bias, real), step) in filter.bias.iter_mut().zip(reals).zip(&filter.steps) {
        let whole = (f64::from(*real) / step).round_ties_even() + f64::from(*bias);
        if whole.abs() > f64::from(i32::MAX) {
            return fault(
                "a bias that is too large for its channel's weights",
                accepted,
            );
        }
        *bias = whole as i32;
    }
    let mut open = PendingSum::clone(open);
    open.work = PendingKind::Filter(Rc::new(filter));
    Ok(Value::Sum(Rc::new(open)))
}

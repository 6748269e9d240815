//! The nodes that compute nothing: changes of layout, the end of a net, and sizes.

use std::rc::Rc;

use super::{
    error::{Fault, fault},
    graph::{GraphPacker, OPERATORS},
    value::{NetEnd, PendingSum, TensorUse, Value, View},
};
use crate::onnx_file::Node;

impl GraphPacker<'_> {
    pub(super) fn view(&mut self, node: &Node) -> Result<Value, Fault> {
        let (view, shape) = match self.input(node, 0)? {
            Value::Stored(seen) | Value::Real(seen) => (seen.view, self.shape(seen.tensor)),
            Value::Sum(sum) => (sum.view, sum.shape),
            _ => return self.size(node),
        };
        let to = match (node.kind.as_str(), view) {
            ("Transpose", View::Planes) if node.ints("perm") == Some(&[0, 2, 3, 1]) => View::Cells,
            ("Reshape" | "Flatten", View::Cells) => View::Cells,
            ("Reshape" | "Flatten" | "Squeeze", View::Planes | View::Flat) if shape.is_point() => {
                View::Flat
            }
            _ => {
                return fault(
                    "a change of layout between convolutions",
                    "Flatten of a 1x1 tensor; at the net's end Transpose 0, 2, 3, 1, then Reshape",
                );
            }
        };
        Ok(match self.input(node, 0)?.clone() {
            Value::Stored(seen) => Value::Stored(TensorUse { view: to, ..seen }),
            Value::Real(seen) => Value::Real(TensorUse { view: to, ..seen }),
            Value::Sum(sum) => Value::Sum(Rc::new(PendingSum {
                view: to,
                ..PendingSum::clone(&sum)
            })),
            other => other,
        })
    }

    pub(super) fn end(&mut self, node: &Node, end: NetEnd) -> Result<Value, Fault> {
        match self.input(node, 0)?.clone() {
            Value::Real(seen) => Ok(Value::Real(TensorUse { end, ..seen })),
            Value::Sum(sum) => Ok(Value::Sum(Rc::new(PendingSum {
                end,
                ..PendingSum::clone(&sum)
            }))),
            _ => fault("an input that no operator makes", OPERATORS),
        }
    }

    /// Nodes that only compute sizes are skipped; any other node is unknown.
    pub(super) fn size(&mut self, node: &Node) -> Result<Value, Fault> {
        let of_sizes = |name: &String| {
            name.is_empty()
                || matches!(
                    self.values.get(name.as_str()),
                    Some(Value::Size | Value::Constant(_))
                )
        };
        if node.kind == "Shape" || node.inputs.iter().all(of_sizes) {
            return Ok(Value::Size);
        }
        fault("an operator that the int8 engine does not have", OPERATORS)
    }
}

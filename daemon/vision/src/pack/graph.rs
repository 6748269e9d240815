//! Walks through a graph's nodes: each becomes a packed tensor, or a value that a later node completes.

use std::{collections::HashMap, rc::Rc};

use super::{
    constants::{check_symmetric, constant, quantized_constant},
    error::{Fault, PackError, fault},
    filter,
    picture::Picture,
    value::{
        self, NetEnd, NetShape, PackedTensor, PendingKind, PendingSum, Scaled, TensorUse, Value,
        View,
    },
};
use crate::onnx_file::{Node, OnnxFile};

/// The nodes that may stand between convolutions.
pub(super) const OPERATORS: &str = "Conv, Gemm, MatMul, Add, Relu, Clip from 0, MaxPool 2x2, GlobalAveragePool, Resize by 2, \
                         and at the net's end Transpose, Reshape, Flatten, Sigmoid, Softmax; batch norm folded \
                         (onnxruntime.quantization.quant_pre_process does it)";
pub(super) const QUANTIZED: &str = "QuantizeLinear and DequantizeLinear around every operator \
                         (onnxruntime.quantization.quantize_static with QuantFormat.QDQ)";

/// All names so far.
pub(super) struct GraphPacker<'f> {
    pub(super) picture: Picture,
    pub(super) values: HashMap<&'f str, Value>,
    /// The index of the present node.
    at: usize,
    labels: Vec<&'f str>,
    /// By tensor number; 0 is the picture.
    pub(super) made: Vec<PackedTensor>,
}

impl<'f> GraphPacker<'f> {
    /// Walks through the whole graph.
    pub(super) fn through(file: &'f OnnxFile, picture: Picture) -> Result<Self, PackError> {
        let input = picture.made();
        let mut walk = Self {
            picture,
            values: HashMap::new(),
            at: 0,
            labels: file.graph().nodes.iter().map(Node::label).collect(),
            made: vec![input],
        };
        let (name, _) = file.input().map_err(PackError::File)?;
        walk.values.insert(name, Value::Picture);
        for (name, constant) in file.constants() {
            // A constant of an unknown type may belong to a part that is not needed.
            if let Ok(tensor) = constant {
                walk.values.insert(name, Value::Constant(Rc::new(tensor)));
            }
        }
        for (at, node) in file.graph().nodes.iter().enumerate() {
            walk.at = at;
            let value = walk.visit(node).map_err(|fault| PackError::Node {
                node: node.label().to_owned(),
                kind: node.kind.clone(),
                found: fault.found,
                accepted: fault.accepted,
            })?;
            for output in &node.outputs {
                walk.values.insert(output, value.clone());
            }
        }
        Ok(walk)
    }

    /// The value of a name.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The name of the node at this index.
    pub(super) fn label(&self, at: usize) -> String {
        self.labels.get(at).copied().unwrap_or_default().to_owned()
    }

    fn visit(&mut self, node: &Node) -> Result<Value, Fault> {
        match node.kind.as_str() {
            "Constant" => constant(node),
            "QuantizeLinear" => self.quantize(node),
            "DequantizeLinear" => self.dequantize(node),
            "Conv" => self.conv(node),
            "Gemm" => self.gemm(node),
            "MatMul" => self.dense(node, None, false),
            "Add" => self.add(node),
            "Relu" => self.limit(node, None),
            "Clip" => self.clip(node),
            "MaxPool" => self.max_pool(node),
            "GlobalAveragePool" | "ReduceMean" | "AveragePool" => self.average(node),
            "Resize" | "Upsample" => self.resize(node),
            "Transpose" | "Flatten" | "Reshape" | "Squeeze" => self.view(node),
            "Sigmoid" => self.end(node, NetEnd::Sigmoid),
            "Softmax" => self.end(node, NetEnd::Softmax),
            "Identity" | "Dropout" => self.input(node, 0).cloned(),
            _ => self.size(node),
        }
    }

    /// The value of a node's input.
    pub(super) fn input(&self, node: &Node, index: usize) -> Result<&Value, Fault> {
        match self.optional(node, index) {
            Some(value) => Ok(value),
            None => fault(format!("input {index} is missing"), "a whole graph"),
        }
    }

    pub(super) fn optional(&self, node: &Node, index: usize) -> Option<&Value> {
        self.values.get(node.inputs.get(index)?.as_str())
    }

    /// The reals of a quantized tensor, as a convolution takes them.
    pub(super) fn planes(&self, node: &Node, index: usize) -> Result<usize, Fault> {
        match self.input(node, index)? {
            Value::Real(seen) if seen.view == View::Planes && seen.end == NetEnd::Open => {
                Ok(seen.tensor)
            }
            Value::Real(_) => fault(
                "an input after a reshape, transpose or the net's end",
                OPERATORS,
            ),
            _ => fault("an input that is not quantized", QUANTIZED),
        }
    }

    pub(super) fn shape(&self, tensor: usize) -> NetShape {
        self.made[tensor].shape
    }

    pub(super) fn filter_input(&self, tensor: usize) -> filter::FilterInput {
        let made = &self.made[tensor];
        filter::FilterInput {
            tensor,
            quant: made.quant,
            shape: made.shape,
            reversed: tensor == 0 && self.picture.reversed,
            offset: if tensor == 0 {
                self.picture.offset
            } else {
                0.0
            },
        }
    }

    fn quantize(&mut self, node: &Node) -> Result<Value, Fault> {
        let zero = self.optional(node, 2);
        let value = self.input(node, 0)?.clone();
        if let Value::Constant(tensor) = &value {
            return quantized_constant(node, tensor, self.input(node, 1)?, zero);
        }
        let quant = value::quant(self.input(node, 1)?, zero)?;
        match value {
            Value::Picture => {
                self.picture.quantized(quant)?;
                Ok(Value::Stored(TensorUse {
                    tensor: 0,
                    view: View::Planes,
                    end: NetEnd::Open,
                }))
            }
            // After the net's end the pipeline takes over, so these roundings are skipped.
            Value::Real(seen)
                if seen.end != NetEnd::Open || self.made[seen.tensor].quant == quant =>
            {
                Ok(Value::Stored(seen))
            }
            Value::Real(_) => fault("a tensor quantized again with another scale", QUANTIZED),
            Value::Sum(sum) if sum.end != NetEnd::Open => Ok(Value::Sum(sum)),
            Value::Sum(sum) => {
                if let PendingKind::MaxPool(a) | PendingKind::Upsample(a) = sum.work
                    && self.made[a].quant != quant
                {
                    return fault(
                        "a scale or zero point after a pool or resize that is not its input's",
                        "the same scale and zero point before and after",
                    );
                }
                let seen = TensorUse {
                    tensor: self.made.len(),
                    view: sum.view,
                    end: NetEnd::Open,
                };
                self.made.push(PackedTensor {
                    quant,
                    scales: vec![quant.scale],
                    shape: sum.shape,
                    sum: Some(sum),
                });
                Ok(Value::Stored(seen))
            }
            _ => fault("an input that no operator makes", OPERATORS),
        }
    }

    fn dequantize(&mut self, node: &Node) -> Result<Value, Fault> {
        let zero = self.optional(node, 2);
        match self.input(node, 0)? {
            Value::Constant(ints) => {
                let scales = value::scales(self.input(node, 1)?)?.to_vec();
                check_symmetric(zero)?;
                let axis = usize::try_from(node.int("axis").unwrap_or(1)).unwrap_or(usize::MAX);
                let ints = Rc::clone(ints);
                Ok(Value::Scaled(Rc::new(Scaled { ints, scales, axis })))
            }
            Value::Stored(seen) => {
                let (seen, quant) = (*seen, value::quant(self.input(node, 1)?, zero)?);
                if seen.tensor == 0 {
                    let input = self.picture.dequantized(quant)?;
                    (self.made[0].quant, self.made[0].scales) = (input, vec![input.scale]);
                } else if seen.end == NetEnd::Open && self.made[seen.tensor].quant != quant {
                    return fault(
                        "another scale or zero point than its QuantizeLinear's",
                        QUANTIZED,
                    );
                }
                Ok(Value::Real(seen))
            }
            Value::Scaled(_) | Value::Picture => fault("an input that is not quantized", QUANTIZED),
            // A sum after the net's end, whose rounding was skipped.
            other => Ok(other.clone()),
        }
    }

    /// An operator's result that waits for its scale.
    pub(super) fn sum(&self, work: PendingKind, shape: NetShape, view: View) -> Value {
        Value::Sum(Rc::new(PendingSum {
            at: self.at,
            work,
            shape,
            relu: false,
            top: None,
            view,
            end: NetEnd::Open,
        }))
    }
}

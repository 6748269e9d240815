//! The outputs of a run: exact integers, and the reals that they stand for.

use crate::model::Model;
use crate::plan::Plan;
use crate::quant::{LeWords, OutputStage};
use crate::record::Op;
use crate::tensor::Shape;

/// The outputs of a run, in the file's order.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'r> {
    model: &'r Model<'r>,
    plan: &'r Plan,
    raw: &'r [i32],
}

/// One output: `rows x columns x channels` exact integers, channels fastest.
#[derive(Clone, Copy, Debug)]
pub struct Output<'r> {
    /// Rows, columns, channels.
    pub shape: Shape,
    /// Accumulators; or, of a tensor that is not raw, bytes minus their zero point.
    pub values: &'r [i32],
    scales: Scales<'r>,
}

#[derive(Clone, Copy, Debug)]
enum Scales<'r> {
    PerChannel(LeWords<'r>),
    One(f32),
}

impl<'r> Outputs<'r> {
    pub(crate) fn new(model: &'r Model<'r>, plan: &'r Plan, raw: &'r [i32]) -> Self {
        Self { model, plan, raw }
    }

    /// Number of outputs.
    pub fn len(&self) -> usize {
        self.model.outputs().len()
    }

    /// Whether there are none; the format demands one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Output `index`, counted from 0; `None` if there are fewer.
    pub fn get(&self, index: usize) -> Option<Output<'r>> {
        let tensor = *self.model.outputs().get(index)?;
        let start = self
            .plan
            .output_shapes()
            .take(index)
            .map(Shape::len)
            .sum::<usize>();
        let shape = self.plan.slot(tensor).shape;
        let node = self.model.nodes().nth(tensor - 1)?;
        let scales = match node.op {
            Op::Conv(conv) => match conv.tail {
                OutputStage::Raw { scale } => Scales::PerChannel(scale),
                OutputStage::Bytes { .. } => Scales::One(node.quant.scale),
            },
            _ => Scales::One(node.quant.scale),
        };
        Some(Output {
            shape,
            values: self.raw.get(start..start + shape.len())?,
            scales,
        })
    }

    /// All outputs.
    pub fn iter(&self) -> impl Iterator<Item = Output<'r>> {
        let outputs = *self;
        (0..self.len()).filter_map(move |index| outputs.get(index))
    }
}

impl Output<'_> {
    /// What one step of channel `channel` is worth.
    pub fn scale(&self, channel: usize) -> f32 {
        match self.scales {
            Scales::PerChannel(words) => words.f32(channel),
            Scales::One(scale) => scale,
        }
    }

    /// Value `index` as a real: `value as f32 * scale`, one multiplication, the same on all machines.
    pub fn real(&self, index: usize) -> Option<f32> {
        self.values
            .get(index)
            .map(|&value| value as f32 * self.scale(index % self.shape.channels))
    }

    /// All values as reals.
    pub fn reals(&self) -> impl Iterator<Item = f32> {
        self.values
            .iter()
            .enumerate()
            .map(|(index, &value)| value as f32 * self.scale(index % self.shape.channels))
    }
}

//! A net prepared for one size and one kernel, and its run from picture to raw outputs.

use crate::error::{LengthError, NetError};
use crate::kernel::Kernel;
use crate::kernel::pack::{self, Sections};
use crate::model::Model;
use crate::ops::{self, OpOutput};
use crate::output::Outputs;
use crate::plan::{ALIGN, Plan, TensorSlot};
use crate::record::{Node, Op};
use crate::tensor::{Shape, TensorView, TensorViewMut};

/// An operator that has just run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its place in the file, from 0.
    pub number: usize,
    /// What it is: `conv 3x3`, `depthwise`, `add`, ...
    pub operator: &'static str,
    /// The shape of what it made.
    pub shape: Shape,
    /// Its multiply-accumulates; 0 for all but convolutions.
    pub macs: u64,
}

/// A model, its plan for one input size, and its weights laid out for one kernel.
///
/// `W` is the memory for the weights: `Vec<u8>`, `&mut [u8]`, an array; empty for [`Kernel::Scalar`].
#[derive(Clone, Debug)]
pub struct Net<'m, W> {
    model: Model<'m>,
    plan: Plan,
    kernel: Kernel,
    weights: W,
    /// Where the aligned part of `weights` begins.
    start: usize,
}

impl<'m, W: AsRef<[u8]> + AsMut<[u8]>> Net<'m, W> {
    /// Plans for pictures of `width` x `height` and lays out the weights.
    ///
    /// # Errors
    /// [`NetError`]: a size the net does not run at, a kernel this machine lacks, or `weights` shorter than
    /// [`Model::weights_bytes`].
    pub fn new(
        model: Model<'m>,
        width: usize,
        height: usize,
        kernel: Kernel,
        mut weights: W,
    ) -> Result<Self, NetError> {
        let plan = Plan::new(&model, width, height)?;
        if !kernel.is_available() {
            return Err(NetError::Kernel);
        }
        let memory = weights.as_mut();
        check("weights", model.weights_bytes(kernel), memory.len()).map_err(NetError::Weights)?;
        let start = aligned(memory);
        pack::fill(&model, kernel, memory.get_mut(start..).unwrap_or_default());
        Ok(Self {
            model,
            plan,
            kernel,
            weights,
            start,
        })
    }

    /// The model.
    pub fn model(&self) -> &Model<'m> {
        &self.model
    }

    /// The memory plan: buffer lengths and output shapes.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The kernel in use.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Runs the net on a picture: rows of pixels of [`Model::channels`] bytes without gaps.
    ///
    /// `arena` is scratch of at least [`Plan::arena_bytes`], `raw` receives the outputs and has at least
    /// [`Plan::raw_len`] elements. What they held before does not matter.
    ///
    /// # Errors
    /// [`LengthError`], and nothing else.
    pub fn run<'r>(
        &'r self,
        input: &[u8],
        arena: &mut [u8],
        raw: &'r mut [i32],
    ) -> Result<Outputs<'r>, LengthError> {
        self.run_with_observer(input, arena, raw, |_| ())
    }

    /// As [`Net::run`]; `after` is called after each operator, so that a caller with a clock can see what each costs.
    ///
    /// # Errors
    /// [`LengthError`], and nothing else.
    pub fn run_with_observer<'r>(
        &'r self,
        input: &[u8],
        arena: &mut [u8],
        raw: &'r mut [i32],
        mut after: impl FnMut(Step),
    ) -> Result<Outputs<'r>, LengthError> {
        let shape = self.plan.input_shape();
        if input.len() != shape.len() {
            return Err(LengthError {
                buffer: "input",
                needed: shape.len(),
                given: input.len(),
            });
        }
        check("arena", self.plan.arena_bytes(), arena.len())?;
        check("raw", self.plan.raw_len(), raw.len())?;
        let start = aligned(arena);
        let arena = arena.get_mut(start..).unwrap_or_default();

        self.load(input, arena);
        let memory = self.weights.as_ref().get(self.start..).unwrap_or_default();
        let mut sections = Sections::new(self.kernel, memory);
        for (index, node) in self.model.nodes().enumerate() {
            self.step(index + 1, node, &mut sections, arena, raw);
            if !node.raw && self.model.outputs().contains(&(index + 1)) {
                self.export(index + 1, arena, raw);
            }
            let [a, shape] = [node.a, index + 1].map(|tensor| self.plan.slot(tensor).shape);
            after(Step {
                number: index,
                operator: node.op.name(),
                shape,
                macs: node.macs(a, shape),
            });
        }
        Ok(Outputs::new(&self.model, &self.plan, raw))
    }

    /// Copies the picture into the arena, where it gets its border.
    fn load(&self, input: &[u8], arena: &mut [u8]) {
        let slot = self.plan.slot(0);
        let data = &mut arena[slot.start..][..slot.length];
        let mut map = self.map_mut(0, data);
        let per_row = slot.shape.columns * slot.shape.channels;
        for (r, row) in input.chunks_exact(per_row).enumerate() {
            match self.kernel.offset() {
                0 => map.row(r).copy_from_slice(row),
                offset => {
                    for (to, &from) in map.row(r).iter_mut().zip(row) {
                        *to = from ^ offset;
                    }
                }
            }
        }
        map.fill_border();
    }

    /// Runs one operator.
    fn step(
        &self,
        number: usize,
        node: &Node<'_>,
        sections: &mut Sections<'_>,
        arena: &mut [u8],
        raw: &mut [i32],
    ) {
        let target = self.plan.slot(number);
        let Some([a, b, own]) = self.split(arena, node, target) else {
            return;
        };
        let a = self.map(node.a, a);
        let b = if node.a == node.b {
            a
        } else {
            self.map(node.b, b)
        };
        let mut y = match node.raw {
            true => OpOutput::Raw(self.plan.output_of(number, raw)),
            false => OpOutput::Map(self.map_mut(number, own)),
        };
        match (node.op, &mut y) {
            (Op::Conv(conv), y) => {
                let packed = sections.next(&conv, a.shape.channels, node.channels);
                ops::conv::run(self.kernel, &conv, packed, a, target.shape, y);
            }
            (Op::Add { ma, mb, s, clamp }, OpOutput::Map(y)) => {
                ops::add::run(self.kernel, (ma, mb, s), clamp, a, b, y)
            }
            (Op::MaxPool, OpOutput::Map(y)) => ops::pool::run(a, y),
            (Op::Upsample, OpOutput::Map(y)) => ops::upsample::run(a, y),
            (Op::Gap { m, s, clamp }, OpOutput::Map(y)) => ops::gap::run(m, s, clamp, a, y),
            (_, OpOutput::Raw(_)) => {} // the parser lets only convolutions be raw
        }
        if let OpOutput::Map(mut y) = y {
            y.fill_border();
        }
    }

    /// The bytes of both inputs and of the output; the plan keeps them apart.
    fn split<'b>(
        &self,
        arena: &'b mut [u8],
        node: &Node<'_>,
        target: TensorSlot,
    ) -> Option<[&'b mut [u8]; 3]> {
        let range = |slot: TensorSlot| slot.start..slot.start + slot.length;
        let (a, b) = (range(self.plan.slot(node.a)), range(self.plan.slot(node.b)));
        if node.raw {
            return Some([arena.get_mut(a)?, &mut [], &mut []]);
        }
        if node.a == node.b {
            let [a, own] = arena.get_disjoint_mut([a, range(target)]).ok()?;
            return Some([a, &mut [], own]);
        }
        arena.get_disjoint_mut([a, b, range(target)]).ok()
    }

    fn map<'b>(&self, tensor: usize, data: &'b [u8]) -> TensorView<'b> {
        let TensorSlot { shape, border, .. } = self.plan.slot(tensor);
        TensorView {
            data,
            shape,
            border,
            zero: self.zero(tensor),
            offset: self.kernel.offset(),
        }
    }

    fn map_mut<'b>(&self, tensor: usize, data: &'b mut [u8]) -> TensorViewMut<'b> {
        let TensorSlot { shape, border, .. } = self.plan.slot(tensor);
        TensorViewMut {
            data,
            shape,
            border,
            zero: self.zero(tensor),
            offset: self.kernel.offset(),
        }
    }

    fn zero(&self, tensor: usize) -> u8 {
        self.model.known(tensor).map_or(0, |known| known.quant.zero)
    }

    /// Copies an output that is not raw to the caller, as steps above its zero point.
    fn export(&self, number: usize, arena: &[u8], raw: &mut [i32]) {
        let slot = self.plan.slot(number);
        let y = self.map(number, &arena[slot.start..][..slot.length]);
        let out = self.plan.output_of(number, raw);
        for (r, out) in out
            .chunks_exact_mut(slot.shape.columns * slot.shape.channels)
            .enumerate()
        {
            for (out, &value) in out.iter_mut().zip(y.row(r)) {
                *out = i32::from(value ^ y.offset) - i32::from(y.zero);
            }
        }
    }
}

/// Bytes to skip until the memory is aligned; only speed depends on it.
fn aligned(memory: &[u8]) -> usize {
    memory.as_ptr().align_offset(ALIGN).min(ALIGN)
}

fn check(buffer: &'static str, needed: usize, given: usize) -> Result<(), LengthError> {
    if given < needed {
        Err(LengthError {
            buffer,
            needed,
            given,
        })
    } else {
        Ok(())
    }
}

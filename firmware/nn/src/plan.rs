//! Places every tensor in the arena for one input size. Tensors that never live at the same time share bytes.

use crate::error::PlanError;
use crate::model::{MAX_OPERATORS, MAX_OUTPUTS, Model};
use crate::record::{Node, Op};
use crate::tensor::{SLACK, Shape, bordered_len};

/// Tensors begin at multiples of this, so that vectors do not cross cache lines needlessly.
pub(crate) const ALIGN: usize = 64;

/// A tensor's place. Raw tensors have none: they go straight to the caller's buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TensorSlot {
    pub(crate) shape: Shape,
    pub(crate) border: usize,
    pub(crate) start: usize,
    /// Bytes including border and slack, a multiple of [`ALIGN`]; 0 if raw.
    pub(crate) length: usize,
    /// First and last operator (counted from 1; 0 is the input) during which it must stay.
    born: usize,
    dies: usize,
}

/// The memory plan of a net at one input size.
#[derive(Clone, Debug)]
pub struct Plan {
    slots: [TensorSlot; MAX_OPERATORS + 1],
    tensors: usize,
    arena: usize,
    outputs: [usize; MAX_OUTPUTS],
    output_count: usize,
}

impl Plan {
    /// Plans for pictures of `width` x `height` pixels.
    ///
    /// # Errors
    /// [`PlanError`] if the net does not run at this size.
    pub fn new(model: &Model<'_>, width: usize, height: usize) -> Result<Self, PlanError> {
        check_size(model, width, height)?;
        let mut plan = Self {
            slots: [TensorSlot::default(); MAX_OPERATORS + 1],
            tensors: model.operators() + 1,
            arena: 0,
            outputs: [0; MAX_OUTPUTS],
            output_count: model.outputs().len(),
        };
        plan.outputs[..plan.output_count].copy_from_slice(model.outputs());
        plan.slots[0].shape = Shape {
            rows: height,
            columns: width,
            channels: model.channels(),
        };
        for (index, node) in model.nodes().enumerate() {
            plan.visit(index + 1, node)?;
        }
        plan.measure(model)?;
        plan.place();
        Ok(plan)
    }

    /// Shape and lifetime of the tensor that operator `number` (from 1) makes.
    fn visit(&mut self, number: usize, node: &Node<'_>) -> Result<(), PlanError> {
        let [a, b] = [node.a, node.b].map(|tensor| self.slots[tensor].shape);
        if a != b {
            return Err(PlanError::Shape { number: number - 1 });
        }
        let shape = node
            .shape(a, b)
            .ok_or(PlanError::Extent { number: number - 1 })?;
        self.slots[number] = TensorSlot {
            shape,
            born: number,
            dies: number,
            ..TensorSlot::default()
        };
        let reads_around = matches!(node.op, Op::Conv(conv) if conv.kernel == 3);
        for tensor in [node.a, node.b] {
            self.slots[tensor].dies = number;
            self.slots[tensor].border |= usize::from(reads_around);
        }
        Ok(())
    }

    fn measure(&mut self, model: &Model<'_>) -> Result<(), PlanError> {
        for tensor in 0..self.tensors {
            let slot = &mut self.slots[tensor];
            let number = tensor.saturating_sub(1);
            let length = bordered_len(slot.shape, slot.border)
                .and_then(|length| length.checked_add(SLACK)?.checked_next_multiple_of(ALIGN))
                .filter(|&length| length <= isize::MAX as usize / (MAX_OPERATORS + 2) / 4)
                .ok_or(PlanError::Extent { number })?;
            let raw = model.known(tensor).is_some_and(|known| known.raw);
            slot.length = if raw { 0 } else { length };
        }
        Ok(())
    }

    /// Largest first, each at the lowest place that is free during its life (TensorFlow Lite's *greedy by size*:
    /// Pisarchyk and Lee, *Efficient Memory Management for Deep Neural Net Inference*, 2020).
    fn place(&mut self) {
        let mut placed = [false; MAX_OPERATORS + 1];
        for _ in 0..self.tensors {
            let largest = (0..self.tensors)
                .filter(|&tensor| !placed[tensor])
                .max_by_key(|&t| self.slots[t].length);
            let Some(tensor) = largest else { return };
            let start = self.lowest_gap(tensor, &placed);
            self.slots[tensor].start = start;
            self.arena = self.arena.max(start + self.slots[tensor].length);
            placed[tensor] = true;
        }
    }

    fn lowest_gap(&self, tensor: usize, placed: &[bool]) -> usize {
        let own = self.slots[tensor];
        let rivals = || {
            let alive = |slot: &&TensorSlot| {
                slot.length > 0 && slot.born <= own.dies && own.born <= slot.dies
            };
            self.slots
                .iter()
                .zip(placed)
                .filter(|&(_, &placed)| placed)
                .map(|(slot, _)| slot)
                .filter(alive)
        };
        let free = |&start: &usize| {
            rivals()
                .all(|slot| start + own.length <= slot.start || slot.start + slot.length <= start)
        };
        let ends = rivals().map(|slot| slot.start + slot.length);
        core::iter::once(0)
            .chain(ends)
            .filter(free)
            .min()
            .unwrap_or(self.arena)
    }

    /// Bytes of arena that a run needs.
    pub fn arena_bytes(&self) -> usize {
        self.arena + ALIGN
    }

    /// Elements of the `raw` buffer that a run needs: all outputs, one after the other.
    pub fn raw_len(&self) -> usize {
        self.output_shapes().map(Shape::len).sum()
    }

    /// Shapes of the outputs, in the file's order.
    pub fn output_shapes(&self) -> impl Iterator<Item = Shape> {
        self.outputs[..self.output_count]
            .iter()
            .map(|&tensor| self.slots[tensor].shape)
    }

    /// The part of the caller's buffer that holds tensor `tensor`; empty if it is no output.
    pub(crate) fn output_of<'r>(&self, tensor: usize, raw: &'r mut [i32]) -> &'r mut [i32] {
        let mut rest = raw;
        for &output in &self.outputs[..self.output_count] {
            let length = self.slots[output].shape.len().min(rest.len());
            let (own, others) = rest.split_at_mut(length);
            if output == tensor {
                return own;
            }
            rest = others;
        }
        &mut []
    }

    /// The input's shape.
    pub fn input_shape(&self) -> Shape {
        self.slots[0].shape
    }

    pub(crate) fn slot(&self, tensor: usize) -> TensorSlot {
        self.slots[tensor]
    }
}

fn check_size(model: &Model<'_>, width: usize, height: usize) -> Result<(), PlanError> {
    let fits = match model.size_step() {
        None => (width, height) == model.default_size(),
        Some(step) => [width, height]
            .iter()
            .all(|&side| (1..=crate::MAX_SIDE).contains(&side) && side.is_multiple_of(step)),
    };
    fits.then_some(()).ok_or(PlanError::Size)
}

//! Lays out weights for a kernel, once, in the caller's memory, and folds the input's zero point into the bias.
//!
//! `sum((x - zx) * w) + bias = sum(x * w) + (bias - zx * sum(w))`: exact, also where the border holds `zx`. A kernel
//! that sees `x - 128` instead of `x` ([`Kernel::offset`]) gets the bias for `zx - 128`.

#[cfg(target_arch = "x86_64")]
use super::byte_pairs;
use super::{BLOCK, Kernel, depthwise_weights};
use crate::model::Model;
use crate::plan::ALIGN;
use crate::quant::{LeWords, OutputStage};
use crate::record::{Conv, Node, Op};

/// Bytes of one vector of 32-bit words of a block.
const WORDS: usize = BLOCK * 4;

/// The packed constants of one convolution; words are padded to whole blocks.
#[derive(Clone, Copy)]
pub(crate) struct Packed<'a> {
    /// Full convolutions: `[block][line][run / depth][16][depth]`, where `depth` is what the kernel multiplies
    /// at once of each output: 4 for dot products of four bytes, 1 for the portable kernel. AVX2 has an order
    /// of its own (`byte_pairs`).
    /// Depthwise: nothing, or records (`taps`).
    pub(crate) weights: &'a [u8],
    pub(crate) bias: LeWords<'a>,
    pub(crate) m: LeWords<'a>,
    pub(crate) s: LeWords<'a>,
}

/// Where a convolution's constants lie in its section.
#[derive(Clone, Copy)]
struct Section {
    blocks: usize,
    weights: usize,
}

impl Section {
    /// `None`: the kernel packs nothing.
    fn of(conv: &Conv<'_>, inputs: usize, outputs: usize, kernel: Kernel) -> Option<Self> {
        let blocks = outputs.div_ceil(BLOCK);
        let columns = (conv.kernel * inputs).next_multiple_of(depth(kernel)?);
        let weights = if conv.depthwise {
            depthwise_weights::bytes(kernel, conv, outputs)
        } else {
            blocks * conv.kernel * line_bytes(kernel, columns)
        };
        Some(Self {
            blocks,
            weights: weights.next_multiple_of(ALIGN),
        })
    }

    fn bytes(self) -> usize {
        self.weights + 3 * self.blocks * WORDS
    }
}

/// How many neighbours of one output lie together; the scalar kernel reads the file.
fn depth(kernel: Kernel) -> Option<usize> {
    match kernel {
        Kernel::Scalar => None,
        Kernel::Portable => Some(1),
        Kernel::Neon | Kernel::Dotprod | Kernel::Avx2 | Kernel::AvxVnni | Kernel::Vnni => Some(4),
        Kernel::I8mm => Some(8),
    }
}

/// Bytes of a line of a block.
fn line_bytes(kernel: Kernel, columns: usize) -> usize {
    match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => 2 * byte_pairs::bytes(columns / 4),
        _ => columns * BLOCK,
    }
}

fn sections<'m>(
    model: &'m Model<'m>,
    kernel: Kernel,
) -> impl Iterator<Item = (Section, &'m Conv<'m>, &'m Node<'m>)> {
    model.nodes().filter_map(move |node| {
        let Op::Conv(conv) = &node.op else {
            return None;
        };
        let inputs = model.known(node.a)?.channels;
        let section = Section::of(conv, inputs, node.channels, kernel)?;
        Some((section, conv, node))
    })
}

/// Bytes that the whole net needs for `kernel`, with room to align them.
pub(crate) fn bytes(model: &Model<'_>, kernel: Kernel) -> usize {
    if depth(kernel).is_none() {
        return 0;
    }
    sections(model, kernel)
        .map(|(section, ..)| section.bytes())
        .sum::<usize>()
        + ALIGN
}

/// Fills `memory`, which begins aligned and is long enough by [`bytes`].
pub(crate) fn fill(model: &Model<'_>, kernel: Kernel, memory: &mut [u8]) {
    let Some(depth) = depth(kernel) else { return };
    let mut rest = memory;
    for (section, conv, node) in sections(model, kernel) {
        let Some((own, others)) = rest.split_at_mut_checked(section.bytes()) else {
            return;
        };
        rest = others;
        let Some(input) = model.known(node.a) else {
            return;
        };
        let (weights, words) = own.split_at_mut(section.weights);
        if conv.depthwise {
            depthwise_weights::fill(conv, node.channels, input.quant.zero, weights);
        } else {
            fill_weights(conv, input.channels, kernel, depth, weights);
        }
        let (bias, factors) = words.split_at_mut(section.blocks * WORDS);
        for (o, word) in bias.as_chunks_mut().0.iter_mut().enumerate() {
            *word = if o < node.channels {
                let zero = i32::from(input.quant.zero) - i32::from(kernel.offset());
                folded_bias(conv, o, node.channels, zero)
            } else {
                [0; 4]
            };
        }
        let (m, s) = factors.split_at_mut(section.blocks * WORDS);
        for (index, words) in [m, s].into_iter().enumerate() {
            for (o, word) in words.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *word = factor(conv, (o < node.channels).then_some(o), index);
            }
        }
    }
}

/// The multiplier (`index` 0) or shift (1) of output `o`; harmless ones where there is none.
pub(super) fn factor(conv: &Conv<'_>, o: Option<usize>, index: usize) -> [u8; 4] {
    let value = match (conv.tail, o) {
        (OutputStage::Bytes { m, s, .. }, Some(o)) => [m, s][index].u32(o),
        _ => [1 << 30, 33][index],
    };
    value.to_le_bytes()
}

pub(super) fn folded_bias(conv: &Conv<'_>, o: usize, channels: usize, zero: i32) -> [u8; 4] {
    // Wrapping: only the finished accumulator is known to fit, and it does.
    let sum = conv
        .filter(o, channels)
        .fold(0_i32, |sum, w| sum.wrapping_add(i32::from(w)));
    conv.bias
        .i32(o)
        .wrapping_sub(sum.wrapping_mul(zero))
        .to_le_bytes()
}

fn fill_weights(conv: &Conv<'_>, inputs: usize, kernel: Kernel, depth: usize, memory: &mut [u8]) {
    memory.fill(0);
    let run = conv.kernel * inputs;
    let groups = run.div_ceil(depth);
    let per_line = line_bytes(kernel, groups * depth);
    let place = |lane: usize, k: usize| match kernel {
        #[cfg(target_arch = "x86_64")]
        Kernel::Avx2 => byte_pairs::place(groups, lane, k),
        _ => (k / depth * BLOCK + lane) * depth + k % depth,
    };
    for (o, filter) in conv.weights.chunks_exact(conv.kernel * run).enumerate() {
        let (block, lane) = (o / BLOCK, o % BLOCK);
        for (line, weights) in filter.chunks_exact(run).enumerate() {
            let target = &mut memory[(block * conv.kernel + line) * per_line..][..per_line];
            for (k, &weight) in weights.iter().enumerate() {
                target[place(lane, k)] = weight;
            }
        }
    }
    #[cfg(target_arch = "x86_64")]
    if kernel == Kernel::Avx2 {
        for half in memory.chunks_exact_mut(byte_pairs::bytes(groups)) {
            byte_pairs::order(half, groups);
        }
    }
}

/// Walks through a filled memory, section by section, in the order of the operators.
pub(crate) struct Sections<'a> {
    rest: &'a [u8],
    kernel: Kernel,
}

impl<'a> Sections<'a> {
    pub(crate) fn new(kernel: Kernel, memory: &'a [u8]) -> Self {
        Self {
            rest: memory,
            kernel,
        }
    }

    /// The constants of the next convolution; empty ones for the scalar kernel, which reads the file.
    pub(crate) fn next(&mut self, conv: &Conv<'_>, inputs: usize, outputs: usize) -> Packed<'a> {
        let section = Section::of(conv, inputs, outputs, self.kernel);
        let own = section.and_then(|section| self.rest.split_at_checked(section.bytes()));
        let (Some(section), Some((own, rest))) = (section, own) else {
            return Packed {
                weights: &[],
                bias: LeWords(&[]),
                m: LeWords(&[]),
                s: LeWords(&[]),
            };
        };
        self.rest = rest;
        let (weights, words) = own.split_at(section.weights);
        let (bias, factors) = words.split_at(section.blocks * WORDS);
        let (m, s) = factors.split_at(section.blocks * WORDS);
        Packed {
            weights,
            bias: LeWords(bias),
            m: LeWords(m),
            s: LeWords(s),
        }
    }
}

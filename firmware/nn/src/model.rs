//! A whole net, checked once: notes, outputs, operators. `net` runs it.

use crate::error::{Fault, FormatError, PlanError};
use crate::format::{self, Header, Kind, RecordReader};
use crate::kernel::{Kernel, pack};
use crate::plan::Plan;
use crate::quant::{LeWords, Quant};
use crate::record::{Node, Op, TensorInfo};

/// Most operators in a net.
pub const MAX_OPERATORS: usize = 96;
/// Most outputs of a net.
pub const MAX_OUTPUTS: usize = 8;
/// Most channels of a tensor.
pub const MAX_CHANNELS: usize = 2048;
/// Most rows or columns of a tensor: a global average over 2048 x 2048 bytes still fits 32 bits.
pub const MAX_SIDE: usize = 2048;

/// A net whose file is known to be sound. It borrows the file's bytes and holds the checked table of operators.
///
/// ```
/// use moodring_nn::{Kind, Model};
///
/// let file = std::fs::read("tests/data/pyramid.moodnet")?;
/// let model = Model::parse(&file)?;
/// assert_eq!(model.kind(), Kind::Detector);
/// assert_eq!(model.note("name"), Some("pyramid"));
/// assert_eq!(model.default_size(), (32, 32));
///
/// let cut = Model::parse(&file[..100]).unwrap_err();
/// println!("{cut}"); // says what is wrong
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model<'a> {
    header: Header,
    notes: &'a str,
    outputs: [usize; MAX_OUTPUTS],
    nodes: [Option<Node<'a>>; MAX_OPERATORS],
}

impl<'a> Model<'a> {
    /// Checks everything that can be checked before a size is chosen, and the default size too.
    ///
    /// # Errors
    /// A [`FormatError`] that names the rule and, where there is one, the operator. No bytes make it panic.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        let (header, mut reader) = format::open(bytes)?;
        let notes = read_notes(&mut reader, header.notes)?;
        let outputs = read_outputs(&mut reader, &header)?;
        let mut model = Self {
            header,
            notes,
            outputs,
            nodes: [None; MAX_OPERATORS],
        };
        for number in 0..header.operators {
            let fail = |fault| FormatError::Operator { number, fault };
            let node = Node::read(&mut reader, |tensor| model.known(tensor)).map_err(fail)?;
            model.check_place(number, &node).map_err(fail)?;
            model.nodes[number] = Some(node);
        }
        if !reader.is_empty() {
            return Err(FormatError::Trailing);
        }
        match Plan::new(&model, header.width, header.height) {
            Ok(_) => Ok(model),
            Err(PlanError::Size) => Err(FormatError::Header("default size")),
            Err(PlanError::Shape { number } | PlanError::Extent { number }) => {
                Err(FormatError::Operator {
                    number,
                    fault: Fault::Shape,
                })
            }
        }
    }

    fn check_place(&self, number: usize, node: &Node<'_>) -> Result<(), Fault> {
        if node.raw && !self.outputs().contains(&(number + 1)) {
            return Err(Fault::RawInside);
        }
        if matches!(node.op, Op::Gap { .. }) && self.header.step != 0 {
            return Err(Fault::FreeSize);
        }
        Ok(())
    }

    /// What tensor `tensor` is, if an operator read so far makes it.
    pub(crate) fn known(&self, tensor: usize) -> Option<TensorInfo> {
        let Some(number) = tensor.checked_sub(1) else {
            return Some(TensorInfo {
                channels: self.header.channels,
                quant: self.header.input,
                raw: false,
            });
        };
        let node = self.nodes.get(number)?.as_ref()?;
        Some(TensorInfo {
            channels: node.channels,
            quant: node.quant,
            raw: node.raw,
        })
    }

    /// What the net does.
    pub fn kind(&self) -> Kind {
        self.header.kind
    }

    /// Channels of the input picture: 1 grey, 3 red, green, blue.
    pub fn channels(&self) -> usize {
        self.header.channels
    }

    /// Width and height in pixels for which the net was made.
    pub fn default_size(&self) -> (usize, usize) {
        (self.header.width, self.header.height)
    }

    /// Width and height may be any multiple of this; `None`: only the default size.
    pub fn size_step(&self) -> Option<usize> {
        (self.header.step != 0).then_some(self.header.step)
    }

    /// How input bytes stand for reals. A pixel outside the picture is worth `zero`.
    pub fn input(&self) -> Quant {
        self.header.input
    }

    /// The value of a note such as `name`, `version`, `temperature`.
    pub fn note(&self, key: &str) -> Option<&'a str> {
        self.notes()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// All notes as (key, value).
    pub fn notes(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.notes.lines().filter_map(|line| line.split_once('='))
    }

    /// The names in the note `labels`, in the order of the output's channels.
    pub fn labels(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.note("labels")
            .into_iter()
            .flat_map(|labels| labels.split(','))
    }

    /// Number of operators.
    pub fn operators(&self) -> usize {
        self.header.operators
    }

    /// Multiply-accumulates for one picture of this size.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn macs(&self, width: usize, height: usize) -> Result<u64, PlanError> {
        let plan = Plan::new(self, width, height)?;
        let shape = |tensor| plan.slot(tensor).shape;
        let macs = |(index, node): (usize, &Node<'_>)| node.macs(shape(node.a), shape(index + 1));
        Ok(self.nodes().enumerate().map(macs).sum())
    }

    /// Bytes that [`crate::Net::new`] needs to lay out the weights for `kernel`; 0 for the scalar kernel.
    pub fn weights_bytes(&self, kernel: Kernel) -> usize {
        pack::bytes(self, kernel)
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().flatten()
    }

    /// Tensor numbers of the outputs.
    pub(crate) fn outputs(&self) -> &[usize] {
        &self.outputs[..self.header.outputs]
    }
}

fn read_notes<'a>(reader: &mut RecordReader<'a>, length: usize) -> Result<&'a str, FormatError> {
    let bytes = reader
        .take_padded(length)
        .ok_or(FormatError::TooShort)?
        .map_err(|()| FormatError::Notes)?;
    let notes = core::str::from_utf8(bytes).map_err(|_| FormatError::Notes)?;
    if notes.lines().all(|line| line.contains('=')) {
        Ok(notes)
    } else {
        Err(FormatError::Notes)
    }
}

fn read_outputs(
    reader: &mut RecordReader<'_>,
    header: &Header,
) -> Result<[usize; MAX_OUTPUTS], FormatError> {
    let words: LeWords<'_> = reader.words(header.outputs).ok_or(FormatError::TooShort)?;
    let mut outputs = [0; MAX_OUTPUTS];
    for index in 0..header.outputs {
        let tensor = usize::try_from(words.u32(index)).map_err(|_| FormatError::Output)?;
        if !(1..=header.operators).contains(&tensor) || outputs[..index].contains(&tensor) {
            return Err(FormatError::Output);
        }
        outputs[index] = tensor;
    }
    Ok(outputs)
}

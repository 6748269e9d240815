//! Reads one operator's record and checks it, on its own and against the tensors that it reads.

mod conv;

pub(crate) use conv::Conv;

use crate::error::Fault;
use crate::format::RecordReader;
use crate::quant::{Clamp, LeWords, Quant};
use crate::tensor::Shape;

/// Length of an operator's head in bytes.
const HEAD: usize = 20;
/// In the place of the second input: there is none.
const NONE: usize = 0xffff;

/// What an operator does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op<'a> {
    Conv(Conv<'a>),
    Add {
        ma: i32,
        mb: i32,
        s: u32,
        clamp: Clamp,
    },
    MaxPool,
    Upsample,
    Gap {
        m: i32,
        s: u32,
        clamp: Clamp,
    },
}

impl Op<'_> {
    /// For people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Conv(conv) if conv.depthwise => "depthwise",
            Self::Conv(conv) if conv.kernel == 1 => "conv 1x1",
            Self::Conv(_) => "conv 3x3",
            Self::Add { .. } => "add",
            Self::MaxPool => "max pool",
            Self::Upsample => "upsample",
            Self::Gap { .. } => "average",
        }
    }
}

/// An operator in its graph; node `i` makes tensor `i + 1`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) op: Op<'a>,
    pub(crate) a: usize,
    /// The second input of an add; otherwise `a`.
    pub(crate) b: usize,
    pub(crate) channels: usize,
    pub(crate) quant: Quant,
    pub(crate) raw: bool,
}

/// What the graph knows about a tensor before any size is chosen.
#[derive(Clone, Copy)]
pub(crate) struct TensorInfo {
    pub(crate) channels: usize,
    pub(crate) quant: Quant,
    pub(crate) raw: bool,
}

impl<'a> Node<'a> {
    /// Reads the operator at the reader; `known(t)` describes tensor `t`, or nothing if it does not exist yet.
    pub(crate) fn read(
        reader: &mut RecordReader<'a>,
        known: impl Fn(usize) -> Option<TensorInfo>,
    ) -> Result<Self, Fault> {
        let head = reader.take(HEAD).ok_or(Fault::TooShort)?;
        let [code, kernel, stride, flags, ..] = *head else {
            return Err(Fault::TooShort);
        };
        let half = |at: usize| usize::from(head[at]) | usize::from(head[at + 1]) << 8;
        let (a, b, channels) = (half(4), half(6), half(8));
        let clamp = Clamp {
            zero: head[10],
            lo: head[11],
            hi: head[12],
        };
        if head[13..16] != [0; 3] {
            return Err(Fault::Reserved);
        }
        let raw = flags == 1;
        check_form(code, kernel, stride, flags)?;

        let usable = |tensor| known(tensor).filter(|known| !known.raw).ok_or(Fault::Input);
        let first = usable(a)?;
        let second = if code == 3 { Some(usable(b)?) } else { None };
        if second.is_none() && b != NONE {
            return Err(Fault::Input);
        }
        let agree = code == 1
            || channels == first.channels && second.is_none_or(|it| it.channels == channels);
        if channels == 0 || channels > crate::MAX_CHANNELS || !agree {
            return Err(Fault::Channels);
        }
        let quant = Quant {
            zero: clamp.zero,
            scale: LeWords(head).f32(4),
        };
        check_quant(code, raw, quant, clamp, first.quant)?;

        let op = match code {
            1 | 2 => Op::Conv(Conv::read(
                reader,
                [code, kernel, stride],
                raw,
                clamp,
                channels,
                first,
            )?),
            3 => read_add(reader, clamp)?,
            4 => Op::MaxPool,
            5 => Op::Upsample,
            _ => read_gap(reader, clamp)?,
        };
        Ok(Self {
            op,
            a,
            b: if second.is_some() { b } else { a },
            channels,
            quant,
            raw,
        })
    }

    /// The output's shape; `None` if it would be empty or the inputs differ.
    pub(crate) fn shape(&self, a: Shape, b: Shape) -> Option<Shape> {
        let (rows, columns) = match self.op {
            Op::Conv(conv) => (conv.extent(a.rows)?, conv.extent(a.columns)?),
            Op::Add { .. } if a != b => return None,
            Op::Add { .. } => (a.rows, a.columns),
            Op::MaxPool => (a.rows / 2, a.columns / 2),
            Op::Upsample => (a.rows * 2, a.columns * 2),
            Op::Gap { .. } => (1, 1),
        };
        let within = |side| (1..=crate::MAX_SIDE).contains(&side);
        (within(rows) && within(columns)).then_some(Shape {
            rows,
            columns,
            channels: self.channels,
        })
    }

    /// Multiply-accumulates for one picture.
    pub(crate) fn macs(&self, a: Shape, y: Shape) -> u64 {
        let Op::Conv(conv) = self.op else { return 0 };
        let per_value = conv.kernel * conv.kernel * if conv.depthwise { 1 } else { a.channels };
        y.len() as u64 * per_value as u64
    }
}

fn check_form(code: u8, kernel: u8, stride: u8, flags: u8) -> Result<(), Fault> {
    let fits = match code {
        1 | 2 => matches!(kernel, 1 | 3) && matches!(stride, 1 | 2) && flags <= 1,
        3..=6 => [kernel, stride, flags] == [0; 3],
        _ => return Err(Fault::Code),
    };
    fits.then_some(()).ok_or(Fault::Form)
}

fn check_quant(code: u8, raw: bool, quant: Quant, clamp: Clamp, input: Quant) -> Result<(), Fault> {
    let fits = match code {
        _ if raw => quant.scale == 0.0,
        4 | 5 => quant == input,
        _ => quant.scale.is_finite() && quant.scale > 0.0 && clamp.lo <= clamp.hi,
    };
    fits.then_some(()).ok_or(Fault::Quant)
}

fn check_factor(m: i32, s: u32) -> Result<(), Fault> {
    (m >= 1 << 30 && (1..=62).contains(&s))
        .then_some(())
        .ok_or(Fault::Multiplier)
}

fn read_add<'a>(reader: &mut RecordReader<'a>, clamp: Clamp) -> Result<Op<'a>, Fault> {
    let body = reader.words(3).ok_or(Fault::TooShort)?;
    let (ma, mb, s) = (body.i32(0), body.i32(1), body.u32(2));
    let factor = 1..=1 << 22;
    let fits = factor.contains(&ma) && factor.contains(&mb) && (1..=20).contains(&s);
    fits.then_some(Op::Add { ma, mb, s, clamp })
        .ok_or(Fault::Multiplier)
}

fn read_gap<'a>(reader: &mut RecordReader<'a>, clamp: Clamp) -> Result<Op<'a>, Fault> {
    let body = reader.words(2).ok_or(Fault::TooShort)?;
    let (m, s) = (body.i32(0), body.u32(1));
    check_factor(m, s)?;
    Ok(Op::Gap { m, s, clamp })
}

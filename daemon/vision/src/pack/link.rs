//! Makes the packed net from the graph's sums and tensors: the operators that the outputs need, in the order of the
//! graph's nodes, with new numbers.

use std::{collections::HashMap, rc::Rc};

use super::{
    error::PackError,
    graph::GraphPacker,
    heads::Heads,
    net::{Destination, FixedFactor, OperatorKind, PackedNet, PackedOp, RAW},
    value::{NetShape, PackedTensor, PendingKind, PendingSum},
};

/// An operator to be: it makes tensor `Ok(number)` of the walk, or output `Err(number)`.
struct PendingOperator<'w> {
    makes: Result<usize, usize>,
    sum: &'w Rc<PendingSum>,
}

/// The net that makes these outputs.
pub(super) fn linked(
    walk: &GraphPacker<'_>,
    heads: &Heads,
    notes: Vec<(String, String)>,
) -> Result<PackedNet, PackError> {
    let pieces = pieces(walk, heads);
    let mut numbers = HashMap::from([(Ok(0), 0)]);
    let mut ops = Vec::new();
    for piece in &pieces {
        let op = operator(walk, piece, |tensor| numbers[&Ok(tensor)])?;
        ops.push(op);
        numbers.insert(piece.makes, ops.len());
    }
    let input = &walk.made[0];
    Ok(PackedNet {
        kind: heads.kind,
        channels: input.shape.channels as u32,
        size_px: walk.picture.size_px,
        step: walk.picture.step,
        input: input.quant,
        notes,
        ops,
        outputs: (0..heads.sums.len())
            .map(|head| numbers[&Err(head)])
            .collect(),
    })
}

/// The needed operators; inputs come before their users.
fn pieces<'w>(walk: &'w GraphPacker<'_>, heads: &'w Heads) -> Vec<PendingOperator<'w>> {
    let mut needed = vec![false; walk.made.len()];
    let mut open: Vec<usize> = heads.sums.iter().flat_map(|sum| sum.inputs()).collect();
    while let Some(tensor) = open.pop() {
        if !std::mem::replace(&mut needed[tensor], true)
            && let Some(sum) = &walk.made[tensor].sum
        {
            open.extend(sum.inputs());
        }
    }
    let tensors = (walk.made.iter().enumerate()).filter(|&(tensor, _)| needed[tensor]);
    let tensors = tensors.filter_map(|(tensor, made)| {
        let sum = made.sum.as_ref()?;
        Some(PendingOperator {
            makes: Ok(tensor),
            sum,
        })
    });
    let outputs = (heads.sums.iter().enumerate()).map(|(head, sum)| PendingOperator {
        makes: Err(head),
        sum,
    });
    let mut pieces: Vec<_> = tensors.chain(outputs).collect();
    pieces.sort_by_key(|piece| piece.sum.at);
    pieces
}

/// Makes a packed operator; `number` gives a tensor's number in the packed net.
fn operator(
    walk: &GraphPacker<'_>,
    piece: &PendingOperator<'_>,
    number: impl Fn(usize) -> usize,
) -> Result<PackedOp, PackError> {
    let sum = piece.sum;
    let refuse = |found: &str| PackError::Node {
        node: walk.label(sum.at),
        kind: "rounded to bytes".into(),
        found: found.into(),
        accepted: "calibrated scales, all of one size",
    };
    let made = piece.makes.ok().map(|tensor| &walk.made[tensor]);
    let work = match (&sum.work, made) {
        (PendingKind::Filter(filter), None) => OperatorKind::Conv(filter.to_raw()),
        (PendingKind::Filter(filter), Some(made)) => {
            let conv = filter.to_bytes(&made.scales);
            OperatorKind::Conv(conv.ok_or_else(|| refuse("a scale far from its accumulator's"))?)
        }
        (PendingKind::Add(a, b), Some(made)) => {
            let factor =
                |t: &usize| f64::from(walk.made[*t].quant.scale) / f64::from(made.quant.scale);
            add(factor(a), factor(b))
                .ok_or_else(|| refuse("an input's scale far above the result's"))?
        }
        (PendingKind::MaxPool(_), _) => OperatorKind::MaxPool,
        (PendingKind::Upsample(_), _) => OperatorKind::Upsample,
        (PendingKind::Gap(a), Some(made)) => {
            let NetShape { rows, columns, .. } = walk.made[*a].shape;
            let [from, to] = [&walk.made[*a], made].map(|m| f64::from(m.quant.scale));
            let factor = FixedFactor::of(from / (to * rows as f64 * columns as f64));
            OperatorKind::Gap(factor.ok_or_else(|| refuse("a scale far from its input's"))?)
        }
        (PendingKind::Add(..) | PendingKind::Gap(_), None) => {
            return Err(refuse("an output that is no convolution"));
        }
    };
    let mut inputs = sum.inputs().map(number);
    Ok(PackedOp {
        a: inputs.next().unwrap_or(0),
        b: inputs.next(),
        channels: sum.shape.channels,
        work,
        to: made.map_or(RAW, |made| bounds(sum, made)),
    })
}

/// The destination of the result, and its clamp in bytes.
fn bounds(sum: &PendingSum, made: &PackedTensor) -> Destination {
    let quant = made.quant;
    let byte = |real: f32| {
        let steps = f64::from(real) / f64::from(quant.scale) + f64::from(quant.zero);
        steps.round_ties_even().clamp(0.0, 255.0) as u8
    };
    Destination {
        quant,
        lo: if sum.relu { quant.zero } else { 0 },
        hi: sum.top.map_or(255, byte),
    }
}

/// By the rule of `models/train/common/intgraph.py`: the largest shift with both multipliers in `1..=2^22`.
fn add(a: f64, b: f64) -> Option<OperatorKind> {
    (1..=20_u32).rev().find_map(|s| {
        let whole = |factor: f64| (factor * f64::from(1 << s)).round_ties_even();
        let (ma, mb) = (whole(a), whole(b));
        (ma.max(mb) <= f64::from(1 << 22)).then_some(OperatorKind::Add {
            ma: ma.max(1.0) as i32,
            mb: mb.max(1.0) as i32,
            s,
        })
    })
}

//! The net's outputs: finds out which of the two nets it is, and makes the sums of its last convolutions the raw
//! outputs.

use std::rc::Rc;

use moodring_nn::Quant;

use super::{
    error::{Fault, PackError},
    filter::Filter,
    graph::GraphPacker,
    value::{NetEnd, NetShape, PackedTensor, PendingKind, PendingSum, Value, View},
};

const ACCEPTED: &str = "a classifier's output N x classes, and at most seven more, N x classes or N x rows x cols x values; a detector's three outputs N x rows x cols x 16 at \
                        strides 8, 16, 32; or YuNet's twelve, cls_8 to kps_32; each made by a convolution or dense layer";
const MOST_OF_A_CLASSIFIER: usize = moodring_nn::MAX_OUTPUTS;
/// Values in a detector's cell.
const CELL: usize = 16;
const STRIDES: [usize; 3] = [8, 16, 32];
/// YuNet's outputs of one stride, in the order of a cell: number of values, and their last function.
const YUNET: [(&str, usize, NetEnd); 4] = [
    ("cls", 1, NetEnd::Sigmoid),
    ("obj", 1, NetEnd::Sigmoid),
    ("bbox", 4, NetEnd::Open),
    ("kps", 10, NetEnd::Open),
];

/// The kind of net.
pub(super) struct Heads {
    /// 1 classifier, 2 detector.
    pub(super) kind: u32,
    /// The operators that make the outputs.
    pub(super) sums: Vec<Rc<PendingSum>>,
}

/// Whether these are the output names of a YuNet; such a net takes BGR.
pub(super) fn are_yunet(names: &[&str]) -> bool {
    let wanted = STRIDES
        .iter()
        .flat_map(|stride| YUNET.map(|(kind, ..)| format!("{kind}_{stride}")));
    names.len() == 12
        && wanted
            .into_iter()
            .all(|name| names.contains(&name.as_str()))
}

/// The outputs of a walked graph. Joined heads of a YuNet become new tensors of it.
pub(super) fn heads(walk: &mut GraphPacker<'_>, names: &[&str]) -> Result<Heads, PackError> {
    if are_yunet(names) {
        let sums = STRIDES.map(|stride| yunet(walk, stride));
        let sums = sums.into_iter().collect::<Result<_, _>>()?;
        return Ok(Heads { kind: 2, sums });
    }
    match names {
        [first, rest @ ..]
            if rest.len() < MOST_OF_A_CLASSIFIER
                && (rest.is_empty() || head(walk, first, classes).is_ok()) =>
        {
            let others = rest.iter().map(|name| head(walk, name, classes_or_maps));
            let sums = std::iter::once(head(walk, first, classes)).chain(others);
            Ok(Heads {
                kind: 1,
                sums: sums.collect::<Result<_, _>>()?,
            })
        }
        [_, _, _] => {
            let sums = names.iter().map(|name| head(walk, name, cells));
            Ok(Heads {
                kind: 2,
                sums: sums.collect::<Result<_, _>>()?,
            })
        }
        _ => Err(PackError::File(format!(
            "it has {} outputs ({}). Accepted: {ACCEPTED}",
            names.len(),
            names.join(", ")
        ))),
    }
}

fn classes(sum: &PendingSum) -> bool {
    sum.shape.is_point() && sum.view != View::Cells && sum.end != NetEnd::Sigmoid
}

/// Another answer of a classifier, or values for each place.
fn classes_or_maps(sum: &PendingSum) -> bool {
    classes(sum) || (sum.view == View::Cells && sum.end == NetEnd::Open)
}

fn cells(sum: &PendingSum) -> bool {
    sum.shape.channels == CELL && sum.view == View::Cells && sum.end == NetEnd::Open
}

/// The convolution behind an output.
fn head(
    walk: &GraphPacker<'_>,
    name: &str,
    fits: impl Fn(&PendingSum) -> bool,
) -> Result<Rc<PendingSum>, PackError> {
    let refuse = |found: &str| PackError::Output {
        name: name.to_owned(),
        found: found.to_owned(),
        accepted: ACCEPTED,
    };
    let sum = match walk.value(name) {
        Some(Value::Sum(sum)) => Rc::clone(sum),
        // Rounded to bytes by the graph; our raw outputs are more exact.
        Some(Value::Real(seen) | Value::Stored(seen)) => {
            let made = walk.made[seen.tensor].sum.as_ref();
            let made = made.ok_or_else(|| refuse("it is the input itself"))?;
            let mut sum = PendingSum::clone(made);
            (sum.view, sum.end) = (seen.view, seen.end);
            Rc::new(sum)
        }
        _ => return Err(refuse("no node makes it from the picture")),
    };
    if !matches!(sum.work, PendingKind::Filter(_)) || sum.relu {
        return Err(refuse("its last operator is no convolution, or is clamped"));
    }
    if !fits(&sum) {
        let NetShape {
            rows,
            columns,
            channels,
        } = sum.shape;
        let text = format!(
            "{channels} channels, {columns}x{rows} places, {:?}, {:?}",
            sum.view, sum.end
        );
        return Err(refuse(&text));
    }
    Ok(sum)
}

/// The four heads of one stride as one convolution with a cell's 16 channels.
fn yunet(walk: &mut GraphPacker<'_>, stride: usize) -> Result<Rc<PendingSum>, PackError> {
    let mut parts = Vec::new();
    for (kind, count, end) in YUNET {
        let fits = |sum: &PendingSum| {
            sum.shape.channels == count && sum.view == View::Cells && sum.end == end
        };
        parts.push(head(walk, &format!("{kind}_{stride}"), fits)?);
    }
    joined(walk, &parts).map_err(|fault| PackError::Output {
        name: format!("cls_{stride} to kps_{stride}"),
        found: fault.found,
        accepted: fault.accepted,
    })
}

fn filter(sum: &PendingSum) -> Option<&Filter> {
    match &sum.work {
        PendingKind::Filter(filter) => Some(filter),
        _ => None,
    }
}

/// One operator for several of one form: side by side if they read the same tensor; otherwise, if each is depthwise and
/// reads its own tensor, those tensors are joined first.
fn joined(walk: &mut GraphPacker<'_>, sums: &[Rc<PendingSum>]) -> Result<Rc<PendingSum>, Fault> {
    let unlike = || Fault {
        found: "heads that are not built alike".into(),
        accepted: "per stride, four convolutions on one tensor, or four pairs of a 1x1 and a 3x3 depthwise one",
    };
    let filters: Vec<_> = sums.iter().filter_map(|sum| filter(sum)).cloned().collect();
    let (Some(first), Some(sum)) = (filters.first(), sums.first()) else {
        return Err(unlike());
    };
    let alike = |f: &Filter| (f.kernel, f.stride) == (first.kernel, first.stride);
    let limits = |s: &Rc<PendingSum>| (s.relu, s.top) == (sum.relu, None);
    if filters.len() != sums.len() || !filters.iter().all(alike) || !sums.iter().all(limits) {
        return Err(unlike());
    }
    let one_input = filters.iter().all(|f| f.a == first.a && !f.depthwise);
    let mut parts = filters.clone();
    if !one_input {
        // A convolution from one channel to one is depthwise, too.
        let depthwise =
            |f: &Filter| f.depthwise || f.channels() == 1 && walk.made[f.a].shape.channels == 1;
        if !filters.iter().all(depthwise) {
            return Err(unlike());
        }
        let inputs: Vec<_> = filters.iter().map(|f| f.a).collect();
        let common = common_input(walk, &inputs).ok_or_else(unlike)??;
        for (part, scale) in parts.iter_mut().zip(&common.scales) {
            let ratio = f64::from(*scale) / f64::from(walk.made[part.a].quant.scale);
            part.rescale(ratio)?;
            (part.a, part.depthwise) = (common.tensor, true);
        }
    }
    let mut all = PendingSum::clone(sum);
    all.work = PendingKind::Filter(Rc::new(Filter::beside(&parts)));
    all.shape.channels = parts.iter().map(Filter::channels).sum();
    all.at = sums.iter().map(|sum| sum.at).max().unwrap_or(all.at);
    Ok(Rc::new(all))
}

/// Several tensors as one, and the scale of each part's channels in it.
struct CommonScale {
    tensor: usize,
    scales: Vec<f32>,
}

/// Joins tensors that are made by equal operators from one tensor. `None` if they are not.
///
/// The file has one zero point per tensor, but a factor per channel. So each part keeps its own scale, just coarse
/// enough for its range to fit around the common zero point.
fn common_input(
    walk: &mut GraphPacker<'_>,
    tensors: &[usize],
) -> Option<Result<CommonScale, Fault>> {
    let parts: Vec<_> = tensors.iter().map(|&t| walk.made[t].quant).collect();
    let sums: Option<Vec<_>> = tensors.iter().map(|&t| walk.made[t].sum.clone()).collect();
    let sums = sums?;
    if tensors.contains(&0)
        || sums
            .iter()
            .any(|sum| filter(sum).is_none_or(|f| f.depthwise))
    {
        return None;
    }
    let sum = match joined(walk, &sums) {
        Ok(sum) => sum,
        Err(fault) => return Some(Err(fault)),
    };
    let fitted = |zero: u8| parts.iter().map(move |part| fitted(*part, zero));
    let worst = |zero: &u8| {
        let growth = fitted(*zero)
            .zip(&parts)
            .map(|(scale, part)| scale / part.scale);
        growth.fold(0.0, f32::max)
    };
    let zero = (0..=255).min_by(|a, b| worst(a).total_cmp(&worst(b)))?;
    let scales: Vec<f32> = fitted(zero).collect();
    let per_channel = (scales.iter().zip(&sums))
        .flat_map(|(&scale, sum)| std::iter::repeat_n(scale, sum.shape.channels))
        .collect();
    let tensor = walk.made.len();
    walk.made.push(PackedTensor {
        quant: Quant {
            zero,
            scale: scales.iter().copied().fold(0.0, f32::max),
        },
        scales: per_channel,
        shape: sum.shape,
        sum: Some(sum),
    });
    Some(Ok(CommonScale { tensor, scales }))
}

/// The least scale at which this range fits around a zero point; infinite if none does.
fn fitted(part: Quant, zero: u8) -> f32 {
    let side = |steps: u8, room: u8| match (steps, room) {
        (0, _) => 0.0,
        (steps, room) => f32::from(steps) / f32::from(room),
    };
    part.scale * side(part.zero, zero).max(side(255 - part.zero, 255 - zero))
}

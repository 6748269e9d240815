//! Face detectors from ONNX files: public YuNet files and our own. Orders their outputs; core decodes the faces.

use std::path::Path;

use moodring_core::detect::{Cells, Channels, DetectNet, Head, InputShape, NetError};

use super::{
    graph::{Graph, NetRole},
    runner::{Engine, Output, PreparedNet},
};
use crate::{VisionError, int8::BEFORE_FACE};

const ROLE: NetRole = NetRole {
    key: "detector",
    accepted: "models/weights/detector.onnx of the repository (three outputs of 16 channels), \
               or a YuNet file (twelve outputs, cls_8 to kps_32)",
};
/// Strides of the detector's heads in input pixels.
const STRIDES_PX: [usize; 3] = [8, 16, 32];
/// YuNet's outputs of one stride, in the order of a cell, and their values per cell.
const YUNET: [(&str, usize); 4] = [("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)];
/// YuNet files have no threshold; 0.6 is the usual one.
const YUNET_THRESHOLD: f32 = 0.6;
/// The threshold for our files without a `threshold` note.
const DEFAULT_THRESHOLD: f32 = 0.5;

/// What the file's class outputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClassLayout {
    /// `cls` and `obj` are logits.
    Ours,
    /// `cls` and `obj` are probabilities.
    YuNet,
}

/// The layout of a cell's values: value `c` of cell `i` is at `i * cell_step + c * value_step` of an output.
#[derive(Clone, Copy, Debug)]
struct Part {
    output: usize,
    first: usize,
    count: usize,
    cell_step: usize,
    value_step: usize,
}

/// A face detector on an engine for ONNX files.
pub struct OnnxDetector {
    plan: PreparedNet,
    form: ClassLayout,
    shape: InputShape,
    input: Vec<u8>,
    /// The input as the engine wants it: f32, one plane a channel.
    planes: Vec<f32>,
    cells: [Vec<f32>; 3],
    parts: [Vec<Part>; 3],
    threshold: f32,
    before_face: f32,
}

impl OnnxDetector {
    /// Opens the ONNX file at `path` for pictures of this size. A file of fixed size keeps its own: see
    /// [`DetectNet::shape`].
    ///
    /// Input: f32, 1 x channels x height x width, bytes 0..255 as they are; YuNet's are BGR, ours grey (one channel)
    /// or RGB (three). Sides are multiples of 32.
    ///
    /// # Errors
    /// [`VisionError`] if the file or the size cannot be used.
    pub fn open(
        engine: Engine<'_>,
        path: &Path,
        asked_px: (u32, u32),
    ) -> Result<Self, VisionError> {
        let graph = Graph::read(path, ROLE)?;
        // Our files have three outputs, too.
        if let Some(labels) = graph.note("labels") {
            return Err(graph.refuse(format!("it is a classifier ({labels})")));
        }
        let form = form(&graph)?;
        let shape = input_shape(&graph, form, asked_px)?;
        if (shape.width_px, shape.height_px) != asked_px {
            let (width, height) = (shape.width_px, shape.height_px);
            tracing::info!(
                "{} has a fixed input of {width}x{height}, which is used",
                path.display()
            );
        }
        let number = |key: &str| -> Option<f32> { graph.note(key)?.parse().ok() };
        let threshold = number("threshold").unwrap_or(if form == ClassLayout::YuNet {
            YUNET_THRESHOLD
        } else {
            DEFAULT_THRESHOLD
        });
        let before_face = number(BEFORE_FACE).unwrap_or(threshold);
        let names: Vec<String> = graph.outputs().into_iter().map(str::to_owned).collect();
        let (rows, columns) = (shape.height_px as usize, shape.width_px as usize);
        let count = shape.channels.count();
        let plan = graph.plan(engine, [1, count, rows, columns])?;
        let Some(parts) = parts(form, &names, &plan.outputs, (rows, columns)) else {
            let shapes: Vec<_> = (plan.outputs.iter())
                .map(|o| format!("{:?}", o.sides))
                .collect();
            let reason = format!(
                "its outputs are {} for {columns}x{rows} pixels",
                shapes.join(", ")
            );
            return Err(ROLE.refuse(path, reason));
        };
        Ok(Self {
            plan,
            form,
            shape,
            input: vec![0; rows * columns * count],
            planes: vec![0.0; rows * columns * count],
            cells: STRIDES_PX
                .map(|stride| vec![0.0; (rows / stride) * (columns / stride) * Head::CELL]),
            parts,
            threshold,
            before_face,
        })
    }

    /// The default score threshold, from the file's notes if it has one.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// The same where the classifier then recognizes what is no face.
    pub fn threshold_before_face(&self) -> f32 {
        self.before_face
    }
}

/// Recognises the form by names and number of the outputs.
fn form(graph: &Graph) -> Result<ClassLayout, VisionError> {
    let names = graph.outputs();
    let mut yunet = STRIDES_PX
        .iter()
        .flat_map(|stride| YUNET.map(|(kind, _)| format!("{kind}_{stride}")));
    if names.len() == 12 && yunet.all(|name| names.contains(&name.as_str())) {
        Ok(ClassLayout::YuNet)
    } else if names.len() == STRIDES_PX.len() {
        Ok(ClassLayout::Ours)
    } else {
        let shown: Vec<_> = names.iter().take(12).copied().collect();
        Err(graph.refuse(format!(
            "it has {} outputs ({})",
            names.len(),
            shown.join(", ")
        )))
    }
}

/// The file's own picture size if it is fixed, else the requested one.
fn input_shape(
    graph: &Graph,
    form: ClassLayout,
    asked_px: (u32, u32),
) -> Result<InputShape, VisionError> {
    let [batch, channels, height, width] = graph.input()?;
    if batch.is_some_and(|n| n != 1) {
        return Err(graph.refuse(format!("it wants {batch:?} pictures at once")));
    }
    let channels = match (form, channels) {
        (ClassLayout::Ours, Some(1)) => Channels::Grey,
        (ClassLayout::Ours, Some(3)) => Channels::Rgb,
        (ClassLayout::YuNet, Some(3)) => Channels::Bgr,
        (_, found) => return Err(graph.refuse(format!("its input has {found:?} channels"))),
    };
    let side = |own: Option<usize>, asked| own.map_or(Some(asked), |own| u32::try_from(own).ok());
    let sides = (side(width, asked_px.0), side(height, asked_px.1));
    let (Some(width_px), Some(height_px)) = sides else {
        return Err(graph.refuse(format!("its input is {width:?} by {height:?}")));
    };
    if [width_px, height_px]
        .iter()
        .any(|side| *side == 0 || side % 32 != 0)
    {
        return Err(graph.refuse(format!(
            "{width_px}x{height_px} pixels are not multiples of 32"
        )));
    }
    // YuNet takes the bytes as they are, so 0 is black.
    let padding = graph
        .zero_byte()
        .filter(|_| form == ClassLayout::Ours)
        .unwrap_or(0);
    Ok(InputShape {
        width_px,
        height_px,
        channels,
        padding,
    })
}

/// Finds the cells of each stride in the outputs; `None` if they have other shapes.
fn parts(
    form: ClassLayout,
    names: &[String],
    outputs: &[Output],
    size: (usize, usize),
) -> Option<[Vec<Part>; 3]> {
    let mut parts: [Vec<Part>; 3] = Default::default();
    for (i, (stride, parts)) in STRIDES_PX.iter().zip(&mut parts).enumerate() {
        let (rows, columns) = (size.0 / stride, size.1 / stride);
        if form == ClassLayout::Ours {
            let (cell_step, value_step) = match outputs.get(i)?.sides[..] {
                [1, r, c, Head::CELL] if (r, c) == (rows, columns) => (Head::CELL, 1),
                [1, Head::CELL, r, c] if (r, c) == (rows, columns) => (1, rows * columns),
                _ => return None,
            };
            parts.push(Part {
                output: i,
                first: 0,
                count: Head::CELL,
                cell_step,
                value_step,
            });
            continue;
        }
        let mut first = 0;
        for (kind, count) in YUNET {
            let output = names
                .iter()
                .position(|name| *name == format!("{kind}_{stride}"))?;
            if outputs.get(output)?.sides != [1, rows * columns, count] {
                return None;
            }
            parts.push(Part {
                output,
                first,
                count,
                cell_step: count,
                value_step: 1,
            });
            first += count;
        }
    }
    Some(parts)
}

impl DetectNet for OnnxDetector {
    fn shape(&self) -> InputShape {
        self.shape
    }

    fn input(&mut self) -> &mut [u8] {
        &mut self.input
    }

    fn run(&mut self) -> Result<[Head<'_>; 3], NetError> {
        let count = self.shape.channels.count();
        let plane_len = self.planes.len() / count;
        for (channel, plane) in self.planes.chunks_exact_mut(plane_len).enumerate() {
            for (real, &byte) in plane
                .iter_mut()
                .zip(self.input.iter().skip(channel).step_by(count))
            {
                *real = f32::from(byte);
            }
        }
        let outputs = self.plan.run(&self.planes)?;
        for (cells, parts) in self.cells.iter_mut().zip(&self.parts) {
            for part in parts {
                let output = outputs.get(part.output).ok_or(NetError::Shape)?;
                copy(cells, &output.values, part)?;
            }
            if self.form == ClassLayout::Ours {
                for cell in cells.chunks_exact_mut(Head::CELL) {
                    cell[0] = sigmoid(cell[0]);
                    cell[1] = sigmoid(cell[1]);
                }
            }
        }
        let (rows, columns) = (self.shape.height_px as usize, self.shape.width_px as usize);
        Ok(std::array::from_fn(|i| {
            let stride = STRIDES_PX[i];
            Head {
                stride_px: stride as u32,
                cols: columns / stride,
                rows: rows / stride,
                cells: Cells::Reals(&self.cells[i]),
            }
        }))
    }
}

fn copy(cells: &mut [f32], values: &[f32], part: &Part) -> Result<(), NetError> {
    if values.len() != cells.len() / Head::CELL * part.count {
        return Err(NetError::Shape);
    }
    for (i, cell) in cells.chunks_exact_mut(Head::CELL).enumerate() {
        let from = values[i * part.cell_step..].iter().step_by(part.value_step);
        for (to, value) in cell[part.first..].iter_mut().zip(from.take(part.count)) {
            *to = *value;
        }
    }
    Ok(())
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

//! Expression classifiers from ONNX files: our own, and grey ones of 48 or 64 pixels with FER2013's classes.

use std::path::Path;

use moodring_base::config::Labels;
use moodring_core::{
    classify::{Answer, CROP_PX, ClassifyNet, Crop},
    detect::NetError,
    expression::Expression,
};

use super::{
    graph::{Graph, NetRole},
    runner::{Engine, PreparedNet},
};
use crate::{
    VisionError,
    answer::{File, Recipe, Thresholds},
};

const ROLE: NetRole = NetRole {
    key: "classifier",
    accepted: "models/weights/classifier.onnx of the repository, or a net with one grey input of 48x48 or 64x64 pixels \
               in [-1, 1] and a first output of 7 values in FER2013's order",
};
/// The accepted sides of the input, in pixels.
const SIDES_PX: [usize; 2] = [48, 64];

/// An expression classifier on an engine for ONNX files.
pub struct OnnxClassifier {
    plan: PreparedNet,
    side_px: usize,
    /// The net's input for a byte `b` is `b * scale - offset`.
    scale: f32,
    offset: f32,
    recipe: Recipe,
    input: Vec<f32>,
}

impl OnnxClassifier {
    /// Opens the ONNX file at `path`.
    ///
    /// One input, f32, 1 x 1 x side x side or 1 x side x side x 1, side 48 or 64; a first output of 7 values.
    /// A file with a `labels` note is taken as ours: bytes 0..255 in, logits out, divided by its `temperature`.
    /// Any other wants `b / 127.5 - 1` and has FER2013's order, which is ours; probabilities (a softmax at the end) are
    /// distinguished from logits by their sum. The notes of our file define what its outputs mean: see [`crate::answer`].
    ///
    /// # Errors
    /// [`VisionError`] if the file cannot be used.
    pub fn open(engine: Engine<'_>, path: &Path, wanted: Labels) -> Result<Self, VisionError> {
        let graph = Graph::read(path, ROLE)?;
        let (sides, side_px) = sides(&graph)?;
        let labels = graph.note("labels");
        if let Some(labels) = &labels {
            let names = Expression::ALL.map(Expression::name).join(",");
            if **labels != *names {
                return Err(graph.refuse(format!("its labels are {labels}, not {names}")));
            }
        }
        let ours = labels.is_some();
        let file = File::new(|name| graph.note(name));
        let plan = graph.plan(engine, sides)?;
        let lengths: Vec<_> = plan.outputs.iter().map(|o| o.values.len()).collect();
        if lengths.first() != Some(&Expression::COUNT) {
            let reason = format!("its outputs have {lengths:?} values");
            return Err(ROLE.refuse(path, reason));
        }
        let recipe = if ours {
            let file = file.with_outputs(lengths);
            Recipe::new(&file, wanted).map_err(|reason| ROLE.refuse(path, reason))?
        } else if wanted == Labels::Ferplus {
            let reason = "it has no answer by FER+'s labels: set vision.labels = \"blend\"";
            return Err(ROLE.refuse(path, reason));
        } else {
            Recipe::foreign(are_probabilities(&plan.outputs[0].values))
        };
        let (scale, offset) = if ours { (1.0, 0.0) } else { (1.0 / 127.5, 1.0) };
        Ok(Self {
            plan,
            side_px,
            scale,
            offset,
            recipe,
            input: vec![0.0; side_px * side_px],
        })
    }
}

/// The input's sides, and the picture's side. One grey channel lies the same way in memory, first or last.
fn sides(graph: &Graph) -> Result<([usize; 4], usize), VisionError> {
    let found = graph.input()?;
    let batch_fits = found[0].is_none_or(|n| n == 1);
    match [found[1], found[2], found[3]] {
        [Some(1), Some(h), Some(w)] if batch_fits && h == w && SIDES_PX.contains(&w) => {
            Ok(([1, 1, h, w], w))
        }
        [Some(h), Some(w), Some(1)] if batch_fits && h == w && SIDES_PX.contains(&w) => {
            Ok(([1, h, w, 1], w))
        }
        _ => {
            let sides = found.map(|side| side.map_or("?".into(), |side| side.to_string()));
            Err(graph.refuse(format!("its input is {}", sides.join(" x "))))
        }
    }
}

/// Whether these are the values of a softmax; logits do not sum to 1 by chance.
fn are_probabilities(values: &[f32]) -> bool {
    let sum: f32 = values.iter().sum();
    (sum - 1.0).abs() < 1e-3 && values.iter().all(|p| (0.0..=1.0).contains(p))
}

impl ClassifyNet for OnnxClassifier {
    fn run(&mut self, crop: &Crop) -> Result<Answer, NetError> {
        resample(crop, self.side_px, &mut self.input);
        for real in &mut self.input {
            *real = *real * self.scale - self.offset;
        }
        let outputs = self.plan.run(&self.input)?;
        self.recipe.answer(|at, values| {
            let found = outputs.get(at).and_then(|o| o.values.get(..values.len()));
            found.map(|found| values.copy_from_slice(found)).is_some()
        })
    }
}

impl OnnxClassifier {
    /// The file's thresholds.
    pub(crate) const fn thresholds(&self) -> Thresholds {
        self.recipe.thresholds()
    }
}

/// The crop at another size, bilinear with pixel centres at halves; at its own size the bytes as they are.
fn resample(crop: &Crop, side_px: usize, to: &mut [f32]) {
    let last = (CROP_PX - 1) as f32;
    // Where output pixel `i` lies in the crop: the pixel before it, the one after, and the share of the latter.
    let place = |i: usize| {
        let at = ((i as f32 + 0.5) * CROP_PX as f32 / side_px as f32 - 0.5).clamp(0.0, last);
        let before = at as usize;
        (before, (before + 1).min(CROP_PX - 1), at.fract())
    };
    for (y, row) in to.chunks_exact_mut(side_px).enumerate() {
        let (above, below, down) = place(y);
        for (x, real) in row.iter_mut().enumerate() {
            let (left, right, along) = place(x);
            let blend = |row: usize| {
                let at = |column: usize| f32::from(crop[row * CROP_PX + column]);
                at(left) + (at(right) - at(left)) * along
            };
            *real = blend(above) + (blend(below) - blend(above)) * down;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_of_its_own_size_stays_as_it_is() {
        let crop: Crop = std::array::from_fn(|i| (i * 7 % 256) as u8);
        let mut same = vec![0.0; crop.len()];
        resample(&crop, CROP_PX, &mut same);
        assert!(
            same.iter()
                .zip(crop)
                .all(|(real, byte)| *real == f32::from(byte))
        );
    }

    #[test]
    fn an_enlarged_ramp_is_still_a_ramp() {
        let crop: Crop = std::array::from_fn(|i| (i % CROP_PX * 4) as u8);
        let mut large = vec![0.0; 64 * 64];
        resample(&crop, 64, &mut large);
        for (i, real) in large.iter().enumerate() {
            // Pixel centres: 64 output pixels lie over 48 input pixels, each 4 brighter than the one before.
            let wanted = (((i % 64) as f32 + 0.5) * 0.75 - 0.5).clamp(0.0, 47.0) * 4.0;
            assert!((real - wanted).abs() < 1e-3, "{i}: {real} {wanted}");
        }
    }

    #[test]
    fn probabilities_are_distinguished_from_logits() {
        assert!(are_probabilities(&[0.1, 0.2, 0.3, 0.4, 0.0, 0.0, 0.0]));
        assert!(!are_probabilities(&[0.5, 0.2, 0.3, 0.4, 0.0, 0.0, 0.0]));
        assert!(!are_probabilities(&[1.5, -0.5, 0.0, 0.0, 0.0, 0.0, 0.0]));
        assert!(!are_probabilities(&[f32::NAN; 7]));
    }
}

//! The two nets on our own int8 engine. Buffers are allocated once; a run allocates nothing.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use moodring_base::config::Labels;
use moodring_core::{
    classify::{Answer, CROP_PX, ClassifyNet, Crop},
    detect::{Cells, Channels, DetectNet, Head, InputShape, NetError},
    expression::Expression,
};
use moodring_nn::{Kernel, Kind, Model, Net, Shape};

use super::{
    VisionError,
    activation_map::{ClassMap, MAP_CELLS, MAP_VALUES},
    answer::{File, Recipe, Thresholds},
};

/// Strides of the detector's heads in input pixels.
const STRIDES_PX: [u32; 3] = [8, 16, 32];
/// The note of a detector's lower threshold, for when a classifier's `face` output asks again.
pub(super) const BEFORE_FACE: &str = "threshold.before_face";
/// A detector without a `threshold` note.
const DEFAULT_THRESHOLD: f32 = 0.5;

/// The kernel to run: `MOODRING_KERNEL` if it is set and not empty, else this machine's best.
///
/// # Errors
/// [`VisionError::Kernel`] if this machine lacks the requested kernel.
pub fn kernel() -> Result<Kernel, VisionError> {
    let name = std::env::var("MOODRING_KERNEL").unwrap_or_default();
    if name.is_empty() {
        return Ok(Kernel::best());
    }
    let known = Kernel::from_name(&name).filter(|k| k.is_available());
    known.ok_or_else(|| {
        let available = Kernel::ALL
            .into_iter()
            .filter(|k| k.is_available())
            .map(Kernel::name);
        VisionError::Kernel {
            name,
            available: available.collect::<Vec<_>>().join(", "),
        }
    })
}

/// A net with the memory it needs.
struct LoadedNet {
    net: Net<'static, Vec<u8>>,
    arena: Vec<u8>,
    raw: Vec<i32>,
}

impl LoadedNet {
    fn new(
        model: Model<'static>,
        (width, height): (usize, usize),
        name: &Path,
    ) -> Result<Self, VisionError> {
        let kernel = kernel()?;
        let weights = vec![0; model.weights_bytes(kernel)];
        let net = Net::new(model, width, height, kernel, weights).map_err(|e| broken(name, e))?;
        let (arena, raw) = (
            vec![0; net.plan().arena_bytes()],
            vec![0; net.plan().raw_len()],
        );
        Ok(Self { net, arena, raw })
    }
}

fn broken(path: &Path, reason: impl std::fmt::Display) -> VisionError {
    VisionError::Model {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// The files that were read, each content once: photos open a net for every size, and it is read again when somebody asks.
/// A net is used until the end, so that it is never given back; what is kept grows only with nets that are installed.
static FILES: Mutex<Vec<&'static [u8]>> = Mutex::new(Vec::new());

/// Leaks these bytes, each content once.
fn intern(bytes: Vec<u8>) -> &'static [u8] {
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = files.iter().find(|known| **known == bytes) {
        return known;
    }
    let kept: &'static [u8] = Box::leak(bytes.into_boxed_slice());
    files.push(kept);
    kept
}

/// Reads and checks a packed file, or the built-in bytes if the path is empty.
fn open_model(
    path: &Path,
    built_in: &'static [u8],
    kind: Kind,
) -> Result<Model<'static>, VisionError> {
    let bytes = if path.as_os_str().is_empty() {
        built_in
    } else {
        intern(std::fs::read(path).map_err(|e| broken(path, e))?)
    };
    let model = Model::parse(bytes).map_err(|e| broken(path, e))?;
    if model.kind() != kind {
        return Err(broken(
            path,
            format!("it is a {:?}, but a {kind:?} is wanted", model.kind()),
        ));
    }
    Ok(model)
}

/// A face detector on our engine.
pub struct Int8Detector {
    loaded: LoadedNet,
    shape: InputShape,
    input: Vec<u8>,
    grid: [(usize, usize); 3],
    threshold: f32,
    before_face: f32,
}

impl Int8Detector {
    /// The packed file at `path`, or the built-in detector if it is empty, for pictures of this size.
    ///
    /// # Errors
    /// [`VisionError`] if the file or the size cannot be used.
    pub fn open(path: &Path, (width_px, height_px): (u32, u32)) -> Result<Self, VisionError> {
        let model = open_model(path, moodring_models::DETECTOR, Kind::Detector)?;
        let channels = match model.channels() {
            1 => Channels::Grey,
            _ => Channels::Rgb,
        };
        let shape = InputShape {
            width_px,
            height_px,
            channels,
            padding: model.input().zero,
        };
        let number = |key: &str| -> Option<f32> { model.note(key)?.parse().ok() };
        let threshold = number("threshold").unwrap_or(DEFAULT_THRESHOLD);
        let before_face = number(BEFORE_FACE).unwrap_or(threshold);
        let loaded = LoadedNet::new(model, (width_px as usize, height_px as usize), path)?;
        let shapes: Vec<_> = loaded.net.plan().output_shapes().collect();
        let Ok(shapes) = <[_; 3]>::try_from(shapes) else {
            return Err(broken(path, "a detector has three outputs"));
        };
        if shapes.iter().any(|s| s.channels != Head::CELL) {
            return Err(broken(path, "a detector's outputs have 16 channels"));
        }
        Ok(Self {
            input: vec![0; shape_bytes(&shape)],
            grid: shapes.map(|s| (s.rows, s.columns)),
            threshold,
            before_face,
            loaded,
            shape,
        })
    }

    /// The default score threshold from the model's notes.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// The same where the classifier then recognizes what is no face.
    pub fn threshold_before_face(&self) -> f32 {
        self.before_face
    }
}

fn shape_bytes(shape: &InputShape) -> usize {
    shape.width_px as usize * shape.height_px as usize * shape.channels.count()
}

impl DetectNet for Int8Detector {
    fn shape(&self) -> InputShape {
        self.shape
    }

    fn input(&mut self) -> &mut [u8] {
        &mut self.input
    }

    fn run(&mut self) -> Result<[Head<'_>; 3], NetError> {
        let LoadedNet { net, arena, raw } = &mut self.loaded;
        let outputs = net
            .run(&self.input, arena, raw)
            .map_err(|_| NetError::Engine)?;
        let head = |i: usize| {
            let output = outputs.get(i).ok_or(NetError::Shape)?;
            let (rows, cols) = self.grid[i];
            Ok(Head {
                stride_px: STRIDES_PX[i],
                cols,
                rows,
                cells: Cells::Raw {
                    values: output.values,
                    scales: std::array::from_fn(|c| output.scale(c)),
                },
            })
        };
        Ok([head(0)?, head(1)?, head(2)?])
    }
}

/// An expression classifier on our engine.
pub struct Int8Classifier {
    loaded: LoadedNet,
    recipe: Recipe,
    /// The last run's class activation maps, if the net has that output.
    maps: Option<Box<[f32; MAP_VALUES]>>,
}

impl Int8Classifier {
    /// The packed file at `path`, or the built-in classifier if it is empty.
    ///
    /// Its notes define what its outputs mean: see `vision::answer`.
    ///
    /// # Errors
    /// [`VisionError`] if the file cannot be used.
    pub fn open(path: &Path, labels: Labels) -> Result<Self, VisionError> {
        let model = open_model(path, moodring_models::CLASSIFIER, Kind::Classifier)?;
        let names = Expression::ALL.map(Expression::name);
        if !model.labels().eq(names) {
            return Err(broken(
                path,
                format!("its labels must be {}", names.join(",")),
            ));
        }
        if model.channels() != 1 {
            return Err(broken(path, "a classifier sees one grey channel"));
        }
        let file = File::new(|name| model.note(name));
        let loaded = LoadedNet::new(model, (CROP_PX, CROP_PX), path)?;
        let shapes: Vec<_> = loaded.net.plan().output_shapes().collect();
        let file = file.with_outputs(shapes.iter().map(|shape| shape.len()));
        let recipe = Recipe::new(&file, labels).map_err(|reason| broken(path, reason))?;
        let has_maps = shapes.iter().any(is_maps);
        Ok(Self {
            loaded,
            recipe,
            maps: has_maps.then(|| Box::new([0.0; MAP_VALUES])),
        })
    }

    /// The file's thresholds.
    pub(super) const fn thresholds(&self) -> Thresholds {
        self.recipe.thresholds()
    }

    /// Where the last crop showed this expression of FER2013's; `None` if the file has no such output.
    pub fn class_map(&self, expression: Expression) -> Option<ClassMap> {
        let maps = self.maps.as_deref()?;
        Some(ClassMap::new(maps, expression))
    }
}

fn is_maps(shape: &Shape) -> bool {
    (shape.rows, shape.columns, shape.channels) == (MAP_CELLS, MAP_CELLS, Expression::COUNT)
}

impl ClassifyNet for Int8Classifier {
    fn run(&mut self, crop: &Crop) -> Result<Answer, NetError> {
        let LoadedNet { net, arena, raw } = &mut self.loaded;
        let outputs = net.run(crop, arena, raw).map_err(|_| NetError::Engine)?;
        let answer = self.recipe.answer(|at, values| {
            let Some(output) = outputs.get(at).filter(|o| o.shape.len() >= values.len()) else {
                return false;
            };
            for (value, real) in values.iter_mut().zip(output.reals()) {
                *value = real;
            }
            true
        })?;
        if let Some(maps) = &mut self.maps
            && let Some(output) = outputs.iter().find(|o| is_maps(&o.shape))
        {
            for (value, real) in maps.iter_mut().zip(output.reals()) {
                *value = real;
            }
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::classify::classify;

    use super::*;

    #[test]
    fn broken_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("broken.moodnet");
        std::fs::write(&path, b"not a net").unwrap();
        let error = Int8Detector::open(&path, (320, 256))
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("broken.moodnet") && error.contains("built-in"),
            "{error}"
        );
        let error = Int8Classifier::open(Path::new("/nonexistent.moodnet"), Labels::Fer2013)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("/nonexistent.moodnet"), "{error}");
    }

    #[test]
    fn a_file_is_kept_once_however_often_it_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kept.moodnet");
        std::fs::write(&path, moodring_models::DETECTOR).unwrap();
        for side in [64, 96, 128] {
            Int8Detector::open(&path, (side, side)).unwrap();
        }
        let files = FILES.lock().unwrap();
        let same = files
            .iter()
            .filter(|kept| **kept == moodring_models::DETECTOR);
        assert_eq!(same.count(), 1);
    }

    #[test]
    fn a_detector_is_not_taken_for_a_classifier() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("detector.moodnet");
        std::fs::write(&path, moodring_models::DETECTOR).unwrap();
        let error = Int8Classifier::open(&path, Labels::Fer2013)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("Detector"), "{error}");
    }

    /// `models/train/classifier/golden_answers.py` writes the file from the same outputs, in double precision.
    #[test]
    fn scores_pose_and_face_are_those_of_the_python_reference() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../models/golden/classifier_answers.json"
        );
        let text = std::fs::read_to_string(path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        let vectors = moodring_models::golden::parse(moodring_models::CLASSIFIER_GOLDEN).unwrap();
        let write = "run python -m models.train.classifier.golden_answers";
        assert_eq!(file["net"], vectors.net(), "of another net: {write}");
        let answers = file["answers"].as_array().unwrap();
        let mut net = Int8Classifier::open(Path::new(""), Labels::Blend).unwrap();
        let mut count = 0;
        for (vector, answer) in vectors.zip(answers) {
            let crop: &Crop = vector.picture.try_into().unwrap();
            let read = classify(&mut net, crop).unwrap();
            let near = |ours: f32, reference: &serde_json::Value, what: &str| {
                let reference = reference.as_f64().unwrap();
                let off = (f64::from(ours) - reference).abs();
                assert!(off < 1e-3, "{what}: {ours}, by the reference {reference}");
            };
            for expression in Expression::ALL {
                let name = expression.name();
                near(read.scores.of(expression), &answer["scores"][name], name);
            }
            let pose = read.pose.unwrap();
            for (ours, what) in [
                (pose.roll_deg, "roll_deg"),
                (pose.log_size, "log_size"),
                (pose.frontal, "frontal"),
                (pose.profile, "profile"),
                (pose.lowered, "lowered"),
                (read.face.unwrap(), "face"),
            ] {
                near(ours, &answer[what], what);
            }
            near(pose.offset_px.x, &answer["offset_px"][0], "x");
            near(pose.offset_px.y, &answer["offset_px"][1], "y");
            count += 1;
        }
        assert_eq!(count, answers.len());
    }

    #[test]
    fn both_answers_and_the_maps_are_those_of_the_golden_vectors() {
        let vectors = moodring_models::golden::parse(moodring_models::CLASSIFIER_GOLDEN).unwrap();
        let model = Model::parse(moodring_models::CLASSIFIER).unwrap();
        let mut nets = [Labels::Fer2013, Labels::Ferplus]
            .map(|labels| Int8Classifier::open(Path::new(""), labels).unwrap());
        assert!(model.note("temperature.ferplus").is_some());
        let temperature: f32 = model.note("temperature").unwrap().parse().unwrap();
        // The average of the maps is the answer but for the head's bias, which is the same for every picture.
        let mut bias: Option<[f32; Expression::COUNT]> = None;
        for vector in vectors {
            let crop: &Crop = vector.picture.try_into().unwrap();
            let [fer, ferplus] = nets.each_mut().map(|net| net.run(crop).unwrap().logits);
            assert_ne!(fer, ferplus);
            let (maps, cells) = (nets[0].maps.as_deref().unwrap(), MAP_CELLS * MAP_CELLS);
            let rest: [f32; Expression::COUNT] = std::array::from_fn(|i| {
                let sum: f32 = maps.iter().skip(i).step_by(Expression::COUNT).sum();
                fer[i] * temperature - sum / cells as f32
            });
            let first = bias.get_or_insert(rest);
            for (a, b) in first.iter().zip(rest) {
                assert!((a - b).abs() < 0.1, "{first:?} {rest:?}");
            }
        }
    }
}

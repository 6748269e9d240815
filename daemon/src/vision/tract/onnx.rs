//! ONNX files read with limits, and the plan that runs them. Which nets are accepted is decided by the siblings.

use std::{
    fs::File,
    io::Read,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use moodring_core::detect::NetError;
use moodring_nn::Model;
use tract_onnx::{prelude::*, tract_hir::infer::Factoid};

use crate::vision::VisionError;

/// The largest file that is read; nets for such small machines have 0.2 to 20 MB.
const MAX_FILE_BYTES: u64 = 128 << 20;
/// The largest input, in values; a photo's fine look has 1280 x 1280 x 3.
const MAX_INPUT: usize = 16 << 20;
/// tract's reasons can quote whole nodes; so much of one is shown.
const REASON_CHARS: usize = 300;

/// Which of the two nets a file is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Role {
    /// Its key in `[models]`, and its file in `models/weights` without the ending.
    pub(super) key: &'static str,
    /// The forms that are accepted, for the error's text.
    pub(super) accepted: &'static str,
}

impl Role {
    /// The error that says what is wrong with a file and what is accepted.
    pub(super) fn refuse(self, path: &Path, reason: impl Into<String>) -> VisionError {
        VisionError::Onnx {
            path: path.to_owned(),
            reason: reason.into(),
            accepted: self.accepted,
        }
    }
}

/// An ONNX graph as the file has it, its sizes perhaps still open.
pub(super) struct Graph {
    model: InferenceModel,
    path: PathBuf,
    role: Role,
}

impl Graph {
    /// Reads and parses a file. Weights outside the file are not looked for.
    ///
    /// # Errors
    /// [`VisionError::NoOnnx`] for an empty path, [`VisionError::Onnx`] if the file is no ONNX graph.
    pub(super) fn read(path: &Path, role: Role) -> Result<Self, VisionError> {
        if path.as_os_str().is_empty() {
            return Err(VisionError::NoOnnx(role.key));
        }
        let model = read_bytes(path).and_then(|bytes| {
            // What a file says of values inside it is often symbolic, and then contradicts the size that we choose.
            let reader = onnx().with_ignore_value_info(true);
            let graph = guarded(|| reader.model_for_read(&mut bytes.as_slice()));
            graph.map_err(|reason| format!("it is not an ONNX file that tract reads ({reason})"))
        });
        match model {
            Ok(model) => Ok(Self {
                model,
                path: path.to_owned(),
                role,
            }),
            Err(reason) => Err(role.refuse(path, reason)),
        }
    }

    /// See [`Role::refuse`].
    pub(super) fn refuse(&self, reason: impl Into<String>) -> VisionError {
        self.role.refuse(&self.path, reason)
    }

    /// The sides of the only input, which has four; `None` for one that the file leaves open.
    ///
    /// # Errors
    /// [`VisionError::Onnx`] if there are more inputs or other sides.
    pub(super) fn input(&self) -> Result<[Option<usize>; 4], VisionError> {
        let count = self.model.inputs.len();
        if count != 1 {
            return Err(self.refuse(format!("it has {count} inputs, not one")));
        }
        let fact = self
            .model
            .input_fact(0)
            .map_err(|e| self.refuse(line(&e)))?;
        let side = |dim: Option<TDim>| dim.and_then(|dim| usize::try_from(dim.to_i64().ok()?).ok());
        let sides: Vec<_> = fact
            .shape
            .dims()
            .map(|dim| side(dim.concretize()))
            .collect();
        sides.try_into().map_err(|sides: Vec<_>| {
            self.refuse(format!("its input has {} sides, not four", sides.len()))
        })
    }

    /// The names of the outputs, in the order in which a run gives them.
    pub(super) fn outputs(&self) -> Vec<&str> {
        self.model
            .outputs
            .iter()
            .map(|&outlet| self.model.outlet_label(outlet).unwrap_or(""))
            .collect()
    }

    /// A note that the file's maker left in its metadata.
    pub(super) fn note(&self, key: &str) -> Option<String> {
        let note = self
            .model
            .properties
            .get(&format!("onnx.metadata_props.{key}"))?;
        note.as_plain_ram()?.to_scalar::<String>().ok().cloned()
    }

    /// The zero point of the node that dequantizes our nets' input, and so the byte of a real 0.
    pub(super) fn zero_byte(&self) -> Option<u8> {
        // Asked by way of the node: tract keeps equal constants once, under the first one's name.
        let zero = *self.model.node_by_name("image.real").ok()?.inputs.get(2)?;
        let zero = self.model.outlet_fact(zero).ok()?.value.concretize()?;
        zero.as_plain_ram()?.to_scalar::<u8>().ok().copied()
    }

    /// Optimizes the graph for an input of these sides and runs it once, on zeros, so that a net that cannot run is
    /// found now. Returns what this run gave, too.
    ///
    /// # Errors
    /// [`VisionError::Onnx`] if tract cannot do it.
    pub(super) fn plan(self, sides: [usize; 4]) -> Result<(Plan, TVec<TValue>), VisionError> {
        let Self { model, path, role } = self;
        let len = sides
            .iter()
            .try_fold(1_usize, |len, &side| len.checked_mul(side));
        let Some(len) = len.filter(|len| (1..=MAX_INPUT).contains(len)) else {
            return Err(role.refuse(
                &path,
                format!("an input of {sides:?} is empty or too large"),
            ));
        };
        let made = guarded(|| {
            let fact = InferenceFact::dt_shape(f32::datum_type(), sides);
            let plan = Plan {
                runnable: model
                    .with_input_fact(0, fact)?
                    .into_optimized()?
                    .into_runnable()?,
                sides,
            };
            let outputs = plan.forward(&vec![0.0; len])?;
            Ok((plan, outputs))
        });
        made.map_err(|reason| {
            role.refuse(&path, format!("tract cannot run it on {sides:?}: {reason}"))
        })
    }
}

/// A net made ready for one input size.
pub(super) struct Plan {
    runnable: Arc<TypedRunnableModel>,
    sides: [usize; 4],
}

impl Plan {
    /// One forward pass. The reason of a failure goes to the log.
    ///
    /// # Errors
    /// [`NetError::Engine`] if tract fails.
    pub(super) fn run(&self, input: &[f32]) -> Result<TVec<TValue>, NetError> {
        self.forward(input).map_err(|error| {
            tracing::error!("tract failed: {}", line(&error));
            NetError::Engine
        })
    }

    fn forward(&self, input: &[f32]) -> TractResult<TVec<TValue>> {
        self.runnable
            .run(tvec!(Tensor::from_shape(&self.sides, input)?.into()))
    }
}

/// An output's values, row by row. `None` if they are not f32.
pub(super) fn values(output: &TValue) -> Option<&[f32]> {
    output.as_plain_ram()?.as_slice().ok()
}

/// The file's bytes, or what is wrong with it at first sight.
fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| e.to_string())?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it has over {} MB", MAX_FILE_BYTES >> 20));
    }
    if Model::parse(&bytes).is_ok() {
        return Err("it is packed for engine = \"int8\"".into());
    }
    Ok(bytes)
}

/// tract indexes into some broken graphs without asking; for us such a panic is a broken file, not the end.
fn guarded<T>(work: impl FnOnce() -> TractResult<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| line(&error)),
        Err(_) => Err("tract panicked, so its graph is damaged or beyond tract".into()),
    }
}

/// The whole chain of causes on one line, cut where it gets too long.
fn line(error: &TractError) -> String {
    let text = format!("{error:#}");
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(REASON_CHARS).collect()
}

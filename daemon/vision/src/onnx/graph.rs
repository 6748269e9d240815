//! An ONNX file before an engine takes it: its inputs, outputs and notes. The siblings decide which nets are accepted.

use std::path::{Path, PathBuf};

use super::runner::{Engine, EngineError, PreparedNet};
use crate::{
    VisionError,
    onnx_file::{self, OnnxFile, Values},
};

/// The largest input, in values; the fine look at a photo has 1280 x 1280 x 3.
const MAX_INPUT: usize = 16 << 20;

/// The net that a file is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct NetRole {
    /// Its key in `[models]`, and its file in `models/weights` without the ending.
    pub(super) key: &'static str,
    /// The accepted forms, for the error's text.
    pub(super) accepted: &'static str,
}

impl NetRole {
    /// An error with the fault of a file and the accepted forms.
    pub(super) fn refuse(self, path: &Path, reason: impl Into<String>) -> VisionError {
        VisionError::Onnx {
            path: path.to_owned(),
            reason: reason.into(),
            accepted: self.accepted,
        }
    }
}

/// An ONNX graph; its sizes may be open.
pub(super) struct Graph {
    file: OnnxFile,
    bytes: Vec<u8>,
    path: PathBuf,
    role: NetRole,
}

impl Graph {
    /// Reads and parses a file. Weights in other files are not loaded.
    ///
    /// # Errors
    /// [`VisionError::NoOnnx`] for an empty path, [`VisionError::Onnx`] if the file is no ONNX graph.
    pub(super) fn read(path: &Path, role: NetRole) -> Result<Self, VisionError> {
        if path.as_os_str().is_empty() {
            return Err(VisionError::NoOnnx(role.key));
        }
        let read =
            onnx_file::read_bytes(path).and_then(|bytes| Ok((OnnxFile::parse(&bytes)?, bytes)));
        match read {
            Ok((file, bytes)) => Ok(Self {
                file,
                bytes,
                path: path.to_owned(),
                role,
            }),
            Err(reason) => Err(role.refuse(path, reason)),
        }
    }

    /// See [`NetRole::refuse`].
    pub(super) fn refuse(&self, reason: impl Into<String>) -> VisionError {
        self.role.refuse(&self.path, reason)
    }

    /// The sides of the only input, which has four; `None` for one that the file leaves open.
    ///
    /// # Errors
    /// [`VisionError::Onnx`] if there are more inputs or other sides.
    pub(super) fn input(&self) -> Result<[Option<usize>; 4], VisionError> {
        self.file
            .picture_sides()
            .map_err(|reason| self.refuse(reason))
    }

    /// The names of the outputs, in the order in which a run gives them.
    pub(super) fn outputs(&self) -> Vec<&str> {
        self.file.outputs()
    }

    /// A note in the file's metadata.
    pub(super) fn note(&self, key: &str) -> Option<&str> {
        self.file.note(key)
    }

    /// The zero point of the node that dequantizes our nets' input: the byte that stands for a real 0.
    pub(super) fn zero_byte(&self) -> Option<u8> {
        let nodes = &self.file.graph().nodes;
        let first = nodes.iter().find(|node| node.name == "image.real")?;
        let name = first.inputs.get(2)?;
        let mut constants = self.file.constants();
        match constants.find(|(own, _)| own == name)?.1.ok()?.values {
            Values::U8(zeros) => zeros.first().copied(),
            _ => None,
        }
    }

    /// Prepares the net for an input of these sides and runs it once on zeros, so that a net that cannot run is found
    /// now. The plan's outputs are those of this run.
    ///
    /// # Errors
    /// [`VisionError::Onnx`] if the engine cannot take the file, [`VisionError::Runtime`] if the engine is at fault.
    pub(super) fn plan(
        self,
        engine: Engine<'_>,
        sides: [usize; 4],
    ) -> Result<PreparedNet, VisionError> {
        let len = sides
            .iter()
            .try_fold(1_usize, |len, &side| len.checked_mul(side));
        let Some(len) = len.filter(|len| (1..=MAX_INPUT).contains(len)) else {
            return Err(self.refuse(format!("an input of {sides:?} is empty or too large")));
        };
        let loaded = engine.load(&self.bytes, &self.file, sides);
        let made = loaded.and_then(|mut runner| {
            let mut outputs = Vec::new();
            let first = runner.run(&vec![0.0; len], &mut outputs);
            first.map_err(EngineError::File)?;
            Ok((runner, outputs))
        });
        let name = engine.name();
        match made {
            Ok((runner, outputs)) => Ok(PreparedNet {
                runner,
                outputs,
                engine: name,
            }),
            Err(EngineError::File(reason)) => {
                Err(self.refuse(format!("{name} cannot run it on {sides:?}: {reason}")))
            }
            Err(EngineError::Engine(reason)) => Err(VisionError::Runtime(reason)),
        }
    }
}

//! What both engines share: floats in, floats out, and their errors.

use moodring_core::detect::NetError;

use crate::onnx_file::OnnxFile;

/// An engine that runs float ONNX files.
#[derive(Clone, Copy, Debug)]
pub enum Engine<'s> {
    /// tract.
    #[cfg(feature = "tract")]
    Tract,
    /// ONNX Runtime.
    #[cfg(feature = "ort")]
    Ort(&'s moodring_base::config::OrtSettings),
    /// Never constructed: it uses `'s` in builds without ONNX Runtime.
    #[doc(hidden)]
    None(std::convert::Infallible, std::marker::PhantomData<&'s ()>),
}

/// A net prepared for one input size.
pub(super) trait Runner: Send {
    /// One forward pass: takes the input's values, row by row; returns every output's.
    ///
    /// # Errors
    /// The engine's reason on one line.
    fn run(&mut self, input: &[f32], outputs: &mut Vec<Output>) -> Result<(), String>;
}

/// One output of a pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Output {
    /// Sides, the slowest first.
    pub(super) sides: Vec<usize>,
    /// Row by row.
    pub(super) values: Vec<f32>,
}

/// Why an engine cannot take a file.
#[derive(Debug)]
pub(super) enum EngineError {
    /// The file is at fault.
    File(String),
    /// The engine itself cannot run here: the cause, and how to mend it.
    #[cfg_attr(
        not(feature = "ort"),
        expect(dead_code, reason = "tract is always here")
    )]
    Engine(String),
}

impl Engine<'_> {
    /// Prepares a file for an input of these sides.
    pub(super) fn load(
        self,
        bytes: &[u8],
        file: &OnnxFile,
        sides: [usize; 4],
    ) -> Result<Box<dyn Runner>, EngineError> {
        let _ = file;
        match self {
            #[cfg(feature = "tract")]
            Self::Tract => Ok(Box::new(super::tract::load(bytes, sides)?)),
            #[cfg(feature = "ort")]
            Self::Ort(settings) => Ok(Box::new(super::ort::load(bytes, file, sides, settings)?)),
            Self::None(never, _) => match never {},
        }
    }

    /// Its name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "tract")]
            Self::Tract => "tract",
            #[cfg(feature = "ort")]
            Self::Ort(_) => "ONNX Runtime",
            Self::None(never, _) => match never {},
        }
    }
}

/// A runner and the results of its last pass.
pub(super) struct PreparedNet {
    pub(super) runner: Box<dyn Runner>,
    pub(super) outputs: Vec<Output>,
    pub(super) engine: &'static str,
}

impl PreparedNet {
    /// One forward pass. The reason of a failure is logged.
    ///
    /// # Errors
    /// [`NetError::Engine`] if the engine fails.
    pub(super) fn run(&mut self, input: &[f32]) -> Result<&[Output], NetError> {
        match self.runner.run(input, &mut self.outputs) {
            Ok(()) => Ok(&self.outputs),
            Err(reason) => {
                tracing::error!("{} failed: {reason}", self.engine);
                Err(NetError::Engine)
            }
        }
    }
}

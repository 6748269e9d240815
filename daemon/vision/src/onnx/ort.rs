//! ONNX Runtime, from a library found at run time: TensorRT and CUDA where it has them, else its CPU kernels.
//!
//! The crate `ort` panics where it must load the library itself and cannot. So the library is loaded and its version
//! checked first, and every call is guarded against panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use moodring_base::config::{OrtDevice, OrtSettings};
use ort::{
    environment::Environment,
    ep::{CUDA, ExecutionProvider, ExecutionProviderDispatch, TensorRT},
    logging::LogLevel,
    session::{Session, builder::GraphOptimizationLevel},
    value::TensorRef,
};

use super::runner::{EngineError, Output, Runner};
use crate::onnx_file::OnnxFile;

/// Where to look for the library if neither the settings nor `ORT_DYLIB_PATH` name it.
const USUAL_NAMES: [&str; 2] = ["libonnxruntime.so", "libonnxruntime.so.1"];
/// The length at which ONNX Runtime's long reasons are cut.
const REASON_CHARS: usize = 400;

/// The library, loaded once per process; or the reason why not.
static LIBRARY: OnceLock<Result<Environment, String>> = OnceLock::new();

/// A net that ONNX Runtime has prepared for one input size.
pub(super) struct OrtRunner {
    session: Session,
    sides: [i64; 4],
}

/// Prepares a file for an input of these sides, on the device of the settings.
pub(super) fn load(
    bytes: &[u8],
    file: &OnnxFile,
    sides: [usize; 4],
    settings: &OrtSettings,
) -> Result<OrtRunner, EngineError> {
    let environment = LIBRARY.get_or_init(|| open(settings)).as_ref();
    let environment = environment.map_err(|reason| EngineError::Engine(reason.clone()))?;
    let make = |providers: &[ExecutionProviderDispatch]| {
        guarded(|| session(environment, bytes, file, sides, providers))
    };
    let mut failures = Vec::new();
    for (name, providers) in devices(settings).map_err(EngineError::Engine)? {
        match make(&providers) {
            Ok(session) => {
                tracing::debug!("ONNX Runtime runs on {name}");
                return Ok(OrtRunner {
                    session,
                    sides: sides.map(|side| side as i64),
                });
            }
            Err(reason) => failures.push(format!("{name}: {reason}")),
        }
    }
    // Finds out whether the device or the file is at fault: the CPU kernels run on every machine.
    match make(&[]) {
        Ok(_) => Err(EngineError::Engine(format!(
            "no GPU could be used ({}). Is the driver there (`nvidia-smi`), do CUDA, cuDNN and TensorRT have the versions \
             this ONNX Runtime was built for? [ort] device = \"cpu\" takes ONNX Runtime's CPU kernels",
            failures.join("; ")
        ))),
        Err(reason) => Err(EngineError::File(reason)),
    }
}

/// The devices to try, in order: name and providers. Providers that the library lacks are left out.
fn devices(
    settings: &OrtSettings,
) -> Result<Vec<(&'static str, Vec<ExecutionProviderDispatch>)>, String> {
    let has = |found: ort::Result<bool>| found.unwrap_or(false);
    let (tensorrt, cuda) =
        guarded(|| Ok((has(TensorRT::is_available()), has(CUDA::is_available()))))?;
    let on_cuda = || CUDA::default().build().error_on_failure();
    let on_tensorrt = || vec![tensorrt_provider(&settings.cache), on_cuda()];
    let lacking = |what| {
        Err(format!(
            "[ort] device = \"{what}\", but this ONNX Runtime was built without it. Install one for GPUs (Jetson: NVIDIA's \
             onnxruntime-gpu; PC: PyPI's onnxruntime-gpu) and name its libonnxruntime.so in [ort] library"
        ))
    };
    Ok(match settings.device {
        OrtDevice::Tensorrt if !tensorrt => return lacking("tensorrt"),
        OrtDevice::Cuda if !cuda => return lacking("cuda"),
        OrtDevice::Tensorrt => vec![("TensorRT", on_tensorrt())],
        OrtDevice::Cuda => vec![("CUDA", vec![on_cuda()])],
        OrtDevice::Cpu => vec![("the CPU", Vec::new())],
        OrtDevice::Auto if !tensorrt && !cuda => vec![("the CPU", Vec::new())],
        OrtDevice::Auto => {
            let first = tensorrt.then(|| ("TensorRT", on_tensorrt()));
            let second = cuda.then(|| ("CUDA", vec![on_cuda()]));
            first.into_iter().chain(second).collect()
        }
    })
}

/// TensorRT builds an engine for each net and size: minutes on a Jetson, unless a folder keeps them.
fn tensorrt_provider(cache: &Path) -> ExecutionProviderDispatch {
    let mut provider = TensorRT::default().with_fp16(true);
    if !cache.as_os_str().is_empty() {
        if let Err(error) = std::fs::create_dir_all(cache) {
            tracing::warn!("[ort] cache: cannot make {}: {error}", cache.display());
        }
        provider = provider
            .with_engine_cache(true)
            .with_engine_cache_path(cache.display())
            .with_timing_cache(true)
            .with_timing_cache_path(cache.display());
    }
    provider.build().error_on_failure()
}

/// Loads the library and checks its version.
fn open(settings: &OrtSettings) -> Result<Environment, String> {
    let mend = "Set [ort] library to the path of libonnxruntime.so (1.17 or newer; it lies in the folder \
                onnxruntime/capi of PyPI's onnxruntime), or install it where the loader looks";
    let mut failures = Vec::new();
    for path in candidates(settings) {
        let named = path.components().count() > 1;
        if named && !path.is_file() {
            failures.push(format!("{} is not there", path.display()));
            continue;
        }
        let loaded = guarded(|| Ok(ort::init_from(&path).map_err(|error| one_line(&error))));
        match loaded.and_then(|loaded| loaded) {
            Ok(builder) => {
                let builder = builder.with_name("moodring").with_telemetry(false);
                let built = guarded(|| {
                    let environment = builder.build()?;
                    environment.set_log_level(LogLevel::Warning);
                    Ok(environment)
                });
                let built =
                    built.map_err(|e| format!("{} does not start: {e}. {mend}", path.display()))?;
                tracing::info!("ONNX Runtime from {}: {}", path.display(), version());
                return Ok(built);
            }
            Err(reason) => failures.push(reason),
        }
    }
    Err(format!("{}. {mend}", failures.join("; ")))
}

/// The files that may be the library.
fn candidates(settings: &OrtSettings) -> Vec<PathBuf> {
    if !settings.library.as_os_str().is_empty() {
        return vec![settings.library.clone()];
    }
    match std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        Some(path) => vec![path.into()],
        None => USUAL_NAMES.map(PathBuf::from).to_vec(),
    }
}

/// The library's own description of its build.
fn version() -> String {
    let info = guarded(|| Ok(ort::info().to_owned())).unwrap_or_default();
    info.chars().take(80).collect()
}

fn session(
    environment: &Environment,
    bytes: &[u8],
    file: &OnnxFile,
    sides: [usize; 4],
    providers: &[ExecutionProviderDispatch],
) -> ort::Result<Session> {
    let mut builder = Session::builder(environment)?
        .with_execution_providers(providers)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        // As in our own engine: idle cores stay idle.
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_log_level(LogLevel::Warning)?;
    // TensorRT builds for known sizes, and the others plan their memory once.
    for (name, side) in file.open_sides().into_iter().zip(sides) {
        if let Some(name) = name {
            builder = builder.with_dimension_override(name, side as i64)?;
        }
    }
    builder.commit_from_memory(bytes)
}

impl Runner for OrtRunner {
    fn run(&mut self, input: &[f32], outputs: &mut Vec<Output>) -> Result<(), String> {
        guarded(|| {
            let input = TensorRef::from_array_view((self.sides, input))?;
            let found = self.session.run(ort::inputs![input])?;
            outputs.resize_with(found.len(), Output::default);
            for (output, (_, found)) in outputs.iter_mut().zip(found.iter()) {
                let (shape, values) = found.try_extract_tensor::<f32>()?;
                output.sides.clear();
                output
                    .sides
                    .extend(shape.iter().map(|&side| usize::try_from(side).unwrap_or(0)));
                output.values.clear();
                output.values.extend_from_slice(values);
            }
            Ok(())
        })
    }
}

/// Turns a panic inside `ort` or the library's binding into an error.
fn guarded<T>(work: impl FnOnce() -> ort::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| one_line(&error)),
        Err(_) => Err("the library does not answer as ONNX Runtime should".into()),
    }
}

/// A reason on one line, cut if it is too long.
fn one_line(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(REASON_CHARS).collect()
}

//! `model`: describes packed models and makes them. Each other subcommand has a file of its own.

mod bundle;
mod installed;
mod prepare;
mod verify;

use std::path::Path;

use moodring_base::exit::Exit;
use moodring_nn::{Kernel, Kind, Model, Net, Shape};
use moodring_vision::{
    onnx_file,
    pack::{self, PackOptions},
};

use super::Failure;
use crate::cli::{ModelCommand, PackArgs};
use crate::commands::stdout::out;

/// Describes models.
pub(super) fn model(command: &ModelCommand) -> Result<Exit, Failure> {
    match command {
        ModelCommand::Info { file: Some(file) } => {
            let bytes = std::fs::read(file).map_err(|e| model_failure(file, e))?;
            out!("{}", describe(&file.display().to_string(), &bytes)?);
        }
        ModelCommand::Info { file: None } => {
            out!(
                "{}",
                describe("built-in detector", moodring_models::DETECTOR)?
            );
            out!(
                "{}",
                describe("built-in classifier", moodring_models::CLASSIFIER)?
            );
        }
        ModelCommand::Pack(args) => pack(args)?,
        ModelCommand::Verify(args) => return verify::verify(args),
        ModelCommand::List(args) => return installed::list(args),
        ModelCommand::Install(args) => return installed::install(args),
        ModelCommand::Rollback(args) => return installed::rollback(args),
        ModelCommand::Prepare(args) => return prepare::prepare(args),
        ModelCommand::Bundle(args) => return bundle::bundle(args),
    }
    Ok(Exit::Done)
}

fn model_failure(file: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(
        Exit::Model,
        format!("cannot use the model {}: {reason}", file.display()),
    )
}

/// Writes a packed file, and describes it.
fn pack(args: &PackArgs) -> Result<(), Failure> {
    let bytes = onnx_file::read_bytes(&args.onnx).map_err(|e| model_failure(&args.onnx, e))?;
    let wanted = PackOptions {
        size_px: args.size,
        step_px: args.step,
        normalised: args.mean.zip(args.std),
        bgr: args.bgr,
        notes: args.notes.clone(),
    };
    let packed = pack::pack(&bytes, &wanted).map_err(|e| model_failure(&args.onnx, e))?;
    let written = std::fs::write(&args.packed, &packed);
    written.map_err(|e| Failure::output(format!("cannot write {}: {e}", args.packed.display())))?;
    out!("{}", describe(&args.packed.display().to_string(), &packed)?);
    Ok(())
}

/// Describes a model: kind, cost, its maker's notes, and its layers at the default size.
fn describe(name: &str, bytes: &[u8]) -> Result<String, Failure> {
    let failure = |e: &dyn std::fmt::Display| model_failure(Path::new(name), e);
    let model = Model::parse(bytes).map_err(|e| failure(&e))?;
    let (width, height) = model.default_size();
    let kernel = Kernel::best();
    let weights = vec![0; model.weights_bytes(kernel)];
    let net = Net::new(model.clone(), width, height, kernel, weights).map_err(|e| failure(&e))?;
    let (mut arena, mut raw) = (
        vec![0; net.plan().arena_bytes()],
        vec![0; net.plan().raw_len()],
    );
    let picture = vec![0; net.plan().input_shape().len()];
    let (mut layers, mut macs) = (String::new(), 0);
    let ran = net.run_with_observer(&picture, &mut arena, &mut raw, |step| {
        let Shape {
            rows,
            columns,
            channels,
        } = step.shape;
        let work = match step.macs {
            0 => String::new(),
            macs => format!("{:>8.3} MMAC", macs as f64 / 1e6),
        };
        let size = format!("{columns}x{rows}");
        let line = format!(
            "\n  {:>3}  {:<10} {size:>9} x {channels:<4}{work}",
            step.number, step.operator
        );
        layers += line.trim_end();
        macs += step.macs;
    });
    ran.map_err(|e| failure(&e))?;
    let kind = match model.kind() {
        Kind::Classifier => "classifier",
        Kind::Detector => "detector",
    };
    let size = match model.size_step() {
        Some(step) => format!("{width}x{height}, or any multiple of {step}"),
        None => format!("{width}x{height}"),
    };
    let mut text = format!(
        "{name}: {kind}, {} kB, checksum {}\n  input: {} channel(s), {size}\n  \
         work: {:.1} million multiply-accumulates\n  memory: arena {} kB, outputs {} kB, weights laid out for {} {} kB",
        bytes.len() / 1000,
        checksum(bytes),
        model.channels(),
        macs as f64 / 1e6,
        arena.len() / 1000,
        raw.len() * 4 / 1000,
        kernel.name(),
        model.weights_bytes(kernel) / 1000,
    );
    for (key, value) in model.notes() {
        text += &format!("\n  {key}: {value}");
    }
    Ok(text + "\n  layers:" + &layers)
}

/// The header's checksum, which the parser has verified.
fn checksum(bytes: &[u8]) -> String {
    let checksum = bytes.get(12..16).and_then(|bytes| bytes.first_chunk());
    checksum.map_or_else(String::new, |checksum| {
        format!("{:08x}", u32::from_le_bytes(*checksum))
    })
}

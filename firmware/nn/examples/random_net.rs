//! Writes a net with random weights in the packed format, of realistic shape and size, to integrate against:
//! `cargo run -p moodring-nn --example random_net -- detector|classifier OUT`

use std::process::ExitCode;

/// The same builder as the tests use.
#[path = "../tests/support/mod.rs"]
mod support;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, kind, out] = arguments.as_slice() else {
        return usage();
    };
    let file = match kind.as_str() {
        "detector" => support::nets::detector(1),
        "classifier" => support::nets::classifier(1),
        _ => return usage(),
    };
    let model = match moodring_nn::Model::parse(&file) {
        Ok(model) => model,
        Err(error) => return fail(&error.to_string()),
    };
    let (width, height) = model.default_size();
    let macs = model.macs(width, height).unwrap_or(0);
    println!(
        "{kind} {width}x{height}, {} operators, {} bytes, {macs} MACs",
        model.operators(),
        file.len()
    );
    match std::fs::write(out, &file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{out}: {error}")),
    }
}

fn usage() -> ExitCode {
    fail("usage: random_net detector|classifier OUT")
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

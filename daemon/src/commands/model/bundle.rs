//! `model bundle`: makes a bundle, for people who train nets.

use moodring_base::exit::Exit;
use moodring_vision::bundle::{BundleFiles, FileRole, Version, make};

use super::{Failure, model_failure};
use crate::cli::BundleArgs;
use crate::commands::stdout::out;

/// Writes a bundle and prints how to sign it.
pub(super) fn bundle(args: &BundleArgs) -> Result<Exit, Failure> {
    let files = [
        (FileRole::Net, Some(&args.net)),
        (FileRole::Golden, Some(&args.golden)),
        (FileRole::Onnx, args.onnx.as_ref()),
        (FileRole::Card, args.card.as_ref()),
    ];
    let mut parts = BundleFiles::new();
    for (role, path) in files {
        let Some(path) = path else { continue };
        let bytes = std::fs::read(path).map_err(|e| model_failure(path, e))?;
        parts.insert(role, bytes);
    }
    let least = args.min_program.unwrap_or_else(Version::of_program);
    let (manifest, zip) = make(&parts, least)?;
    let out = args.out.display();
    std::fs::write(&args.out, &zip)
        .map_err(|e| Failure::output(format!("cannot write {out}: {e}")))?;
    out!(
        "{out}: {} {} {}, {} kB; now sign it: minisign -Sm {out} -t '{} {}'",
        manifest.kind,
        manifest.name,
        manifest.version,
        zip.len() / 1000,
        manifest.name,
        manifest.version
    );
    Ok(Exit::Done)
}

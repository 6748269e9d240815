//! Nets that come after the program: signed bundles, and the shelf where they are installed.
//!
//! A bundle is one zip with one net: `manifest.json`, `net.moodnet`, its golden vectors `golden.bin`, and maybe the same net as
//! `net.onnx` and a `card.md`. Beside it lies its minisign signature, `BUNDLE.minisig`. Nothing of a bundle is read before the
//! signature fits, nothing is used before it computed its golden vectors on this machine.
//!
//! Not here: how a net is found wanting or used (`vision`), and what is printed (`commands`).

mod contents;
mod error;
pub mod fetch;
mod install_folder;
mod installed;
mod key;
mod make;
mod manifest;
mod self_test;
mod state;
mod version;

#[cfg(test)]
pub(crate) mod tests;

use moodring_nn::Kind;

pub use contents::Bundle;
pub use error::BundleError;
pub use installed::{InstalledNet, InstalledNets, Selected};
pub use key::TrustedKey;
pub use make::{BundleFiles, make};
pub use manifest::{FileRole, Manifest};
pub use self_test::{agrees, self_test};
pub use version::Version;

/// The largest bundle, in bytes.
pub const BUNDLE_BYTES: u64 = 32 << 20;
/// The largest signature file, in bytes.
pub const SIGNATURE_BYTES: u64 = 4 << 10;

/// What a kind of net is called in manifests, folders and on the command line.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Detector => "detector",
        Kind::Classifier => "classifier",
    }
}

/// The net of this kind that is part of the program.
pub const fn built_in(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Detector => moodring_models::DETECTOR,
        Kind::Classifier => moodring_models::CLASSIFIER,
    }
}

/// A packed net's name and version, as its maker noted them; `None` if a note is missing or is none.
pub fn noted(net: &[u8]) -> Option<(String, Version)> {
    let model = moodring_nn::Model::parse(net).ok()?;
    let version = model.note("version")?.parse().ok()?;
    Some((model.note("name")?.to_owned(), version))
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

//! Nets that are installed after the program: signed bundles, and the folder of installed nets.
//!
//! A bundle is one zip with one net: `manifest.json`, `net.moodnet`, its golden vectors `golden.bin`, and optionally
//! the same net as `net.onnx` and a `card.md`. Its minisign signature `BUNDLE.minisig` lies beside it. No byte of a
//! bundle is parsed before the signature is checked, and no net is used before it has computed its golden vectors on
//! this machine.
//!
//! Not here: which net is used (`vision::net_files`), and what is printed (`commands`).

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
pub mod tests;

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

/// The name of a kind of net in manifests, folders and on the command line.
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Detector => "detector",
        Kind::Classifier => "classifier",
    }
}

/// The built-in net of this kind.
pub const fn built_in(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Detector => moodring_models::DETECTOR,
        Kind::Classifier => moodring_models::CLASSIFIER,
    }
}

/// A packed net's name and version from its notes; `None` if one is missing or invalid.
pub fn noted(net: &[u8]) -> Option<(String, Version)> {
    let model = moodring_nn::Model::parse(net).ok()?;
    let version = model.note("version")?.parse().ok()?;
    Some((model.note("name")?.to_owned(), version))
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

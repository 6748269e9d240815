//! `manifest.json`: describes a bundle and lists its files.

use std::collections::BTreeMap;

use moodring_nn::Kind;
use serde::{Deserialize, Serialize};

use super::{BundleError, Version, kind_name, sha256};

/// The largest manifest, in bytes.
pub(super) const MANIFEST_BYTES: u64 = 16 << 10;
/// Its name in the zip.
pub(super) const MANIFEST: &str = "manifest.json";

/// The role of a file in a bundle. Each role has one fixed name, so no file name comes from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FileRole {
    /// The packed net for the int8 engine.
    #[serde(rename = "net.moodnet")]
    Net,
    /// Pictures, and the exact outputs that the net must have for them.
    #[serde(rename = "golden.bin")]
    Golden,
    /// The same net for ONNX Runtime.
    #[serde(rename = "net.onnx")]
    Onnx,
    /// For people: what the net can do and where it comes from.
    #[serde(rename = "card.md")]
    Card,
}

impl FileRole {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Net, Self::Golden, Self::Onnx, Self::Card];

    /// The file's name.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Net => "net.moodnet",
            Self::Golden => "golden.bin",
            Self::Onnx => "net.onnx",
            Self::Card => "card.md",
        }
    }

    /// The largest size of such a file, in bytes.
    pub const fn limit(self) -> u64 {
        match self {
            Self::Net | Self::Golden => 16 << 20,
            Self::Onnx => 64 << 20,
            Self::Card => 1 << 20,
        }
    }
}

/// Size and checksum of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// In bytes.
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl FileEntry {
    /// The entry for these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        }
    }
}

/// Describes a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this form: 1.
    pub schema: u32,
    /// `detector` or `classifier`.
    pub kind: String,
    /// The net's name: letters a to z, digits and `-`.
    pub name: String,
    /// The net's version; a newer one replaces an older one.
    pub version: Version,
    /// The oldest program that can run it.
    pub min_program: Version,
    /// Its files.
    pub files: BTreeMap<FileRole, FileEntry>,
}

impl Manifest {
    /// Parses and checks a manifest.
    ///
    /// # Errors
    /// [`BundleError::Contents`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let wrong = |reason: String| BundleError::Contents(format!("{MANIFEST}: {reason}"));
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
        if manifest.schema != 1 {
            let newer = format!("its form is {}, this program reads form 1", manifest.schema);
            return Err(wrong(newer));
        }
        if manifest.kind().is_none() {
            return Err(wrong("`kind` is neither detector nor classifier".into()));
        }
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=40).contains(&manifest.name.len()) || !manifest.name.chars().all(plain) {
            return Err(wrong("`name` has other letters than a-z, 0-9 and -".into()));
        }
        for role in [FileRole::Net, FileRole::Golden] {
            if !manifest.files.contains_key(&role) {
                return Err(wrong(format!("{} is missing", role.file())));
            }
        }
        for (role, entry) in &manifest.files {
            if !(1..=role.limit()).contains(&entry.bytes) {
                return Err(wrong(format!(
                    "{} has {} bytes, not 1 to {}",
                    role.file(),
                    entry.bytes,
                    role.limit()
                )));
            }
        }
        Ok(manifest)
    }

    /// The text for the zip and the folder.
    pub(super) fn text(&self) -> Vec<u8> {
        // It has only string keys and whole numbers, so this cannot fail.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The kind of net.
    pub fn kind(&self) -> Option<Kind> {
        [Kind::Detector, Kind::Classifier]
            .into_iter()
            .find(|kind| kind_name(*kind) == self.kind)
    }

    /// Checks a file against its entry.
    pub(super) fn check(&self, role: FileRole, bytes: &[u8]) -> Result<(), BundleError> {
        if self.files.get(&role) == Some(&FileEntry::of(bytes)) {
            return Ok(());
        }
        let reason = format!("{} is not the one that the manifest names", role.file());
        Err(BundleError::Contents(reason))
    }

    /// Whether this program may run it.
    pub(super) fn fits_program(&self) -> Result<(), BundleError> {
        let (needs, is) = (self.min_program, Version::of_program());
        if needs > is {
            return Err(BundleError::Program { needs, is });
        }
        Ok(())
    }
}

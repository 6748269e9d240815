//! Reads a bundle's files after the signature was checked. The zip is treated as hostile even so.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use zip::{ZipArchive, result::ZipError};

use super::{
    BUNDLE_BYTES, BundleError, FileRole, Manifest, TrustedKey,
    manifest::{MANIFEST, MANIFEST_BYTES},
};

/// A bundle whose signature and checksums are good.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    files: BTreeMap<FileRole, Vec<u8>>,
    comment: String,
}

impl Bundle {
    /// Checks the signature, then reads the zip.
    ///
    /// # Errors
    /// [`BundleError`]: too large, badly signed, not a bundle, or for a newer program.
    pub fn open(zip: &[u8], signature: &[u8], key: &TrustedKey) -> Result<Self, BundleError> {
        if zip.len() as u64 > BUNDLE_BYTES {
            return Err(BundleError::TooLarge {
                what: "the file".into(),
                limit: BUNDLE_BYTES,
            });
        }
        let comment = key.check(zip, signature)?;
        let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|e| wrong(&e))?;
        let manifest = Manifest::parse(&unpack(&mut archive, MANIFEST, MANIFEST_BYTES)?)?;
        manifest.fits_program()?;
        let known =
            |name: &str| name == MANIFEST || manifest.files.keys().any(|role| role.file() == name);
        if let Some(other) = archive.file_names().find(|name| !known(name)) {
            let name: String = other.chars().take(80).collect();
            return Err(BundleError::Contents(format!(
                "it holds {name:?}, which its manifest does not name"
            )));
        }
        let mut files = BTreeMap::new();
        for (role, entry) in &manifest.files {
            let bytes = unpack(&mut archive, role.file(), entry.bytes)?;
            manifest.check(*role, &bytes)?;
            files.insert(*role, bytes);
        }
        Ok(Self {
            manifest,
            files,
            comment,
        })
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The comment that was signed with it, one line.
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// A file's bytes; empty if the bundle has no file in this role.
    pub fn file(&self, role: FileRole) -> &[u8] {
        self.files.get(&role).map_or(&[], Vec::as_slice)
    }

    /// All its files.
    pub(super) fn files(&self) -> impl Iterator<Item = (FileRole, &[u8])> {
        self.files.iter().map(|(role, bytes)| (*role, &bytes[..]))
    }
}

/// One file, of at most `limit` bytes whatever size its header claims.
fn unpack(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, BundleError> {
    let file = archive.by_name(name).map_err(|error| match error {
        ZipError::FileNotFound => BundleError::Contents(format!("{name} is missing")),
        other => wrong(&other),
    })?;
    let mut bytes = Vec::new();
    let read = file.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|e| BundleError::Contents(format!("{name}: {e}")))?;
    if bytes.len() as u64 > most {
        return Err(BundleError::Contents(format!(
            "{name} unpacks to more than {most} bytes"
        )));
    }
    Ok(bytes)
}

fn wrong(error: &ZipError) -> BundleError {
    BundleError::Contents(error.to_string())
}

#[cfg(test)]
impl Bundle {
    /// A bundle as no maker would make it: with another's golden vectors.
    pub(super) fn with_golden_of(mut self, other: &Self) -> Self {
        let golden = other.file(FileRole::Golden).to_vec();
        self.files.insert(FileRole::Golden, golden);
        self
    }
}

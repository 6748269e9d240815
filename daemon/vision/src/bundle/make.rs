//! Makes a bundle from a packed net and its golden vectors. Whoever made it then signs it with `minisign -Sm`.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
};

use moodring_nn::Model;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::{
    BundleError, FileRole, Manifest, Version, kind_name,
    manifest::{FileEntry, MANIFEST},
    noted, self_test,
};

/// A bundle's files: role and bytes of each.
pub type BundleFiles = BTreeMap<FileRole, Vec<u8>>;

/// Makes the zip. Name and version come from the net's own notes; the same files give the same bytes.
///
/// # Errors
/// [`BundleError`] if a part is missing, too large or wrong, or if the net fails its golden vectors.
pub fn make(parts: &BundleFiles, min_program: Version) -> Result<(Manifest, Vec<u8>), BundleError> {
    let net = parts.get(&FileRole::Net).map_or(&[][..], Vec::as_slice);
    let golden = parts.get(&FileRole::Golden).map_or(&[][..], Vec::as_slice);
    let model = Model::parse(net).map_err(|e| BundleError::Test(e.to_string()))?;
    let (name, version) = noted(net).ok_or_else(|| {
        BundleError::Test(
            "it has no notes `name` and `version`: `moodring model pack --note name=... --note version=1.0` makes them"
                .into(),
        )
    })?;
    let manifest = Manifest {
        schema: 1,
        kind: kind_name(model.kind()).into(),
        name,
        version,
        min_program,
        files: parts
            .iter()
            .map(|(role, bytes)| (*role, FileEntry::of(bytes)))
            .collect(),
    };
    // The result must be readable as a bundle.
    let manifest = Manifest::parse(&manifest.text())?;
    self_test(&manifest, net, golden)?;
    let zip = pack(&manifest, parts).map_err(|e| BundleError::Contents(e.to_string()))?;
    Ok((manifest, zip))
}

fn pack(manifest: &Manifest, parts: &BundleFiles) -> zip::result::ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Without a time of day, so that the bytes are reproducible.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT);
    zip.start_file(MANIFEST, options)?;
    zip.write_all(&manifest.text())?;
    for (role, bytes) in parts {
        zip.start_file(role.file(), options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

//! Makes and signs bundles for the tests, with new keys for each test.

mod contents;
pub mod fetch;
mod installed;

use moodring_nn::Kind;
use moodring_tests::signer::Signer;

use super::{Bundle, BundleError, BundleFiles, FileRole, TrustedKey, Version, make};
use crate::pack::{PackOptions, pack};

/// Whoever makes bundles.
pub(crate) struct Maker(Signer);

impl Maker {
    pub(crate) fn new() -> Self {
        Self(Signer::new())
    }

    pub(crate) fn key(&self) -> TrustedKey {
        TrustedKey::choose(Some(&self.public()), "").unwrap()
    }

    /// The public key as `--key` takes it.
    pub(crate) fn public(&self) -> String {
        self.0.public()
    }

    /// The signature file's text.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes)
    }

    /// Signs these bytes and opens them as a bundle.
    pub(super) fn open(&self, zip: &[u8]) -> Result<Bundle, BundleError> {
        Bundle::open(zip, &self.sign(zip), &self.key())
    }

    /// A bundle of these parts.
    pub(crate) fn bundle(&self, parts: &BundleFiles) -> Bundle {
        self.open(&make(parts, Version::of_program()).unwrap().1)
            .unwrap()
    }
}

/// The built-in net with other notes, and golden vectors that know it.
pub(crate) fn parts(kind: Kind, notes: &[(&str, &str)]) -> BundleFiles {
    let (onnx, golden): (&[u8], &[u8]) = match kind {
        Kind::Detector => (
            include_bytes!("../../../../../models/weights/detector.onnx"),
            moodring_models::DETECTOR_GOLDEN,
        ),
        Kind::Classifier => (
            include_bytes!("../../../../../models/weights/classifier.onnx"),
            moodring_models::CLASSIFIER_GOLDEN,
        ),
    };
    let notes = notes.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    let wanted = PackOptions {
        notes: notes.collect(),
        ..PackOptions::default()
    };
    let net = pack(onnx, &wanted).unwrap();
    let golden = golden_of(golden, &net);
    BundleFiles::from([(FileRole::Net, net), (FileRole::Golden, golden)])
}

/// A detector of this version: the smaller of the two.
pub(super) fn detector(version: &str) -> BundleFiles {
    parts(Kind::Detector, &[("version", version)])
}

/// Golden vectors made to name this net.
fn golden_of(golden: &[u8], net: &[u8]) -> Vec<u8> {
    let mut golden = golden.to_vec();
    golden[20..24].copy_from_slice(&net[12..16]);
    seal(&mut golden);
    golden
}

/// Corrects their checksum.
pub(super) fn seal(golden: &mut [u8]) {
    let sum = crc32fast::hash(&golden[16..]);
    golden[12..16].copy_from_slice(&sum.to_le_bytes());
}

//! The commands as a user gives them, with a temporary folder for the installed nets.

use std::{fs, path::PathBuf};

use moodring_tests::{repo, signer::Signer};
use moodring_vision::{
    bundle::{BundleFiles, FileRole, Version, make},
    pack::{PackOptions, pack},
};

use super::*;

/// A machine with a settings file, and a signed bundle in a file.
struct Fixture {
    folder: tempfile::TempDir,
    maker: Signer,
}

/// The built-in detector as this version, and golden vectors that know it.
fn detector(version: &str) -> BundleFiles {
    let onnx = fs::read(repo::root().join("models/weights/detector.onnx")).unwrap();
    let wanted = PackOptions {
        notes: vec![("version".into(), version.into())],
        ..PackOptions::default()
    };
    let net = pack(&onnx, &wanted).unwrap();
    let mut golden = moodring_models::DETECTOR_GOLDEN.to_vec();
    golden[20..24].copy_from_slice(&net[12..16]);
    let sum = crc32fast::hash(&golden[16..]);
    golden[12..16].copy_from_slice(&sum.to_le_bytes());
    BundleFiles::from([(FileRole::Net, net), (FileRole::Golden, golden)])
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installed_nets = folder.path().join("models");
        let text = format!("[models]\nfolder = {installed_nets:?}\n");
        fs::write(folder.path().join("moodring.toml"), text).unwrap();
        Self {
            folder,
            maker: Signer::new(),
        }
    }

    fn config(&self) -> ConfigArgs {
        ConfigArgs {
            config: Some(self.folder.path().join("moodring.toml")),
        }
    }

    /// `install` of a detector of this version, signed by `signer`.
    fn args(&self, version: &str, signer: &Signer) -> InstallArgs {
        let zip = make(&detector(version), Version::of_program()).unwrap().1;
        let path = self.folder.path().join(format!("{version}.zip"));
        fs::write(&path, &zip).unwrap();
        fs::write(
            PathBuf::from(format!("{}.minisig", path.display())),
            signer.sign(&zip),
        )
        .unwrap();
        InstallArgs {
            config: self.config(),
            bundle: path.to_str().unwrap().into(),
            key: Some(self.maker.public()),
            force: false,
            check: false,
        }
    }

    fn runs(&self) -> Selected {
        InstalledNets::at(self.folder.path().join("models")).pick(Kind::Detector)
    }
}

#[test]
fn a_bundle_is_checked_installed_and_taken_back() {
    let bench = Fixture::new();
    let mut args = bench.args("9.0", &bench.maker);
    args.check = true;
    install(&args).unwrap();
    assert!(matches!(bench.runs(), Selected::BuiltIn));
    args.check = false;
    install(&args).unwrap();
    assert!(matches!(bench.runs(), Selected::Installed(_)));
    list(&bench.config()).unwrap();
    let back = RollbackArgs {
        config: bench.config(),
        kind: None,
    };
    rollback(&back).unwrap();
    assert!(matches!(bench.runs(), Selected::BuiltIn));
    assert_eq!(rollback(&back).unwrap_err().exit, Exit::Model);
}

#[test]
fn each_refusal_has_its_exit_code() {
    let bench = Fixture::new();
    let foreign = bench.args("9.0", &Signer::new());
    assert_eq!(install(&foreign).unwrap_err().exit, Exit::Model);
    let old = bench.args("0.0.1", &bench.maker);
    let failure = install(&old).unwrap_err();
    assert!(failure.text.contains("--force"), "{}", failure.text);
    let mut lost = bench.args("9.0", &bench.maker);
    lost.key = Some("no key".into());
    assert_eq!(install(&lost).unwrap_err().exit, Exit::Config);
    lost.key = Some(bench.maker.public());
    lost.bundle = "/nonexistent.zip".into();
    assert_eq!(install(&lost).unwrap_err().exit, Exit::Output);
    lost.bundle = "http://example.org/b.zip".into();
    assert_eq!(install(&lost).unwrap_err().exit, Exit::Source);
    assert!(matches!(bench.runs(), Selected::BuiltIn));
}

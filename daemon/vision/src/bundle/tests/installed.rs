//! Installs and rolls back, with damage and interruptions in between.

use std::{fs, path::Path};

use moodring_nn::Kind::Detector;

use super::{Maker, detector, parts};
use crate::bundle::{
    Bundle, BundleError, FileRole, InstalledNets, Selected, built_in, kind_name, noted,
};

/// A folder of installed nets for one test, and bundles for it.
struct Bench {
    maker: Maker,
    folder: tempfile::TempDir,
    installed_nets: InstalledNets,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            maker: Maker::new(),
            installed_nets: InstalledNets::at(folder.path().join("models")),
            folder,
        }
    }

    fn bundle(&self, version: &str) -> Bundle {
        self.maker.bundle(&detector(version))
    }

    /// `built in`, a version, or `broken`.
    fn runs(&self) -> String {
        match self.installed_nets.pick(Detector) {
            Selected::BuiltIn => "built in".into(),
            Selected::Installed(net) => net.manifest.version.to_string(),
            Selected::Broken(_) => "broken".into(),
        }
    }

    fn kind_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("models").join(kind_name(Detector))
    }

    /// Folders of nets, and drafts of them.
    fn folders(&self) -> usize {
        let entries = fs::read_dir(self.kind_folder()).unwrap().flatten();
        entries.filter(|e| e.path().is_dir()).count()
    }
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_is_installed_runs_until_it_is_taken_back() {
    let bench = Bench::new();
    assert_eq!(bench.runs(), "built in");
    let (first, second) = (bench.bundle("9.0"), bench.bundle("9.1"));
    let net = bench.installed_nets.install(&first, false).unwrap();
    assert_eq!(net.read(FileRole::Net).unwrap(), first.file(FileRole::Net));
    assert_eq!(bench.runs(), "9.0.0");
    bench.installed_nets.install(&second, false).unwrap();
    assert_eq!((bench.runs(), bench.folders()), ("9.1.0".into(), 2));
    let before = bench.installed_nets.before(Detector).unwrap();
    assert_eq!(before.manifest.version.to_string(), "9.0.0");
    // The same once more changes nothing, and what ran before is still known.
    bench.installed_nets.install(&second, false).unwrap();
    assert!(bench.installed_nets.before(Detector).is_some());
    // Only the last two are kept.
    bench
        .installed_nets
        .install(&bench.bundle("9.2"), false)
        .unwrap();
    assert_eq!(bench.folders(), 2);

    bench.installed_nets.rollback(Detector).unwrap();
    assert_eq!((bench.runs(), bench.folders()), ("9.1.0".into(), 1));
    bench.installed_nets.rollback(Detector).unwrap();
    assert_eq!((bench.runs(), bench.folders()), ("built in".into(), 0));
    let nothing = bench.installed_nets.rollback(Detector);
    assert!(matches!(nothing, Err(BundleError::Nothing(_))));
}

#[test]
fn older_and_other_nets_are_refused_unless_they_are_meant() {
    let bench = Bench::new();
    let own = noted(built_in(Detector)).unwrap().1;
    let unwanted = |version: &str| match bench.installed_nets.install(&bench.bundle(version), false)
    {
        Err(BundleError::Unwanted(reason)) => reason,
        other => panic!("{version}: {other:?}"),
    };
    assert!(unwanted("0.0.1").contains("older"));
    assert!(unwanted(&own.to_string()).contains("built in already"));
    bench
        .installed_nets
        .install(&bench.bundle("9.0"), false)
        .unwrap();
    assert!(unwanted("8.9").contains("9.0.0 is installed"));
    let other = parts(Detector, &[("version", "10.0"), ("name", "yunet")]);
    let other = bench.maker.bundle(&other);
    let reason = bench
        .installed_nets
        .install(&other, false)
        .unwrap_err()
        .to_string();
    assert!(
        reason.contains("`yunet`") && reason.contains("--force"),
        "{reason}"
    );
    assert_eq!(bench.runs(), "9.0.0");

    bench
        .installed_nets
        .install(&bench.bundle("0.0.1"), true)
        .unwrap();
    assert_eq!(bench.runs(), "0.0.1");
    bench.installed_nets.install(&other, true).unwrap();
    assert_eq!(bench.runs(), "10.0.0");
}

#[test]
fn a_program_that_brings_a_newer_net_runs_that() {
    let bench = Bench::new();
    bench
        .installed_nets
        .install(&bench.bundle("0.0.1"), true)
        .unwrap();
    assert_eq!(bench.runs(), "0.0.1");
    // As if it had been installed when the program was older: nobody forced it.
    let file = bench.kind_folder().join("in-use.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("true", "false")).unwrap();
    assert_eq!(bench.runs(), "built in");
}

#[test]
fn a_net_that_fails_its_test_changes_nothing() {
    let bench = Bench::new();
    bench
        .installed_nets
        .install(&bench.bundle("9.0"), false)
        .unwrap();
    // Made past the maker's own test: the files of one, the manifest of another.
    let odd = bench.bundle("9.1").with_golden_of(&bench.bundle("9.0"));
    let failed = bench.installed_nets.install(&odd, false);
    assert!(matches!(failed, Err(BundleError::Test(_))), "{failed:?}");
    assert_eq!((bench.runs(), bench.folders()), ("9.0.0".into(), 1));
}

#[test]
fn damage_is_seen_and_mended() {
    let bench = Bench::new();
    let bundle = bench.bundle("9.0");
    let net = bench.installed_nets.install(&bundle, false).unwrap();
    for role in [FileRole::Net, FileRole::Golden] {
        damage(&net.path(role).unwrap());
        assert_eq!(bench.runs(), "broken");
        bench.installed_nets.install(&bundle, false).unwrap();
        assert_eq!(bench.runs(), "9.0.0");
    }
    let manifest = net
        .path(FileRole::Net)
        .unwrap()
        .with_file_name("manifest.json");
    fs::remove_file(manifest).unwrap();
    assert_eq!(bench.runs(), "broken");
    bench.installed_nets.rollback(Detector).unwrap();
    assert_eq!(bench.runs(), "built in");

    // A note that cannot be read, or that points elsewhere, is no way out of the folder.
    let file = bench.kind_folder().join("in-use.json");
    let away = r#"{"current":{"folder":"../../etc","forced":true},"previous":null}"#;
    for text in ["", "{", "[]", away, &away.replace("../../etc", "..")] {
        fs::write(&file, text).unwrap();
        assert_eq!(bench.runs(), "broken", "{text}");
        bench.installed_nets.rollback(Detector).unwrap();
        assert_eq!(bench.runs(), "built in");
    }
}

#[test]
fn an_installation_that_was_cut_off_leaves_what_ran() {
    let bench = Bench::new();
    bench
        .installed_nets
        .install(&bench.bundle("9.0"), false)
        .unwrap();
    // Killed while it wrote files; and, at another time, before it switched.
    for left in [".new-4242", "9.5.0-00000000"] {
        let draft = bench.kind_folder().join(left);
        fs::create_dir(&draft).unwrap();
        fs::write(draft.join("net.moodnet"), b"half").unwrap();
    }
    fs::write(bench.kind_folder().join(".in-use.json"), b"{\"curr").unwrap();
    assert_eq!(bench.runs(), "9.0.0");
    bench
        .installed_nets
        .install(&bench.bundle("9.1"), false)
        .unwrap();
    assert_eq!((bench.runs(), bench.folders()), ("9.1.0".into(), 2));
}

#[test]
fn two_at_once_are_refused() {
    let bench = Bench::new();
    bench
        .installed_nets
        .install(&bench.bundle("9.0"), false)
        .unwrap();
    let file = fs::File::create(bench.kind_folder().join(".lock")).unwrap();
    file.lock().unwrap();
    let second = bench.installed_nets.install(&bench.bundle("9.1"), false);
    assert!(matches!(second, Err(BundleError::Busy)), "{second:?}");
    drop(file);
    bench
        .installed_nets
        .install(&bench.bundle("9.1"), false)
        .unwrap();
}

//! What is accepted as a bundle and what is refused.

use std::io::Write;

use proptest::prelude::*;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{Maker, detector, seal};
use crate::bundle::{
    Bundle, BundleError, FileRole, Manifest, TrustedKey, Version, make, manifest::FileEntry,
};

/// A zip of these files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A manifest that names this net and these golden vectors.
fn manifest(net: &[u8], golden: &[u8]) -> Manifest {
    Manifest {
        schema: 1,
        kind: "detector".into(),
        name: "detector".into(),
        version: "9.0".parse().unwrap(),
        min_program: "0.1".parse().unwrap(),
        files: [
            (FileRole::Net, FileEntry::of(net)),
            (FileRole::Golden, FileEntry::of(golden)),
        ]
        .into(),
    }
}

/// Why these files, signed by their maker, are no bundle.
fn refused(files: &[(&str, &[u8])]) -> String {
    Maker::new().open(&zip(files)).unwrap_err().to_string()
}

/// The same for a manifest with this change, and files that it names.
fn refused_with(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut text = serde_json::to_value(manifest(b"net", b"golden")).unwrap();
    change(&mut text);
    let text = text.to_string();
    refused(&[
        ("manifest.json", text.as_bytes()),
        ("net.moodnet", b"net"),
        ("golden.bin", b"golden"),
    ])
}

#[test]
fn a_good_one_is_opened_and_made_the_same_each_time() {
    let (maker, parts) = (Maker::new(), detector("9.0"));
    let (manifest, zip) = make(&parts, Version::of_program()).unwrap();
    assert_eq!(make(&parts, Version::of_program()).unwrap().1, zip);
    let bundle = maker.open(&zip).unwrap();
    assert_eq!(bundle.manifest(), &manifest);
    assert_eq!((&*manifest.kind, &*manifest.name), ("detector", "detector"));
    assert_eq!(bundle.file(FileRole::Net), parts[&FileRole::Net]);
    assert_eq!(bundle.file(FileRole::Card), b"");
    assert_eq!(bundle.comment(), "a comment of the maker");
}

#[test]
fn nothing_is_read_before_the_signature_fits() {
    let maker = Maker::new();
    // Not even a zip: with a wrong signature that is never found out.
    let junk = b"neither a zip nor signed";
    let of = |bytes: &[u8], signature: &[u8]| {
        let opened = Bundle::open(bytes, signature, &maker.key());
        match opened.unwrap_err() {
            BundleError::Signature(reason) => reason,
            other => panic!("{other}"),
        }
    };
    assert!(of(junk, b"").contains("minisign writes"));
    assert!(of(junk, &[0xff; 300]).contains("minisign writes"));
    assert!(of(junk, &Maker::new().sign(junk)).contains("another key"));
    let signature = maker.sign(b"something else");
    assert!(of(junk, &signature).contains("do not belong together"));
    // The comment is signed, too.
    let text = String::from_utf8(maker.sign(junk)).unwrap();
    let changed = text.replace("of the maker", "of the enemy");
    assert_ne!(text, changed);
    assert!(of(junk, changed.as_bytes()).contains("do not belong together"));
    assert!(matches!(maker.open(junk), Err(BundleError::Contents(_))));
}

#[test]
fn keys_are_text_or_files_and_none_is_an_error() {
    let maker = Maker::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = maker.0.public_file();
    std::fs::write(file.path(), text).unwrap();
    let key = TrustedKey::choose(None, file.path().to_str().unwrap()).unwrap();
    assert!(key.check(b"x", &maker.sign(b"x")).is_ok());
    assert!(matches!(
        TrustedKey::choose(Some("RWwrong"), ""),
        Err(BundleError::Key(_))
    ));
    if option_env!("MOODRING_PUBLIC_KEY").is_none() {
        assert!(matches!(
            TrustedKey::choose(None, ""),
            Err(BundleError::NoKey)
        ));
    }
}

#[test]
fn other_files_than_the_manifest_names_are_refused() {
    let good = serde_json::to_vec(&manifest(b"net", b"golden")).unwrap();
    let files = |more: &[(&'static str, &'static [u8])]| {
        let mut files: Vec<(&str, &[u8])> = vec![("manifest.json", &good)];
        files.extend_from_slice(more);
        refused(&files)
    };
    assert!(files(&[("net.moodnet", b"net")]).contains("golden.bin is missing"));
    for evil in [
        "../../etc/passwd",
        "/etc/passwd",
        "card.md",
        "sub/net.moodnet",
    ] {
        let text = files(&[
            ("net.moodnet", b"net"),
            ("golden.bin", b"golden"),
            (evil, b"x"),
        ]);
        assert!(text.contains("does not name"), "{evil}: {text}");
    }
    let text = files(&[("net.moodnet", b"nex"), ("golden.bin", b"golden")]);
    assert!(text.contains("net.moodnet is not the one"), "{text}");
    assert!(refused(&[("x", b"")]).contains("manifest.json is missing"));
}

#[test]
fn a_file_that_unpacks_to_more_than_it_should_is_cut_off() {
    let good = serde_json::to_vec(&manifest(b"net", b"golden")).unwrap();
    let bomb = vec![0; 40 << 20];
    let text = refused(&[
        ("manifest.json", &good),
        ("net.moodnet", &bomb),
        ("golden.bin", b"golden"),
    ]);
    assert!(text.contains("unpacks to more than 3 bytes"), "{text}");
    let text = refused(&[("manifest.json", &bomb)]);
    assert!(text.contains("manifest.json unpacks to more"), "{text}");
}

#[test]
fn manifests_are_read_strictly() {
    for (key, value, reason) in [
        ("schema", serde_json::json!(2), "reads form 1"),
        ("kind", "poet".into(), "neither detector nor classifier"),
        ("name", "../x".into(), "other letters"),
        ("name", "".into(), "other letters"),
        ("version", "1.x".into(), "one to three numbers"),
        ("min_program", "99.0".into(), "update the program first"),
        ("extra", 1.into(), "unknown field"),
        ("files", serde_json::json!({}), "net.moodnet is missing"),
        (
            "files",
            serde_json::json!({"../x": {"bytes": 1, "sha256": ""}}),
            "unknown variant",
        ),
    ] {
        let text = refused_with(|manifest| manifest[key] = value.clone());
        assert!(text.contains(reason), "{key}={value}: {text}");
    }
    for bytes in [0, (16 << 20) + 1, u64::MAX] {
        let text = refused_with(|m| m["files"]["net.moodnet"]["bytes"] = bytes.into());
        assert!(text.contains("bytes, not 1 to"), "{text}");
    }
}

#[test]
fn a_net_that_computes_other_numbers_or_none_is_no_bundle() {
    let mut wrong = detector("9.0");
    let golden = wrong.get_mut(&FileRole::Golden).unwrap();
    let last = golden.len() - 4;
    golden[last] ^= 1;
    seal(golden);
    let text = make(&wrong, Version::default()).unwrap_err().to_string();
    assert!(text.contains("computes other numbers"), "{text}");

    // A file of golden vectors without one proves nothing.
    golden_cut(wrong.get_mut(&FileRole::Golden).unwrap());
    let text = make(&wrong, Version::default()).unwrap_err().to_string();
    assert!(text.contains("no golden vectors"), "{text}");

    let mut others = detector("9.0");
    others.insert(FileRole::Golden, moodring_models::DETECTOR_GOLDEN.to_vec());
    let text = make(&others, Version::default()).unwrap_err().to_string();
    assert!(text.contains("of another net"), "{text}");
}

/// Leaves the header and no vector.
fn golden_cut(golden: &mut Vec<u8>) {
    golden.truncate(24);
    golden[8..12].copy_from_slice(&24_u32.to_le_bytes());
    golden[16..20].copy_from_slice(&0_u32.to_le_bytes());
    seal(golden);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Even a maker whose tools are broken makes nothing panic.
    #[test]
    fn damaged_zips_are_refused_or_are_the_same(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let good = serde_json::to_vec(&manifest(b"net", b"golden")).unwrap();
        let mut bytes = zip(&[("manifest.json", &good), ("net.moodnet", b"net"), ("golden.bin", b"golden")]);
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(bundle) = Maker::new().open(&bytes) {
            prop_assert_eq!(bundle.file(FileRole::Net), b"net");
        }
    }
}

//! The laws that a compiler does not enforce: arrows between packages, folders, heads of files, unsafe, unwrap.

use std::fs;

use moodring_tests::{repo, source};

/// The packages that each package may use. A package that is not listed must be added here.
const ARROWS: &[(&str, &[&str])] = &[
    ("moodring-nn", &[]),
    ("moodring-models", &[]),
    ("moodring-link", &[]),
    ("moodring-core", &["moodring-nn"]),
    ("moodring-face", &["moodring-core"]),
    (
        "moodring-satellite",
        &["moodring-core", "moodring-face", "moodring-link"],
    ),
    // The daemon, from below. Only tests use `moodring-tests`: its display chips, its signer, its changes of bytes.
    (
        "moodring-base",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-tests",
        ],
    ),
    (
        "moodring-camera",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-base",
            "moodring-tests",
        ],
    ),
    (
        "moodring-vision",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-base",
            "moodring-camera",
            "moodring-tests",
        ],
    ),
    (
        "moodring-display",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-base",
            "moodring-tests",
        ],
    ),
    (
        "moodring-store",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-base",
            "moodring-tests",
        ],
    ),
    (
        "moodring-mqtt",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-base",
            "moodring-display",
            "moodring-store",
            "moodring-tests",
        ],
    ),
    (
        "moodring-web",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-base",
            "moodring-camera",
            "moodring-vision",
            "moodring-display",
            "moodring-store",
            "moodring-mqtt",
            "moodring-tests",
        ],
    ),
    (
        "moodring",
        &[
            "moodring-nn",
            "moodring-core",
            "moodring-face",
            "moodring-link",
            "moodring-models",
            "moodring-satellite",
            "moodring-base",
            "moodring-camera",
            "moodring-vision",
            "moodring-display",
            "moodring-store",
            "moodring-mqtt",
            "moodring-web",
            "moodring-tests",
        ],
    ),
    ("moodring-tests", &[]),
];

/// The only places where `unsafe` may stand: kernels that use the vector unit, and the registers of the emulated
/// board, for which there is no crate.
const UNSAFE_PLACES: &[&str] = &[
    "firmware/nn/src/kernel/tile.rs",
    "firmware/nn/src/kernel/x86/",
    "firmware/nn/src/kernel/neon/",
    "firmware/boards/qemu/src/uart.rs",
];

#[test]
fn no_arrow_points_upward() {
    let packages = repo::packages();
    assert!(
        packages.len() >= 6,
        "the workspace lost packages: {packages:?}"
    );
    for package in packages {
        let allowed = ARROWS.iter().find(|(name, _)| *name == package.name);
        let (_, allowed) =
            allowed.unwrap_or_else(|| panic!("{} has no place in ARROWS", package.name));
        let upward: Vec<_> = package
            .uses
            .iter()
            .filter(|used| !allowed.contains(&used.as_str()))
            .collect();
        assert!(upward.is_empty(), "{} may not use {upward:?}", package.name);
    }
}

#[test]
fn every_package_lies_in_its_folder() {
    for package in repo::packages() {
        let place = match package.name.as_str() {
            "moodring" => "daemon".to_owned(),
            "moodring-models" => "models".to_owned(),
            "moodring-tests" => "tests".to_owned(),
            "moodring-base" | "moodring-camera" | "moodring-vision" | "moodring-display"
            | "moodring-store" | "moodring-mqtt" | "moodring-web" => {
                package.name.replace("moodring-", "daemon/")
            }
            other => other.replace("moodring-", "firmware/"),
        };
        assert_eq!(
            package.folder, place,
            "{} lies in the wrong folder",
            package.name
        );
    }
}

#[test]
fn every_package_keeps_the_shared_lints() {
    for package in repo::packages() {
        let manifest = read(&format!("{}/Cargo.toml", package.folder));
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} sets lints of its own",
            package.name
        );
    }
}

#[test]
fn firmware_is_no_std() {
    for folder in firmware_folders() {
        let head = read(&format!("{folder}/src/lib.rs"));
        assert!(
            head.contains("\n#![no_std]\n"),
            "{folder}/src/lib.rs has no #![no_std]"
        );
    }
}

#[test]
fn firmware_names_neither_std_nor_heap() {
    for (file, tokens) in firmware_tokens() {
        for (token, line) in tokens {
            let heavy = ["std", "alloc"].contains(&token.as_str());
            assert!(
                !heavy,
                "{file}:{line}: `{token}` in firmware, where there is neither std nor heap"
            );
        }
    }
}

#[test]
fn firmware_does_not_unwrap() {
    for (file, tokens) in firmware_tokens() {
        for pair in tokens.windows(2) {
            let called = pair[0].0 == "." && ["unwrap", "expect"].contains(&pair[1].0.as_str());
            assert!(
                !called,
                "{file}:{}: `{}` outside tests",
                pair[1].1, pair[1].0
            );
        }
    }
}

#[test]
fn every_file_begins_with_what_lives_in_it() {
    for file in repo::rust_files() {
        let text = read(&file);
        let generated = text.starts_with("// @generated");
        assert!(
            generated || text.starts_with("//! "),
            "{file} does not begin with //!"
        );
    }
}

/// Clippy checks that each block gives its reason: `undocumented_unsafe_blocks` in the workspace's lints.
#[test]
fn unsafe_stays_in_the_kernels() {
    for file in repo::rust_files() {
        if UNSAFE_PLACES.iter().any(|place| file.starts_with(place)) {
            continue;
        }
        let found = source::tokens(&read(&file))
            .into_iter()
            .find(|(token, _)| token == "unsafe");
        assert!(
            found.is_none(),
            "{file}:{}: unsafe outside the kernels",
            found.map_or(0, |(_, line)| line)
        );
    }
}

fn firmware_folders() -> Vec<String> {
    let folders: Vec<_> = repo::packages()
        .into_iter()
        .map(|package| package.folder)
        .filter(|folder| folder.starts_with("firmware/"))
        .collect();
    assert!(folders.len() >= 3, "firmware lost packages: {folders:?}");
    folders
}

/// The tokens of every firmware file that ships; files that are only tests are left out.
fn firmware_tokens() -> Vec<(String, Vec<source::Token>)> {
    let ships: Vec<_> = firmware_folders()
        .iter()
        .map(|folder| format!("{folder}/src/"))
        .collect();
    let files: Vec<_> = repo::rust_files()
        .into_iter()
        .filter(|file| ships.iter().any(|folder| file.starts_with(folder)))
        .collect();
    let tests: Vec<String> = files.iter().flat_map(|file| test_files(file)).collect();
    files
        .into_iter()
        .filter(|file| {
            !tests
                .iter()
                .any(|test| file == test || file.starts_with(&format!("{test}/")))
        })
        .map(|file| {
            let tokens = source::tokens(&read(&file));
            (file, tokens)
        })
        .collect()
}

/// Where the test modules that a file declares may lie: `a/b.rs` and `a/b/`.
fn test_files(file: &str) -> Vec<String> {
    let (folder, name) = file.rsplit_once('/').unwrap_or_default();
    let stem = name.trim_end_matches(".rs");
    let home = if ["lib", "mod"].contains(&stem) {
        folder.to_owned()
    } else {
        format!("{folder}/{stem}")
    };
    source::test_modules(&read(file))
        .into_iter()
        .flat_map(|module| [format!("{home}/{module}.rs"), format!("{home}/{module}")])
        .collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(repo::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What a crate to be published includes lies in it: else the packaged crate, or its tests alone, could not be built.
#[test]
fn published_crates_include_nothing_from_outside() {
    let crates = ["nn", "core", "face", "link"].map(|name| format!("firmware/{name}/"));
    let mut seen = 0;
    for file in repo::rust_files() {
        let Some(folder) = crates
            .iter()
            .find(|folder| file.starts_with(folder.as_str()))
        else {
            continue;
        };
        let text = read(&file);
        for included in text.split("include_").skip(1).filter_map(included_path) {
            seen += 1;
            let depth = file
                .trim_start_matches(folder.as_str())
                .matches('/')
                .count();
            let up = included.matches("../").count();
            assert!(
                up <= depth,
                "{file} includes {included}, which is outside of {folder}"
            );
        }
    }
    assert!(seen > 0, "nothing is included anywhere");
}

/// The path in what follows `include_` in `include_str!("path")` and `include_bytes!("path")`.
fn included_path(rest: &str) -> Option<&str> {
    let rest = rest
        .strip_prefix("str!(")
        .or_else(|| rest.strip_prefix("bytes!("))?;
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

//! The modules inside each crate of the daemon stand in layers: each uses only those below it, so that no two need each other.
//! Between the crates Cargo itself keeps it so; `laws.rs` has their order.

use std::{collections::BTreeSet, fs};

use moodring_tests::{repo, source};

/// From the lowest to the highest, by crate. A module that is not listed stands above those that are; where a crate is nothing but
/// its modules, each new one needs a place here: above all that it uses, below all that use it.
const LAYERS: &[(&str, &str)] = &[
    (
        "daemon/base/src/",
        "clock contain exit redact stderr_tail regular_file process_limits translations snapshot shutdown service files tls config worker \
         message control command",
    ),
    ("daemon/camera/src/", "scaled_jpeg latest"),
    ("daemon/vision/src/", "onnx_file pack bundle update"),
    ("daemon/display/src/", "gpio"),
    ("daemon/mqtt/src/", "topic backoff"),
    (
        "daemon/src/",
        "logs satellite evaluation cli app commands fuzz",
    ),
];

/// Crates with nothing but modules at the root.
const ONLY_MODULES: [&str; 2] = ["daemon/base/src/", "daemon/src/"];

#[test]
fn no_module_of_the_daemon_uses_one_above_it() {
    for (folder, layers) in LAYERS {
        let layers: Vec<&str> = layers.split_whitespace().collect();
        let place = |module: &str| layers.iter().position(|layer| *layer == module);
        let (files, modules) = (files_of(folder), modules_of(folder));
        assert!(!files.is_empty(), "{folder} is gone");
        for file in files {
            let module = module(&file, folder);
            if ["lib", "main"].contains(&module) {
                continue;
            }
            let own = place(module);
            assert!(
                own.is_some() || !ONLY_MODULES.contains(folder),
                "{file}: give the module `{module}` a place in LAYERS"
            );
            let Some(own) = own else { continue };
            for used in modules_used(&file, &modules) {
                let above = place(&used).is_none_or(|at| at > own);
                assert!(
                    used == module || !above,
                    "{file}: `{module}` uses `{used}`, which stands above it"
                );
            }
        }
    }
}

/// `daemon/mqtt/src/link/v5.rs` is in `link`.
fn module<'a>(file: &'a str, folder: &str) -> &'a str {
    let path = file.trim_start_matches(folder);
    path.split(['/', '.']).next().unwrap_or(path)
}

/// What ships; modules that are only tests may use everything.
fn files_of(folder: &str) -> Vec<String> {
    repo::rust_files()
        .into_iter()
        .filter(|file| file.starts_with(folder) && !file.contains("tests"))
        .collect()
}

/// What `lib.rs` declares.
fn modules_of(folder: &str) -> BTreeSet<String> {
    let tokens = tokens(&format!("{folder}lib.rs"));
    let declared = tokens.windows(3).filter(|w| w[0] == "mod" && w[2] == ";");
    declared.map(|w| w[1].clone()).collect()
}

fn tokens(file: &str) -> Vec<String> {
    let text = fs::read_to_string(repo::root().join(file)).expect("it was listed");
    let tokens = source::tokens(&text);
    tokens.into_iter().map(|(token, _)| token).collect()
}

/// The modules in `use crate::...;`, also within braces.
fn modules_used(file: &str, modules: &BTreeSet<String>) -> BTreeSet<String> {
    let tokens = tokens(file);
    let mut used = BTreeSet::new();
    for (at, _) in tokens
        .windows(4)
        .enumerate()
        .filter(|(_, w)| *w == ["use", "crate", ":", ":"])
    {
        let mut first = true;
        for token in tokens[at + 4..].iter().take_while(|token| *token != ";") {
            if first && modules.contains(token) {
                used.insert(token.clone());
            }
            first = token == ",";
        }
    }
    used
}

//! The paths of repository and photos, and cargo's list of packages.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate lies in the repository")
}

/// A real photo that lies beside the repository and not in it. `None`, with a note, where there is none.
///
/// # Panics
/// In CI, if the folder of photos is there and this photo is not.
pub fn photo(name: &str) -> Option<PathBuf> {
    let folder = root().parent()?.join("shared/photos");
    let path = env::var_os("MOODRING_PHOTOS")
        .map_or(folder, PathBuf::from)
        .join(name);
    if path.is_file() {
        return Some(path);
    }
    let wanted = env::var_os("CI").is_some() && path.parent().is_some_and(Path::is_dir);
    assert!(
        !wanted,
        "{} is missing from a folder that is there",
        path.display()
    );
    eprintln!(
        "note: no {}, so this test looked at nothing",
        path.display()
    );
    None
}

/// The output of `cargo metadata`, with the packages of the workspace only.
pub fn metadata() -> Value {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// The cargo that runs these tests, in the repository's root.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    // Build scripts (ring's, for one) watch the variables that cargo sets for a test: left in, this cargo and the one
    // outside would build each other's TLS, and all above it, anew by turns.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// A package of the workspace, as far as the laws care.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its folder, relative to the root, with `/`.
    pub folder: String,
    /// The workspace's own packages that it uses, for building and testing too.
    pub uses: Vec<String>,
}

/// The packages of the workspace.
pub fn packages() -> Vec<Package> {
    let metadata = metadata();
    let listed = metadata["packages"].as_array().expect("packages is a list");
    let names: Vec<&str> = listed
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    listed
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            folder: folder_of(&text(&package["manifest_path"])),
            uses: package["dependencies"]
                .as_array()
                .expect("dependencies is a list")
                .iter()
                .filter_map(|used| used["name"].as_str())
                .filter(|used| names.contains(used))
                .map(str::to_owned)
                .collect(),
        })
        .collect()
}

/// Every Rust file that git tracks or would track, relative to the root.
pub fn rust_files() -> Vec<String> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            "*.rs",
        ])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("file names are UTF-8")
        .lines()
        .filter(|name| root().join(name).is_file())
        .map(str::to_owned)
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .expect("cargo metadata gives text here")
        .to_owned()
}

fn folder_of(manifest: &str) -> String {
    let folder = Path::new(manifest)
        .parent()
        .expect("a manifest lies in a folder");
    let relative = folder
        .strip_prefix(root())
        .expect("a package lies in the repository");
    relative
        .to_str()
        .expect("folder names are UTF-8")
        .to_owned()
}

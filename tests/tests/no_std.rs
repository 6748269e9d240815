//! The no-std guard: a tiny program without std and without a heap that links every crate of `firmware/`.
//!
//! It brings its own panic handler. If any crate below pulled std in, there would be two, and it would not compile;
//! if any pulled `alloc` in, it would lack an allocator. This holds for the host's target, so nothing must be installed.

use std::{fmt::Write, fs, process::Output};

use moodring_tests::repo::{self, Package};
use tempfile::TempDir;

const HEAD: &str = "//! Links every crate of firmware/ without std and without a heap.\n#![no_std]\n\n\
    #[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {\n    loop {}\n}\n\n";

#[test]
fn firmware_links_without_std_or_heap() {
    let output = check("nothing", "");
    assert!(output.status.success(), "{}", stderr(&output));
}

/// The guard itself must be able to fail.
#[test]
fn std_and_heap_would_be_noticed() {
    let std = check("std", "extern crate std;\n");
    assert!(
        stderr(&std).contains("duplicate lang item `panic_impl`"),
        "{}",
        stderr(&std)
    );
    assert!(!std.status.success());
    let heap = check("heap", "extern crate alloc;\n");
    assert!(
        stderr(&heap).contains("no global memory allocator"),
        "{}",
        stderr(&heap)
    );
    assert!(!heap.status.success());
}

/// Checks a package with this line in it; it lives in a folder of its own, outside the workspace. Each has a name of
/// its own too, else cargo takes one for the other.
fn check(name: &str, line: &str) -> Output {
    let folder = TempDir::new().expect("a temporary folder");
    let packages: Vec<_> = repo::packages()
        .into_iter()
        .filter(|package| package.folder.starts_with("firmware/"))
        .collect();
    assert!(packages.len() >= 3, "firmware lost packages: {packages:?}");
    fs::create_dir(folder.path().join("src")).expect("the folder is ours");
    fs::write(folder.path().join("Cargo.toml"), manifest(name, &packages))
        .expect("the folder is ours");
    fs::write(
        folder.path().join("src/lib.rs"),
        format!("{HEAD}{}{line}", links(&packages)),
    )
    .expect("the folder is ours");
    fs::copy(
        repo::root().join("Cargo.lock"),
        folder.path().join("Cargo.lock"),
    )
    .expect("the workspace is locked");
    let target = repo::metadata()["target_directory"]
        .as_str()
        .expect("cargo has a target folder")
        .to_owned();
    repo::cargo()
        .args([
            "check",
            "--offline",
            "--quiet",
            "--color=never",
            "--manifest-path",
        ])
        .arg(folder.path().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(format!("{target}/no-std-guard"))
        .output()
        .expect("cargo runs")
}

fn manifest(name: &str, packages: &[Package]) -> String {
    let mut text = format!(
        "[package]
name = \"guard-with-{name}\"
version = \"0.0.0\"
edition = \"2024\"

[workspace]

\
        [lib]
crate-type = [\"staticlib\"]

[profile.dev]
panic = \"abort\"

[dependencies]
"
    );
    for package in packages {
        let path = repo::root().join(&package.folder);
        writeln!(text, "{} = {{ path = {path:?} }}", package.name)
            .expect("writing to a string cannot fail");
    }
    text
}

fn links(packages: &[Package]) -> String {
    packages
        .iter()
        .map(|package| format!("extern crate {} as _;\n", package.name.replace('-', "_")))
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

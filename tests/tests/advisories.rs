//! Known advisories that a dependency brings along, and why their code cannot be reached: docs/decisions/018-advisories.md.

use std::fs;

use moodring_tests::{repo, source};

/// rumqttc 0.25.1 brings rustls-webpki 0.102 (RUSTSEC-2026-0049, 0098, 0099, 0104) as the type of an error, and
/// rustls-pemfile (unmaintained) to read certificates in `TlsConfiguration::Simple`. Certificates are read and checked
/// by rustls with a newer rustls-webpki as long as rumqttc is given a finished configuration.
#[test]
fn rumqttc_gets_a_finished_tls_configuration() {
    let mut seen = 0;
    for file in repo::rust_files() {
        let tokens = source::tokens(&fs::read_to_string(repo::root().join(&file)).expect(&file));
        for part in tokens.windows(4) {
            if part[0].0 == "TlsConfiguration" && part[1].0 == ":" {
                seen += 1;
                let (variant, line) = &part[3];
                assert_eq!(
                    variant, "Rustls",
                    "{file}:{line}: this way goes through rustls-pemfile and rustls-webpki 0.102"
                );
            }
        }
    }
    assert!(seen >= 2, "the law looks at nothing: {seen}");
}

/// Nobody but rumqttc may depend on the old rustls-webpki: rustls itself would then check certificates by it.
#[test]
fn only_rumqttc_names_the_old_webpki() {
    let lock = fs::read_to_string(repo::root().join("Cargo.lock")).expect("Cargo.lock");
    let old = lock.split("[[package]]").find(|package| {
        package.contains("name = \"rustls-webpki\"\n") && package.contains("version = \"0.102")
    });
    if old.is_none() {
        return; // rumqttc moved on: this file and its decision can go
    }
    let users: Vec<_> = lock
        .split("[[package]]")
        .filter(|package| package.contains("\"rustls-webpki 0.102"))
        .filter_map(|package| package.lines().find(|line| line.starts_with("name")))
        .collect();
    assert_eq!(users, ["name = \"rumqttc\""]);
}

//! The modules of the daemon stand in layers: each uses only those below it, so that no two need each other.

use std::{collections::BTreeSet, fs};

use moodring_tests::{repo, source};

/// From the lowest to the highest. A new module needs a place here: above all that it uses, below all that use it.
const LAYERS: &str = "clock contain exit redact stderr_tail regular_file process_limits words scaled_jpeg latest snapshot shutdown service files tls config \
    onnx worker logs photo message control command store notes event_log changes hooks bundle gpio pack evaluation camera display vision \
    update mqtt preview satellite setup simulate web cli app commands fuzz";

/// Upward arrows that are still there. One that is gone must leave this list, and none may be added.
const LEFT: &[(&str, &str)] = &[
    // Limits of pictures that both read.
    ("photo", "camera"),
];

#[test]
fn no_module_of_the_daemon_uses_one_above_it() {
    let layers: Vec<&str> = LAYERS.split_whitespace().collect();
    let place = |room: &str| layers.iter().position(|layer| *layer == room);
    let mut upward = BTreeSet::new();
    for file in daemon_files() {
        let room = room(&file);
        if ["lib", "main"].contains(&room) {
            continue;
        }
        let own = place(room)
            .unwrap_or_else(|| panic!("{file}: give the module `{room}` a place in LAYERS"));
        for used in rooms_used(&file, &layers) {
            if place(&used) > Some(own) {
                upward.insert((room.to_owned(), used));
            }
        }
    }
    let left: BTreeSet<_> = LEFT
        .iter()
        .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
        .collect();
    let new: Vec<_> = upward.difference(&left).collect();
    assert!(new.is_empty(), "these use a module above them: {new:?}");
    let gone: Vec<_> = left.difference(&upward).collect();
    assert!(
        gone.is_empty(),
        "no longer there, so take them out of LEFT: {gone:?}"
    );
}

/// `daemon/src/mqtt/link.rs` is in `mqtt`.
fn room(file: &str) -> &str {
    let path = file.trim_start_matches("daemon/src/");
    path.split(['/', '.']).next().unwrap_or(path)
}

/// What ships; modules that are only tests may use everything.
fn daemon_files() -> Vec<String> {
    repo::rust_files()
        .into_iter()
        .filter(|file| file.starts_with("daemon/src/") && !file.contains("tests"))
        .collect()
}

/// The modules in `use crate::...;`, also within braces.
fn rooms_used(file: &str, layers: &[&str]) -> BTreeSet<String> {
    let text = fs::read_to_string(repo::root().join(file)).expect("it was listed");
    let words: Vec<String> = source::words(&text)
        .into_iter()
        .map(|(word, _)| word)
        .collect();
    let mut used = BTreeSet::new();
    for (at, _) in words
        .windows(4)
        .enumerate()
        .filter(|(_, w)| *w == ["use", "crate", ":", ":"])
    {
        let mut first = true;
        for word in words[at + 4..].iter().take_while(|word| *word != ";") {
            if first && layers.contains(&word.as_str()) {
                used.insert(word.clone());
            }
            first = word == ",";
        }
    }
    used
}

//! Names: each public module stands in the glossary, and names that readers had to guess do not come back.

use std::{collections::BTreeSet, fs};

use moodring_tests::{repo, source};

/// Names of types that several meanings or a metaphor hid behind; `docs/glossary.md` has what they are called now.
const FORMER_TYPES: &str = "Act Album Cast Crew Crowd Deaf Desk Dials Door Eyes Fleet Gate Gist Glass Guard Hall Hand Heart \
    Herald House Keep Lamp Landing LastWords Ledger Leg Lid Life MapMut News Noted Notice OffNote Outage Outlets Patience \
    Pick Piece Played Portrait Pulse Rooms Scribe Shelf Shot Shown Sieve Sight Sign StateTold Studio SumOf Tale Talk Tally \
    Thing Trouble Walk Want Wanted Watch WatchSettings Way Who Wish Wishes Work";

/// The same for modules and functions.
const FORMER_NAMES: &str = "album blind cast depth2 desk dials drive ends gate gist hand herald house knobs lamp land2 landing \
    ledger obituary outage outlets plainly portrait proof pull route saw_someone scribe shelf shot \
    studio tale talk trial turn_dials upkeep wants_look who";

/// The same for variables, parameters and fields: the field says published, reported, received, event, label.
const FORMER_VARIABLES: &str =
    "comfort culprit fate heard news said studio tale tell told unheard untold";

#[test]
fn every_public_module_stands_in_the_glossary() {
    let glossary = fs::read_to_string(repo::root().join("docs/glossary.md")).expect("there is one");
    let explained: BTreeSet<&str> = glossary
        .split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|code| code.split("::"))
        .collect();
    let mut seen = 0;
    for file in library_files() {
        for pair in source::tokens(&read(&file)).windows(3) {
            let [public, is_mod, name] = [&pair[0].0, &pair[1].0, &pair[2].0];
            if public != "pub" || is_mod != "mod" {
                continue;
            }
            seen += 1;
            assert!(
                explained.contains(name.as_str()),
                "{file}: the public module `{name}` is not in docs/glossary.md: add it, one line"
            );
        }
    }
    assert!(seen > 60, "only {seen} public modules were found");
}

#[test]
fn former_names_stay_away() {
    let types: Vec<_> = FORMER_TYPES.split_whitespace().collect();
    let names: Vec<_> = FORMER_NAMES.split_whitespace().collect();
    let variables: Vec<_> = FORMER_VARIABLES.split_whitespace().collect();
    for file in library_files() {
        for seen in source::tokens(&read(&file)).windows(4) {
            let [(before, _), (name, line), (after, _), (then, _)] = seen else {
                continue;
            };
            let defines_type = ["struct", "enum", "trait", "type"].contains(&before.as_str());
            let defines_name = ["mod", "fn"].contains(&before.as_str());
            let is_typed = after == ":" && then != ":";
            let defines_variable = ["let", "mut", "|"].contains(&before.as_str()) || is_typed;
            let former = defines_type && types.contains(&name.as_str())
                || defines_name && names.contains(&name.as_str())
                || defines_variable && variables.contains(&name.as_str());
            assert!(
                !former,
                "{file}:{line}: `{name}` is a name that readers had to guess: see docs/glossary.md for the plain one"
            );
        }
    }
}

/// What ships, and the harness.
fn library_files() -> Vec<String> {
    repo::rust_files()
        .into_iter()
        .filter(|file| file.contains("/src/") || file.starts_with("tests/harness/"))
        .collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(repo::root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

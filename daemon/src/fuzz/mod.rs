//! Every parser of foreign bytes as a function of bytes, and changed bytes for each: the targets of `tests/fuzz`.
//!
//! A target panics if what it calls panics, takes more memory than it promises, or gives what is wrong in itself. Each
//! test run makes some changes; `tests/fuzz` makes them for as long as it is asked to. Inputs that failed once lie in
//! `tests/fuzz.corpus/<target>` and are run each time.
//!
//! | file | what it does |
//! |---|---|
//! | `targets` | the parsers |
//! | `seeds` | good inputs to begin with |

mod seeds;
mod targets;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::{Duration, Instant},
};

use moodring_tests::mutator::Mutator;

use self::{seeds::Seeds, targets::Target};

/// Changes of each target in each test run.
const CHANGES: u64 = 400;
/// No input may take longer, in a development build on a busy machine.
const SLOWEST: Duration = Duration::from_secs(20);

/// Where inputs lie that failed once.
fn corpus(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../tests/fuzz.corpus", target]
        .iter()
        .collect()
}

fn kept(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(corpus(target)).into_iter().flatten().flatten();
    files
        .filter_map(|file| fs::read(file.path()).ok())
        .collect()
}

/// Runs one input; one that fails is written down.
fn run(target: &Target, input: &[u8]) {
    let began = Instant::now();
    let mut used = None;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        used = Some(allocation_counter::measure(|| (target.run)(input)));
    }));
    let bytes = used.map_or(0, |used| used.bytes_max);
    let fault = match ended {
        Err(_) => "it panicked".to_owned(),
        Ok(()) if bytes > target.max_bytes => format!("it took {bytes} bytes"),
        Ok(()) if began.elapsed() > SLOWEST => format!("it took {:?}", began.elapsed()),
        Ok(()) => return,
    };
    let path = std::env::temp_dir().join(format!("moodring-fuzz-{}-{}", target.name, input.len()));
    // The text below has what matters where the disk has not.
    let _ = fs::write(&path, input);
    panic!(
        "{}: {fault}; the input is {} (keep it in tests/fuzz.corpus/{}): {:02x?}",
        target.name,
        path.display(),
        target.name,
        &input[..input.len().min(200)]
    );
}

/// Seeds and kept inputs as they are, then changes of them while `goes_on` is true. Returns how many.
fn fuzz(target: &Target, seed: u64, mut goes_on: impl FnMut(u64) -> bool) -> u64 {
    let mut inputs = Seeds::of(target.name);
    inputs.extend(kept(target.name));
    assert!(!inputs.is_empty(), "{} has no seed", target.name);
    inputs.iter().for_each(|input| run(target, input));
    let mut mutator = Mutator::new(seed);
    let mut count = 0;
    while goes_on(count) {
        let input = mutator.change(&inputs);
        run(target, &input);
        count += 1;
    }
    count
}

#[test]
fn no_changed_input_does_harm() {
    for target in targets::ALL {
        let count = target.changes.unwrap_or(CHANGES);
        assert_eq!(fuzz(target, 1, |done| done < count), count);
    }
}

/// `tests/fuzz` runs this: MOODRING_FUZZ_S seconds for each target, with changes that no run before had.
#[test]
#[ignore = "takes as long as it is asked to: tests/fuzz"]
fn for_as_long_as_it_is_asked_to() {
    let variable = |name: &str| std::env::var(name).ok();
    let seconds =
        variable("MOODRING_FUZZ_S").map_or(60, |text| text.parse().expect("a number of seconds"));
    let only = variable("MOODRING_FUZZ_TARGET");
    let seed = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("after 1970")
        .as_nanos() as u64;
    for target in targets::ALL {
        if only.as_deref().is_some_and(|only| only != target.name) {
            continue;
        }
        let end = Instant::now() + Duration::from_secs(seconds);
        let count = fuzz(target, seed, |_| Instant::now() < end);
        println!("{} {count}", target.name);
    }
}

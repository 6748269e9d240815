//! Any bytes: the parser must not panic, and what it lets through must run on every kernel with the same result.
//!
//! In firmware/nn: `cargo +nightly fuzz run parse --no-trace-compares -- -max_len=1024 -runs=10000000`, with
//! `--sanitizer none` before the dashes four times as fast. Inputs are whole files of small nets; the mutator (`mutate`)
//! knows where operators begin, and mends length and checksum, else no input would come far.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use moodring_nn::{Kernel, Model, Net};

mod mutate;

/// Larger nets only cost time.
const MOST_MACS: u64 = 3_000;
const MOST_BYTES: usize = 1 << 13;

/// Memory of a run.
#[derive(Default)]
struct Scratch {
    weights: Vec<u8>,
    arena: Vec<u8>,
    raw: Vec<i32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::parse(bytes) else {
        return;
    };
    let (width, height) = model.default_size();
    check(&model, width, height);
    if let Some(step) = model.size_step() {
        check(&model, step, 2 * step); // a size that nobody checked yet: it may be refused, not panic
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});

/// A fast kernel agrees with the plain loop; which one, the size decides, so that the same input does the same.
fn check(model: &Model<'_>, width: usize, height: usize) {
    let Ok(macs) = model.macs(width, height) else {
        return;
    };
    if macs > MOST_MACS {
        return;
    }
    let fast = Kernel::ALL
        .into_iter()
        .filter(|&kernel| kernel != Kernel::Scalar && kernel.is_available());
    let fast: Vec<Kernel> = fast.collect();
    let chosen = fast[macs as usize / 2 % fast.len()];
    SCRATCH.with_borrow_mut(|scratch| {
        if run(model, (width, height), Kernel::Scalar, scratch) {
            let truth = std::mem::take(&mut scratch.raw);
            assert!(
                run(model, (width, height), chosen, scratch),
                "weights too long"
            );
            assert_eq!(truth, scratch.raw, "{}", chosen.name());
        }
    });
}

/// Runs into `scratch.raw`; `false` if the net is too large to be worth it.
fn run(
    model: &Model<'_>,
    (width, height): (usize, usize),
    kernel: Kernel,
    scratch: &mut Scratch,
) -> bool {
    scratch.weights = vec![0xa5; model.weights_bytes(kernel)];
    let net = Net::new(
        model.clone(),
        width,
        height,
        kernel,
        &mut scratch.weights[..],
    )
    .expect("all was checked");
    let plan = net.plan();
    if plan.arena_bytes() > MOST_BYTES || plan.raw_len() > MOST_BYTES {
        return false;
    }
    let mut input = [0; MOST_BYTES];
    let input = &mut input[..plan.input_shape().len()];
    input
        .iter_mut()
        .enumerate()
        .for_each(|(index, byte)| *byte = (index * 37) as u8);
    // Exactly as long as promised, so that the address sanitizer sees one byte too far.
    scratch.arena = vec![0x5a; plan.arena_bytes()];
    scratch.raw.clear();
    scratch.raw.resize(plan.raw_len(), i32::MIN);
    net.run(input, &mut scratch.arena, &mut scratch.raw)
        .expect("all lengths are right");
    true
}

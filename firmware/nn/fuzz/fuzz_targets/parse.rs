//! Any bytes: the parser must not panic, and what it lets through must run on every kernel with the same result.
//!
//! `cargo +nightly fuzz run parse -- -runs=10000000` in firmware/nn. Inputs are whole files of small nets; the
//! mutator (`mutate`) knows where operators begin, and mends length and checksum, else no input would come far.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use moodring_nn::{Kernel, Model, Net};

mod mutate;

/// Larger nets only cost time.
const MOST_MACS: u64 = 20_000;
const MOST_BYTES: usize = 1 << 14;

/// Memory of a run, kept from input to input: what it held before must not matter.
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

/// All kernels agree with the plain loop.
fn check(model: &Model<'_>, width: usize, height: usize) {
    if !model
        .macs(width, height)
        .is_ok_and(|macs| macs <= MOST_MACS)
    {
        return;
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let mut truth = Vec::new();
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            if !run(model, (width, height), kernel, scratch) {
                return;
            }
            if kernel == Kernel::Scalar {
                truth.clone_from(&scratch.raw);
            }
            assert_eq!(truth, scratch.raw, "{}", kernel.name());
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
    let weights = model.weights_bytes(kernel);
    if weights > MOST_BYTES {
        return false;
    }
    scratch.weights.resize(weights, 0xa5);
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
    let mut arena = vec![0x5a; plan.arena_bytes()];
    std::mem::swap(&mut arena, &mut scratch.arena);
    scratch.raw.clear();
    scratch.raw.resize(plan.raw_len(), i32::MIN);
    net.run(input, &mut scratch.arena, &mut scratch.raw)
        .expect("all lengths are right");
    true
}

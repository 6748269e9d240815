//! What tests, benches and examples share.
#![allow(dead_code, missing_docs, unreachable_pub)] // each of them uses a part; none of it is published
#![allow(clippy::unwrap_used)] // as in any test

pub mod builder;
pub mod golden;
pub mod nets;

use builder::Random;
use moodring_nn::{Kernel, Model, Net};

/// Runs a net on a random picture and returns every output's integers, one after the other.
pub fn run(file: &[u8], (width, height): (usize, usize), kernel: Kernel, seed: u64) -> Vec<i32> {
    let model = Model::parse(file).unwrap();
    let mut random = Random(seed);
    let input: Vec<u8> = (0..width * height * model.channels())
        .map(|_| random.byte())
        .collect();
    run_on(model, (width, height), kernel, &input)
}

/// Runs a net on a picture. The buffers begin with rubbish: nothing may depend on what they hold.
pub fn run_on(
    model: Model<'_>,
    (width, height): (usize, usize),
    kernel: Kernel,
    input: &[u8],
) -> Vec<i32> {
    let weights = vec![0xa5; model.weights_bytes(kernel)];
    let net = Net::new(model, width, height, kernel, weights).unwrap();
    let mut arena = vec![0x5a; net.plan().arena_bytes()];
    let mut raw = vec![i32::MIN; net.plan().raw_len()];
    net.run(input, &mut arena, &mut raw).unwrap();
    raw
}

/// The kernels that this machine has, without the truth.
pub fn fast_kernels() -> impl Iterator<Item = Kernel> {
    Kernel::ALL
        .into_iter()
        .filter(|&kernel| kernel != Kernel::Scalar && kernel.is_available())
}

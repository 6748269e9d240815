//! Milliseconds per run of each kernel, interleaved round by round so that a busy machine disturbs all alike:
//! `cargo run --release -p moodring-nn --example kernel_speed -- [NET.moodnet ...]` (without files: two random nets).
//! `MOODRING_KERNEL=portable` measures that kernel alone, for tools that count the process's time from outside.

use std::time::{Duration, Instant};

use moodring_nn::{Kernel, Model, Net};

/// The same builder as the tests use.
#[path = "../tests/support/mod.rs"]
mod support;

/// Each kernel's runs per net; the scalar kernel gets a few.
const ROUNDS: usize = 101;
const SCALAR_ROUNDS: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut nets: Vec<(String, Vec<u8>)> = Vec::new();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        nets.push((path, bytes));
    }
    if nets.is_empty() {
        nets.push(("random detector".into(), support::nets::detector(1)));
        nets.push(("random classifier".into(), support::nets::classifier(1)));
    }
    for (name, file) in &nets {
        measure(name, file)?;
    }
    Ok(())
}

struct Runner<'m> {
    net: Net<'m, Vec<u8>>,
    arena: Vec<u8>,
    raw: Vec<i32>,
    times: Vec<Duration>,
}

fn measure(name: &str, file: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let model = Model::parse(file)?;
    let (width, height) = model.default_size();
    let macs = model.macs(width, height)?;
    let mut runners = Vec::new();
    let only = std::env::var("MOODRING_KERNEL").ok();
    let wanted = |kernel: &Kernel| {
        kernel.is_available() && only.as_ref().is_none_or(|name| kernel.name() == name)
    };
    for kernel in Kernel::ALL.into_iter().filter(wanted) {
        let weights = vec![0; model.weights_bytes(kernel)];
        let net = Net::new(model.clone(), width, height, kernel, weights)?;
        let (arena, raw) = (
            vec![0; net.plan().arena_bytes()],
            vec![0; net.plan().raw_len()],
        );
        runners.push(Runner {
            net,
            arena,
            raw,
            times: Vec::new(),
        });
    }
    let mut random = support::builder::Random(1);
    let input: Vec<u8> = (0..width * height * model.channels())
        .map(|_| random.byte())
        .collect();
    for round in 0..ROUNDS {
        for runner in &mut runners {
            if runner.net.kernel() == Kernel::Scalar && round >= SCALAR_ROUNDS {
                continue;
            }
            let start = Instant::now();
            runner.net.run(&input, &mut runner.arena, &mut runner.raw)?;
            runner.times.push(start.elapsed());
        }
    }
    let (file, arena) = (file.len() / 1024, runners[0].arena.len() / 1024);
    println!(
        "{name}: {width}x{height}, {:.1} MMAC, file {file} KiB, arena {arena} KiB",
        macs as f64 / 1e6
    );
    for runner in &mut runners {
        runner.times.sort();
        let median = runner.times[runner.times.len() / 2].as_secs_f64();
        let least = runner.times[0].as_secs_f64();
        let kernel = runner.net.kernel().name();
        let rate = macs as f64 / median / 1e9;
        println!(
            "  {kernel:9} median {:8.3} ms  least {:8.3} ms  {rate:7.1} GMAC/s",
            median * 1e3,
            least * 1e3
        );
        assert!(
            runner.raw.iter().any(|&value| value != 0),
            "a net that puts out nothing was not measured"
        );
    }
    Ok(())
}

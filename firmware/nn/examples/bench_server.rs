//! Our side of `models/bench`: runs a net when told to, so that another process can take turns with other engines.
//!
//! `bench_server NET.moodnet`; then line by line on the standard input: `picture FILE` (raw bytes) loads an input,
//! `run N` answers with N times in nanoseconds, `peak` with multiply-accumulates per nanosecond of nothing but dot
//! products, `outputs FILE` writes the last run's raw integers, little endian, and `facts` tells kernel and sizes.
//! `MOODRING_KERNEL` forces a kernel.

use std::io::BufRead;
use std::time::Instant;

use moodring_nn::{Kernel, Model, Net, dot_products};

/// Dot products per look at the clock: some 100 microseconds.
const PEAK_ROUNDS: u64 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which net?")?;
    let file = std::fs::read(path)?;
    let model = Model::parse(&file)?;
    let kernel = match std::env::var("MOODRING_KERNEL") {
        Ok(name) => Kernel::from_name(&name).ok_or("no such kernel")?,
        Err(_) => Kernel::best(),
    };
    let (width, height) = model.default_size();
    let macs = model.macs(width, height)?;
    let weights = vec![0; model.weights_bytes(kernel)];
    let weights_bytes = weights.len();
    let net = Net::new(model, width, height, kernel, weights)?;
    let (mut arena, mut raw) = (
        vec![0; net.plan().arena_bytes()],
        vec![0; net.plan().raw_len()],
    );
    let mut picture = vec![0; net.plan().input_shape().len()];
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("picture", path) => {
                picture = std::fs::read(path)?;
                println!("ok");
            }
            ("run", count) => {
                let times: Vec<String> = (0..count.parse::<usize>()?)
                    .map(|_| {
                        let start = Instant::now();
                        net.run(&picture, &mut arena, &mut raw)?;
                        Ok(start.elapsed().as_nanos().to_string())
                    })
                    .collect::<Result<_, moodring_nn::LengthError>>()?;
                println!("{}", times.join(" "));
            }
            ("outputs", path) => {
                let bytes: Vec<u8> = raw.iter().flat_map(|value| value.to_le_bytes()).collect();
                std::fs::write(path, bytes)?;
                println!("ok");
            }
            ("peak", _) => println!("{}", peak()),
            ("facts", _) => println!(
                "{} {macs} {} {weights_bytes} {}",
                kernel.name(),
                file.len(),
                arena.len()
            ),
            (other, _) => return Err(format!("{other}: no such command").into()),
        }
    }
    Ok(())
}

/// The best of several looks: whatever else runs only makes it slower. 0 where nothing is known.
fn peak() -> f64 {
    (0..50)
        .filter_map(|_| {
            let start = Instant::now();
            let macs = dot_products(PEAK_ROUNDS)?;
            Some(macs as f64 / start.elapsed().as_nanos() as f64)
        })
        .fold(0.0, f64::max)
}

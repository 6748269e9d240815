//! Runs a net some times on a computed picture and prints a checksum of its outputs, for tools that count what a
//! process did: `run_net NET.moodnet TIMES [operators]`, with the kernel in `MOODRING_KERNEL` or this machine's best.
//!
//! Before and after each run it calls `getppid`, which nothing else does here, so that the tool sees where a run begins
//! and ends; with `operators` after each operator too, and their list goes to the standard output.

use moodring_nn::{Kernel, Model, Net};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(times)) = (arguments.next(), arguments.next()) else {
        return Err("usage: run_net NET.moodnet TIMES [operators]".into());
    };
    let each = arguments.next().is_some_and(|word| word == "operators");
    let kernel = match std::env::var("MOODRING_KERNEL") {
        Ok(name) => Kernel::from_name(&name).ok_or("no such kernel")?,
        Err(_) => Kernel::best(),
    };
    let file = std::fs::read(path)?;
    let model = Model::parse(&file)?;
    let (width, height) = model.default_size();
    let weights = vec![0; model.weights_bytes(kernel)];
    let net = Net::new(model, width, height, kernel, weights)?;
    let picture: Vec<u8> = (0..net.plan().input_shape().len())
        .map(|i| (i * i / 251) as u8)
        .collect();
    let mut arena = vec![0; net.plan().arena_bytes()];
    let mut raw = vec![0; net.plan().raw_len()];
    let mut steps = Vec::new();
    for _ in 0..times.parse()? {
        steps.clear();
        mark();
        net.run_with_observer(&picture, &mut arena, &mut raw, |step| {
            if each {
                mark();
                steps.push(step);
            }
        })?;
        mark();
    }
    for step in &steps {
        let (shape, operator) = (step.shape, step.operator);
        println!(
            "operator {} {}x{}x{} {}",
            operator.replace(' ', "-"),
            shape.rows,
            shape.columns,
            shape.channels,
            step.macs
        );
    }
    let sum = raw.iter().fold(0_i32, |sum, &value| {
        sum.wrapping_mul(31).wrapping_add(value)
    });
    println!("{} {width}x{height} {sum:08x}", kernel.name());
    Ok(())
}

/// What the counting tool sees.
fn mark() {
    let _ = std::os::unix::process::parent_id();
}

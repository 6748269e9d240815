//! Runs a net some times on a computed picture and prints a checksum of its outputs, for tools that count what a
//! process did: `run_net NET.moodnet TIMES`, with the kernel in `MOODRING_KERNEL` or this machine's best.

use moodring_nn::{Kernel, Model, Net};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(times)) = (arguments.next(), arguments.next()) else {
        return Err("usage: run_net NET.moodnet TIMES".into());
    };
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
    for _ in 0..times.parse()? {
        net.run(&picture, &mut arena, &mut raw)?;
    }
    let sum = raw.iter().fold(0_i32, |sum, &value| {
        sum.wrapping_mul(31).wrapping_add(value)
    });
    println!("{} {width}x{height} {sum:08x}", kernel.name());
    Ok(())
}

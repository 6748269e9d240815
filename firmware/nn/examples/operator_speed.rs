//! What each operator of a net costs with one kernel: median microseconds and multiply-accumulates per nanosecond.
//! `MOODRING_KERNEL=avx2 cargo run --release -p moodring-nn --example operator_speed -- NET.moodnet [ROUNDS]`

use std::time::Instant;

use moodring_nn::{Kernel, Model, Net, Step};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which net?")?;
    let rounds: usize = arguments.next().map_or(Ok(201), |rounds| rounds.parse())?;
    let kernel = match std::env::var("MOODRING_KERNEL") {
        Ok(name) => Kernel::from_name(&name).ok_or("no such kernel")?,
        Err(_) => Kernel::best(),
    };
    let file = std::fs::read(path)?;
    let model = Model::parse(&file)?;
    let (width, height) = model.default_size();
    let weights = vec![0; model.weights_bytes(kernel)];
    let net = Net::new(model, width, height, kernel, weights)?;
    let (mut arena, mut raw) = (
        vec![0; net.plan().arena_bytes()],
        vec![0; net.plan().raw_len()],
    );
    let input: Vec<u8> = (0..net.plan().input_shape().len())
        .map(|index| (index * 37) as u8)
        .collect();

    let mut steps: Vec<(Step, Vec<f64>)> = Vec::new();
    for _ in 0..rounds {
        let mut start = Instant::now();
        net.run_with_observer(&input, &mut arena, &mut raw, |step| {
            if step.number == steps.len() {
                steps.push((step, Vec::new()));
            }
            steps[step.number]
                .1
                .push(start.elapsed().as_secs_f64() * 1e6);
            start = Instant::now();
        })?;
    }
    print(&mut steps);
    Ok(())
}

fn print(steps: &mut [(Step, Vec<f64>)]) {
    let mut total = 0.0;
    println!("  no  operator     rows x cols x ch      us   MAC/ns");
    for (step, times) in steps.iter_mut() {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        total += median;
        let (shape, rate) = (step.shape, step.macs as f64 / median / 1e3);
        println!(
            "{:4}  {:10} {:5} x{:4} x{:4} {median:9.2} {rate:7.1}",
            step.number, step.operator, shape.rows, shape.columns, shape.channels
        );
    }
    println!("{:>40} {total:8.1}", "all");
}

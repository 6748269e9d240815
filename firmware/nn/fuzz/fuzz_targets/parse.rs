//! Any bytes: the parser must not panic, and what it lets through must run on every kernel with the same result.
//! Length and checksum are mended first, else no input would come past them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use moodring_nn::{Kernel, Model, Net};

/// The builder's checksum.
#[path = "../../tests/support/builder.rs"]
#[allow(dead_code, unreachable_pub)]
mod builder;

/// Larger nets only cost time.
const MOST_MACS: u64 = 200_000;
const MOST_ARENA: usize = 1 << 18;

fuzz_target!(|bytes: &[u8]| {
    let mut file = b"moodnet1\0\0\0\0\0\0\0\0".to_vec();
    file.extend(bytes);
    let length = (file.len() as u32).to_le_bytes();
    file[8..12].copy_from_slice(&length);
    let crc = builder::crc32(&file[16..]).to_le_bytes();
    file[12..16].copy_from_slice(&crc);
    let Ok(model) = Model::parse(&file) else { return };
    let (width, height) = model.default_size();
    if model.macs(width, height).expect("the default size was checked") > MOST_MACS {
        return;
    }
    let mut truth = None;
    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
        let weights = vec![0; model.weights_bytes(kernel)];
        let net = Net::new(model.clone(), width, height, kernel, weights).expect("all was checked");
        let plan = net.plan();
        if plan.arena_bytes() > MOST_ARENA || plan.raw_len() > MOST_ARENA {
            return;
        }
        let input: Vec<u8> = (0..plan.input_shape().len()).map(|index| (index * 37) as u8).collect();
        let (mut arena, mut raw) = (vec![0; plan.arena_bytes()], vec![0; plan.raw_len()]);
        net.run(&input, &mut arena, &mut raw).expect("all lengths are right");
        assert_eq!(truth.get_or_insert(raw.clone()), &raw, "{}", kernel.name());
    }
});

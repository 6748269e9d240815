//! Every kernel equals the plain loop bit for bit: each operator on awkward shapes, and whole random nets.

mod support;

use moodring_nn::{Kernel, Model, Net, NetError};
use proptest::prelude::*;
use support::builder::{Builder, Tail};
use support::{fast_kernels, nets, run};

/// A free-size net that brings `channels` to a single operator under test, fed by a 1x1 convolution.
fn around(
    seed: u64,
    channels: usize,
    operator: impl FnOnce(&mut Builder, usize) -> usize,
) -> Vec<u8> {
    let mut net = Builder::new(
        seed,
        1,
        if seed.is_multiple_of(2) { 1 } else { 3 },
        (8, 8),
        1,
    );
    // Where the operator can read the picture itself, it shall: a border around the input is a case of its own.
    let x = if channels == net.channels(0) {
        0
    } else {
        // After a ReLU the border holds 0, and kernels may leave it out.
        let tail = [Tail::Signed, Tail::Relu][seed as usize / 2 % 2];
        net.conv(0, channels, 1, 1, tail)
    };
    let y = operator(&mut net, x);
    if !net.is_output(y) {
        net.output(y);
    }
    net.finish()
}

fn check(file: &[u8], size: (usize, usize), seed: u64) -> Result<(), TestCaseError> {
    let truth = run(file, size, Kernel::Scalar, seed);
    for kernel in fast_kernels() {
        prop_assert!(
            run(file, size, kernel, seed) == truth,
            "{} on {:?}",
            kernel.name(),
            size
        );
    }
    Ok(())
}

fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![
        Just(1),
        Just(3),
        Just(5),
        Just(16),
        Just(17),
        Just(40),
        Just(64),
        1..80usize
    ]
}

fn tail() -> impl Strategy<Value = Tail> {
    prop_oneof![
        Just(Tail::Relu),
        Just(Tail::Signed),
        Just(Tail::Wild),
        Just(Tail::Large),
        Just(Tail::Raw)
    ]
}

fn kernel() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1), Just(3)]
}

/// `PROPTEST_CASES` where an emulator needs half a second for each.
fn cases() -> u32 {
    let given = std::env::var("PROPTEST_CASES").ok();
    given.and_then(|cases| cases.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn conv_equals_the_plain_loop(
        seed: u64, inputs in channels(), outputs in channels(), kernel in kernel(), stride in 1..=2usize,
        tail in tail(), size in (1..30usize, 1..6usize),
    ) {
        let file = around(seed, inputs, |net, x| net.conv(x, outputs, kernel, stride, tail));
        check(&file, size, seed)?;
    }

    #[test]
    fn depthwise_equals_the_plain_loop(
        seed: u64, channels in channels(), kernel in kernel(), stride in 1..=2usize, tail in tail(),
        size in (1..20usize, 1..6usize),
    ) {
        let file = around(seed, channels, |net, x| net.depthwise(x, kernel, stride, tail));
        check(&file, size, seed)?;
    }

    #[test]
    fn add_equals_the_plain_loop(seed: u64, channels in channels(), size in (1..20usize, 1..6usize)) {
        let file = around(seed, channels, |net, x| {
            let other = net.conv(x, channels, 1, 1, Tail::Signed);
            net.add(x, other)
        });
        check(&file, size, seed)?;
    }

    #[test]
    fn chains_of_all_operators_equal_the_plain_loop(seed: u64, width in 4..20usize, height in 4..12usize) {
        let file = chain(seed);
        check(&file, (width * 4, height * 4), seed)?;
    }
}

/// Twenty random operators, each on a random earlier tensor of its size; the last of each size is an output.
fn chain(seed: u64) -> Vec<u8> {
    let mut net = Builder::new(seed, 2, if seed & 1 == 0 { 1 } else { 3 }, (16, 16), 4);
    let mut random = support::builder::Random(seed ^ 1);
    let mut levels = vec![0_usize]; // times that each tensor was halved
    for _ in 0..20 {
        let x = random.within(0, levels.len() as i64 - 1) as usize;
        let tail = [Tail::Relu, Tail::Signed, Tail::Wild][random.within(0, 2) as usize];
        let out = random.within(1, 40) as usize;
        let kernel = [1, 3][random.within(0, 1) as usize];
        let twin = (0..levels.len())
            .rev()
            .find(|&t| levels[t] == levels[x] && net.channels(t) == net.channels(x));
        let level = levels[x];
        let level = match random.within(0, 6) {
            0 if level < 2 => {
                net.conv(x, out, kernel, 2, tail);
                level + 1
            }
            1 => {
                net.depthwise(x, kernel, 1, tail);
                level
            }
            2 => {
                net.add(x, twin.unwrap_or(x));
                level
            }
            3 if level < 2 => {
                net.pool(x);
                level + 1
            }
            4 if level > 0 => {
                net.upsample(x);
                level - 1
            }
            _ => {
                net.conv(x, out, kernel, 1, tail);
                level
            }
        };
        levels.push(level);
    }
    for level in 0..3 {
        if let Some(last) = (1..levels.len()).rev().find(|&t| levels[t] == level) {
            net.output(last);
            net.conv(last, 7, 3, 1, Tail::Raw);
        }
    }
    net.finish()
}

#[test]
fn realistic_nets_equal_the_plain_loop() {
    for (file, size) in [
        (nets::classifier(7), (48, 48)),
        (nets::detector(7), (96, 64)),
    ] {
        let truth = run(&file, size, Kernel::Scalar, 1);
        assert!(
            truth.iter().any(|&value| value != truth[0]),
            "a constant net proves nothing"
        );
        for kernel in fast_kernels() {
            assert!(
                run(&file, size, kernel, 1) == truth,
                "{} differs",
                kernel.name()
            );
        }
    }
}

#[test]
fn kernels_have_names() {
    for kernel in Kernel::ALL {
        assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
    }
    assert_eq!(Kernel::from_name("fast"), None);
    assert!(Kernel::best().is_available());
}

/// Where the processor is known, so are its kernels: `tests/arm` names them, so that none can be missed in silence.
#[test]
fn kernels_of_a_known_processor() {
    let available = Kernel::ALL
        .into_iter()
        .filter(|kernel| kernel.is_available());
    let names: Vec<_> = available.map(Kernel::name).collect();
    assert_eq!(Some(&Kernel::best().name()), names.last());
    if let Ok(expected) = std::env::var("MOODRING_TEST_KERNELS") {
        assert_eq!(names.join(" "), expected);
    }
}

/// The standard library knows the processor by other means.
#[test]
fn processor_is_known_as_std_knows_it() {
    let known = |kernel: Kernel, std: bool| {
        assert_eq!(kernel.is_available(), std, "{}", kernel.name());
    };
    #[cfg(target_arch = "x86_64")]
    {
        use std::is_x86_feature_detected as has;
        known(Kernel::Avx2, has!("avx2"));
        known(Kernel::AvxVnni, has!("avx2") && has!("avxvnni"));
        let avx512 = has!("avx512f") && has!("avx512bw") && has!("avx512vl");
        known(Kernel::Vnni, avx512 && has!("avx512vnni"));
        known(Kernel::Neon, false);
    }
    #[cfg(target_arch = "aarch64")]
    {
        use std::arch::is_aarch64_feature_detected as has;
        known(Kernel::Neon, has!("neon"));
        known(Kernel::Dotprod, has!("dotprod"));
        known(Kernel::I8mm, has!("i8mm"));
        known(Kernel::Avx2, false);
    }
}

#[test]
fn kernel_of_another_machine_is_refused() {
    let file = nets::classifier(1);
    for kernel in Kernel::ALL {
        let net = Net::new(
            Model::parse(&file).unwrap(),
            48,
            48,
            kernel,
            vec![0; 1 << 21],
        );
        match net {
            Ok(net) => assert!(net.kernel().is_available()),
            Err(error) => assert_eq!((error, kernel.is_available()), (NetError::Kernel, false)),
        }
    }
}

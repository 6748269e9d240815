//! The parser: no bytes make it panic, every rule has a case that breaks it, and what it lets through runs.

mod support;

use moodring_nn::{Fault, FormatError, Kernel, Kind, Model, Net, NetError, Plan, PlanError};
use proptest::prelude::*;
use support::builder::{Builder, Tail, crc32};
use support::nets;

/// Sets a word's bytes and mends the checksum, so that the rule behind it is what fails.
fn with(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    mend(&mut file);
    file
}

fn mend(file: &mut [u8]) {
    let length = (file.len() as u32).to_le_bytes();
    file[8..12].copy_from_slice(&length);
    let crc = crc32(&file[16..]).to_le_bytes();
    file[12..16].copy_from_slice(&crc);
}

fn error(file: &[u8]) -> FormatError {
    Model::parse(file)
        .map(|_| ())
        .expect_err("a rule is broken")
}

fn fault(file: &[u8]) -> Fault {
    match error(file) {
        FormatError::Operator { number: 0, fault } => fault,
        other => panic!("{other:?}"),
    }
}

/// One 1x1 convolution from 1 to 2 channels, not raw, an output; no notes: the operator begins at 68.
fn small() -> Vec<u8> {
    let mut net = Builder::new(1, 1, 1, (8, 8), 1);
    let y = net.conv(0, 2, 1, 1, Tail::Signed);
    net.output(y);
    net.finish()
}

const OPERATOR: usize = 68;
const WEIGHTS: usize = OPERATOR + 20;
const BIAS: usize = WEIGHTS + 4;
const M: usize = BIAS + 8;
const S: usize = M + 8;

#[test]
fn header_is_strict() {
    let file = small();
    assert!(Model::parse(&file).is_ok());
    assert_eq!(error(&[]), FormatError::TooShort);
    assert_eq!(error(&file[..63]), FormatError::TooShort);
    assert_eq!(error(b"RIFF").to_string(), "the file ends too early");
    assert_eq!(error(&with(&file, 0, b"moodnet2")), FormatError::Magic);
    assert_eq!(error(&file[..file.len() - 4]), FormatError::Length);
    let mut damaged = file.clone();
    damaged[WEIGHTS] ^= 1;
    assert_eq!(error(&damaged), FormatError::Checksum);
    for (at, value, field) in [
        (16, 3, "kind"),
        (20, 2, "input channels"),
        (24, 0, "width"),
        (28, 9999, "height"),
        (32, 3, "size step"),
        (36, 256, "input zero point"),
        (40, f32::NAN.to_bits(), "input scale"),
        (40, 0, "input scale"),
        (44, 97, "number of operators"),
        (48, 0, "number of outputs"),
        (56, 1, "reserved"),
    ] {
        assert_eq!(
            error(&with(&file, at, &value.to_le_bytes())),
            FormatError::Header(field)
        );
    }
    assert_eq!(error(&with(&file, 52, &[255])), FormatError::TooShort);
    assert_eq!(error(&with(&file, 64, &[2])), FormatError::Output);
    assert_eq!(error(&with(&file, 64, &[0])), FormatError::Output);
    let mut longer = file.clone();
    longer.extend([0; 4]);
    mend(&mut longer);
    assert_eq!(error(&longer), FormatError::Trailing);
}

#[test]
fn operators_are_strict() {
    let file = small();
    let at = |offset: usize, bytes: &[u8]| fault(&with(&file, OPERATOR + offset, bytes));
    assert_eq!(at(0, &[9]), Fault::Code);
    assert_eq!(at(1, &[2]), Fault::Form);
    assert_eq!(at(2, &[0]), Fault::Form);
    assert_eq!(at(3, &[2]), Fault::Form);
    assert_eq!(at(4, &[1]), Fault::Input, "reads itself");
    assert_eq!(at(6, &[0, 0]), Fault::Input, "has a second input");
    assert_eq!(at(8, &[0, 0]), Fault::Channels);
    assert_eq!(at(8, &[0, 255]), Fault::Channels);
    assert_eq!(
        at(0, &[2]),
        Fault::Channels,
        "depthwise from 1 to 2 channels"
    );
    assert_eq!(at(11, &[9, 8]), Fault::Quant);
    assert_eq!(at(13, &[1]), Fault::Reserved);
    assert_eq!(at(16, &f32::INFINITY.to_le_bytes()), Fault::Quant);
    assert_eq!(at(3, &[1]), Fault::Quant, "raw with a scale");
    let word = |at, value: i32| fault(&with(&file, at, &value.to_le_bytes()));
    assert_eq!(fault(&with(&file, WEIGHTS, &[0x80])), Fault::Weight);
    assert_eq!(fault(&with(&file, WEIGHTS + 2, &[1])), Fault::Reserved);
    assert_eq!(word(BIAS, i32::MAX), Fault::Overflow);
    assert_eq!(word(BIAS + 4, i32::MIN), Fault::Overflow);
    assert_eq!(word(M, (1 << 30) - 1), Fault::Multiplier);
    assert_eq!(word(M + 4, -1), Fault::Multiplier);
    assert_eq!(word(S, 0), Fault::Multiplier);
    assert_eq!(word(S + 4, 63), Fault::Multiplier);
    let mut short = file[..file.len() - 4].to_vec();
    mend(&mut short);
    assert_eq!(fault(&short), Fault::TooShort);
}

#[test]
fn accumulator_bound_is_exact() {
    let mut file = small();
    file[36] = 0; // zero point: the largest factor is 255
    file[WEIGHTS] = 127;
    let largest = i32::MAX - 127 * 255;
    let fits = with(&file, BIAS, &largest.to_le_bytes());
    assert!(Model::parse(&fits).is_ok());
    assert_eq!(
        fault(&with(&file, BIAS, &(largest + 1).to_le_bytes())),
        Fault::Overflow
    );
}

#[test]
fn graph_is_strict() {
    let mut net = Builder::new(1, 1, 1, (8, 8), 0);
    let half = net.pool(0);
    let y = net.add(0, half);
    net.output(y);
    let broken = FormatError::Operator {
        number: 1,
        fault: Fault::Shape,
    };
    assert_eq!(error(&net.finish()), broken);

    let mut net = Builder::new(1, 1, 1, (8, 8), 0);
    let raw = net.conv(0, 4, 1, 1, Tail::Raw);
    net.pool(raw);
    let broken = FormatError::Operator {
        number: 1,
        fault: Fault::Input,
    };
    assert_eq!(error(&net.finish()), broken);

    let mut net = Builder::new(1, 1, 1, (8, 8), 8);
    let y = net.gap(0, 64);
    net.output(y);
    let broken = FormatError::Operator {
        number: 0,
        fault: Fault::FreeSize,
    };
    assert_eq!(error(&net.finish()), broken);

    let mut net = Builder::new(1, 1, 1, (1, 1), 0);
    let y = net.pool(0);
    net.output(y);
    let broken = FormatError::Operator {
        number: 0,
        fault: Fault::Shape,
    };
    assert_eq!(error(&net.finish()), broken);
}

#[test]
fn accessors_read_the_file() {
    let file = nets::classifier(1);
    let model = Model::parse(&file).unwrap();
    assert_eq!((model.kind(), model.channels()), (Kind::Classifier, 1));
    assert_eq!((model.default_size(), model.size_step()), ((48, 48), None));
    assert_eq!(model.note("temperature"), Some("1.0"));
    assert_eq!(model.note("threshold"), None);
    assert_eq!(
        model.labels().collect::<Vec<_>>().join(" "),
        "angry disgust fear happy sad surprise neutral"
    );
    let weights = [
        9 * 16,
        9 * 16 * 32,
        9 * 32 * 64,
        9 * 64 * 64,
        9 * 64 * 64,
        9 * 64 * 128,
        128 * 128,
        128 * 7,
    ];
    let pixels = [48 * 48, 24 * 24, 24 * 24, 144, 144, 144, 36, 1];
    let macs = weights
        .iter()
        .zip(pixels)
        .map(|(weights, pixels)| weights * pixels)
        .sum::<u64>();
    assert_eq!(model.macs(48, 48), Ok(macs));
    assert_eq!(model.macs(48, 47), Err(PlanError::Size));
}

#[test]
fn wrong_lengths_are_named() {
    let file = nets::classifier(1);
    let model = Model::parse(&file).unwrap();
    let kernel = Kernel::Portable;
    let short = vec![0; model.weights_bytes(kernel) - 1];
    let refused = Net::new(model.clone(), 48, 48, kernel, short)
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(refused, NetError::Weights(error) if error.buffer == "weights"));

    let net = Net::new(model, 48, 48, Kernel::Scalar, []).unwrap();
    let (bytes, values) = (net.plan().arena_bytes(), net.plan().raw_len());
    let buffer = |input: usize, arena: usize, raw: usize| {
        net.run(&vec![0; input], &mut vec![0; arena], &mut vec![0; raw])
            .err()
            .map(|error| error.buffer)
    };
    assert_eq!(buffer(48 * 48, bytes, values), None);
    assert_eq!(buffer(48 * 48 - 1, bytes, values), Some("input"));
    assert_eq!(buffer(48 * 48 + 1, bytes, values), Some("input"));
    assert_eq!(buffer(48 * 48, bytes - 1, values), Some("arena"));
    assert_eq!(buffer(48 * 48, bytes, values - 1), Some("raw"));
}

/// A small net with every operator, so that mutations reach all of the parser.
fn every_operator() -> Vec<u8> {
    let mut net = Builder::new(5, 1, 1, (12, 12), 0);
    net.note("name", "all");
    let x = net.conv(0, 5, 3, 2, Tail::Wild);
    let y = net.depthwise(x, 3, 1, Tail::Relu);
    let x = net.add(x, y);
    let y = net.pool(x);
    let y = net.upsample(y);
    let x = net.add(x, y);
    let x = net.gap(x, 36);
    net.conv(x, 7, 1, 1, Tail::Raw);
    net.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut file = every_operator();
        for (place, value) in changes {
            let place = place.index(file.len() - 16) + 16;
            file[place] = value;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len() - 16) + 16);
        }
        mend(&mut file);
        if let Ok(model) = Model::parse(&file) {
            let (width, height) = model.default_size();
            let kernel = Kernel::best();
            let weights = vec![0; model.weights_bytes(kernel)];
            let net = Net::new(model, width, height, kernel, weights).unwrap();
            if net.plan().arena_bytes() < 1 << 22 {
                let input = vec![7; net.plan().input_shape().len()];
                let (mut arena, mut raw) = (vec![0; net.plan().arena_bytes()], vec![0; net.plan().raw_len()]);
                prop_assert!(net.run(&input, &mut arena, &mut raw).is_ok());
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(mut tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut file = b"moodnet1\0\0\0\0\0\0\0\0".to_vec();
        file.append(&mut tail);
        mend(&mut file);
        prop_assert!(Model::parse(&file).is_err());
    }
}

#[test]
fn tensors_share_the_arena() {
    let file = nets::detector(1);
    let model = Model::parse(&file).unwrap();
    let plan = Plan::new(&model, 320, 256).unwrap();
    // The first two convolutions' outputs, each with its border, are needed at once; the rest fits into their place.
    let needed = 162 * 130 * 16 + 82 * 66 * 16;
    assert!(
        (needed..needed + 1024).contains(&plan.arena_bytes()),
        "{}",
        plan.arena_bytes()
    );
}

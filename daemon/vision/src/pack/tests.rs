//! Packs our own files (equal byte for byte) and those of ONNX Runtime's quantizer (equal in what they compute);
//! refusals name the node.

use std::path::{Path, PathBuf};

use moodring_nn::{Kernel, Model, Net};
use proptest::prelude::*;
use prost::Message;

use super::{PackOptions, pack};
use crate::onnx_file::proto;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// A file beside the tests, made by `python -m models.train.common.make_pack_nets`.
fn data(name: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/data/pack", name]
        .iter()
        .collect();
    std::fs::read(path).unwrap()
}

fn normalised() -> PackOptions {
    PackOptions {
        normalised: Some((127.5, 127.5)),
        ..PackOptions::default()
    }
}

/// What went wrong with a file that `change` was done to.
fn refusal(name: &str, wanted: &PackOptions, change: impl FnOnce(&mut proto::Graph)) -> String {
    let mut model = proto::Model::decode(data(name).as_slice()).unwrap();
    change(model.graph.as_mut().unwrap());
    pack(&model.encode_to_vec(), wanted)
        .unwrap_err()
        .to_string()
}

fn node<'g>(graph: &'g mut proto::Graph, kind: &str) -> &'g mut proto::Node {
    graph
        .nodes
        .iter_mut()
        .find(|node| node.kind == kind)
        .unwrap()
}

fn constant<'g>(graph: &'g mut proto::Graph, name: &str) -> &'g mut proto::Tensor {
    graph.constants.iter_mut().find(|c| c.name == name).unwrap()
}

#[test]
fn the_built_in_nets_follow_from_their_onnx_files() {
    for (name, packed) in [
        ("detector", moodring_models::DETECTOR),
        ("classifier", moodring_models::CLASSIFIER),
    ] {
        let onnx = std::fs::read(root().join(format!("models/weights/{name}.onnx"))).unwrap();
        let ours = pack(&onnx, &PackOptions::default()).unwrap();
        assert!(
            ours == packed,
            "{name}.moodnet is not what `moodring model pack` makes of {name}.onnx: export both by one command"
        );
    }
}

/// The reals that a packed net computes, all outputs one after the other.
fn run(packed: &[u8], picture: &[u8]) -> Vec<f32> {
    let model = Model::parse(packed).unwrap();
    let (width, height) = model.default_size();
    let weights = vec![0; model.weights_bytes(Kernel::best())];
    let net = Net::new(model, width, height, Kernel::best(), weights).unwrap();
    let (mut arena, mut raw) = (
        vec![0; net.plan().arena_bytes()],
        vec![0; net.plan().raw_len()],
    );
    let outputs = net.run(picture, &mut arena, &mut raw).unwrap();
    outputs
        .iter()
        .flat_map(|output| output.reals().collect::<Vec<_>>())
        .collect()
}

/// A picture, and what ONNX Runtime computes from it: by the quantized net, and by the float net.
fn vector(name: &str, picture: usize) -> (Vec<u8>, Vec<f32>, Vec<f32>) {
    let mut picture_bytes = data(name);
    let (reals, _) = picture_bytes[picture..].as_chunks();
    let reals: Vec<_> = reals.iter().map(|b| f32::from_le_bytes(*b)).collect();
    picture_bytes.truncate(picture);
    let (quantized, float) = reals.split_at(reals.len() / 2);
    (picture_bytes, quantized.to_vec(), float.to_vec())
}

/// Root of the mean square difference, as a share of the second's standard deviation.
fn apart(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let mean = theirs.iter().sum::<f32>() / theirs.len() as f32;
    let square = |(a, b): (&f32, &f32)| (a - b).powi(2);
    let difference: f32 = ours.iter().zip(theirs).map(square).sum();
    let spread: f32 = theirs.iter().map(|b| (b - mean).powi(2)).sum();
    (difference / spread).sqrt()
}

#[test]
fn a_quantized_yunet_computes_what_onnx_runtime_does() {
    let (picture, quantized, float) = vector("yunet.bin", 64 * 64 * 3);
    let packed = pack(&data("yunet.onnx"), &PackOptions::default()).unwrap();
    let mut ours = run(&packed, &picture);
    for cell in ours.chunks_mut(16) {
        for score in &mut cell[..2] {
            *score = 1.0 / (1.0 + (-*score).exp());
        }
    }
    // ONNX Runtime's come kind by kind, ours cell by cell.
    let theirs = |reals: &[f32]| {
        let (mut by_kind, mut rest) = (Vec::new(), reals);
        for values in [1, 1, 4, 10] {
            for cells in [64, 16, 4] {
                let (own, others) = rest.split_at(cells * values);
                by_kind.push((values, own.to_vec()));
                rest = others;
            }
        }
        let mut cells = Vec::new();
        for (stride, count) in [64, 16, 4].into_iter().enumerate() {
            for cell in 0..count {
                for (values, kind) in by_kind.iter().skip(stride).step_by(3) {
                    cells.extend_from_slice(&kind[cell * values..(cell + 1) * values]);
                }
            }
        }
        cells
    };
    let (quantized, float) = (theirs(&quantized), theirs(&float));
    let (from_quantized, from_float) = (apart(&ours, &quantized), apart(&ours, &float));
    let theirs_from_float = apart(&quantized, &float);
    eprintln!(
        "from ONNX Runtime's int8 {from_quantized}, float {from_float}; its own {theirs_from_float}"
    );
    assert!(from_quantized < 0.02, "{from_quantized}");
    assert!(
        from_float < theirs_from_float * 1.1,
        "{from_float} {theirs_from_float}"
    );
}

#[test]
fn a_quantized_classifier_computes_what_onnx_runtime_does() {
    let (picture, quantized, float) = vector("classes.bin", 24 * 24);
    let logits = run(
        &pack(&data("classes.onnx"), &normalised()).unwrap(),
        &picture,
    );
    let total: f32 = logits.iter().map(|l| l.exp()).sum();
    let ours: Vec<_> = logits.iter().map(|l| l.exp() / total).collect();
    eprintln!("{ours:?}\n{quantized:?}\n{float:?}");
    assert!(apart(&ours, &float) < 0.05 && apart(&ours, &quantized) < 0.05);
}

#[test]
fn size_step_and_notes_can_be_set() {
    let wanted = PackOptions {
        size_px: Some((96, 64)),
        step_px: Some(32),
        notes: vec![("threshold".into(), "0.6".into())],
        ..PackOptions::default()
    };
    let packed = pack(&data("yunet.onnx"), &wanted).unwrap();
    let model = Model::parse(&packed).unwrap();
    assert_eq!(
        (model.default_size(), model.size_step()),
        ((96, 64), Some(32))
    );
    assert_eq!(model.notes().collect::<Vec<_>>(), [("threshold", "0.6")]);
}

#[test]
fn refusals_name_the_node_and_what_is_accepted() {
    let plain = PackOptions::default();
    let unknown = refusal("yunet.onnx", &plain, |graph| {
        node(graph, "Conv").kind = "Tanh".into()
    });
    assert!(
        unknown.contains("`conv3`") && unknown.contains("(Tanh)"),
        "{unknown}"
    );
    assert!(
        unknown.contains("does not have") && unknown.contains("MaxPool"),
        "{unknown}"
    );

    let pooled = refusal("yunet.onnx", &plain, |graph| {
        let kernel = node(graph, "MaxPool")
            .attributes
            .iter_mut()
            .find(|a| a.name == "kernel_shape");
        kernel.unwrap().ints = vec![3, 3];
    });
    assert!(
        pooled.contains("[3, 3]") && pooled.contains("2x2, stride 2"),
        "{pooled}"
    );

    let padded = refusal("yunet.onnx", &plain, |graph| {
        let pads = node(graph, "Conv")
            .attributes
            .iter_mut()
            .find(|a| a.name == "pads");
        pads.unwrap().ints = vec![0, 0, 1, 1];
    });
    assert!(padded.contains("padding [0, 0, 1, 1]"), "{padded}");

    let normalised = refusal("classes.onnx", &plain, |_| ());
    assert!(
        normalised.contains("-1.00 to 1.00") && normalised.contains("--mean"),
        "{normalised}"
    );

    let cut = refusal("classes.onnx", &plain, |graph| {
        graph.outputs[0].name = "input".into()
    });
    assert!(cut.contains("Accepted"), "{cut}");
}

#[test]
fn weights_must_be_symmetric() {
    let mut names = Vec::new();
    let find = |graph: &mut proto::Graph| graph.constants.iter().map(|c| c.name.clone()).collect();
    refusal("classes.onnx", &PackOptions::default(), |graph| {
        names = find(graph)
    });
    let weight = names.iter().find(|n| n.ends_with("_quantized")).unwrap();
    let lowest = refusal("classes.onnx", &normalised(), |g| {
        constant(g, weight).raw[0] = 0x80
    });
    assert!(lowest.contains("-128"), "{lowest}");
    let zero = weight.replace("_quantized", "_zero_point");
    let shifted = refusal("classes.onnx", &normalised(), |g| {
        let zero = constant(g, &zero);
        (zero.raw, zero.ints) = (
            Vec::new(),
            vec![3; zero.dims.first().map_or(1, |&d| d as usize)],
        );
    });
    assert!(
        shifted.contains("zero point") && shifted.contains("QInt8"),
        "{shifted}"
    );
}

#[test]
fn other_files_are_refused_with_what_is_expected() {
    for bytes in [&b"not a net"[..], moodring_models::CLASSIFIER, b""] {
        let error = pack(bytes, &PackOptions::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("not an ONNX file"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// No bytes make it panic, and nothing comes out that the engine would refuse.
    #[test]
    fn damaged_files_are_errors(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(), whole in any::<bool>()) {
        let mut bytes = data("classes.onnx");
        for (place, byte) in changes {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(packed) = pack(&bytes, &normalised()) {
            prop_assert!(Model::parse(&packed).is_ok());
        }
    }
}

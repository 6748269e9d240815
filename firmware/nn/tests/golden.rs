//! Every kernel gives exactly the integers of the training scripts' slow reference, for small nets of all operators and
//! for the trained nets.
#![allow(clippy::unwrap_used)] // clippy's own exception for tests leaves out their helpers

mod support;

use std::path::{Path, PathBuf};

use moodring_nn::{Kernel, Model, Net};
use support::golden;

/// Runs all vectors of one net through all kernels; returns how many there were.
fn check(net: &Path, golden: &Path) -> usize {
    let file = std::fs::read(net).unwrap();
    let model = Model::parse(&file).unwrap_or_else(|error| panic!("{}: {error}", net.display()));
    let (crc, vectors) = golden::read(&std::fs::read(golden).unwrap());
    assert_eq!(
        crc.to_le_bytes(),
        file[12..16],
        "{}: vectors of another net",
        golden.display()
    );
    for (index, vector) in vectors.iter().enumerate() {
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.is_available())
        {
            let name = format!("{} {index} {}", net.display(), kernel.name());
            compare(&name, &model, kernel, vector);
        }
    }
    vectors.len()
}

fn compare(name: &str, model: &Model<'_>, kernel: Kernel, vector: &golden::Vector) {
    let weights = vec![0; model.weights_bytes(kernel)];
    let (width, height) = vector.size;
    assert_eq!(vector.channels, model.channels(), "{name}");
    let net = Net::new(model.clone(), width, height, kernel, weights).unwrap();
    let (mut arena, mut raw) = (
        vec![0; net.plan().arena_bytes()],
        vec![0; net.plan().raw_len()],
    );
    let outputs = net.run(&vector.picture, &mut arena, &mut raw).unwrap();
    assert_eq!(outputs.len(), vector.outputs.len(), "{name}");
    for (output, (shape, values)) in outputs.iter().zip(&vector.outputs) {
        assert_eq!(
            [
                output.shape.rows,
                output.shape.columns,
                output.shape.channels
            ],
            *shape,
            "{name}"
        );
        let differing = output
            .values
            .iter()
            .zip(values)
            .filter(|(ours, theirs)| ours != theirs)
            .count();
        assert_eq!(
            differing,
            0,
            "{name}: values that differ of {}",
            values.len()
        );
        assert_eq!(output.reals().count(), values.len());
    }
}

/// Nets in `nets` with their vectors of the same name in `vectors`.
fn pairs(nets: &str, vectors: &str, extension: &str) -> Vec<(PathBuf, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(root.join(nets))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    let nets = files.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "moodnet")
    });
    nets.map(|net| {
        let golden = net.with_extension(extension);
        let golden = root.join(vectors).join(golden.file_name().unwrap());
        (net, golden)
    })
    .collect()
}

#[test]
fn small_nets_of_all_operators() {
    let pairs = pairs("tests/data", "tests/data", "golden");
    assert!(!pairs.is_empty());
    for (net, golden) in pairs {
        assert!(check(&net, &golden) > 0);
    }
}

/// The packaged crate stands without the models, so there may be none; each that is there needs its vectors.
#[test]
fn trained_nets() {
    for (net, golden) in pairs("../../models/weights", "../../models/golden", "bin") {
        assert!(check(&net, &golden) > 0);
    }
}

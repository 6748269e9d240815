//! Tests that a net computes its golden vectors exactly on this machine.

use moodring_nn::{Kernel, Kind, Model, Net};

use super::{BundleError, Manifest, kind_name, noted};

/// Golden vectors with larger pictures than this are refused: they would only take memory.
const GOLDEN_PIXELS: usize = 1 << 21;

/// Whether a kernel computes a net's golden vectors exactly.
///
/// # Errors
/// Why it cannot be tested: the files are broken, or do not belong together.
pub fn agrees(kernel: Kernel, net: &[u8], golden: &[u8]) -> Result<bool, String> {
    let vectors = moodring_models::golden::parse(golden).map_err(|e| e.to_string())?;
    let checksum = net.get(12..16).unwrap_or_default();
    if vectors.net().to_le_bytes() != *checksum {
        return Err("the golden vectors are of another net".into());
    }
    let mut tried = 0;
    for vector in vectors {
        if vector.width.saturating_mul(vector.height) > GOLDEN_PIXELS {
            return Err("a golden picture is too large".into());
        }
        let model = Model::parse(net).map_err(|e| e.to_string())?;
        let weights = vec![0; model.weights_bytes(kernel)];
        let net = Net::new(model, vector.width, vector.height, kernel, weights)
            .map_err(|e| e.to_string())?;
        let (mut arena, mut raw) = (
            vec![0; net.plan().arena_bytes()],
            vec![0; net.plan().raw_len()],
        );
        let outputs = net
            .run(vector.picture, &mut arena, &mut raw)
            .map_err(|e| e.to_string())?;
        let computed = outputs
            .iter()
            .flat_map(|output| output.values.iter().copied());
        if !computed.eq(vector.expected()) {
            return Ok(false);
        }
        tried += 1;
    }
    if tried == 0 {
        return Err("there are no golden vectors".into());
    }
    Ok(true)
}

/// Tests a bundle: is it the net of the manifest, and does every kernel of this machine compute it exactly?
///
/// # Errors
/// [`BundleError::Test`] with what went wrong.
pub fn self_test(manifest: &Manifest, net: &[u8], golden: &[u8]) -> Result<(), BundleError> {
    let failed = |reason: String| Err(BundleError::Test(reason));
    let model = match Model::parse(net) {
        Ok(model) => model,
        Err(error) => return failed(error.to_string()),
    };
    if Some(model.kind()) != manifest.kind() {
        let is = kind_name(model.kind());
        return failed(format!(
            "it is a {is}, but the manifest names a {}",
            manifest.kind
        ));
    }
    if model.kind() == Kind::Classifier && model.channels() != 1 {
        return failed("a classifier sees one grey channel".into());
    }
    if noted(net) != Some((manifest.name.clone(), manifest.version)) {
        return failed(format!(
            "its own notes `name` and `version` are not {} {}",
            manifest.name, manifest.version
        ));
    }
    for kernel in Kernel::ALL.into_iter().filter(|k| k.is_available()) {
        match agrees(kernel, net, golden) {
            Ok(true) => {}
            Ok(false) => {
                return failed(format!(
                    "kernel {} computes other numbers than its golden vectors",
                    kernel.name()
                ));
            }
            Err(reason) => return failed(reason),
        }
    }
    Ok(())
}

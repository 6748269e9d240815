//! What an ONNX file may hold, for the fuzz targets.

use moodring_nn::Model;

use crate::{
    onnx_file::OnnxFile,
    pack::{PackOptions, pack},
};

/// A file that is to be packed.
pub fn onnx(bytes: &[u8]) {
    let Ok(file) = OnnxFile::parse(bytes) else {
        return;
    };
    _ = (file.outputs(), file.input().is_ok(), file.notes().count());
    assert!(file.constants().count() < 100_000);
    let wanted = PackOptions {
        normalised: Some((127.5, 127.5)),
        ..PackOptions::default()
    };
    if let Ok(packed) = pack(bytes, &wanted) {
        assert!(Model::parse(&packed).is_ok(), "what is packed can be read");
    }
}

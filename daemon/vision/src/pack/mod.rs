//! Packs ONNX files with QuantizeLinear and DequantizeLinear nodes into the file that the int8 engine runs.
//!
//! ```text
//! onnx file -> graph (nodes -> sums and tensors of bytes) -> heads (raw outputs) -> link (operators in order) -> bytes
//! ```
//! Operators are fused on the way: a convolution with its bias, clamp and rounding. Training exports the same net twice
//! (`models/train/common`), and a test keeps both ways in step.

mod constants;
mod endings;
mod error;
mod filter;
mod graph;
mod heads;
mod link;
mod net;
mod operators;
mod picture;
#[cfg(test)]
mod tests;
mod value;

use moodring_nn::Model;

pub use error::PackError;

use crate::onnx_file::OnnxFile;

/// What the file itself does not contain.
#[derive(Clone, Debug, Default)]
pub struct PackOptions {
    /// Default width and height in pixels, for a net that leaves its size open, or instead of its own.
    pub size_px: Option<(u32, u32)>,
    /// The net accepts every multiple of this size; 0: only the default size.
    pub step_px: Option<u32>,
    /// Mean and divisor: the graph's input is `(byte - mean) / std`.
    pub normalised: Option<(f32, f32)>,
    /// The graph takes pixels as blue, green, red.
    pub bgr: bool,
    /// Notes to add or replace: name, version, labels, temperature, threshold.
    pub notes: Vec<(String, String)>,
}

/// Packs the bytes of an ONNX file.
///
/// # Errors
/// [`PackError`] that names the node and what would be accepted.
pub fn pack(onnx: &[u8], wanted: &PackOptions) -> Result<Vec<u8>, PackError> {
    let file = OnnxFile::parse(onnx).map_err(PackError::File)?;
    let outputs = file.outputs();
    let reversed = wanted.bgr || heads::are_yunet(&outputs);
    let picture = picture::Picture::new(&file, wanted, reversed)?;
    let mut walk = graph::GraphPacker::through(&file, picture)?;
    let heads = heads::heads(&mut walk, &outputs)?;
    let bytes = link::linked(&walk, &heads, notes(&file, wanted))?.bytes();
    Model::parse(&bytes)?;
    Ok(bytes)
}

/// The file's notes without those of tools, and with the user's.
fn notes(file: &OnnxFile, wanted: &PackOptions) -> Vec<(String, String)> {
    let of_tools = |key: &str| key.starts_with("onnx.") || key.starts_with("moodring.");
    let sound = |(key, value): &(&str, &str)| !key.contains(['=', '\n']) && !value.contains('\n');
    let own = file.notes().filter(|(key, _)| !of_tools(key)).filter(sound);
    let mut notes: Vec<_> = own.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    for (key, value) in &wanted.notes {
        match notes.iter_mut().find(|(k, _)| k == key) {
            Some(note) => note.1.clone_from(value),
            None => notes.push((key.clone(), value.clone())),
        }
    }
    notes
}

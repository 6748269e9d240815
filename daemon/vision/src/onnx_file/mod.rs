//! Reads ONNX files with limits: inputs, outputs, notes and constants. `pack`, and the engines in `vision`, interpret
//! the graph.

pub(crate) mod proto;
mod tensor;

use std::{fs::File, io::Read, path::Path};

use prost::Message;

pub(crate) use proto::{Graph, Node};
pub(crate) use tensor::{Tensor, Values};

/// The largest file that is read; nets for such small machines have 0.2 to 20 MB.
const MAX_FILE_BYTES: u64 = 128 << 20;

/// A file with sound protobuf. Its graph may still be nonsense.
pub struct OnnxFile {
    graph: Graph,
    notes: Vec<(String, String)>,
}

/// The sides of an input; `None` where the file leaves one open.
pub(crate) type Sides = Vec<Option<usize>>;

/// Reads a file's bytes and checks them at first sight.
///
/// # Errors
/// The reason, as a text: not readable, empty, too large, or packed for our own engine.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| e.to_string())?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| e.to_string())?;
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("it has over {} MB", MAX_FILE_BYTES >> 20));
    }
    if bytes.starts_with(b"moodnet") {
        return Err("it is packed for engine = \"int8\"".into());
    }
    Ok(bytes)
}

impl OnnxFile {
    /// Parses the protobuf. Weights in other files are not loaded.
    ///
    /// # Errors
    /// The reason, as a text.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let model = proto::Model::decode(bytes)
            .map_err(|error| format!("it is not an ONNX file ({error})"))?;
        let graph = model.graph.filter(|graph| !graph.nodes.is_empty());
        Ok(Self {
            graph: graph.ok_or("it is not an ONNX file (no graph in it)")?,
            notes: (model.metadata.into_iter().map(|e| (e.key, e.value))).collect(),
        })
    }

    /// Nodes and constants.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The only input that is not a constant, and its sides.
    ///
    /// # Errors
    /// The reason, as a text, if there are none or several, or one without a shape.
    pub(crate) fn input(&self) -> Result<(&str, Sides), String> {
        let input = self.only_input()?;
        let sides = input.shape().ok_or("its input has no shape")?.sides.iter();
        // Some files write 0 or less for an open side.
        let side = |number: i64| usize::try_from(number).ok().filter(|&side| side > 0);
        let sides = sides.map(|s| s.number.and_then(side)).collect();
        Ok((&input.name, sides))
    }

    fn only_input(&self) -> Result<&proto::Named, String> {
        let constant = |name: &str| self.graph.constants.iter().any(|c| c.name == name);
        let inputs: Vec<_> = (self.graph.inputs.iter())
            .filter(|input| !constant(&input.name))
            .collect();
        match inputs[..] {
            [input] => Ok(input),
            _ => Err(format!("it has {} inputs, not one", inputs.len())),
        }
    }

    /// The input's sides if there are four of them.
    ///
    /// # Errors
    /// The reason, as a text.
    pub(crate) fn picture_sides(&self) -> Result<[Option<usize>; 4], String> {
        let (_, sides) = self.input()?;
        sides
            .try_into()
            .map_err(|sides: Sides| format!("its input has {} sides, not four", sides.len()))
    }

    /// The names of the input's open sides; `None` for the others.
    #[cfg(feature = "ort")]
    pub(crate) fn open_sides(&self) -> Vec<Option<&str>> {
        let shape = self.only_input().ok().and_then(proto::Named::shape);
        let sides = shape.map_or(&[][..], |shape| &shape.sides);
        let name = |side: &'_ proto::Side| !side.name.is_empty() && side.number.is_none();
        sides
            .iter()
            .map(|side| name(side).then_some(side.name.as_str()))
            .collect()
    }

    /// The names of the outputs, in the file's order.
    pub(crate) fn outputs(&self) -> Vec<&str> {
        self.graph.outputs.iter().map(|o| o.name.as_str()).collect()
    }

    /// A note in the file's metadata.
    pub(crate) fn note(&self, key: &str) -> Option<&str> {
        self.notes()
            .find_map(|(k, value)| (k == key).then_some(value))
    }

    /// All notes as (key, value), in the file's order.
    pub(crate) fn notes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.notes.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The constants by name; an error if the values of one cannot be read.
    pub(crate) fn constants(&self) -> impl Iterator<Item = (&str, Result<Tensor, String>)> {
        let constants = self.graph.constants.iter();
        constants.map(|constant| (constant.name.as_str(), Tensor::read(constant)))
    }
}

impl proto::Named {
    fn shape(&self) -> Option<&proto::Shape> {
        self.kind.as_ref()?.tensor.as_ref()?.shape.as_ref()
    }
}

impl Node {
    /// The node's name for an error: its own, else that of its first output.
    pub(crate) fn label(&self) -> &str {
        let output = self.outputs.first().map_or("", String::as_str);
        if self.name.is_empty() {
            output
        } else {
            &self.name
        }
    }

    /// An integer attribute.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name).map(|a| a.int)
    }

    /// A list of integers.
    pub(crate) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    /// A real attribute.
    pub(crate) fn float(&self, name: &str) -> Option<f32> {
        self.attribute(name).map(|a| a.float)
    }

    /// A list of reals.
    pub(crate) fn floats(&self, name: &str) -> Option<&[f32]> {
        self.attribute(name).map(|a| a.floats.as_slice())
    }

    /// A text; empty if it is not UTF-8.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.attribute(name)
            .map(|a| std::str::from_utf8(&a.string).unwrap_or(""))
    }

    /// A constant among the attributes.
    ///
    /// # Errors
    /// The reason, as a text, if its values cannot be read.
    pub(crate) fn tensor(&self, name: &str) -> Option<Result<Tensor, String>> {
        let attribute = self.attribute(name)?;
        attribute.tensor.as_ref().map(Tensor::read)
    }

    fn attribute(&self, name: &str) -> Option<&proto::Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }
}

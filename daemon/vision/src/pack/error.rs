//! Why an ONNX file cannot be packed: the node, what it has, and what would be accepted.

use moodring_nn::FormatError;

/// Why an ONNX file cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It is not an ONNX file, or its input, outputs or constants are not those of such a net.
    #[error("{0}")]
    File(String),
    /// A node that the int8 engine cannot run.
    #[error("node `{node}` ({kind}): {found}. Accepted: {accepted}")]
    Node {
        /// Its name, or its output's.
        node: String,
        /// Its operator.
        kind: String,
        /// What it has.
        found: String,
        /// What would work.
        accepted: &'static str,
    },
    /// An output that the pipeline cannot read.
    #[error("output `{name}`: {found}. Accepted: {accepted}")]
    Output {
        /// Its name.
        name: String,
        /// What it is.
        found: String,
        /// What would work.
        accepted: &'static str,
    },
    /// The packed net breaks a rule of the format: an accumulator that could overflow, too many operators.
    #[error(
        "the packed net would not run: {0}. Operators are counted in the order of the graph's nodes"
    )]
    Format(#[from] FormatError),
}

/// What a node has, and what it should have; the caller adds the node.
pub(super) struct Fault {
    pub(super) found: String,
    pub(super) accepted: &'static str,
}

/// A [`Fault`] as an error.
pub(super) fn fault<T>(found: impl Into<String>, accepted: &'static str) -> Result<T, Fault> {
    Err(Fault {
        found: found.into(),
        accepted,
    })
}

//! TODO
use super::super::{DepthRow, Row, Sink, portable};
pub(crate) fn conv(row: &Row<'_>, sink: Sink<'_>) {
    portable::conv(row, sink)
}
pub(crate) fn depthwise(row: &DepthRow<'_>, sink: Sink<'_>) {
    portable::depthwise(row, sink)
}

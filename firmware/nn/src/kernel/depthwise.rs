//! Shared by the vector kernels of depthwise rows: checks a row against its slices and cuts it into blocks of 16
//! channels.

use core::ptr::null_mut;

use super::tile::{Epilogue, WORDS};
use super::{BLOCK, DepthRow, RowOutput, portable};
use crate::quant::Clamp;

/// The row's blocks, each with its first channel and where its sums go. For all of them and all taps of all pixels the
/// lines are readable for 16 channels, and the epilogue has room.
///
/// Shifts below 33 are rare (factors above 1/4): a kernel that cannot (`any_shift`) leaves such a row to the portable one,
/// and gets no blocks.
pub(super) fn blocks(
    row: &DepthRow<'_>,
    sink: RowOutput<'_>,
    any_shift: bool,
) -> impl Iterator<Item = (usize, Epilogue)> {
    let epilogue = match sink {
        RowOutput::Bytes { narrow: false, .. } if !any_shift => {
            portable::depthwise(row, sink);
            None
        }
        sink => Some(measured(row, sink)),
    };
    let blocks = row.channels.div_ceil(BLOCK);
    epilogue
        .into_iter()
        .flat_map(move |whole| (0..blocks).map(move |block| (block * BLOCK, whole.block(block))))
}

/// Where the whole row goes.
fn measured(row: &DepthRow<'_>, sink: RowOutput<'_>) -> Epilogue {
    let harmless = Clamp {
        zero: 0,
        lo: 0,
        hi: 0,
    };
    let (bytes, raw, clamp, room) = match sink {
        RowOutput::Raw(out) => (null_mut(), out.as_mut_ptr(), harmless, out.len()),
        RowOutput::Bytes { out, clamp, .. } => (out.as_mut_ptr(), null_mut(), clamp, out.len()),
    };
    assert!(
        room >= row.pixels * row.channels,
        "a row of outputs has this length"
    );
    let words = [row.packed.bias, row.packed.m, row.packed.s].map(|words| words.0);
    let blocks = row.channels.div_ceil(BLOCK);
    assert!(
        words.iter().all(|words| words.len() >= blocks * WORDS),
        "words are packed in whole blocks"
    );
    let taps = row.lines.len();
    let reach =
        row.pixels.saturating_sub(1) * row.step + (taps - 1) * row.channels + blocks * BLOCK;
    assert!(
        row.lines.iter().all(|line| line.len() >= reach),
        "tensors end with slack"
    );

    let [bias, m, s] = words.map(<[u8]>::as_ptr);
    Epilogue {
        bias,
        m,
        s,
        clamp,
        bytes,
        raw,
        pitch: row.channels,
        outputs: row.channels,
    }
}

/// One tap's weights of 16 channels; 0 where there are fewer channels or taps.
pub(super) fn weights(row: &DepthRow<'_>, tap: usize, first: usize) -> [u8; BLOCK] {
    let rest = row
        .weights
        .get(tap * row.channels + first..)
        .unwrap_or_default();
    let lanes = row.channels - first;
    if lanes >= BLOCK
        && let Some(all) = rest.first_chunk()
    {
        return *all;
    }
    let mut whole = [0; BLOCK];
    let lanes = lanes.min(BLOCK).min(rest.len());
    whole[..lanes].copy_from_slice(&rest[..lanes]);
    whole
}

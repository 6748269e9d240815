//! Shared by the vector kernels: checks a row against its slices and cuts it into tiles; each kernel computes one tile.
//! Uses no instruction of any particular machine.
#![allow(unsafe_code)] // tiles speak in raw pointers; here they are measured

use core::ptr::null_mut;

use super::{BLOCK, Row, RowOutput};
use crate::quant::{Clamp, requantize};

/// Bytes of a block's words: of 16 biases, multipliers or shifts.
pub(super) const WORDS: usize = 4 * BLOCK;

/// Some neighbouring pixels, and all that they read and write.
pub(super) struct TileJob<'a> {
    /// At least one.
    pub(super) lines: &'a [&'a [u8]],
    /// Byte of each line at which the first pixel begins.
    pub(super) offset: usize,
    /// Bytes from pixel to pixel.
    pub(super) step: usize,
    /// Groups of [`Tile::DEPTH`] bytes of a line that one pixel sees, rounded up: their weights are 0 past the end.
    pub(super) groups: usize,
    /// First block's first group of weights; `block_stride` bytes to the next block's.
    pub(super) weights: *const u8,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // no Arm kernel takes two blocks
    pub(super) block_stride: usize,
    /// Bytes from the weights of one line to the next one's.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    // others know it
    pub(super) line_stride: usize,
    pub(super) epilogue: Epilogue,
}

/// Where a tile's sums go, and what happens to them on the way.
pub(super) struct Epilogue {
    pub(super) bias: *const u8,
    pub(super) m: *const u8,
    pub(super) s: *const u8,
    pub(super) clamp: Clamp,
    /// First value of the tile in the output row, one of both null; `pitch` values from pixel to pixel.
    pub(super) bytes: *mut u8,
    pub(super) raw: *mut i32,
    pub(super) pitch: usize,
    /// Outputs from the tile's first one to the end of a pixel.
    pub(super) outputs: usize,
}

#[cfg(target_arch = "x86_64")] // Arm's kernels walk through the row themselves
impl TileJob<'_> {
    /// The same from pixel `pixel` on.
    fn from(&self, pixel: usize) -> Self {
        Self {
            offset: self.offset + pixel * self.step,
            epilogue: self.epilogue.from(pixel * self.epilogue.pitch),
            ..*self
        }
    }

    /// Cuts so many pixels into tiles of the given widths, widest first, ending with 1; `compute` gets each tile and its width.
    pub(super) fn tiles(
        &self,
        pixels: usize,
        widths: &[usize],
        mut compute: impl FnMut(&TileJob<'_>, usize),
    ) {
        let mut pixel = 0;
        while pixel < pixels {
            let fits = |width: &&usize| **width <= pixels - pixel;
            let width = widths.iter().find(fits).copied().unwrap_or(1);
            compute(&self.from(pixel), width);
            pixel += width;
        }
    }
}

impl Epilogue {
    /// The same, `values` further in the output row.
    pub(super) fn from(&self, values: usize) -> Self {
        Self {
            bytes: if self.bytes.is_null() {
                self.bytes
            } else {
                self.bytes.wrapping_add(values)
            },
            raw: if self.raw.is_null() {
                self.raw
            } else {
                self.raw.wrapping_add(values)
            },
            ..*self
        }
    }

    /// Block `block` of 16 outputs, of a whole row's.
    pub(super) fn block(&self, block: usize) -> Self {
        let words = |start: *const u8| start.wrapping_add(block * WORDS);
        Self {
            bias: words(self.bias),
            m: words(self.m),
            s: words(self.s),
            outputs: self.outputs - block * BLOCK,
            ..self.from(block * BLOCK)
        }
    }
}

/// How a kernel computes the pixels of a row.
pub(super) trait Tile {
    /// Neighbours of one output that lie together in the packed weights.
    const DEPTH: usize;

    /// Bytes of a line that are fetched at once, a multiple of [`Tile::DEPTH`].
    const FETCH: usize = Self::DEPTH;

    /// Bytes of a block's weights of a line of so many groups.
    fn line_bytes(groups: usize) -> usize {
        groups * Self::DEPTH * BLOCK
    }

    /// Whether [`Tile::compute`] can also requantize with shifts below 33.
    const ANY_SHIFT: bool;

    /// Blocks that are computed together if `left` are left.
    fn blocks(left: usize) -> usize;

    /// Computes `pixels` pixels of `blocks` blocks.
    ///
    /// # Safety
    /// The processor has the kernel's features. For each pixel, `groups` groups of each line are readable, rounded up to whole
    /// [`Tile::FETCH`]es, as are weights and words of `blocks` blocks; the output row has room for all pixels.
    unsafe fn compute(job: &TileJob<'_>, blocks: usize, pixels: usize);
}

/// Cuts a row into tiles. Shifts below 33 are rare (factors above 1/4) and may take the plain epilogue.
pub(super) fn for_each_tile<T: Tile>(row: &Row<'_>, sink: RowOutput<'_>) {
    match sink {
        RowOutput::Raw(out) => {
            assert!(
                out.len() >= row.pixels * row.outputs,
                "a row of raw outputs has this length"
            );
            tiles::<T>(
                row,
                null_mut(),
                out.as_mut_ptr(),
                Clamp {
                    zero: 0,
                    lo: 0,
                    hi: 0,
                },
            );
        }
        RowOutput::Bytes { out, clamp, narrow } if narrow || T::ANY_SHIFT => {
            assert!(
                out.len() >= row.pixels * row.outputs,
                "a row of a tensor has this length"
            );
            tiles::<T>(row, out.as_mut_ptr(), null_mut(), clamp);
        }
        RowOutput::Bytes { out, clamp, .. } => scalar_epilogue::<T>(row, out, clamp),
    }
}

/// Accumulators by the kernel, one pixel after the other; requantizing by the rule as it is written.
fn scalar_epilogue<T: Tile>(row: &Row<'_>, out: &mut [u8], clamp: Clamp) {
    let mut acc = [0; crate::MAX_CHANNELS];
    for pixel in 0..row.pixels {
        let lines: [&[u8]; 3] = core::array::from_fn(|line| {
            row.lines
                .get(line)
                .and_then(|line| line.get(pixel * row.step..))
                .unwrap_or_default()
        });
        let single = Row {
            lines: &lines[..row.lines.len()],
            pixels: 1,
            ..*row
        };
        tiles::<T>(
            &single,
            null_mut(),
            acc.as_mut_ptr(),
            Clamp {
                zero: 0,
                lo: 0,
                hi: 0,
            },
        );
        for (o, y) in out[pixel * row.outputs..][..row.outputs]
            .iter_mut()
            .enumerate()
        {
            *y = clamp.apply(requantize(acc[o], row.packed.m.i32(o), row.packed.s.u32(o)));
        }
    }
}

/// `bytes` or `raw` is the output row, checked by the caller; everything else is checked here.
fn tiles<T: Tile>(row: &Row<'_>, bytes: *mut u8, raw: *mut i32, clamp: Clamp) {
    let groups = row.run.div_ceil(T::DEPTH);
    let line_stride = T::line_bytes(groups);
    let block_stride = row.kernel * line_stride;
    let packed = row.packed;
    let fetched = (groups * T::DEPTH).next_multiple_of(T::FETCH);
    let reach = row.pixels.saturating_sub(1) * row.step + fetched;
    assert!(
        row.lines.iter().all(|line| line.len() >= reach),
        "tensors end with slack"
    );
    assert!(
        packed.weights.len() >= row.blocks() * block_stride,
        "weights are packed in whole blocks"
    );
    assert!(
        !row.lines.is_empty() && row.above + row.lines.len() <= row.kernel,
        "lines are the kernel's"
    );
    let first_line = packed
        .weights
        .as_ptr()
        .wrapping_add(row.above * line_stride);
    let words = [packed.bias, packed.m, packed.s].map(|words| words.0);
    assert!(
        words
            .iter()
            .all(|words| words.len() >= row.blocks() * WORDS),
        "words are packed in whole blocks"
    );

    let [bias, m, s] = words.map(<[u8]>::as_ptr);
    let whole = Epilogue {
        bias,
        m,
        s,
        clamp,
        bytes,
        raw,
        pitch: row.outputs,
        outputs: row.outputs,
    };
    let mut block = 0;
    while block < row.blocks() {
        let blocks = T::blocks(row.blocks() - block);
        let job = TileJob {
            lines: row.lines,
            offset: 0,
            step: row.step,
            groups,
            weights: first_line.wrapping_add(block * block_stride),
            block_stride,
            line_stride,
            epilogue: whole.block(block),
        };
        // SAFETY: lines, weights and words were measured above for all pixels and blocks, of which these are a part; the
        // caller measured the output row. `Net::new` lets only an available kernel through.
        unsafe { T::compute(&job, blocks, row.pixels) };
        block += blocks;
    }
}

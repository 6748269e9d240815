//! Makes colours of stored means: YUV becomes red, green and blue, in the order that a net asks for. Pixels lie in words of 32 bits
//! meanwhile, a byte for each channel from the lowest on, so that compilers make vectors of them.

use moodring_nn::Wide;

use crate::{
    detect::Channels,
    frame::{Frame, PixelFormat, YuvRgb},
};

/// Pixels that are turned together.
pub(super) const BLOCK: usize = 16;

/// The way from what a frame stores to what a net reads.
#[derive(Clone, Copy)]
pub(super) struct Recolour {
    /// `None`: red, green and blue are stored.
    yuv: Option<YuvRgb>,
    /// Blue comes first.
    bgr: bool,
}

impl Recolour {
    pub(super) fn new(frame: &Frame<'_>, channels: Channels) -> Self {
        let stored_colours = frame.format() == PixelFormat::Rgb;
        Self {
            yuv: (!stored_colours).then(|| YuvRgb::of(frame.range())),
            bgr: channels == Channels::Bgr,
        }
    }

    /// Turns a row of pixels of three bytes.
    pub(super) fn row(self, row: &mut [u8]) {
        if self.yuv.is_some() || self.bgr {
            let row = row.as_chunks_mut().0;
            RecolourRow { row, way: self }.run_wide();
        }
    }

    #[inline(always)]
    fn pixel(&self, stored: [u8; 3]) -> [u8; 3] {
        let [red, green, blue] = self.yuv.map_or(stored, |yuv| yuv.rgb(stored));
        if self.bgr {
            [blue, green, red]
        } else {
            [red, green, blue]
        }
    }

    /// The highest bytes of the words do not matter.
    #[inline(always)]
    pub(super) fn block(&self, words: &mut [u32; BLOCK]) {
        for word in words {
            let [a, b, c, _] = word.to_le_bytes();
            let [a, b, c] = self.pixel([a, b, c]);
            *word = u32::from_le_bytes([a, b, c, 0]);
        }
    }
}

/// Writes the words' pixels. Each but the last is written as a word whose highest byte the next one overwrites.
#[inline(always)]
pub(super) fn write(words: &[u32; BLOCK], pixels: &mut [[u8; 3]; BLOCK]) {
    let bytes = pixels.as_flattened_mut();
    for (i, word) in words[..BLOCK - 1].iter().enumerate() {
        bytes[3 * i..3 * i + 4].copy_from_slice(&word.to_le_bytes());
    }
    let last = &words[BLOCK - 1].to_le_bytes()[..3];
    bytes[3 * BLOCK - 3..].copy_from_slice(last);
}

struct RecolourRow<'a> {
    row: &'a mut [[u8; 3]],
    way: Recolour,
}

impl Wide for RecolourRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (blocks, rest) = self.row.as_chunks_mut::<BLOCK>();
        for block in blocks {
            let mut words = read(block);
            self.way.block(&mut words);
            write(&words, block);
        }
        for pixel in rest {
            *pixel = self.way.pixel(*pixel);
        }
    }
}

/// The pixels' words; the highest byte of each is the next pixel's first.
#[inline(always)]
fn read(pixels: &[[u8; 3]; BLOCK]) -> [u32; BLOCK] {
    let bytes = pixels.as_flattened();
    let mut words = [0; BLOCK];
    for (i, word) in words[..BLOCK - 1].iter_mut().enumerate() {
        if let Some(bytes) = bytes[3 * i..].first_chunk() {
            *word = u32::from_le_bytes(*bytes);
        }
    }
    let [a, b, c] = pixels[BLOCK - 1];
    words[BLOCK - 1] = u32::from_le_bytes([a, b, c, 0]);
    words
}

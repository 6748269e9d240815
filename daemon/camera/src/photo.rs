//! Picture files, read with limits and named errors. Nothing here looks for faces.
//!
//! | file | what it does |
//! |---|---|
//! | `format` | which kind of picture the bytes are, also of kinds that are not read |
//! | `jpeg`, `png_rows` | decoded in pieces or scaled, so that a large picture fits the budget |
//! | `whole` | the other formats, by the `image` crate |
//! | `shrink` | rows to a picture, each side divided by a small number |
//! | `listing` | the pictures of a folder |
//!
//! What decoding takes is computed from the picture's header first; a picture that takes more is scaled where its format
//! allows, and refused by name where not.

mod format;
mod jpeg;
mod listing;
mod png_rows;
mod shrink;
mod whole;

use std::{
    io::{self, Read},
    path::Path,
};

use moodring_base::{
    contain::catch_panic,
    regular_file::{is_shortage, open_regular},
};
use moodring_core::{
    align::whole,
    classify::{CROP_PX, Crop},
    detect::Face,
    frame::{Frame, FrameError, Millis, PixelFormat},
    geometry::{Point, Rect},
};

pub use listing::{ENDINGS, expand, is_picture_name, list};

use self::format::Format;

/// The largest file that is read.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// The most pixels a picture may have.
pub const MAX_PIXELS: u64 = 100_000_000;
/// The most bytes that decoding a picture file takes, its pixels included: 100 megapixels are 300 MB, those that come in
/// passes are scaled.
pub const MAX_DECODING_BYTES: u64 = 512 << 20;
/// The shortest side that can hold a face worth reading.
pub const MIN_SIDE_PX: u32 = 16;

/// What a picture may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The most pixels.
    pub max_pixels: u64,
    /// The most bytes while it is decoded, its pixels included and its file not.
    pub max_bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_pixels: MAX_PIXELS,
            max_bytes: MAX_DECODING_BYTES,
        }
    }
}

/// A decoded picture, upright as its EXIF orientation says.
#[derive(Clone, Debug)]
pub struct Photo {
    rgb: image::RgbImage,
    /// The file's size; `rgb` may be smaller.
    size_px: (u32, u32),
}

/// Why a picture could not be read. The text names the way out; the path is added by the caller.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The file system refused.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Too large a file.
    #[error("the file has over {} MB; shrink it first", MAX_FILE_BYTES >> 20)]
    FileSize,
    /// Not one of the formats we read.
    #[error("not a picture that moodring reads (PNG, JPEG, GIF, WebP or BMP)")]
    Format,
    /// A picture or document of a known kind that is not read.
    #[error("it is {0}, which moodring does not read; {way_out}", way_out = format::way_out(.0))]
    OtherFormat(&'static str),
    /// Too short a side.
    #[error("{0}x{1} pixels: a picture must have at least 16 pixels a side")]
    Small(u32, u32),
    /// Too long a side.
    #[error("{0}x{1} pixels: a side may have at most {max} pixels; scale it first", max = Frame::MAX_SIDE_PX)]
    Side(u32, u32),
    /// More pixels than are allowed here.
    #[error("{0}x{1} pixels, and at most {2} megapixels are read; scale it first")]
    Large(u32, u32, u64),
    /// More memory than is allowed here.
    #[error(
        "{0}x{1} pixels of this kind take {2} MB to decode, and at most {3} are used; scale it, or save it as an ordinary JPEG"
    )]
    Memory(u32, u32, u64, u64),
    /// Of a kind within its format that is not read; the text is whole.
    #[error("{0}")]
    Unsupported(String),
    /// Cut short or damaged.
    #[error("the picture is damaged or cut short: {0}")]
    Damaged(String),
}

impl PhotoError {
    /// Whether the machine was short of something, and the picture may be read a moment later.
    pub fn is_shortage(&self) -> bool {
        matches!(self, Self::Io(error) if is_shortage(error))
    }
}

impl Photo {
    /// Reads and decodes a picture file; of an animation, the first picture. Opens regular files only.
    ///
    /// # Errors
    /// [`PhotoError`]. Never panics, whatever the bytes are.
    pub fn read(path: &Path) -> Result<Self, PhotoError> {
        let file = open_regular(path)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(PhotoError::FileSize);
        }
        Self::decode(&bytes)
    }

    /// Decodes a picture from memory.
    ///
    /// # Errors
    /// As [`Photo::read`].
    pub fn decode(bytes: &[u8]) -> Result<Self, PhotoError> {
        Self::decode_within(bytes, Budget::default())
    }

    /// Decodes a picture that takes no more than `budget`. A large JPEG or PNG is scaled down; [`Photo::size_px`] stays.
    ///
    /// # Errors
    /// As [`Photo::read`]; [`PhotoError::Large`] and [`PhotoError::Memory`] for what is over the budget.
    pub fn decode_within(bytes: &[u8], budget: Budget) -> Result<Self, PhotoError> {
        let format = Format::of(bytes)?;
        // The decoders are others' code, and the bytes are foreign.
        catch_panic("the decoder", || match format {
            Format::Jpeg => jpeg::decode(bytes, budget),
            Format::Png => png_rows::decode(bytes, budget),
            Format::Other(format) => whole::decode(bytes, format, budget),
        })
        .unwrap_or_else(|panic| Err(PhotoError::Damaged(panic)))
    }

    fn new(rgb: image::RgbImage, size_px: (u32, u32)) -> Self {
        Self { rgb, size_px }
    }

    /// Its pixels, to draw on; fewer than [`Photo::size_px`] says if it was scaled.
    pub fn to_rgb(&self) -> image::RgbImage {
        self.rgb.clone()
    }

    /// Width and height of the file's picture in pixels, upright.
    pub fn size_px(&self) -> (u32, u32) {
        self.size_px
    }

    /// Width and height of the decoded pixels: [`Photo::size_px`] or a part of it.
    pub fn decoded_px(&self) -> (u32, u32) {
        self.rgb.dimensions()
    }

    /// The decoded pixels as a frame of time 0.
    ///
    /// # Errors
    /// None for a decoded photo: its size was checked before it was decoded.
    pub fn frame(&self) -> Result<Frame<'_>, FrameError> {
        Frame::packed(
            self.rgb.as_raw(),
            PixelFormat::Rgb,
            self.rgb.dimensions(),
            Millis(0),
        )
    }

    /// A face of [`Photo::frame`] in the pixels of the file's picture.
    pub fn in_file(&self, face: Face) -> Face {
        let (width, _) = self.rgb.dimensions();
        if width == self.size_px.0 {
            return face;
        }
        let scale = self.size_px.0 as f32 / width as f32;
        let Rect { x, y, w, h } = face.rect;
        Face {
            rect: Rect::new(x * scale, y * scale, w * scale, h * scale),
            landmarks: face.landmarks.map(|p| Point::new(p.x * scale, p.y * scale)),
            score: face.score,
        }
    }

    /// The whole picture as one grey face crop.
    ///
    /// # Errors
    /// None for a decoded photo, as [`Photo::frame`].
    pub fn crop(&self) -> Result<Crop, FrameError> {
        let mut crop = [0; CROP_PX * CROP_PX];
        whole(&self.frame()?, &mut crop);
        Ok(crop)
    }
}

/// Whether a picture of this size is read at all.
fn check_size((width, height): (u32, u32), budget: Budget) -> Result<(), PhotoError> {
    let pixels = u64::from(width) * u64::from(height);
    if width.min(height) < MIN_SIDE_PX {
        Err(PhotoError::Small(width, height))
    } else if pixels > budget.max_pixels {
        Err(PhotoError::Large(
            width,
            height,
            budget.max_pixels / 1_000_000,
        ))
    } else if width.max(height) > Frame::MAX_SIDE_PX {
        Err(PhotoError::Side(width, height))
    } else {
        Ok(())
    }
}

/// The least number that each side is divided by so that decoding fits; `bytes` says what it takes then.
fn least_scale(
    (width, height): (u32, u32),
    budget: Budget,
    scales: &[u32],
    bytes: impl Fn(u32) -> u64,
) -> Result<u32, PhotoError> {
    let fits = scales.iter().copied().find(|&scale| {
        bytes(scale) <= budget.max_bytes && width.min(height) / scale >= MIN_SIDE_PX
    });
    fits.ok_or_else(|| {
        let least = scales.iter().map(|&scale| bytes(scale)).min();
        let mb = |bytes: u64| bytes.div_ceil(1 << 20);
        PhotoError::Memory(width, height, mb(least.unwrap_or(0)), mb(budget.max_bytes))
    })
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        moodring_tests::pictures::painted(format, (width, height), |x, y| [x as u8, y as u8, 90])
    }

    #[test]
    fn reads_what_it_promises() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Bmp,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let photo = Photo::decode(&encoded(format, 40, 30)).unwrap();
            assert_eq!(photo.size_px(), (40, 30), "{format:?}");
            assert_eq!(photo.frame().unwrap().height_px(), 30);
        }
    }

    #[test]
    fn every_cut_of_a_picture_is_an_error_and_no_panic() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif] {
            let whole = encoded(format, 32, 32);
            for cut in (0..whole.len() * 9 / 10).step_by(7) {
                assert!(
                    Photo::decode(&whole[..cut]).is_err(),
                    "{format:?} cut at {cut} of {}",
                    whole.len()
                );
            }
        }
    }

    #[test]
    fn sizes_out_of_reason_are_refused_by_name() {
        let tiny = Photo::decode(&encoded(ImageFormat::Png, 1, 1)).unwrap_err();
        assert!(matches!(tiny, PhotoError::Small(1, 1)), "{tiny}");
        let long = Photo::decode(&encoded(ImageFormat::Png, 40_000, 16)).unwrap_err();
        assert!(matches!(long, PhotoError::Side(40_000, 16)), "{long}");
        let wide = Photo::decode(&encoded(ImageFormat::Png, 20_000, 20)).map(|p| p.size_px());
        assert_eq!(wide.unwrap(), (20_000, 20));
        assert!(matches!(
            Photo::decode(b"hello, I am text"),
            Err(PhotoError::Format)
        ));
        assert!(matches!(Photo::decode(b""), Err(PhotoError::Empty)));
    }
}

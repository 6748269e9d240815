//! Picture files, read with limits and named errors. Nothing here looks for faces.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits};
use moodring_core::{
    align::whole,
    classify::{CROP_PX, Crop},
    frame::{Frame, FrameError, Millis, PixelFormat},
};

/// The largest file that is read.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// The most pixels a picture may have; 100 megapixels decode to 300 MB.
pub const MAX_PIXELS: u64 = 100_000_000;
/// The shortest side that can hold a face worth reading.
pub const MIN_SIDE_PX: u32 = 16;
/// Endings that count as pictures when a folder is read.
pub const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "webp", "bmp"];

/// A decoded picture, upright as its EXIF orientation says.
#[derive(Clone, Debug)]
pub struct Photo {
    rgb: image::RgbImage,
}

/// Why a picture could not be read. The text names the way out; the path is added by the caller.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// The file system said no.
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
    /// A picture with too many or too few pixels.
    #[error(
        "{0}x{1} pixels: pictures must have at least 16 pixels a side and at most 100 megapixels; scale it first"
    )]
    Size(u32, u32),
    /// More pixels than a stranger's picture may have.
    #[error("{0}x{1} pixels, and at most {2} megapixels are read; scale it first")]
    Large(u32, u32, u64),
    /// Cut short or damaged.
    #[error("the picture is damaged or cut short: {0}")]
    Damaged(String),
}

impl Photo {
    /// Reads and decodes a picture file; of an animation, the first picture.
    ///
    /// # Errors
    /// [`PhotoError`]. Never panics, whatever the bytes are.
    pub fn read(path: &Path) -> Result<Self, PhotoError> {
        let mut bytes = Vec::new();
        let file = fs::File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(PhotoError::Format);
        }
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
        Self::decode_within(bytes, MAX_PIXELS, 1 << 30)
    }

    /// Decodes a picture that strangers sent: at most so many pixels, and at most so many bytes while it is decoded.
    ///
    /// # Errors
    /// As [`Photo::read`]; [`PhotoError::Large`] for more pixels.
    pub fn decode_within(
        bytes: &[u8],
        max_pixels: u64,
        max_bytes: u64,
    ) -> Result<Self, PhotoError> {
        if bytes.is_empty() {
            return Err(PhotoError::Empty);
        }
        let mut reader = ImageReader::new(io::Cursor::new(bytes)).with_guessed_format()?;
        let format = reader.format().ok_or(PhotoError::Format)?;
        if format == image::ImageFormat::Jpeg && !ends_as_jpeg(bytes) {
            return Err(PhotoError::Damaged(
                "the JPEG has no end; copy it again".into(),
            ));
        }
        let mut limits = Limits::default();
        limits.max_alloc = Some(max_bytes);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(named)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > max_pixels && max_pixels < MAX_PIXELS {
            return Err(PhotoError::Large(width, height, max_pixels / 1_000_000));
        }
        if width.min(height) < MIN_SIDE_PX
            || pixels > MAX_PIXELS
            || width.max(height) > Frame::MAX_SIDE_PX
        {
            return Err(PhotoError::Size(width, height));
        }
        // A picture without a readable orientation stands upright.
        let orientation = decoder
            .orientation()
            .unwrap_or(image::metadata::Orientation::NoTransforms);
        let mut picture = DynamicImage::from_decoder(decoder).map_err(named)?;
        picture.apply_orientation(orientation);
        Ok(Self {
            rgb: flatten(picture),
        })
    }

    /// Its pixels, to draw on.
    pub fn to_rgb(&self) -> image::RgbImage {
        self.rgb.clone()
    }

    /// Width and height in pixels.
    pub fn size_px(&self) -> (u32, u32) {
        self.rgb.dimensions()
    }

    /// The picture as a frame of time 0.
    ///
    /// # Errors
    /// None for a decoded photo: its size was checked at the door.
    pub fn frame(&self) -> Result<Frame<'_>, FrameError> {
        Frame::packed(
            self.rgb.as_raw(),
            PixelFormat::Rgb,
            self.rgb.dimensions(),
            Millis(0),
        )
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

/// Every picture in these files and folders, folders at all levels in the order of names.
///
/// A path that is not a folder is returned as it is, so that a missing file gets its own error line.
pub fn expand(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, &mut all)
        } else {
            all.push(path.clone())
        }
    }
    all
}

fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        // Reading it as a picture later gives the error its line.
        all.push(folder.to_owned());
        return;
    };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        // Links to folders are not followed: one that leads back up would never end.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&entry.path(), all);
        } else if is_picture_name(&entry.path()) {
            all.push(entry.path());
        }
    }
}

/// Whether the name ends like a picture's.
pub fn is_picture_name(path: &Path) -> bool {
    let ending = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    ENDINGS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(ending))
}

/// A JPEG ends with the end-of-image marker; some cameras pad with zeros behind it.
fn ends_as_jpeg(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(4096)..];
    tail.windows(2).any(|pair| pair == [0xFF, 0xD9])
}

/// Transparency on white, all depths to 8 bits.
fn flatten(picture: DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let mut rgba = picture.into_rgba8();
    for pixel in rgba.pixels_mut() {
        let [r, g, b, a] = pixel.0.map(u16::from);
        let over = |c: u16| ((c * a + 255 * (255 - a) + 127) / 255) as u8;
        pixel.0 = [over(r), over(g), over(b), 255];
    }
    DynamicImage::ImageRgba8(rgba).into_rgb8()
}

fn named(error: ImageError) -> PhotoError {
    match error {
        ImageError::Unsupported(e) => {
            PhotoError::Damaged(format!("{e}; save it as an ordinary PNG or JPEG"))
        }
        ImageError::Limits(_) => {
            PhotoError::Damaged("it needs too much memory to decode; scale it first".into())
        }
        other => PhotoError::Damaged(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};

    use super::*;

    fn encoded(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]));
        let mut bytes = io::Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(picture)
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
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
        assert!(tiny.to_string().contains("1x1"), "{tiny}");
        let wide = Photo::decode(&encoded(ImageFormat::Png, 20_000, 20)).map(|p| p.size_px());
        assert_eq!(wide.unwrap(), (20_000, 20));
        assert!(matches!(
            Photo::decode(b"hello, I am text"),
            Err(PhotoError::Format)
        ));
        assert!(matches!(Photo::decode(b""), Err(PhotoError::Empty)));
    }

    #[test]
    fn a_folder_that_links_to_itself_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        fs::write(dir.path().join("b/c.png"), b"").unwrap();
        fs::write(dir.path().join("a.JPG"), b"").unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("b/up")).unwrap();
        let found = expand(&[dir.path().to_owned()]);
        let names: Vec<_> = found
            .iter()
            .filter_map(|p| p.strip_prefix(dir.path()).ok())
            .collect();
        assert_eq!(names, [Path::new("a.JPG"), Path::new("b/c.png")]);
    }

    #[test]
    fn transparency_becomes_white() {
        let clear = image::RgbaImage::from_pixel(16, 16, image::Rgba([0, 0, 0, 0]));
        let white = flatten(DynamicImage::ImageRgba8(clear));
        assert_eq!(white.get_pixel(3, 3).0, [255; 3]);
    }
}

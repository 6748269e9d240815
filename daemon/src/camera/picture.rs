//! One picture as a source, and how picture files become luma.

use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use moodring_core::frame::{Frame, PixelFormat, rgb_luma};

use super::{Camera, CameraError, CameraInfo, Context, stop::Pace};

/// The file endings that count as pictures in a folder.
pub(super) const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "webp", "bmp"];
/// The longest side of a picture file.
const MAX_SIDE_PX: u32 = 16_000;
/// The most memory that decoding one may take.
const MAX_BYTES: u64 = 256 << 20;

/// One picture. Without repeating it is shown once and ends; repeated it is shown at the rate, again and again.
pub(super) struct PictureFile {
    info: CameraInfo,
    context: Context,
    pace: Pace,
    luma: Luma,
    shown: bool,
}

/// The pixels of a picture file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Luma {
    /// Rows without gaps.
    pub(super) data: Vec<u8>,
    /// Width and height.
    pub(super) size_px: (u32, u32),
}

impl PictureFile {
    /// Reads the picture.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = path.display().to_string();
        let luma = load(path).map_err(|reason| CameraError::Open {
            source_name: name.clone(),
            reason,
            way_out: format!(
                "Readable pictures are {}; other films: .mjpeg, .y4m",
                ENDINGS.join(", ")
            ),
        })?;
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: Some(luma.size_px),
                wire: "picture".into(),
                format: PixelFormat::Grey,
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: Pace::new(context.rate_hz, context.stop.clone()),
            context,
            luma,
            shown: false,
        })
    }
}

impl Camera for PictureFile {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        if (self.shown && !self.context.repeat) || !self.pace.wait() {
            return Err(self.info.ended());
        }
        self.shown = true;
        let time = self.context.clock.now();
        Frame::packed(&self.luma.data, PixelFormat::Grey, self.luma.size_px, time)
            .map_err(|e| self.info.bad(e.to_string()))
    }
}

/// Reads a picture file, upright as its EXIF says. Of an animation: the first picture.
///
/// # Errors
/// The cause: not there, not a picture, broken, too large.
pub(super) fn load(path: &Path) -> Result<Luma, String> {
    let mut reader = ImageReader::open(path)
        .map_err(|e| e.to_string())?
        .with_guessed_format()
        .map_err(|e| e.to_string())?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE_PX || height > MAX_SIDE_PX {
        return Err(format!(
            "{width}x{height} is larger than {MAX_SIDE_PX} pixels a side"
        ));
    }
    let orientation = decoder.orientation().map_err(|e| e.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| e.to_string())?;
    picture.apply_orientation(orientation);
    Ok(to_luma(picture))
}

fn to_luma(picture: DynamicImage) -> Luma {
    let size_px = (picture.width(), picture.height());
    let data = match picture {
        DynamicImage::ImageLuma8(grey) => grey.into_raw(),
        // Not the image crate's own grey: cameras give BT.601 luma.
        other => other.into_rgb8().pixels().map(|p| rgb_luma(p.0)).collect(),
    };
    Luma { data, size_px }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn save(dir: &tempfile::TempDir, name: &str, width: u32) -> std::path::PathBuf {
        let path = dir.path().join(name);
        RgbImage::from_pixel(width, 2, Rgb([255, 0, 0]))
            .save(&path)
            .unwrap();
        path
    }

    #[test]
    fn is_shown_once_or_again_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = save(&dir, "a.png", 3);
        let mut once = PictureFile::open(&path, Context::for_tests(false)).unwrap();
        assert_eq!(
            super::super::tests::outcomes(&mut once, 3),
            ["3x2", "ended", "ended"]
        );
        let mut again = PictureFile::open(&path, Context::for_tests(true)).unwrap();
        assert_eq!(super::super::tests::outcomes(&mut again, 3), ["3x2"; 3]);
        assert_eq!(
            again.next_frame().unwrap().luma(0, 0),
            77,
            "red has BT.601 luma 77"
        );
    }

    #[test]
    fn what_is_no_picture_is_refused_with_the_name() {
        let dir = tempfile::tempdir().unwrap();
        let png = std::fs::read(save(&dir, "good.png", 50)).unwrap();
        let cases = [
            ("empty.png", &b""[..]),
            ("text.png", b"hello"),
            ("cut.png", &png[..png.len() / 2]),
        ];
        for (name, bytes) in cases {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = PictureFile::open(&path, Context::for_tests(false))
                .err()
                .unwrap()
                .to_string();
            assert!(
                error.contains(name) && error.contains("Readable pictures"),
                "{error}"
            );
        }
        let wide = save(&dir, "wide.png", 20_000);
        let error = load(&wide).unwrap_err();
        assert!(!error.is_empty());
    }
}

//! One picture as a source. How pictures are read is in [`crate::photo`].

use std::path::Path;

use moodring_core::frame::{Frame, FrameError, Millis, PixelFormat};

use super::{Camera, CameraError, CameraInfo, Context, stop_signal::FramePacer};
use crate::photo::{ENDINGS, Photo};

/// One picture, shown at the rate: for its time, or repeated without end.
pub(super) struct PictureFile {
    info: CameraInfo,
    context: Context,
    pace: FramePacer,
    photo: Photo,
    /// Frames lent.
    shown: u32,
}

impl PictureFile {
    /// Reads the picture.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = path.display().to_string();
        let photo = Photo::read(path).map_err(|e| CameraError::Open {
            source_name: name.clone(),
            reason: e.to_string(),
            way_out: format!(
                "Pictures are {}; films are .mjpeg and .y4m",
                ENDINGS.join(", ")
            ),
        })?;
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: Some(photo.size_px()),
                wire: "picture".into(),
                format: PixelFormat::Rgb,
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: FramePacer::new(context.rate_hz, context.stop.clone()),
            context,
            photo,
            shown: 0,
        })
    }
}

impl Camera for PictureFile {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        let over = self.shown >= self.context.frames_per_picture && !self.context.repeat;
        if over || !self.pace.wait() {
            return Err(self.info.ended());
        }
        self.shown = self.shown.saturating_add(1);
        lend(&self.photo, self.context.clock.now()).map_err(|e| self.info.bad(e.to_string()))
    }
}

/// The photo as a frame of this moment.
pub(super) fn lend(photo: &Photo, time: Millis) -> Result<Frame<'_>, FrameError> {
    let still = photo.frame()?;
    Frame::new(
        still.data(),
        still.format(),
        photo.size_px(),
        still.stride(),
        time,
    )
}

#[cfg(test)]
mod tests {
    use super::{super::tests::outcomes, *};

    #[test]
    fn is_shown_once_or_again_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        image::RgbImage::from_pixel(20, 16, image::Rgb([255, 0, 0]))
            .save(&path)
            .unwrap();
        let mut once = PictureFile::open(&path, Context::for_tests(false)).unwrap();
        assert_eq!(outcomes(&mut once, 3), ["20x16", "ended", "ended"]);
        let mut again = PictureFile::open(&path, Context::for_tests(true)).unwrap();
        assert_eq!(outcomes(&mut again, 3), ["20x16"; 3]);
        assert_eq!(again.next_frame().unwrap().luma(0, 0), 77, "red");
    }

    #[test]
    fn what_is_no_picture_is_refused_with_the_name() {
        let dir = tempfile::tempdir().unwrap();
        for bytes in [&b""[..], b"hello"] {
            let path = dir.path().join("text.png");
            std::fs::write(&path, bytes).unwrap();
            let error = PictureFile::open(&path, Context::for_tests(false)).err();
            let text = error.unwrap().to_string();
            assert!(text.contains("text.png") && text.contains(".y4m"), "{text}");
        }
    }
}

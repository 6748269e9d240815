//! Saves single pictures on request. Saves none if the settings name no folder.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use moodring_core::{frame::Frame, picture::Picture as _};

use crate::{camera::jpeg::FrameDecoder, latest::LentPicture};

/// One thread requests a picture, another one saves it.
#[derive(Clone, Debug)]
pub(super) struct Stills {
    folder: PathBuf,
    asked: Arc<AtomicBool>,
}

impl Stills {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.into(),
            asked: Arc::default(),
        }
    }

    pub(super) fn ask(&self) {
        if self.folder.as_os_str().is_empty() {
            tracing::info!("no picture: camera.pictures names no folder");
            return;
        }
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Saves this picture if somebody requested one since the last one.
    pub(super) fn offer(&self, picture: &LentPicture<'_>) {
        if !self.asked.swap(false, Ordering::Relaxed) {
            return;
        }
        let name = jiff::Zoned::now().strftime("%Y-%m-%dT%H-%M-%S%.3f.png");
        let path = self.folder.join(name.to_string());
        match save_whole(picture, &path) {
            Ok(()) => tracing::info!("picture taken: {}", path.display()),
            Err(error) => {
                tracing::warn!(
                    "no picture: {}: {error}. Check camera.pictures",
                    path.display()
                );
            }
        }
    }
}

fn save_whole(picture: &LentPicture<'_>, path: &Path) -> io::Result<()> {
    let jpeg = match picture {
        LentPicture::Frame(frame) => return save(frame, path),
        LentPicture::Jpeg(jpeg) => jpeg,
    };
    let mut decoder = FrameDecoder::new(false);
    let size_px = decoder.decode(jpeg.jpeg()).map_err(io::Error::other)?;
    let frame = Frame::packed(decoder.pixels(), decoder.format(), size_px, picture.time());
    save(&frame.map_err(io::Error::other)?, path)
}

/// Saves the frame in grey, as the nets see it.
fn save(frame: &Frame<'_>, path: &Path) -> io::Result<()> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let grey: Vec<u8> = rows.map(|(x, y)| frame.luma(x, y)).collect();
    // Never overwrites another picture.
    let mut out = BufWriter::new(fs::File::create_new(path)?);
    PngEncoder::new(&mut out)
        .write_image(&grey, width, height, ExtendedColorType::L8)
        .map_err(io::Error::other)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use moodring_core::frame::{Millis, PixelFormat};

    use super::*;

    fn frame(pixels: &[u8]) -> LentPicture<'_> {
        let frame = Frame::packed(pixels, PixelFormat::Grey, (2, 2), Millis(0));
        LentPicture::Frame(frame.unwrap())
    }

    #[test]
    fn a_picture_is_taken_only_when_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let count = || fs::read_dir(folder.path()).unwrap().count();
        let stills = Stills::new(folder.path());
        stills.offer(&frame(&[1, 2, 3, 4]));
        assert_eq!(count(), 0);
        stills.ask();
        stills.offer(&frame(&[1, 2, 3, 4]));
        stills.offer(&frame(&[9, 9, 9, 9]));
        assert_eq!(count(), 1);
        let path = fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        assert_eq!(
            image::open(path).unwrap().to_luma8().as_raw(),
            &[1, 2, 3, 4]
        );
    }

    #[test]
    fn without_a_folder_nothing_is_written() {
        let stills = Stills::new(Path::new(""));
        stills.ask();
        assert!(!stills.asked.load(Ordering::Relaxed));
    }
}

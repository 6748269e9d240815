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
use moodring_core::frame::Frame;

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

    /// Saves this frame if somebody requested a picture since the last one.
    pub(super) fn offer(&self, frame: &Frame<'_>) {
        if !self.asked.swap(false, Ordering::Relaxed) {
            return;
        }
        let name = jiff::Zoned::now().strftime("%Y-%m-%dT%H-%M-%S%.3f.png");
        let path = self.folder.join(name.to_string());
        match save(frame, &path) {
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

    fn frame(pixels: &[u8]) -> Frame<'_> {
        Frame::packed(pixels, PixelFormat::Grey, (2, 2), Millis(0)).unwrap()
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

//! Takes single pictures on request: saves them if the settings name a folder, gives them to the broker's side if they allow that.

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use image::{
    ExtendedColorType, GrayImage, ImageEncoder, ImageError,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::thumbnail,
};
use moodring_camera::{jpeg::FrameDecoder, latest::LentPicture};
use moodring_core::{frame::Frame, picture::Picture as _};
use tokio::sync::watch;

/// One thread requests a picture, another one saves it.
#[derive(Clone, Debug)]
pub(super) struct Stills {
    folder: PathBuf,
    asked: Arc<AtomicBool>,
    /// Where the newest goes as JPEG, if the settings let it leave this machine.
    sent: Option<JpegSender>,
}

/// The newest picture, as JPEG.
type JpegSender = watch::Sender<Option<Arc<[u8]>>>;

/// The longest side of a picture that is sent, and its most bytes: the broker's largest message, less its topic.
const SENT_PX: u32 = 640;
const SENT_BYTES: usize = 60_000;

impl Stills {
    pub(super) fn new(folder: &Path, sends: bool) -> Self {
        Self {
            folder: folder.into(),
            asked: Arc::default(),
            sent: sends.then(|| watch::channel(None).0),
        }
    }

    /// The newest picture that is sent; none ever if the settings do not allow it.
    pub(super) fn watch(&self) -> watch::Receiver<Option<Arc<[u8]>>> {
        match &self.sent {
            Some(sent) => sent.subscribe(),
            None => watch::channel(None).1,
        }
    }

    pub(super) fn ask(&self) {
        if self.folder.as_os_str().is_empty() && self.sent.is_none() {
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
        match whole(picture, &mut FrameDecoder::new(false)) {
            Ok(frame) => self.take(&frame),
            Err(error) => tracing::warn!("no picture: {error}"),
        }
    }

    fn take(&self, frame: &Frame<'_>) {
        if let Some(sent) = &self.sent {
            match jpeg(frame) {
                Ok(jpeg) => drop(sent.send_replace(Some(jpeg.into()))),
                Err(error) => tracing::warn!("no picture for the broker: {error}"),
            }
        }
        if self.folder.as_os_str().is_empty() {
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

/// The picture with all its pixels.
fn whole<'a>(
    picture: &'a LentPicture<'_>,
    decoder: &'a mut FrameDecoder,
) -> Result<Frame<'a>, String> {
    let jpeg = match picture {
        LentPicture::Frame(frame) => return Ok(*frame),
        LentPicture::Jpeg(jpeg) => jpeg,
    };
    let size_px = decoder
        .decode(jpeg.jpeg())
        .map_err(|error| error.to_string())?;
    let frame = Frame::packed(decoder.pixels(), decoder.format(), size_px, picture.time());
    frame.map_err(|e| e.to_string())
}

/// The frame in grey, as the nets see it.
fn grey(frame: &Frame<'_>) -> Vec<u8> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    rows.map(|(x, y)| frame.luma(x, y)).collect()
}

/// The frame as a JPEG that fits a message.
fn jpeg(frame: &Frame<'_>) -> Result<Vec<u8>, ImageError> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let whole = GrayImage::from_raw(width, height, grey(frame)).unwrap_or_default();
    let longest = width.max(height).max(1);
    let small = match longest > SENT_PX {
        true => thumbnail(
            &whole,
            (width * SENT_PX / longest).max(1),
            (height * SENT_PX / longest).max(1),
        ),
        false => whole,
    };
    let mut jpeg = Vec::new();
    // Noise takes more bytes than faces; it gets less detail.
    for quality in [80, 60, 40, 20] {
        jpeg.clear();
        JpegEncoder::new_with_quality(&mut jpeg, quality).encode_image(&small)?;
        if jpeg.len() <= SENT_BYTES {
            break;
        }
    }
    Ok(jpeg)
}

/// Saves the frame.
fn save(frame: &Frame<'_>, path: &Path) -> io::Result<()> {
    let (width, height) = (frame.width_px(), frame.height_px());
    let grey = grey(frame);
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
        let stills = Stills::new(folder.path(), false);
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
        let stills = Stills::new(Path::new(""), false);
        stills.ask();
        assert!(!stills.asked.load(Ordering::Relaxed));
    }

    #[test]
    fn a_picture_is_sent_only_where_that_is_allowed_and_fits_a_message() {
        let (kept, sent) = (
            Stills::new(Path::new(""), false),
            Stills::new(Path::new(""), true),
        );
        // Noise, larger than what is sent.
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let pixels: Vec<u8> = (0..1280 * 960).map(|_| noise()).collect();
        let frame = Frame::packed(&pixels, PixelFormat::Grey, (1280, 960), Millis(0)).unwrap();
        let picture = LentPicture::Frame(frame);
        for stills in [&kept, &sent] {
            stills.ask();
            stills.offer(&picture);
        }
        assert!(kept.watch().borrow().is_none());
        let mut watch = sent.watch();
        let jpeg = watch.borrow_and_update().clone().unwrap();
        assert!(jpeg.len() <= SENT_BYTES, "{}", jpeg.len());
        let shown = image::load_from_memory(&jpeg).unwrap();
        assert_eq!((shown.width(), shown.height()), (640, 480));
        sent.offer(&picture);
        assert!(!watch.has_changed().unwrap(), "nobody asked again");
    }
}

//! One picture as a source; [`crate::photo`] reads it.
//!
//! If it is repeated, it is read again whenever the file was rewritten, as many cameras rewrite their `last.jpg`. Each
//! frame compares the file's date, size and inode: that costs a microsecond, and unlike inotify it works over NFS, SMB
//! and FUSE.

use std::{
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use moodring_base::redact::printable;
use moodring_core::frame::{Frame, FrameError, Millis, PixelFormat};

use super::{Camera, CameraError, CameraInfo, Context, frame_pacer::FramePacer};
use crate::photo::{ENDINGS, Photo, PhotoError};

/// So long after it was written a broken picture may still become whole without another date.
const SETTLED: Duration = Duration::from_secs(2);

/// One picture, shown at the rate: for its time, or repeated without end.
pub(super) struct PictureFile {
    info: CameraInfo,
    context: Context,
    pace: FramePacer,
    path: PathBuf,
    photo: Photo,
    stamp: Stamp,
    /// Frames lent.
    shown: u32,
}

/// What changes when a file is written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    bytes: u64,
    number: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: metadata.size(),
            number: metadata.ino(),
        }
    }
}

/// Films of other kinds, which a child can turn into pictures.
const FILMS: [&str; 10] = [
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "ts", "wmv",
];

/// What to do with a file that is no picture.
fn way_out(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if FILMS.iter().any(|film| ending == *film) {
        return "ffmpeg plays such a film (sudo apt install ffmpeg): write \
                'cmd:ffmpeg -loglevel error -re -i FILE -f mjpeg -q:v 4 -' with the file's name as the source"
            .into();
    }
    format!(
        "Pictures are {}; films are .mjpeg and .y4m",
        ENDINGS.join(", ")
    )
}

impl PictureFile {
    /// Reads the picture.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = printable(&path.to_string_lossy());
        let way_out = way_out(path);
        let refuse = |error: PhotoError| match error {
            PhotoError::Io(error) => super::refuse(&name, &error, way_out.clone()),
            // The way out for a source is another one than for a photo.
            PhotoError::OtherFormat(kind) => CameraError::Open {
                source_name: name.clone(),
                reason: format!("it is {kind}"),
                way_out: way_out.clone(),
            },
            error => CameraError::Open {
                source_name: name.clone(),
                reason: error.to_string(),
                way_out: way_out.clone(),
            },
        };
        // The date before the picture: what is written between them is read again.
        let metadata = path.metadata().map_err(|e| refuse(e.into()))?;
        let photo = Photo::read(path).map_err(refuse)?;
        Ok(Self {
            info: CameraInfo {
                size_px: Some(photo.size_px()),
                name,
                wire: "picture".into(),
                format: PixelFormat::Rgb,
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: FramePacer::new(context.rate_hz, context.stop.clone()),
            context,
            path: path.into(),
            photo,
            stamp: Stamp::of(&metadata),
            shown: 0,
        })
    }

    /// Reads it again if it was written since; a broken one is skipped and the date kept, until it can be whole no more.
    fn look_again(&mut self) -> Result<(), CameraError> {
        let metadata = match self.path.metadata() {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(self.info.lost("the file is gone"));
            }
            Err(e) => return Err(self.info.lost(e.to_string())),
        };
        let stamp = Stamp::of(&metadata);
        if stamp == self.stamp {
            return Ok(());
        }
        match Photo::read(&self.path) {
            Ok(photo) => {
                self.info.size_px = Some(photo.size_px());
                (self.photo, self.stamp) = (photo, stamp);
                Ok(())
            }
            Err(e) if e.is_shortage() => Err(self.info.bad(e.to_string())),
            Err(e) => {
                let age = metadata
                    .modified()
                    .ok()
                    .map(|at| SystemTime::now().duration_since(at));
                if age.is_none_or(|age| age.unwrap_or(SETTLED) >= SETTLED) {
                    self.stamp = stamp;
                }
                Err(self.info.bad(e.to_string()))
            }
        }
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
        if self.context.repeat {
            self.look_again()?;
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
        photo.decoded_px(),
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
    fn one_that_is_written_anew_is_read_again_and_missed_when_it_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, next) = (dir.path().join("last.png"), dir.path().join("next.png"));
        image::RgbImage::new(20, 16).save(&path).unwrap();
        let mut camera = PictureFile::open(&path, Context::for_tests(true)).unwrap();
        assert_eq!(outcomes(&mut camera, 1), ["20x16"]);
        image::RgbImage::new(32, 16).save(&next).unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert_eq!(outcomes(&mut camera, 1), ["32x16"]);
        // Half written, then whole.
        let whole = {
            image::RgbImage::new(40, 30).save(&next).unwrap();
            std::fs::read(&next).unwrap()
        };
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(outcomes(&mut camera, 2), ["bad", "bad"]);
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(outcomes(&mut camera, 1), ["40x30"]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(outcomes(&mut camera, 2), ["lost", "lost"]);
    }

    #[test]
    fn a_film_of_another_kind_is_refused_with_the_way_to_play_it() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.mp4", "b.MOV", "c.mkv"] {
            let path = dir.path().join(name);
            std::fs::write(&path, b"\0\0\0\x18ftypmp42").unwrap();
            let error = PictureFile::open(&path, Context::for_tests(false)).err();
            let text = error.unwrap().to_string();
            assert!(text.contains(name) && text.contains("cmd:ffmpeg"), "{text}");
        }
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

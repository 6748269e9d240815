//! A folder of pictures, with its subfolders, played in the order of the names.

use std::{
    io,
    path::{Path, PathBuf},
};

use moodring_base::redact::printable;
use moodring_core::frame::{Frame, PixelFormat};

use super::{
    Camera, CameraError, CameraInfo, Context, frame_pacer::FramePacer, picture::lend, refuse,
};
use crate::photo::{self, ENDINGS, Photo};

/// An open folder. Repeated, it is listed again at each round.
pub(super) struct Folder {
    info: CameraInfo,
    context: Context,
    pace: FramePacer,
    path: PathBuf,
    files: std::vec::IntoIter<PathBuf>,
    /// One that could not be opened for want of files or memory.
    postponed: Option<PathBuf>,
    photo: Option<Photo>,
    /// Frames of `photo` that are still to be lent.
    left: u32,
}

impl Folder {
    /// Lists the folder.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = printable(&path.to_string_lossy());
        let way_out = || format!("Put pictures there: {}", ENDINGS.join(", "));
        let files = list(path).map_err(|error| refuse(&name, &error, way_out()))?;
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: None,
                wire: format!("folder of {} pictures", files.len()),
                format: PixelFormat::Rgb,
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: FramePacer::new(context.rate_hz, context.stop.clone()),
            context,
            path: path.into(),
            files: files.into_iter(),
            postponed: None,
            photo: None,
            left: 0,
        })
    }

    fn next_file(&mut self) -> Result<PathBuf, CameraError> {
        if let Some(file) = self.postponed.take().or_else(|| self.files.next()) {
            return Ok(file);
        }
        if !self.context.repeat {
            return Err(self.info.ended());
        }
        self.files = list(&self.path)
            .map_err(|error| self.info.lost(error.to_string()))?
            .into_iter();
        // Somebody may be changing its pictures just now: it is waited for, as a camera is.
        let empty = || self.info.lost("it holds no pictures");
        self.files.next().ok_or_else(empty)
    }

    /// The next picture, whose turn begins.
    fn next_photo(&mut self) -> Result<Photo, CameraError> {
        let file = self.next_file()?;
        let photo = Photo::read(&file).map_err(|error| {
            let source_name = printable(&file.to_string_lossy());
            if error.is_shortage() {
                // It has its turn once it can be opened.
                self.postponed = Some(file);
            }
            CameraError::Bad {
                source_name,
                reason: error.to_string(),
            }
        })?;
        self.info.size_px = Some(photo.size_px());
        self.left = self.context.frames_per_picture;
        Ok(photo)
    }
}

impl Camera for Folder {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        // Broken pictures keep the pace too, else a folder of them would spin.
        if !self.pace.wait() {
            return Err(self.info.ended());
        }
        let shown = self.photo.take().filter(|_| self.left > 0);
        let photo = match shown {
            Some(photo) => photo,
            None => self.next_photo()?,
        };
        self.left -= 1;
        let photo = self.photo.insert(photo);
        lend(photo, self.context.clock.now()).map_err(|e| self.info.bad(e.to_string()))
    }
}

/// The pictures of a folder; at least one.
fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    match photo::list(path)? {
        files if files.is_empty() => Err(io::Error::other("it holds no pictures")),
        files => Ok(files),
    }
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::{super::tests::outcomes, *};

    #[test]
    fn goes_on_over_broken_files_in_the_order_of_names() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        GrayImage::new(30, 20).save(at("c.png")).unwrap();
        GrayImage::new(50, 40).save(at("a.jpg")).unwrap();
        std::fs::write(at("b.png"), b"broken").unwrap();
        std::fs::write(at("notes.txt"), b"not a picture").unwrap();
        let mut once = Folder::open(dir.path(), Context::for_tests(false)).unwrap();
        assert_eq!(outcomes(&mut once, 4), ["50x40", "bad", "30x20", "ended"]);
        let mut again = Folder::open(dir.path(), Context::for_tests(true)).unwrap();
        assert_eq!(outcomes(&mut again, 4), ["50x40", "bad", "30x20", "50x40"]);
    }

    #[test]
    fn each_picture_has_its_time() {
        let dir = tempfile::tempdir().unwrap();
        GrayImage::new(16, 16)
            .save(dir.path().join("a.png"))
            .unwrap();
        GrayImage::new(32, 16)
            .save(dir.path().join("b.png"))
            .unwrap();
        let context = Context {
            frames_per_picture: 2,
            ..Context::for_tests(false)
        };
        let mut folder = Folder::open(dir.path(), context).unwrap();
        let seen = outcomes(&mut folder, 5);
        assert_eq!(seen, ["16x16", "16x16", "32x16", "32x16", "ended"]);
    }

    #[test]
    fn a_folder_without_pictures_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path| Folder::open(path, Context::for_tests(true)).err().unwrap();
        let error = open(dir.path()).to_string();
        assert!(error.contains("no pictures"), "{error}");
        assert!(matches!(
            open(&dir.path().join("gone")),
            CameraError::Open { .. }
        ));
    }
}

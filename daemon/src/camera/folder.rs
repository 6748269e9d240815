//! A folder of pictures, played in the order of their names.

use std::path::{Path, PathBuf};

use moodring_core::frame::{Frame, PixelFormat};

use super::{
    Camera, CameraError, CameraInfo, Context,
    picture::{self, ENDINGS, Luma},
    stop::Pace,
};

/// An open folder. Repeated, it is listed again at each round.
pub(super) struct Folder {
    info: CameraInfo,
    context: Context,
    pace: Pace,
    path: PathBuf,
    files: std::vec::IntoIter<PathBuf>,
    luma: Luma,
}

impl Folder {
    /// Lists the folder.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = path.display().to_string();
        let files = list(path).map_err(|reason| CameraError::Open {
            source_name: name.clone(),
            reason,
            way_out: format!("Put pictures there: {}", ENDINGS.join(", ")),
        })?;
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: None,
                wire: format!("folder of {} pictures", files.len()),
                format: PixelFormat::Grey,
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: Pace::new(context.rate_hz, context.stop.clone()),
            context,
            path: path.into(),
            files: files.into_iter(),
            luma: Luma::default(),
        })
    }

    fn next_file(&mut self) -> Result<PathBuf, CameraError> {
        if let Some(file) = self.files.next() {
            return Ok(file);
        }
        if !self.context.repeat {
            return Err(self.info.ended());
        }
        self.files = list(&self.path)
            .map_err(|reason| self.info.lost(reason))?
            .into_iter();
        self.files.next().ok_or_else(|| self.info.ended())
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
        let file = self.next_file()?;
        self.luma = picture::load(&file).map_err(|reason| CameraError::Bad {
            source_name: file.display().to_string(),
            reason,
        })?;
        self.info.size_px = Some(self.luma.size_px);
        let time = self.context.clock.now();
        Frame::packed(&self.luma.data, PixelFormat::Grey, self.luma.size_px, time)
            .map_err(|e| self.info.bad(e.to_string()))
    }
}

/// The pictures of a folder by their endings, sorted by name; at least one.
fn list(path: &Path) -> Result<Vec<PathBuf>, String> {
    let is_picture = |path: &PathBuf| {
        let ending = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        ending.is_some_and(|e| ENDINGS.contains(&e.as_str())) && path.is_file()
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(|e| e.to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_picture)
        .collect();
    if files.is_empty() {
        return Err("it holds no pictures".into());
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use image::GrayImage;

    use super::*;

    #[test]
    fn goes_on_over_broken_files_in_the_order_of_names() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        GrayImage::new(3, 2).save(at("c.png")).unwrap();
        GrayImage::new(5, 4).save(at("a.jpg")).unwrap();
        std::fs::write(at("b.png"), b"broken").unwrap();
        std::fs::write(at("notes.txt"), b"not a picture").unwrap();
        std::fs::create_dir(at("d.png")).unwrap();
        let mut once = Folder::open(dir.path(), Context::for_tests(false)).unwrap();
        let outcomes = super::super::tests::outcomes;
        assert_eq!(outcomes(&mut once, 4), ["5x4", "bad", "3x2", "ended"]);
        let mut again = Folder::open(dir.path(), Context::for_tests(true)).unwrap();
        assert_eq!(outcomes(&mut again, 4), ["5x4", "bad", "3x2", "5x4"]);
    }

    #[test]
    fn a_folder_without_pictures_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let error = Folder::open(dir.path(), Context::for_tests(true))
            .err()
            .unwrap();
        assert!(error.to_string().contains("no pictures"), "{error}");
    }
}

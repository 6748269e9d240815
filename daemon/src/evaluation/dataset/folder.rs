//! A data set of one folder per expression.

use std::path::{Path, PathBuf};

use moodring_camera::photo::{Photo, expand};
use moodring_core::expression::Expression;

use super::{DatasetError, Sample, Samples};

/// Files with their labels.
pub struct Folder(Vec<(PathBuf, Expression)>);

impl Folder {
    /// The pictures below `path`; `None` if no folder in it has the name of an expression, or all are empty.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let mut files = Vec::new();
        for label in Expression::ALL {
            let folder = path.join(label.name());
            if folder.is_dir() {
                files.extend(expand(&[folder]).into_iter().map(|file| (file, label)));
            }
        }
        (!files.is_empty()).then_some(Self(files))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn samples(&self) -> Samples<'_> {
        Box::new(self.0.iter().map(|(path, label)| read(path, *label)))
    }
}

fn read(path: &Path, label: Expression) -> Result<Sample, DatasetError> {
    let name = path.display().to_string();
    let crop = Photo::read(path).map_err(|e| e.to_string());
    match crop.and_then(|photo| photo.crop().map_err(|e| e.to_string())) {
        Ok(crop) => Ok(Sample {
            name,
            label,
            crop,
            majority: None,
        }),
        Err(reason) => Err(DatasetError::Sample { name, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_picture_is_named_and_the_rest_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let sad = dir.path().join("sad");
        std::fs::create_dir(&sad).unwrap();
        image::GrayImage::from_pixel(48, 48, image::Luma([90]))
            .save(sad.join("good.png"))
            .unwrap();
        std::fs::write(sad.join("bad.png"), b"no picture").unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let found: Vec<_> = folder.samples().collect();
        assert_eq!((folder.len(), found.len()), (2, 2));
        let error = found[0].as_ref().err().unwrap().to_string();
        assert!(error.contains("bad.png"), "{error}");
        let good = found[1].as_ref().unwrap();
        assert_eq!((good.label, good.crop[77]), (Expression::Sad, 90));
    }
}

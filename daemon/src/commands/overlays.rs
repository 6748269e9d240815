//! `analyze --cam`: writes each photo as a PNG with a heat map of where the classifier looked, all into one folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use moodring_camera::photo::Photo;
use moodring_vision::{PhotoFace, overlay};
use moodring_web::preview::label;

use super::Failure;

/// The folder for the pictures.
pub(super) struct Overlays {
    folder: PathBuf,
}

impl Overlays {
    /// Creates the folder if it does not exist.
    pub(super) fn new(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder)
            .map_err(|e| Failure::output(format!("cannot make {}: {e}", folder.display())))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Writes the photo with its faces' maps.
    ///
    /// # Errors
    /// The reason, for the photo's line: the net has no maps, or the picture cannot be written.
    pub(super) fn write(
        &self,
        path: &Path,
        photo: &Photo,
        faces: &[PhotoFace],
    ) -> Result<(), String> {
        let mut picture = photo.to_rgb();
        for found in faces {
            let map = found.map.as_ref().ok_or(
                "this net has no activation maps: --cam needs engine = \"int8\" and the built-in classifier",
            )?;
            overlay(&mut picture, &found.from_crop, map);
        }
        // Over all heat, so that a neighbour's hides none.
        for found in faces {
            let (likeliest, _) = found.reading.scores.top();
            label(&mut picture, &found.face, likeliest.name());
        }
        let to = self.folder.join(name(path));
        picture
            .save_with_format(&to, image::ImageFormat::Png)
            .map_err(|e| format!("cannot write {}: {e}", to.display()))
    }
}

/// A name that keeps photos of the same name in several folders apart: `holiday/a.jpg` becomes `holiday_a.jpg.png`.
fn name(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        std::path::Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    let parts: Vec<_> = parts.collect();
    format!("{}.png", parts.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_of_one_name_do_not_overwrite_each_other() {
        assert_eq!(name(Path::new("a.jpg")), "a.jpg.png");
        assert_eq!(name(Path::new("x/a.jpg")), "x_a.jpg.png");
        assert_eq!(name(Path::new("../y/a.jpg")), "y_a.jpg.png");
        assert_eq!(name(Path::new("/y/a.png")), "y_a.png.png");
    }
}

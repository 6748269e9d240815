//! Labelled crops: a folder per expression, a CSV as FER2013 has it, or sheets of crops with their labels.

mod csv;
mod folder;
mod sheets;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

use moodring_core::{classify::Crop, expression::Expression};

use csv::Csv;
use folder::Folder;
use sheets::Sheets;

/// A crop, its label, and where it comes from.
pub struct Sample {
    /// For people: a file, or a line of the CSV.
    pub name: String,
    /// The label.
    pub label: Expression,
    /// The upright face.
    pub crop: Crop,
    /// What most of FER+'s ten annotators saw, if the data set has their votes.
    pub majority: Option<Majority>,
}

/// What most of FER+'s annotators saw in a face (Barsoum et al., 2016).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Majority {
    /// One of our seven expressions.
    Expression(Expression),
    /// An eighth expression, which moodring never answers.
    Contempt,
}

/// Why a data set or a sample of it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The system's error.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, io::Error),
    /// It has none of the known forms.
    #[error(
        "{0} is no data set: give a folder with folders named angry, disgust, fear, happy, sad, surprise, neutral, \
         a CSV whose first line names `emotion` and `pixels`, or a folder of PNG sheets of 48x48 crops \
         with its labels in {0}_labels.npz"
    )]
    Form(PathBuf),
    /// The labels of the sheets do not fit.
    #[error("{path}: {reason}")]
    Labels {
        /// The file of labels.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// One sample is broken; the others can go on.
    #[error("{name}: {reason}")]
    Sample {
        /// A file, or a line of the CSV.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Samples one after the other, broken ones as errors.
pub(in crate::evaluation) type Samples<'a> =
    Box<dyn Iterator<Item = Result<Sample, DatasetError>> + 'a>;

/// An open data set.
pub enum Dataset {
    /// Files with their labels.
    Folder(Folder),
    /// Rows of a CSV.
    Csv(Csv),
    /// Sheets of crops.
    Sheets(Sheets),
}

impl Dataset {
    /// Opens `path`, whatever its form. Of a CSV, only rows of this `Usage` if one is named.
    ///
    /// # Errors
    /// [`DatasetError::Form`] if it is none of the forms, [`DatasetError::Io`] or [`DatasetError::Labels`] if it
    /// cannot be read.
    pub fn open(path: &Path, usage: Option<&str>) -> Result<Self, DatasetError> {
        if !path.is_dir() {
            return Csv::open(path, usage).map(Self::Csv);
        }
        if let Some(folder) = Folder::open(path) {
            return Ok(Self::Folder(folder));
        }
        let sheets = Sheets::open(path)?;
        sheets
            .map(Self::Sheets)
            .ok_or_else(|| DatasetError::Form(path.to_owned()))
    }

    /// How many samples there are, if that is known before reading them.
    pub fn len_hint(&self) -> usize {
        match self {
            Self::Folder(folder) => folder.len(),
            Self::Csv(_) => 0,
            Self::Sheets(sheets) => sheets.len(),
        }
    }

    /// All samples, broken ones as errors.
    ///
    /// # Errors
    /// [`DatasetError::Io`] if a file cannot be opened again.
    pub fn samples(&self) -> Result<Samples<'_>, DatasetError> {
        match self {
            Self::Folder(folder) => Ok(folder.samples()),
            Self::Csv(csv) => csv.samples(),
            Self::Sheets(sheets) => Ok(sheets.samples()),
        }
    }

    /// The `Training` rows of the same CSV, if they are not evaluated: the net may have been trained on them.
    pub fn training(&self) -> Option<Self> {
        match self {
            Self::Csv(csv) => csv.training().map(Self::Csv),
            _ => None,
        }
    }
}

/// The crops that a net may have been trained on, so that a test can leave them out.
#[derive(Default)]
pub struct TrainingCrops(HashSet<u64>);

impl TrainingCrops {
    /// Adds every crop of a data set; broken samples are skipped.
    ///
    /// # Errors
    /// [`DatasetError`] if the set cannot be read at all.
    pub fn add(&mut self, dataset: &Dataset) -> Result<(), DatasetError> {
        self.0
            .extend(dataset.samples()?.flatten().map(|s| hash(&s.crop)));
        Ok(())
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this crop was added, byte for byte. (By a 64-bit hash: a collision is out of reach.)
    pub fn contains(&self, crop: &Crop) -> bool {
        self.0.contains(&hash(crop))
    }
}

fn hash(crop: &Crop) -> u64 {
    let mut hasher = DefaultHasher::new();
    crop.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use moodring_core::classify::CROP_PX;

    use super::*;

    #[test]
    fn the_error_of_what_is_no_data_set_names_what_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let error = Dataset::open(dir.path(), None).err().unwrap().to_string();
        assert!(
            error.contains("angry") && error.contains("_labels.npz"),
            "{error}"
        );
        let path = dir.path().join("x.csv");
        std::fs::write(&path, [0xFF; 5000]).unwrap();
        assert!(matches!(
            Dataset::open(&path, None),
            Err(DatasetError::Form(_))
        ));
        assert!(matches!(
            Dataset::open(Path::new("/nonexistent"), None),
            Err(DatasetError::Io(..))
        ));
    }

    #[test]
    fn a_crop_that_was_trained_on_is_known_again() {
        let face = |byte: u8| vec![byte.to_string(); CROP_PX * CROP_PX].join(" ");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fer2013.csv");
        let rows = format!(
            "emotion,pixels,Usage\n3,{},Training\n3,{},PublicTest\n",
            face(7),
            face(8)
        );
        std::fs::write(&path, rows).unwrap();
        let test = Dataset::open(&path, Some("PublicTest")).unwrap();
        let mut seen = TrainingCrops::default();
        seen.add(&test.training().unwrap()).unwrap();
        assert!(seen.contains(&[7; CROP_PX * CROP_PX]) && !seen.contains(&[8; CROP_PX * CROP_PX]));
        assert!(Dataset::open(&path, None).unwrap().training().is_none());
        assert!(
            Dataset::open(&path, Some("Training"))
                .unwrap()
                .training()
                .is_none()
        );
    }
}

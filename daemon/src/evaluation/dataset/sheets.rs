//! Sheets of 48x48 crops, one below the other, as lossless PNG; their labels in a NumPy file.
//!
//! `NAME/*.png` in the order of names, and `NAME_labels.npz` beside it (or `labels.npz` in it) with `labels`
//! (u8, FER2013's numbers) and, if known, `ferplus_votes` (u8, N x 10) and `match` (u8; 3: the votes are another picture's).

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use moodring_camera::photo::is_picture_name;
use moodring_core::{
    classify::{CROP_PX, Crop},
    expression::Expression,
};
use npyz::NpyFile;
use zip::{ZipArchive, result::ZipError};

use super::{DatasetError, Majority, Sample, Samples};

/// FER+'s columns: neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face.
const COLUMNS: usize = 10;
/// The first seven in our order.
const OURS: [Expression; 7] = [
    Expression::Neutral,
    Expression::Happy,
    Expression::Surprise,
    Expression::Sad,
    Expression::Angry,
    Expression::Disgust,
    Expression::Fear,
];
const CONTEMPT: usize = 7;
/// In `match`: these votes belong to another picture.
const UNTRUSTED: u8 = 3;

/// The sheets and a label for each crop on them.
pub struct Sheets {
    sheets: Vec<PathBuf>,
    labels: Vec<(Expression, Option<Majority>)>,
}

impl Sheets {
    /// The sheets in `path`; `None` if there are no labels or no sheets.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, DatasetError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push("_labels.npz");
        let Some(labels) = [path.join("labels.npz"), PathBuf::from(beside)]
            .into_iter()
            .find(|p| p.is_file())
        else {
            return Ok(None);
        };
        let io = |e| DatasetError::Io(path.to_owned(), e);
        let files = std::fs::read_dir(path).map_err(io)?;
        let mut sheets: Vec<_> = files
            .flatten()
            .map(|f| f.path())
            .filter(|p| is_picture_name(p))
            .collect();
        sheets.sort();
        if sheets.is_empty() {
            return Ok(None);
        }
        let labels = read_labels(&labels).map_err(|reason| DatasetError::Labels {
            path: labels.clone(),
            reason,
        })?;
        Ok(Some(Self { sheets, labels }))
    }

    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn samples(&self) -> Samples<'_> {
        let crops = self.sheets.iter().flat_map(|sheet| match cut(sheet) {
            Ok(crops) => crops.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        let mut labels = self.labels.iter();
        let mut whole = true;
        Box::new(crops.map_while(move |found| {
            if !whole {
                return None;
            }
            let (name, crop) = match found {
                Ok(found) => found,
                // The number of its crops is unknown, so the labels behind it are lost too.
                Err(error) => {
                    whole = false;
                    return Some(Err(error));
                }
            };
            let Some(&(label, majority)) = labels.next() else {
                whole = false;
                let reason = "has no label: there are more crops than labels".into();
                return Some(Err(DatasetError::Sample { name, reason }));
            };
            Some(Ok(Sample {
                name,
                label,
                crop,
                majority,
            }))
        }))
    }
}

/// A sheet's crops with their names.
fn cut(sheet: &Path) -> Result<Vec<(String, Crop)>, DatasetError> {
    let broken = |reason: String| DatasetError::Sample {
        name: sheet.display().to_string(),
        reason,
    };
    let grey = image::open(sheet)
        .map_err(|e| broken(e.to_string()))?
        .into_luma8();
    if grey.width() as usize != CROP_PX || !(grey.height() as usize).is_multiple_of(CROP_PX) {
        let (w, h) = grey.dimensions();
        return Err(broken(format!(
            "is {w}x{h}: a sheet is 48 wide and a multiple of 48 high"
        )));
    }
    let crops = grey.as_raw().as_chunks::<{ CROP_PX * CROP_PX }>().0;
    Ok(crops
        .iter()
        .enumerate()
        .map(|(i, crop)| (format!("{}:{i}", sheet.display()), *crop))
        .collect())
}

fn read_labels(path: &Path) -> Result<Vec<(Expression, Option<Majority>)>, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| e.to_string())?;
    let labels = bytes(&mut archive, "labels")?.ok_or("has no array `labels`")?;
    let votes = bytes(&mut archive, "ferplus_votes")?;
    let trust = bytes(&mut archive, "match")?;
    let wrong = |name: &str| format!("`{name}` has another length than `labels`");
    if votes
        .as_ref()
        .is_some_and(|v| v.len() != labels.len() * COLUMNS)
    {
        return Err(wrong("ferplus_votes"));
    }
    if trust.as_ref().is_some_and(|t| t.len() != labels.len()) {
        return Err(wrong("match"));
    }
    let majority_of = |i: usize| {
        let trusted = trust.as_ref().is_none_or(|t| t[i] != UNTRUSTED);
        majority(votes.as_ref().filter(|_| trusted)?[i * COLUMNS..].first_chunk()?)
    };
    let label = |(i, &number): (usize, &u8)| {
        let label = Expression::ALL.get(usize::from(number)).copied();
        let label = label.ok_or_else(|| format!("label {i} is {number}, not 0 to 6"))?;
        Ok((label, majority_of(i)))
    };
    labels.iter().enumerate().map(label).collect()
}

/// The column with the most votes, the first one of equals; `None` if nobody voted or most could name nothing.
fn majority(votes: &[u8; COLUMNS]) -> Option<Majority> {
    let most = votes.iter().copied().max().filter(|&most| most > 0)?;
    match votes.iter().position(|&v| v == most)? {
        CONTEMPT => Some(Majority::Contempt),
        column => OURS.get(column).copied().map(Majority::Expression),
    }
}

/// A byte array of the archive, flat; `None` if it has none of this name.
fn bytes(archive: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Option<Vec<u8>>, String> {
    let array = match archive.by_name(&format!("{name}.npy")) {
        Ok(array) => array,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let wrong = |e: std::io::Error| format!("`{name}` is not an array of bytes: {e}");
    let values = NpyFile::new(array).and_then(NpyFile::into_vec::<u8>);
    values.map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use npyz::WriterBuilder;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn npz(path: &Path, arrays: &[(&str, &[u8])]) {
        let mut archive = ZipWriter::new(File::create(path).unwrap());
        for (name, values) in arrays {
            let options = SimpleFileOptions::default();
            archive.start_file(format!("{name}.npy"), options).unwrap();
            let mut writer = npyz::WriteOptions::new()
                .default_dtype()
                .shape(&[values.len() as u64])
                .writer(&mut archive)
                .begin_nd()
                .unwrap();
            writer.extend(values.iter().copied()).unwrap();
            writer.finish().unwrap();
        }
        archive.finish().unwrap();
    }

    fn sheet(path: &Path, greys: &[u8]) {
        let rows = CROP_PX as u32;
        image::GrayImage::from_fn(rows, rows * greys.len() as u32, |_, y| {
            image::Luma([greys[(y / rows) as usize]])
        })
        .save(path)
        .unwrap();
    }

    #[test]
    fn crops_and_labels_stand_in_the_same_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test");
        std::fs::create_dir(&path).unwrap();
        sheet(&path.join("000.png"), &[10, 20]);
        sheet(&path.join("001.png"), &[30]);
        let mut votes = [0; 30];
        (votes[1], votes[17], votes[29]) = (6, 5, 9); // happiness, contempt, not a face
        let labels = dir.path().join("test_labels.npz");
        npz(
            &labels,
            &[("labels", &[3, 0, 6]), ("ferplus_votes", &votes)],
        );
        let sheets = Sheets::open(&path).unwrap().unwrap();
        let found: Vec<_> = sheets.samples().map(Result::unwrap).collect();
        let read: Vec<_> = found
            .iter()
            .map(|s| (s.crop[100], s.label, s.majority))
            .collect();
        let happy = Some(Majority::Expression(Expression::Happy));
        assert_eq!(
            read,
            [
                (10, Expression::Happy, happy),
                (20, Expression::Angry, Some(Majority::Contempt)),
                (30, Expression::Neutral, None)
            ]
        );
    }

    #[test]
    fn labels_that_do_not_fit_are_an_error() {
        let dir = tempfile::tempdir().unwrap();
        sheet(&dir.path().join("000.png"), &[1, 2]);
        let labels = dir.path().join("labels.npz");
        npz(&labels, &[("labels", &[7, 1])]);
        let error = Sheets::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("label 0 is 7"), "{error}");
        npz(&labels, &[("labels", &[1])]);
        let sheets = Sheets::open(dir.path()).unwrap().unwrap();
        let last = sheets.samples().last().unwrap().err().unwrap().to_string();
        assert!(last.contains("more crops than labels"), "{last}");
        npz(&labels, &[("labels", &[1, 2]), ("match", &[0])]);
        let error = Sheets::open(dir.path()).err().unwrap().to_string();
        assert!(error.contains("`match`"), "{error}");
        std::fs::write(&labels, b"no archive").unwrap();
        assert!(Sheets::open(dir.path()).is_err());
    }
}

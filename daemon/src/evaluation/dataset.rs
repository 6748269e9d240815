//! Labelled crops: a folder per expression, or a CSV as FER2013 has it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use moodring_core::{
    classify::{CROP_PX, Crop},
    expression::Expression,
};

use crate::photo::{Photo, expand};

/// A crop, what it shows according to its label, and where it came from.
pub struct Sample {
    /// For people: a file, or a line of the CSV.
    pub name: String,
    /// The label.
    pub label: Expression,
    /// The upright face.
    pub crop: Crop,
}

/// Why a data set or a sample of it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file system said no.
    #[error("cannot read {0}: {1}")]
    Io(PathBuf, io::Error),
    /// Neither of the two forms.
    #[error(
        "{0} is no data set: give a folder with folders named angry, disgust, fear, happy, sad, surprise, neutral, \
         or a CSV whose first line names `emotion` and `pixels`"
    )]
    Form(PathBuf),
    /// One sample is broken; the rest can go on.
    #[error("{name}: {reason}")]
    Sample {
        /// A file, or a line of the CSV.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A data set that was opened.
pub enum Dataset {
    /// Files with their labels.
    Folder(Vec<(PathBuf, Expression)>),
    /// A CSV, and only rows of this `Usage` if one is named.
    Csv {
        /// The file.
        path: PathBuf,
        /// Positions of `emotion`, `pixels` and, if there, `Usage`.
        columns: (usize, usize, Option<usize>),
        /// The wanted `Usage`.
        usage: Option<String>,
    },
}

impl Dataset {
    /// Looks what `path` is.
    ///
    /// # Errors
    /// [`DatasetError::Form`] if it is neither form, [`DatasetError::Io`] if it cannot be read.
    pub fn open(path: &Path, usage: Option<&str>) -> Result<Self, DatasetError> {
        if path.is_dir() {
            open_folder(path)
        } else {
            open_csv(path, usage)
        }
    }

    /// How many samples there are, as far as known before reading them.
    pub fn len_hint(&self) -> usize {
        match self {
            Self::Folder(files) => files.len(),
            Self::Csv { .. } => 0,
        }
    }

    /// All samples, broken ones as errors.
    ///
    /// # Errors
    /// [`DatasetError::Io`] if the CSV cannot be opened again.
    pub fn samples(
        &self,
    ) -> Result<Box<dyn Iterator<Item = Result<Sample, DatasetError>> + '_>, DatasetError> {
        match self {
            Self::Folder(files) => Ok(Box::new(
                files.iter().map(|(path, label)| from_file(path, *label)),
            )),
            Self::Csv {
                path,
                columns,
                usage,
            } => {
                let file = File::open(path).map_err(|e| DatasetError::Io(path.clone(), e))?;
                let lines = BufReader::new(file).lines().enumerate().skip(1);
                let read = move |(i, line): (usize, io::Result<String>)| {
                    let line = match line {
                        Ok(line) if line.trim().is_empty() => return None,
                        Ok(line) => line,
                        Err(e) => return Some(Err(DatasetError::Io(path.clone(), e))),
                    };
                    from_row(&line, *columns, usage.as_deref())
                        .transpose()
                        .map(|row| {
                            let name = format!("{}:{}", path.display(), i + 1);
                            match row {
                                Ok((label, crop)) => Ok(Sample { name, label, crop }),
                                Err(reason) => Err(DatasetError::Sample { name, reason }),
                            }
                        })
                };
                Ok(Box::new(lines.filter_map(read)))
            }
        }
    }
}

fn open_folder(path: &Path) -> Result<Dataset, DatasetError> {
    let mut files = Vec::new();
    for label in Expression::ALL {
        let folder = path.join(label.name());
        if folder.is_dir() {
            files.extend(expand(&[folder]).into_iter().map(|file| (file, label)));
        }
    }
    if files.is_empty() {
        Err(DatasetError::Form(path.to_owned()))
    } else {
        Ok(Dataset::Folder(files))
    }
}

fn open_csv(path: &Path, usage: Option<&str>) -> Result<Dataset, DatasetError> {
    let io = |e| DatasetError::Io(path.to_owned(), e);
    let form = || DatasetError::Form(path.to_owned());
    let mut first = String::new();
    // A picture given by mistake must not be read as one endless line.
    let mut head = io::Read::take(File::open(path).map_err(io)?, 4096);
    BufReader::new(&mut head)
        .read_line(&mut first)
        .map_err(|_| form())?;
    let names: Vec<_> = first
        .trim()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let column = |wanted: &str| names.iter().position(|name| name == wanted);
    let (emotion, pixels) = (
        column("emotion").ok_or_else(form)?,
        column("pixels").ok_or_else(form)?,
    );
    let columns = (emotion, pixels, column("usage"));
    Ok(Dataset::Csv {
        path: path.to_owned(),
        columns,
        usage: usage.map(str::to_owned),
    })
}

fn from_file(path: &Path, label: Expression) -> Result<Sample, DatasetError> {
    let name = path.display().to_string();
    let crop = Photo::read(path).map_err(|e| e.to_string());
    let crop = crop.and_then(|photo| photo.crop().map_err(|e| e.to_string()));
    match crop {
        Ok(crop) => Ok(Sample { name, label, crop }),
        Err(reason) => Err(DatasetError::Sample { name, reason }),
    }
}

/// A row's label and crop; `None` if it is of another usage.
fn from_row(
    row: &str,
    (emotion, pixels, usage_at): (usize, usize, Option<usize>),
    usage: Option<&str>,
) -> Result<Option<(Expression, Crop)>, String> {
    let cells: Vec<_> = row
        .split(',')
        .map(|cell| cell.trim().trim_matches('"'))
        .collect();
    let cell = |at: usize| {
        cells
            .get(at)
            .copied()
            .ok_or_else(|| format!("has {} columns only", cells.len()))
    };
    if let (Some(wanted), Some(at)) = (usage, usage_at)
        && cell(at)? != wanted
    {
        return Ok(None);
    }
    let number: Option<usize> = cell(emotion)?.parse().ok();
    let label = number.and_then(|i| Expression::ALL.get(i).copied());
    let label = label.ok_or_else(|| format!("emotion `{}` is not 0 to 6", cells[emotion]))?;
    let mut crop: Crop = [0; CROP_PX * CROP_PX];
    let mut values = cell(pixels)?.split_ascii_whitespace();
    for pixel in &mut crop {
        let value = values.next().ok_or("has fewer than 2304 pixels")?;
        *pixel = value
            .parse()
            .map_err(|_| format!("pixel `{value}` is not 0 to 255"))?;
    }
    if values.next().is_some() {
        Err("has more than 2304 pixels".into())
    } else {
        Ok(Some((label, crop)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(rows: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fer2013.csv");
        std::fs::write(&path, format!("emotion,pixels,Usage\n{rows}")).unwrap();
        (dir, path)
    }

    #[test]
    fn reads_rows_of_the_wanted_usage_and_names_broken_ones() {
        let face = vec!["7"; 2304].join(" ");
        let rows = format!(
            "3,{face},PublicTest\n4,{face},Training\n9,{face},PublicTest\n3,1 2 3,PublicTest\n"
        );
        let (_dir, path) = csv(&rows);
        let dataset = Dataset::open(&path, Some("PublicTest")).unwrap();
        let samples: Vec<_> = dataset.samples().unwrap().collect();
        assert_eq!(samples.len(), 3);
        let good = samples[0].as_ref().unwrap();
        assert_eq!((good.label, good.crop[5]), (Expression::Happy, 7));
        assert!(
            samples[1]
                .as_ref()
                .err()
                .unwrap()
                .to_string()
                .contains("fer2013.csv:4: emotion `9`")
        );
        assert!(
            samples[2]
                .as_ref()
                .err()
                .unwrap()
                .to_string()
                .contains("2304")
        );
    }

    #[test]
    fn what_is_no_data_set_says_what_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let error = Dataset::open(dir.path(), None).err().unwrap().to_string();
        assert!(error.contains("angry"), "{error}");
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
}

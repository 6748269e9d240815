//! FER2013's CSV: columns `emotion` and `pixels`, and often `Usage`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use moodring_core::{
    classify::{CROP_PX, Crop},
    expression::Expression,
};

use super::{DatasetError, Sample, Samples};

/// FER2013's name for the training rows.
const TRAINING: &str = "Training";

/// A CSV, and only rows of one `Usage` if one is named.
pub struct Csv {
    path: PathBuf,
    /// Positions of `emotion`, `pixels` and, if there, `Usage`.
    columns: (usize, usize, Option<usize>),
    usage: Option<String>,
}

impl Csv {
    /// Reads the first line.
    pub(super) fn open(path: &Path, usage: Option<&str>) -> Result<Self, DatasetError> {
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
        Ok(Self {
            path: path.to_owned(),
            columns: (emotion, pixels, column("usage")),
            usage: usage.map(str::to_owned),
        })
    }

    /// The training rows, if rows of another `Usage` are evaluated.
    pub(super) fn training(&self) -> Option<Self> {
        self.columns.2?;
        let other = self.usage.as_ref().is_some_and(|usage| usage != TRAINING);
        other.then(|| Self {
            path: self.path.clone(),
            columns: self.columns,
            usage: Some(TRAINING.into()),
        })
    }

    pub(super) fn samples(&self) -> Result<Samples<'_>, DatasetError> {
        let path = &self.path;
        let file = File::open(path).map_err(|e| DatasetError::Io(path.clone(), e))?;
        let lines = BufReader::new(file).lines().enumerate().skip(1);
        let read = move |(i, line): (usize, io::Result<String>)| {
            let line = match line {
                Ok(line) if line.trim().is_empty() => return None,
                Ok(line) => line,
                Err(e) => return Some(Err(DatasetError::Io(path.clone(), e))),
            };
            let name = format!("{}:{}", path.display(), i + 1);
            let row = from_row(&line, self.columns, self.usage.as_deref()).transpose()?;
            Some(match row {
                Ok((label, crop)) => Ok(Sample {
                    name,
                    label,
                    crop,
                    majority: None,
                }),
                Err(reason) => Err(DatasetError::Sample { name, reason }),
            })
        };
        Ok(Box::new(lines.filter_map(read)))
    }
}

/// A row's label and crop; `None` if it has another usage.
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

    fn file(rows: &str) -> (tempfile::TempDir, PathBuf) {
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
        let (_dir, path) = file(&rows);
        let csv = Csv::open(&path, Some("PublicTest")).unwrap();
        let samples: Vec<_> = csv.samples().unwrap().collect();
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
}

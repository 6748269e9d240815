//! The emoji as a PNG file, replaced in one step whenever the picture changes.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use image::ImageError;
use moodring_core::{frame::Millis, mood::Mood};
use moodring_face::{
    animate::{Animator, Life},
    theme::Theme,
};

use super::{Display, DisplayError, View, canvas::Canvas, follow};
use crate::{clock::Clock, snapshot::Snapshot};

const WAY_OUT: &str = "Choose a file in a folder that exists and may be written (display.path)";

/// A PNG file that follows the mood. It does not blink or breathe, so that a mood at rest costs no writes.
#[derive(Debug)]
pub struct Png {
    name: String,
    path: PathBuf,
    clock: Clock,
    animator: Animator,
    canvas: Canvas,
    /// What the file holds.
    written: Option<Canvas>,
}

impl Png {
    /// A display that writes `path`, `size_px` wide and high. Writes a sleeping face at once: so a wrong
    /// path is known at the start.
    ///
    /// # Errors
    /// [`DisplayError::Open`] if the file cannot be written.
    pub fn open(path: &Path, size_px: u32) -> Result<Self, DisplayError> {
        let clock = Clock::start();
        let mut display = Self {
            name: format!("png ({})", path.display()),
            path: path.into(),
            clock,
            animator: Animator::new(Mood::Nobody, Life::Still, clock.now()),
            canvas: Canvas::new(size_px, size_px),
            written: None,
        };
        let first = display.show_at(&Snapshot::default(), clock.now());
        first.map_err(|error| DisplayError::open(&display.name, error, WAY_OUT))?;
        Ok(display)
    }

    fn show_at(&mut self, snapshot: &Snapshot, now: Millis) -> Result<(), ImageError> {
        let pose = follow(&mut self.animator, snapshot, now);
        self.canvas.draw(&pose, &Theme::CLASSIC);
        if self.written.as_ref() != Some(&self.canvas) {
            // Unknown until it is written: a failure half way must not pass for a picture.
            self.written = None;
            replace(&self.path, &self.canvas)?;
            self.written = Some(self.canvas.clone());
        }
        Ok(())
    }
}

impl Display for Png {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        let now = self.clock.now();
        let shown = self.show_at(view.snapshot, now);
        shown.map_err(|error| DisplayError::show(&self.name, error))
    }
}

/// Writes the picture beside `path` and renames it over it: readers see the old picture or the new one.
pub(super) fn replace(path: &Path, canvas: &Canvas) -> Result<(), ImageError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // Two processes that write the same picture do not mix their bytes.
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let done = write(&beside, canvas).and_then(|()| Ok(fs::rename(&beside, path)?));
    if done.is_err() {
        // It may not even exist; the error that counts is the first one.
        let _ = fs::remove_file(&beside);
    }
    done
}

fn write(path: &Path, canvas: &Canvas) -> Result<(), ImageError> {
    let mut out = BufWriter::new(File::create(path)?);
    canvas.encode_png(&mut out)?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use moodring_core::{expression::Expression, mood::MoodState};

    use super::*;

    fn showing(expression: Expression, confidence: f32) -> Snapshot {
        Snapshot {
            mood: MoodState {
                mood: Mood::Showing(expression),
                confidence,
                ..MoodState::default()
            },
            ..Snapshot::default()
        }
    }

    #[test]
    fn writes_a_png_and_only_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mood.png");
        let mut display = Png::open(&path, 64).unwrap();
        let asleep = image::open(&path).unwrap().to_rgb8();
        assert_eq!(asleep.dimensions(), (64, 64));

        let happy = showing(Expression::Happy, 0.95);
        display.show_at(&happy, Millis(10_000)).unwrap();
        display.show_at(&happy, Millis(20_000)).unwrap();
        assert_ne!(image::open(&path).unwrap().to_rgb8(), asleep);

        // A file that somebody removed stays away while the picture is the same, and is back when it changes.
        fs::remove_file(&path).unwrap();
        let a_hair_less = showing(Expression::Happy, 0.949);
        display.show_at(&a_hair_less, Millis(30_000)).unwrap();
        assert!(!path.exists());
        let sad = showing(Expression::Sad, 0.95);
        display.show_at(&sad, Millis(40_000)).unwrap();
        display.show_at(&sad, Millis(50_000)).unwrap();
        assert!(path.exists());
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "no temporary file may stay");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent").join("mood.png");
        let text = Png::open(&path, 64).unwrap_err().to_string();
        assert!(
            text.contains("absent") && text.contains("display.path"),
            "{text}"
        );
        assert!(text.contains("No such file"), "{text}");
        assert!(Png::open(folder.path(), 64).is_err(), "a folder is no file");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_failed_write_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("mood.png");
        let mut display = Png::open(&path, 64).unwrap();
        let sad = showing(Expression::Sad, 0.9);
        display.show_at(&sad, Millis(10_000)).unwrap();
        fs::remove_dir_all(&inner).unwrap();
        display.show_at(&sad, Millis(19_000)).unwrap_err();
        display.show_at(&sad, Millis(20_000)).unwrap_err();
        fs::create_dir(&inner).unwrap();
        display.show_at(&sad, Millis(30_000)).unwrap();
        assert!(path.exists());
    }
}

//! The emoji as a PNG file, replaced in one step whenever the picture changes.

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use image::ImageError;
use moodring_base::{
    config::{DisplaySettings, ThemeName},
    files, regular_file,
    snapshot::{BrokerState, Snapshot},
};
use moodring_core::frame::Millis;
use moodring_face::{animate::IdleMotion, picture::ScreenShape, theme::Theme};

use super::{Display, DisplayControls, DisplayError, View, canvas::Canvas, faces::Faces};

const WAY_OUT: &str = "Choose a file in a folder that exists and may be written (display.path)";

/// A PNG file that follows the mood. It does not blink or breathe, so that a mood at rest costs no writes.
#[derive(Debug)]
pub struct PngDisplay {
    name: String,
    path: PathBuf,
    faces: Faces,
    on: bool,
    theme: ThemeName,
    canvas: Canvas,
    /// What the file holds now.
    written: Option<Canvas>,
}

impl PngDisplay {
    /// A display that writes the file of the settings. Writes a face at once, so that a wrong path is found at the
    /// start.
    ///
    /// # Errors
    /// [`DisplayError::Open`] if the file cannot be written.
    pub fn open(settings: &DisplaySettings) -> Result<Self, DisplayError> {
        let (path, size_px) = (&settings.path, settings.size);
        let mut display = Self {
            name: format!("png ({})", path.display()),
            path: path.into(),
            faces: Faces::new(settings, IdleMotion::Still, Millis(0)),
            on: true,
            theme: settings.theme,
            canvas: Canvas::new(size_px, size_px),
            written: None,
        };
        let view = View {
            snapshot: &Snapshot::default(),
            broker: BrokerState::Off,
            source: "",
            device: "",
            preview: false,
            now: Millis(0),
            minute: 0,
        };
        let first = display.write(&view);
        first.map_err(|error| DisplayError::open(&display.name, error, WAY_OUT))?;
        Ok(display)
    }

    fn write(&mut self, view: &View<'_>) -> Result<(), ImageError> {
        let scene = self.faces.scene(view);
        let theme = self.theme.or(&Theme::CLASSIC);
        if self.on {
            scene.with_picture(ScreenShape::Square, |picture| {
                self.canvas.paint(picture, &theme)
            });
        } else {
            let (width, height) = self.canvas.size_px();
            self.canvas = Canvas::new(width, height);
        }
        if self.written.as_ref() != Some(&self.canvas) {
            // Unknown until it is written: after a failure half way the file may hold either picture.
            self.written = None;
            replace(&self.path, &self.canvas)?;
            self.written = Some(self.canvas.clone());
        }
        Ok(())
    }
}

impl Display for PngDisplay {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        let shown = self.write(view);
        shown.map_err(|error| DisplayError::show(&self.name, error))
    }

    fn set(&mut self, controls: DisplayControls) {
        (self.on, self.theme) = (controls.on, controls.theme);
    }
}

/// Writes the picture beside `path` and renames it over it: readers see the old picture or the new one.
pub(super) fn replace(path: &Path, canvas: &Canvas) -> Result<(), ImageError> {
    // A device or a pipe of that name stays what it is.
    regular_file::check_if_there(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // Two processes that write the same file must not mix their bytes.
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    // One that a killed process left behind, or a link that somebody put there.
    let _ = fs::remove_file(&beside);
    let done = write(&beside, canvas).and_then(|()| Ok(fs::rename(&beside, path)?));
    if done.is_err() {
        // The temporary file may not exist; the first error is the one that counts.
        let _ = fs::remove_file(&beside);
    }
    done
}

fn write(path: &Path, canvas: &Canvas) -> Result<(), ImageError> {
    // It is there to be shown by others, whatever the process's umask; an emoji is no secret.
    let file = files::create_new(path, files::PUBLIC)?;
    let mut out = BufWriter::new(file);
    canvas.encode_png(&mut out)?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use moodring_core::{
        expression::Expression,
        mood::{Mood, MoodState},
        track::TrackId,
    };

    use super::*;

    fn showing(expression: Expression, confidence: f32) -> Snapshot {
        Snapshot {
            mood: MoodState::new(Mood::Showing(expression), confidence, TrackId(1), Millis(0)),
            ..Snapshot::default()
        }
    }

    fn open(path: &Path) -> Result<PngDisplay, DisplayError> {
        PngDisplay::open(&DisplaySettings {
            path: path.into(),
            size: 64,
            ..DisplaySettings::default()
        })
    }

    fn show(display: &mut PngDisplay, snapshot: &Snapshot, now: u64) -> Result<(), ImageError> {
        let view = View {
            snapshot,
            broker: BrokerState::Off,
            source: "test",
            device: "test",
            preview: false,
            now: Millis(now),
            minute: 0,
        };
        display.write(&view)
    }

    #[test]
    fn what_is_no_file_stays_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let error = open(&socket).err().unwrap().to_string();
        assert!(error.contains("it is a socket, not a file"), "{error}");
        assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok());
        let (path, victim) = (folder.path().join("mood.png"), folder.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        let draft = format!("mood.png.{}.tmp", std::process::id());
        std::os::unix::fs::symlink(&victim, folder.path().join(draft)).unwrap();
        open(&path).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(image::open(&path).is_ok());
    }

    #[test]
    fn writes_a_png_and_only_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mood.png");
        let mut display = open(&path).unwrap();
        let asleep = image::open(&path).unwrap().to_rgb8();
        assert_eq!(asleep.dimensions(), (64, 64));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "others show it, whatever our umask");

        let happy = showing(Expression::Happy, 0.95);
        show(&mut display, &happy, 10_000).unwrap();
        show(&mut display, &happy, 20_000).unwrap();
        assert_ne!(image::open(&path).unwrap().to_rgb8(), asleep);

        // A file that somebody removed stays away while the picture is the same, and is back when it changes.
        fs::remove_file(&path).unwrap();
        let a_hair_less = showing(Expression::Happy, 0.949);
        show(&mut display, &a_hair_less, 30_000).unwrap();
        assert!(!path.exists());
        let sad = showing(Expression::Sad, 0.95);
        show(&mut display, &sad, 40_000).unwrap();
        show(&mut display, &sad, 50_000).unwrap();
        assert!(path.exists());
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1, "no temporary file may stay");
    }

    #[test]
    fn off_is_black_and_a_theme_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mood.png");
        let mut display = open(&path).unwrap();
        let mut after = |on, theme, now| {
            let controls = DisplayControls {
                on,
                theme,
                brightness: 100,
                night_brightness: 100,
            };
            display.set(controls);
            show(&mut display, &showing(Expression::Happy, 0.9), now).unwrap();
            image::open(&path).unwrap().to_rgb8()
        };
        // The face takes a moment to change.
        after(true, ThemeName::Auto, 5_000);
        let classic = after(true, ThemeName::Auto, 10_000);
        assert!(
            after(false, ThemeName::Auto, 20_000)
                .iter()
                .all(|b| *b == 0)
        );
        assert!(after(true, ThemeName::Classic, 30_000) == classic);
        assert!(after(true, ThemeName::Mono, 40_000) != classic);
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent").join("mood.png");
        let text = open(&path).unwrap_err().to_string();
        assert!(
            text.contains("absent") && text.contains("display.path"),
            "{text}"
        );
        assert!(text.contains("No such file"), "{text}");
        assert!(open(folder.path()).is_err(), "a folder is no file");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_failed_write_is_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("mood.png");
        let mut display = open(&path).unwrap();
        let sad = showing(Expression::Sad, 0.9);
        show(&mut display, &sad, 10_000).unwrap();
        fs::remove_dir_all(&inner).unwrap();
        show(&mut display, &sad, 19_000).unwrap_err();
        show(&mut display, &sad, 20_000).unwrap_err();
        fs::create_dir(&inner).unwrap();
        show(&mut display, &sad, 30_000).unwrap();
        assert!(path.exists());
    }
}

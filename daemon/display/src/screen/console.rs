//! The text console of a machine without a desktop: its cursor would blink through the picture.

use std::{fs, io::Write, path::PathBuf};

const HIDE: &[u8] = b"\x1b[?25l";
const SHOW: &[u8] = b"\x1b[?25h";

/// The console without a cursor, as long as it lives. A console that may not be written keeps its cursor.
#[derive(Debug)]
pub(super) struct HiddenCursor(Option<PathBuf>);

impl HiddenCursor {
    /// Hides the cursor of the console that is in front.
    pub(super) fn of_the_console() -> Self {
        let active = fs::read_to_string("/sys/class/tty/tty0/active").unwrap_or_default();
        let console = PathBuf::from("/dev").join(active.trim());
        Self::of(console)
    }

    fn of(console: PathBuf) -> Self {
        Self(write(&console, HIDE).map(|()| console))
    }
}

impl Drop for HiddenCursor {
    fn drop(&mut self) {
        if let Some(console) = &self.0 {
            // Nobody is left who could read the error.
            let _ = write(console, SHOW);
        }
    }
}

fn write(console: &PathBuf, text: &[u8]) -> Option<()> {
    let mut file = fs::OpenOptions::new().append(true).open(console).ok()?;
    file.write_all(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let console = folder.path().join("tty1");
        fs::write(&console, "").unwrap();
        let hidden = HiddenCursor::of(console.clone());
        assert_eq!(fs::read(&console).unwrap(), HIDE);
        drop(hidden);
        assert!(fs::read(&console).unwrap().ends_with(SHOW));
        drop(HiddenCursor::of(folder.path().join("absent/tty9")));
    }
}

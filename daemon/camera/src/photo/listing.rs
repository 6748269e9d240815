//! Lists the pictures of files and folders. Opens none of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use moodring_base::regular_file::is_shortage;

/// Endings that count as pictures when a folder is read.
pub const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "webp", "bmp"];

/// Every picture in these files and folders, folders at all levels in the order of names.
///
/// A path that is not a folder is returned as it is, so that a missing file gets its own error line.
pub fn expand(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() || walk(path, &mut all).is_err() {
            all.push(path.clone())
        }
    }
    all
}

/// Every picture in a folder, its folders included, in the order of names.
///
/// # Errors
/// The folder cannot be read, or one in it for want of files or memory, which passes.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    walk(folder, &mut all)?;
    Ok(all)
}

fn walk(folder: &Path, all: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder)?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        // Links to folders are not followed: one that leads back up would never end.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            match walk(&entry.path(), all) {
                Err(error) if is_shortage(&error) => return Err(error),
                // Reading it as a picture later gives the error its line.
                Err(_) => all.push(entry.path()),
                Ok(()) => {}
            }
        } else if is_picture_name(&entry.path()) {
            // Pipes, sockets and devices with a picture's name get their error line when somebody opens them.
            all.push(entry.path());
        }
    }
    Ok(())
}

/// Whether the name ends like a picture's.
pub fn is_picture_name(path: &Path) -> bool {
    let ending = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    ENDINGS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_links_to_itself_is_read_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        fs::write(dir.path().join("b/c.png"), b"").unwrap();
        fs::write(dir.path().join("a.JPG"), b"").unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("b/up")).unwrap();
        let found = expand(&[dir.path().to_owned()]);
        let names: Vec<_> = found
            .iter()
            .filter_map(|p| p.strip_prefix(dir.path()).ok())
            .collect();
        assert_eq!(names, [Path::new("a.JPG"), Path::new("b/c.png")]);
    }
}

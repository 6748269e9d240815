//! A framebuffer device, `/dev/fbN`: an older kernel's screen, or a HAT whose driver has no DRM. Its files in /sys hold
//! its pixel form; pixels are written at their offset.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    PixelTarget,
    layout::{PixelBlock, PixelForm},
};

/// Where the kernel shows its framebuffers.
pub(super) const CLASS: &str = "/sys/class/graphics";

/// A framebuffer device that is open. What it showed before comes back when it is dropped.
#[derive(Debug)]
pub(super) struct Framebuffer {
    path: PathBuf,
    file: File,
    size_px: (u16, u16),
    form: PixelForm,
    /// Bytes from one row to the next.
    stride: usize,
    /// Bytes before the first visible row.
    begin: usize,
    before: Vec<u8>,
}

impl Framebuffer {
    /// Opens the device; `class` is [`CLASS`].
    ///
    /// # Errors
    /// If it is not there, may not be opened, or has pixels of another form.
    pub(super) fn open(path: &Path, class: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let name = path.file_name().unwrap_or_default();
        let folder = class.join(name);
        let read = |file: &str| fs::read_to_string(folder.join(file));
        let wrong = |what: &str| io::Error::other(format!("{}: {what}", folder.display()));
        let form = match read("bits_per_pixel")?.trim() {
            "16" => PixelForm::Rgb565,
            "32" => PixelForm::Xrgb8888,
            bits => {
                return Err(wrong(&format!(
                    "pixels of {bits} bits; 16 and 32 are known"
                )));
            }
        };
        // The mode is what is seen, such as U:800x480p-60; the virtual size may hold more than one picture.
        let mode = read("mode").unwrap_or_default();
        let seen = mode.split(':').nth(1).and_then(|mode| {
            let (width, rest) = mode.split_once('x')?;
            let height = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            pair(width, height)
        });
        let virtual_px = read("virtual_size")?;
        let whole = virtual_px
            .trim()
            .split_once(',')
            .and_then(|(w, h)| pair(w, h));
        let size_px = seen.or(whole).ok_or_else(|| wrong("no size"))?;
        let stride: usize = read("stride")?
            .trim()
            .parse()
            .map_err(|_| wrong("no stride"))?;
        if stride < usize::from(size_px.0) * form.bytes() {
            return Err(wrong("rows longer than the stride"));
        }
        let pan = read("pan").unwrap_or_default();
        let first_row: usize = pan
            .trim()
            .split_once(',')
            .and_then(|(_, row)| row.parse().ok())
            .unwrap_or(0);
        let begin = first_row * stride;
        let mut before = vec![0; stride * usize::from(size_px.1)];
        // Some drivers cannot be read; then black comes back.
        let _ = file.read_exact_at(&mut before, begin as u64);
        Ok(Self {
            path: path.into(),
            file,
            size_px,
            form,
            stride,
            begin,
            before,
        })
    }
}

fn pair(width: &str, height: &str) -> Option<(u16, u16)> {
    let side = |text: &str| text.trim().parse().ok().filter(|side: &u16| *side >= 16);
    Some((side(width)?, side(height)?))
}

impl PixelTarget for Framebuffer {
    fn form(&self) -> (u16, u16, PixelForm) {
        (self.size_px.0, self.size_px.1, self.form)
    }

    fn describe(&self) -> String {
        let (width, height) = self.size_px;
        format!("{}, {width}x{height}", self.path.display())
    }

    fn write(&mut self, blocks: &[PixelBlock]) -> io::Result<()> {
        for block in blocks {
            let left = usize::from(block.x) * self.form.bytes();
            for (y, row) in block.rows() {
                let at = self.begin + usize::from(y) * self.stride + left;
                self.file.write_all_at(row, at as u64)?;
            }
        }
        Ok(())
    }
}

impl Drop for Framebuffer {
    fn drop(&mut self) {
        // A device that is gone has nothing to restore.
        let _ = self.file.write_all_at(&self.before, self.begin as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{screen::layout::Layout, spi::grid::Grid};
    use moodring_base::config::board::Rotation;

    /// A device of a file, and its folder in /sys.
    fn device(files: &[(&str, &str)], bytes: usize) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let (node, folder) = (root.path().join("fb3"), root.path().join("sys/fb3"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&node, vec![0x5a; bytes]).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        (root, node)
    }

    const FILES: [(&str, &str); 5] = [
        ("bits_per_pixel", "16\n"),
        ("mode", "U:32x20p-60\n"),
        ("virtual_size", "32,40\n"),
        ("stride", "80\n"),
        ("pan", "0,20\n"),
    ];

    #[test]
    fn pixels_go_to_the_visible_rows_and_what_was_there_comes_back() {
        let (root, node) = device(&FILES, 80 * 40);
        let mut screen = Framebuffer::open(&node, &root.path().join("sys")).unwrap();
        assert_eq!(screen.form(), (32, 20, PixelForm::Rgb565));
        let layout = Layout::new((32, 20), PixelForm::Rgb565, Rotation::Deg0);
        let picture = Grid::new((32, 20), 0x1234_u16);
        screen
            .write(&[layout.block(&picture, picture.area())])
            .unwrap();
        let seen = fs::read(&node).unwrap();
        assert!(
            seen[..80 * 20].iter().all(|byte| *byte == 0x5a),
            "the other picture"
        );
        for row in seen[80 * 20..].chunks_exact(80) {
            assert!(row[..64].chunks_exact(2).all(|pixel| pixel == [0x34, 0x12]));
            assert!(
                row[64..].iter().all(|byte| *byte == 0x5a),
                "between the rows"
            );
        }
        drop(screen);
        assert!(fs::read(&node).unwrap().iter().all(|byte| *byte == 0x5a));
    }

    #[test]
    fn other_forms_are_refused_by_name() {
        let odd = FILES.map(|(name, text)| match name {
            "bits_per_pixel" => (name, "8\n"),
            _ => (name, text),
        });
        let (root, node) = device(&odd, 80 * 40);
        let error = Framebuffer::open(&node, &root.path().join("sys")).unwrap_err();
        assert!(error.to_string().contains("8 bits"), "{error}");
        assert!(Framebuffer::open(Path::new("/dev/fb99"), Path::new(CLASS)).is_err());
    }
}

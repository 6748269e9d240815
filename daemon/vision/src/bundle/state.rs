//! `in-use.json` of a kind of net: which installed net runs, and which one ran before. It is replaced in one step, so
//! that a power cut leaves the old or the new one.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use moodring_base::files;
use serde::{Deserialize, Serialize};

const NAME: &str = "in-use.json";
/// It is tiny; a larger file is not ours.
const BYTES: u64 = 4 << 10;

/// An installed net.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetVersion {
    /// Its folder beside this file.
    pub(super) folder: String,
    /// Whether it was installed by force, although it is older or another net.
    pub(super) forced: bool,
}

/// The net that runs and the one before; `None` is the built-in net.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InUse {
    pub(super) current: Option<NetVersion>,
    pub(super) previous: Option<NetVersion>,
}

impl InUse {
    /// Reads the file of this folder; without a file the built-in net runs.
    pub(super) fn load(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
            Ok(about) if about.len() > BYTES => {
                return Err(io::Error::other("it is no such file"));
            }
            Ok(_) => {}
        }
        let state: Self = serde_json::from_slice(&fs::read(path)?)?;
        let plain = |chosen: &NetVersion| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
            !chosen.folder.starts_with('.') && chosen.folder.chars().all(fits)
        };
        if !state.current.iter().chain(&state.previous).all(plain) {
            return Err(io::Error::other("it names no folder of an installed net"));
        }
        Ok(state)
    }

    /// Replaces the file.
    pub(super) fn store(&self, folder: &Path) -> io::Result<()> {
        let bytes = serde_json::to_vec(self)?;
        files::replace(&folder.join(NAME), &bytes, files::PUBLIC)
    }
}

/// Writes a file that is on the disk when this returns.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

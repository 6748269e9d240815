//! `in-use.json` of a kind of net: which installed one runs, and which ran before. Replaced in one step, so that a power cut
//! leaves the old one or the new one.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::files;

const NAME: &str = "in-use.json";
/// It is tiny; more is not ours.
const BYTES: u64 = 4 << 10;

/// A net on the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NetVersion {
    /// Its folder beside this file.
    pub(super) folder: String,
    /// Whether somebody wanted it although it is older or another one.
    pub(super) forced: bool,
}

/// Which runs and which ran before; `None` is the built-in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InUse {
    pub(super) current: Option<NetVersion>,
    pub(super) previous: Option<NetVersion>,
}

impl InUse {
    /// As it stands in this folder; where nothing stands, all is built in.
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
            return Err(io::Error::other("it names no folder of the shelf"));
        }
        Ok(state)
    }

    /// Replaces what stands there.
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

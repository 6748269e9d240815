//! Remembers that the camera was switched off, by an empty file beside the store, so that it stays off when the daemon
//! or the machine starts again. No other command outlives the daemon: the rest is not worth a surprise.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use crate::{
    camera::CameraControl,
    command::Switch,
    config::StoreSettings,
    store::{CopyPlan, StoreLocation},
};

/// The file's name.
const NAME: &str = "camera-off";

/// The path of the file; `None` where nothing outlives the process.
#[derive(Debug)]
pub(super) struct CameraOffFile(Option<PathBuf>);

impl CameraOffFile {
    /// The folder that outlives a power cut: that of the store's copy, else that of the store.
    pub(super) fn beside_store(settings: &StoreSettings) -> Self {
        let copy = CopyPlan::of(settings).map(|plan| plan.path);
        let folder = match copy.as_deref().and_then(Path::parent) {
            Some(folder) => Some(folder.to_owned()),
            None => StoreLocation::of(&settings.path).folder(),
        };
        Self(folder.map(|folder| folder.join(NAME)))
    }

    /// The camera's switch at the start: off, if it was off when the daemon ended.
    pub(super) fn control(&self) -> CameraControl {
        let control = CameraControl::default();
        if self.is_there() {
            control.switch(Switch::Off);
            tracing::info!(
                "the camera stays off, as it was switched; the page, MQTT or a button switches it on"
            );
        }
        control
    }

    fn is_there(&self) -> bool {
        self.0.as_ref().is_some_and(|path| path.exists())
    }

    /// Writes or removes the file. A failure is logged, because the camera would be on after a restart.
    pub(super) fn set(&self, off: bool) {
        let Some(path) = &self.0 else { return };
        let result = if off { make(path) } else { remove(path) };
        if let Err(error) = result {
            let (path, state) = (path.display(), if off { "on" } else { "off" });
            tracing::warn!("{path}: {error}; after a restart the camera will be {state} again");
        }
    }
}

fn make(path: &Path) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    File::create(path)?;
    File::open(folder)?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(folder(path))?.sync_all(),
    }
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(settings: &str) -> CameraOffFile {
        CameraOffFile::beside_store(&toml::from_str(settings).unwrap())
    }

    #[test]
    fn it_lies_where_it_outlives_the_power() {
        let path = |settings| file(settings).0;
        assert_eq!(
            path("path = '/var/lib/m/m.db'"),
            Some("/var/lib/m/camera-off".into())
        );
        assert_eq!(
            path("path = '/run/m/m.db'\ncopy = '/data/m.db'"),
            Some("/data/camera-off".into())
        );
        assert_eq!(path("path = 'm.db'"), Some("camera-off".into()));
        assert_eq!(path("path = 'memory'"), None);
    }

    #[test]
    fn it_comes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("new/m.db");
        let settings = format!("path = '{}'", store.display());
        file(&settings).set(false);
        assert!(!file(&settings).is_there());
        file(&settings).set(true);
        file(&settings).set(true);
        assert!(file(&settings).is_there() && !file(&settings).control().is_on());
        file(&settings).set(false);
        assert!(!file(&settings).is_there());
        let nowhere = file("path = 'memory'");
        nowhere.set(true);
        assert!(nowhere.control().is_on());
    }
}

//! The folder of installed nets: for each kind, the one in use, and the one before it for a rollback.
//!
//! ```text
//! models/classifier/in-use.json          which one runs, which ran before
//! models/classifier/0.11.0-1a2b3c4d/     a bundle's files
//! ```
//!
//! Whenever an installation is interrupted, `in-use.json` names a complete folder, or does not exist; then the built-in
//! net runs.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use moodring_base::{config::ModelSettings, files};
use moodring_nn::Kind;

use super::{
    Bundle, BundleError, FileRole, Manifest, built_in,
    install_folder::{folder_name, lock, make_folder, prune, read_versions, write_net},
    kind_name, noted, self_test,
    state::{InUse, NetVersion},
};

/// Where the service keeps its state.
const SYSTEM: &str = "/var/lib/moodring";

/// The folder of installed nets.
#[derive(Clone, Debug)]
pub struct InstalledNets(PathBuf);

/// An installed net whose files match its manifest.
#[derive(Clone, Debug)]
pub struct InstalledNet {
    /// Its manifest.
    pub manifest: Manifest,
    /// It was installed by force, although it is older or another net.
    pub forced: bool,
    folder: PathBuf,
}

/// The net to run where the settings name no file.
#[derive(Debug)]
pub enum Selected {
    /// The built-in one: nothing is installed, or nothing newer.
    BuiltIn,
    /// The installed one.
    Installed(InstalledNet),
    /// The built-in one, because the installed one cannot be used, for this reason.
    Broken(String),
}

impl InstalledNet {
    pub(super) fn new(manifest: Manifest, forced: bool, folder: PathBuf) -> Self {
        Self {
            manifest,
            forced,
            folder,
        }
    }

    /// The path of a file; `None` if the net has no file in this role.
    pub fn path(&self, role: FileRole) -> Option<PathBuf> {
        let there = self.manifest.files.contains_key(&role);
        there.then(|| self.folder.join(role.file()))
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// [`BundleError::Folder`], also for a file that the net does not have.
    pub fn read(&self, role: FileRole) -> Result<Vec<u8>, BundleError> {
        let path = self.folder.join(role.file());
        fs::read(&path).map_err(BundleError::folder(&path))
    }
}

impl InstalledNets {
    /// The settings' folder, else `models` in the state folder of the service or user; `None` where there is neither.
    pub fn of(settings: &ModelSettings) -> Option<Self> {
        if !settings.folder.as_os_str().is_empty() {
            return Some(Self(settings.folder.clone()));
        }
        let me = rustix::process::geteuid().as_raw();
        // For the service's own user, and for root.
        let system = || {
            let owner = fs::metadata(SYSTEM).ok()?.uid();
            (me == 0 || me == owner).then(|| PathBuf::from(SYSTEM))
        };
        // A service knows its folder; who looks after it by hand means the service's.
        let state = match env::var_os("STATE_DIRECTORY") {
            Some(_) => files::state_folder(),
            None => system().or_else(files::state_folder),
        }?;
        Some(Self(state.join("models")))
    }

    /// The installed nets in this folder.
    pub fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    fn of_kind(&self, kind: Kind) -> PathBuf {
        self.0.join(kind_name(kind))
    }

    /// Chooses the net to run. Checks every file of an installed one against its manifest.
    pub fn pick(&self, kind: Kind) -> Selected {
        let folder = self.of_kind(kind);
        let state = match InUse::load(&folder) {
            Ok(state) => state,
            Err(error) => return Selected::Broken(format!("{}: {error}", folder.display())),
        };
        let Some(chosen) = state.current else {
            return Selected::BuiltIn;
        };
        match read_versions(&folder, &chosen) {
            // A program update since then brought a newer net of that name.
            Ok(installed) if !installed.forced && !is_newer(&installed.manifest, kind) => {
                Selected::BuiltIn
            }
            Ok(installed) => Selected::Installed(installed),
            Err(error) => Selected::Broken(error.to_string()),
        }
    }

    /// The net that [`InstalledNets::rollback`] would return to; `None`: the built-in one.
    pub fn before(&self, kind: Kind) -> Option<InstalledNet> {
        let folder = self.of_kind(kind);
        let previous = InUse::load(&folder).ok()?.previous?;
        read_versions(&folder, &previous).ok()
    }

    /// Tests a bundle's net on this machine, writes it into the folder and switches to it in one step.
    ///
    /// # Errors
    /// [`BundleError`]; then the present net goes on running.
    pub fn install(&self, bundle: &Bundle, force: bool) -> Result<InstalledNet, BundleError> {
        let manifest = bundle.manifest();
        let Some(kind) = manifest.kind() else {
            return Err(BundleError::Contents("it is of no known kind".into()));
        };
        self.check_owner()?;
        let folder = self.of_kind(kind);
        make_folder(&folder)?;
        let _lock = lock(&folder)?;
        if !force {
            self.refuse_unwanted(manifest, kind)?;
        }
        self_test(
            manifest,
            bundle.file(FileRole::Net),
            bundle.file(FileRole::Golden),
        )?;
        // Nobody should roll back to a broken net.
        let state = InUse::load(&folder).unwrap_or_default();
        let chosen = NetVersion {
            folder: folder_name(manifest),
            forced: force,
        };
        if read_versions(&folder, &chosen).is_err() {
            write_net(bundle, &folder, &chosen.folder)?;
        }
        let installed = read_versions(&folder, &chosen)?;
        let same = |other: &NetVersion| other.folder == chosen.folder;
        let state = InUse {
            previous: match state.current {
                Some(current) if same(&current) => state.previous,
                other => other,
            },
            current: Some(chosen),
        };
        state.store(&folder).map_err(BundleError::folder(&folder))?;
        prune(&folder, &state);
        Ok(installed)
    }

    /// Returns to the net that ran before: an installed one, or the built-in one.
    ///
    /// # Errors
    /// [`BundleError::Nothing`] if nothing is installed.
    pub fn rollback(&self, kind: Kind) -> Result<Selected, BundleError> {
        self.check_owner()?;
        let folder = self.of_kind(kind);
        let nothing = || BundleError::Nothing(kind_name(kind).into());
        if !folder.is_dir() {
            return Err(nothing());
        }
        let _lock = lock(&folder)?;
        // This also mends a file that cannot be read: the built-in net runs then.
        let state = match InUse::load(&folder) {
            Ok(state) if state.current.is_none() => return Err(nothing()),
            Ok(state) => InUse {
                current: state.previous,
                previous: None,
            },
            Err(_) => InUse::default(),
        };
        state.store(&folder).map_err(BundleError::folder(&folder))?;
        prune(&folder, &state);
        Ok(self.pick(kind))
    }

    /// Root must not write where another user may have put links.
    fn check_owner(&self) -> Result<(), BundleError> {
        let there = self.0.ancestors().find(|folder| folder.exists());
        let owner = there.and_then(|folder| fs::metadata(folder).ok());
        let foreign = owner.is_some_and(|about| about.uid() != 0);
        if rustix::process::geteuid().is_root() && foreign {
            let path = self.0.display().to_string();
            let mend = "it belongs to the service's user: run this as `sudo -u moodring moodring model ...`";
            return Err(BundleError::Folder {
                path,
                reason: std::io::Error::other(mend),
            });
        }
        Ok(())
    }

    fn refuse_unwanted(&self, offered: &Manifest, kind: Kind) -> Result<(), BundleError> {
        let built_in = noted(built_in(kind));
        let (name, version, where_from) = match self.pick(kind) {
            Selected::Installed(now) => (now.manifest.name, now.manifest.version, "installed"),
            Selected::BuiltIn | Selected::Broken(_) => match built_in {
                Some((name, version)) => (name, version, "built in"),
                None => return Ok(()),
            },
        };
        let unwanted = |reason: String| Err(BundleError::Unwanted(reason));
        if offered.name != name {
            return unwanted(format!(
                "it is the {} `{}`; `{name}` {version} is {where_from}",
                offered.kind, offered.name
            ));
        }
        if offered.version < version {
            return unwanted(format!(
                "it is older: {} {}; {version} is {where_from}",
                offered.name, offered.version
            ));
        }
        if where_from == "built in" && offered.version == version {
            return unwanted(format!("{name} {version} is built in already"));
        }
        Ok(())
    }
}

/// Whether it is another net than the built-in one, or a newer version of it.
fn is_newer(manifest: &Manifest, kind: Kind) -> bool {
    noted(built_in(kind))
        .is_none_or(|(name, version)| manifest.name != name || manifest.version > version)
}

//! The shelf: a folder where nets are installed, one in use for each kind, the one before kept to go back to.
//!
//! ```text
//! models/classifier/in-use.json          which one runs, which ran before
//! models/classifier/0.11.0-1a2b3c4d/     a bundle's files
//! ```
//!
//! Whatever ends in the middle, `in-use.json` names a complete folder, or nothing and the built-in net runs.

use std::{
    env,
    fs::{self, File, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use moodring_nn::Kind;

use super::{
    Bundle, BundleError, Manifest, Role, built_in, kind_name,
    manifest::{MANIFEST, MANIFEST_BYTES},
    noted, self_test,
    state::{Chosen, State, sync, write},
};
use crate::config::ModelSettings;

/// Where the service keeps its state.
const SYSTEM: &str = "/var/lib/moodring";

/// The folder of installed nets.
#[derive(Clone, Debug)]
pub struct Shelf(PathBuf);

/// A net on the shelf whose files are what its manifest says.
#[derive(Clone, Debug)]
pub struct Installed {
    /// What it is.
    pub manifest: Manifest,
    /// Somebody wanted it although it is older, or another one, than what ran.
    pub forced: bool,
    folder: PathBuf,
}

/// Which net is to run where the settings name no file.
#[derive(Debug)]
pub enum Pick {
    /// The built-in one: nothing is installed, or what is there is no newer.
    BuiltIn,
    /// The installed one.
    Installed(Installed),
    /// The built-in one, because what is installed cannot be used, for this reason.
    Broken(String),
}

impl Installed {
    /// Where a file of it lies; `None` if it has none in this role.
    pub fn path(&self, role: Role) -> Option<PathBuf> {
        let there = self.manifest.files.contains_key(&role);
        there.then(|| self.folder.join(role.file()))
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// [`BundleError::Folder`]; a file that it has not is not there.
    pub fn read(&self, role: Role) -> Result<Vec<u8>, BundleError> {
        let path = self.folder.join(role.file());
        fs::read(&path).map_err(BundleError::folder(&path))
    }
}

impl Shelf {
    /// The settings' folder, else `models` where a service or a user keeps state; `None` where there is no such place.
    pub fn of(settings: &ModelSettings) -> Option<Self> {
        if !settings.folder.as_os_str().is_empty() {
            return Some(Self(settings.folder.clone()));
        }
        let named = |name: &str| {
            let text = env::var(name).ok()?;
            let first = PathBuf::from(text.split(':').next()?);
            Some(first).filter(|path| path.is_absolute())
        };
        let me = rustix::process::geteuid().as_raw();
        // For the service's own user, and for root who looks after it.
        let system = || {
            let owner = fs::metadata(SYSTEM).ok()?.uid();
            (me == 0 || me == owner).then(|| PathBuf::from(SYSTEM))
        };
        let user = || named("XDG_STATE_HOME").map(|path| path.join("moodring"));
        let home = || named("HOME").map(|path| path.join(".local/state/moodring"));
        let state = named("STATE_DIRECTORY")
            .or_else(system)
            .or_else(user)
            .or_else(home)?;
        Some(Self(state.join("models")))
    }

    /// A shelf in this folder.
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

    /// Which net is to run. Checks every file of an installed one against its manifest.
    pub fn pick(&self, kind: Kind) -> Pick {
        let folder = self.of_kind(kind);
        let state = match State::load(&folder) {
            Ok(state) => state,
            Err(error) => return Pick::Broken(format!("{}: {error}", folder.display())),
        };
        let Some(chosen) = state.current else {
            return Pick::BuiltIn;
        };
        match look(&folder, &chosen) {
            // The program was updated since, and brought a newer net of that name.
            Ok(installed) if !installed.forced && !is_newer(&installed.manifest, kind) => {
                Pick::BuiltIn
            }
            Ok(installed) => Pick::Installed(installed),
            Err(error) => Pick::Broken(error.to_string()),
        }
    }

    /// The one that [`Shelf::rollback`] would go back to; `None`: the built-in one.
    pub fn before(&self, kind: Kind) -> Option<Installed> {
        let folder = self.of_kind(kind);
        let previous = State::load(&folder).ok()?.previous?;
        look(&folder, &previous).ok()
    }

    /// Tests a bundle's net on this machine, lays it on the shelf and switches to it in one step.
    ///
    /// # Errors
    /// [`BundleError`]; then what ran before still does.
    pub fn install(&self, bundle: &Bundle, force: bool) -> Result<Installed, BundleError> {
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
        self_test(manifest, bundle.file(Role::Net), bundle.file(Role::Golden))?;
        // One that is broken is no place to go back to.
        let state = State::load(&folder).unwrap_or_default();
        let chosen = Chosen {
            folder: folder_name(manifest),
            forced: force,
        };
        if look(&folder, &chosen).is_err() {
            lay_down(bundle, &folder, &chosen.folder)?;
        }
        let installed = look(&folder, &chosen)?;
        let same = |other: &Chosen| other.folder == chosen.folder;
        let state = State {
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

    /// Goes back to what ran before: an installed net, or the built-in one.
    ///
    /// # Errors
    /// [`BundleError::Nothing`] if nothing is installed.
    pub fn rollback(&self, kind: Kind) -> Result<Pick, BundleError> {
        self.check_owner()?;
        let folder = self.of_kind(kind);
        let nothing = || BundleError::Nothing(kind_name(kind).into());
        if !folder.is_dir() {
            return Err(nothing());
        }
        let _lock = lock(&folder)?;
        // A file that cannot be read is mended by this, too: to the built-in one.
        let state = match State::load(&folder) {
            Ok(state) if state.current.is_none() => return Err(nothing()),
            Ok(state) => State {
                current: state.previous,
                previous: None,
            },
            Err(_) => State::default(),
        };
        state.store(&folder).map_err(BundleError::folder(&folder))?;
        prune(&folder, &state);
        Ok(self.pick(kind))
    }

    /// Root must not write where another user could have laid links.
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
            Pick::Installed(now) => (now.manifest.name, now.manifest.version, "installed"),
            Pick::BuiltIn | Pick::Broken(_) => match built_in {
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

/// Whether it is another net than the built-in one, or a newer one of the same name.
fn is_newer(manifest: &Manifest, kind: Kind) -> bool {
    noted(built_in(kind))
        .is_none_or(|(name, version)| manifest.name != name || manifest.version > version)
}

fn folder_name(manifest: &Manifest) -> String {
    let sum = manifest.files.get(&Role::Net).map(|net| &net.sha256);
    let sum: String = sum
        .into_iter()
        .flat_map(|sum| sum.chars())
        .take(8)
        .collect();
    format!("{}-{sum}", manifest.version)
}

/// Reads what lies in a folder, and checks it.
fn look(kind_folder: &Path, chosen: &Chosen) -> Result<Installed, BundleError> {
    let folder = kind_folder.join(&chosen.folder);
    let read = |name: &str, limit: u64| {
        let path = folder.join(name);
        let about = fs::metadata(&path).map_err(BundleError::folder(&path))?;
        if about.len() > limit {
            let what = path.display().to_string();
            return Err(BundleError::TooLarge { what, limit });
        }
        fs::read(&path).map_err(BundleError::folder(&path))
    };
    let manifest = Manifest::parse(&read(MANIFEST, MANIFEST_BYTES)?)?;
    manifest.fits_program()?;
    for role in manifest.files.keys() {
        let bytes = read(role.file(), role.limit())?;
        if manifest.check(*role, &bytes).is_err() {
            let path = folder.join(role.file()).display().to_string();
            let reason = std::io::Error::other("it was changed or damaged since it was installed");
            return Err(BundleError::Folder { path, reason });
        }
    }
    Ok(Installed {
        manifest,
        forced: chosen.forced,
        folder,
    })
}

/// Writes a bundle's files into a folder that appears when all are on the disk.
fn lay_down(bundle: &Bundle, kind_folder: &Path, name: &str) -> Result<(), BundleError> {
    let draft = kind_folder.join(format!(".new-{}", std::process::id()));
    let _ = fs::remove_dir_all(&draft);
    make_folder(&draft)?;
    let manifest = bundle.manifest().text();
    let files = bundle.files().map(|(role, bytes)| (role.file(), bytes));
    for (file, bytes) in files.chain([(MANIFEST, &manifest[..])]) {
        let path = draft.join(file);
        write(&path, bytes).map_err(BundleError::folder(&path))?;
        let open = fs::set_permissions(&path, Permissions::from_mode(0o644));
        open.map_err(BundleError::folder(&path))?;
    }
    let place = kind_folder.join(name);
    // Only one that is damaged is replaced.
    let _ = fs::remove_dir_all(&place);
    sync(&draft)
        .and_then(|()| fs::rename(&draft, &place))
        .and_then(|()| sync(kind_folder))
        .map_err(BundleError::folder(&place))
}

/// Removes what neither runs nor ran before; what cannot be removed only takes room.
fn prune(kind_folder: &Path, state: &State) {
    let kept = |name: &str| {
        let mut named = state.current.iter().chain(&state.previous);
        named.any(|chosen| chosen.folder == name)
    };
    for entry in fs::read_dir(kind_folder).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && !kept(&entry.file_name().to_string_lossy()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn make_folder(path: &Path) -> Result<(), BundleError> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o755)))
        .map_err(BundleError::folder(path))
}

/// Held while the shelf is changed; the system gives it back when the process ends, however it ends.
fn lock(kind_folder: &Path) -> Result<File, BundleError> {
    let path = kind_folder.join(".lock");
    let file = File::create(&path).map_err(BundleError::folder(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(BundleError::Busy),
        Err(fs::TryLockError::Error(reason)) => Err(BundleError::Folder {
            path: path.display().to_string(),
            reason,
        }),
    }
}

//! Writes, checks and removes the folders of one kind of net. A folder appears only when all of its files are written.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use moodring_base::files;

use super::{
    Bundle, BundleError, FileRole, InstalledNet, Manifest,
    manifest::{MANIFEST, MANIFEST_BYTES},
    state::{InUse, NetVersion, write},
};

/// The name of a bundle's folder, from version and checksum of its net.
pub(super) fn folder_name(manifest: &Manifest) -> String {
    let sum = manifest.files.get(&FileRole::Net).map(|net| &net.sha256);
    let sum: String = sum
        .into_iter()
        .flat_map(|sum| sum.chars())
        .take(8)
        .collect();
    format!("{}-{sum}", manifest.version)
}

/// Reads a folder's files and checks them.
pub(super) fn read_versions(
    kind_folder: &Path,
    chosen: &NetVersion,
) -> Result<InstalledNet, BundleError> {
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
    Ok(InstalledNet::new(manifest, chosen.forced, folder))
}

/// Writes a bundle's files into a folder that appears once all of them are on the disk.
pub(super) fn write_net(
    bundle: &Bundle,
    kind_folder: &Path,
    name: &str,
) -> Result<(), BundleError> {
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
    // Only a damaged folder is replaced.
    let _ = fs::remove_dir_all(&place);
    files::sync_folder(&draft)
        .and_then(|()| fs::rename(&draft, &place))
        .and_then(|()| files::sync_folder(kind_folder))
        .map_err(BundleError::folder(&place))
}

/// Removes folders that neither run nor ran before. One that cannot be removed only takes room.
pub(super) fn prune(kind_folder: &Path, state: &InUse) {
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

/// Makes the folder, readable by all.
pub(super) fn make_folder(path: &Path) -> Result<(), BundleError> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o755)))
        .map_err(BundleError::folder(path))
}

/// Locks the folder while it is changed; the system releases the lock when the process ends, however it ends.
pub(super) fn lock(kind_folder: &Path) -> Result<File, BundleError> {
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

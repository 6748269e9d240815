//! Opens paths given by users, and only regular files: to open a pipe or a device could block for ever or cause an
//! action.

use std::{
    fs::{File, FileType, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

/// Opens a regular file to read. Never waits for whoever writes into a pipe.
///
/// # Errors
/// Those of the system, and one that names what else it is.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // First by name, for opening some devices has an effect; then what was opened, for it may have been replaced.
    check(path.metadata()?.file_type())?;
    let flags = OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)?;
    check(file.metadata()?.file_type())?;
    Ok(file)
}

/// Whether the machine or this process is short of something just now: files, memory. It is no fault of the file, which may be
/// opened a moment later.
pub fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let short = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOMEM,
        Errno::NOBUFS,
        Errno::AGAIN,
    ];
    Errno::from_io_error(error).is_some_and(|errno| short.contains(&errno))
}

/// Whether what has this name is a regular file, or nothing has it. A link counts as what it leads to.
///
/// # Errors
/// One that names what else it is, or the system's.
pub fn check_if_there(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(found) => check(found.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn check(kind: FileType) -> io::Result<()> {
    let what = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        kind if kind.is_char_device() || kind.is_block_device() => "a device",
        _ => "something else",
    };
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("it is {what}, not a file"),
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_is_no_file_is_named_and_never_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        moodring_tests::files::named_pipe(&at("pipe.jpg"));
        let _listener = UnixListener::bind(at("socket.jpg")).unwrap();
        std::fs::write(at("file.jpg"), b"x").unwrap();
        std::os::unix::fs::symlink(at("loop.jpg"), at("loop.jpg")).unwrap();
        let error_of = |path: &Path| open_regular(path).unwrap_err().to_string();
        assert!(error_of(&at("pipe.jpg")).contains("named pipe"));
        assert!(error_of(&at("socket.jpg")).contains("socket"));
        assert!(error_of(dir.path()).contains("folder"));
        assert!(error_of(Path::new("/dev/zero")).contains("device"));
        assert!(error_of(&at("loop.jpg")).contains("symbolic links"));
        assert!(open_regular(&at("file.jpg")).is_ok());
    }

    #[test]
    fn a_shortage_is_no_fault_of_the_file() {
        for (number, is_one) in [(24, true), (23, true), (12, true), (2, false), (13, false)] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(is_shortage(&error), is_one, "{error}");
        }
        assert!(!is_shortage(&io::Error::other("a pipe")));
    }
}

//! Finds what keeps a serial port from being a satellite's, without opening it: the daemon may be using it.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

use rustix::fs::{Access, access, major, minor};

/// What is wrong with a port, and the way to mend it.
pub(super) type PortTrouble = (String, &'static str);

const NAME: &str =
    "plug the satellite in; `ls -l /dev/serial/by-id` shows its name, or take port = \"auto\"";
const GROUP: &str =
    "`sudo usermod -aG dialout $USER`, then log in again; the service is in that group";
const ANOTHER: &str = "set satellite.port to a serial port, such as /dev/ttyACM0 or /dev/serial0";

/// What keeps the file at `path` from being used as a serial port, if anything does.
pub fn port_trouble(path: &Path) -> Option<PortTrouble> {
    let file = match fs::metadata(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some(("it is not there".into(), NAME));
        }
        Err(error) => return Some((error.to_string(), GROUP)),
    };
    if !file.file_type().is_char_device() {
        return Some(("it is no serial port".into(), ANOTHER));
    }
    let (major, minor) = (major(file.rdev()), minor(file.rdev()));
    let class = fs::read_link(format!("/sys/dev/char/{major}:{minor}/subsystem"));
    // Devices that /sys does not list, such as pseudo terminals, have the benefit of the doubt.
    if class.is_ok_and(|class| !class.ends_with("tty")) {
        return Some(("it is no serial port".into(), ANOTHER));
    }
    let refused = access(path, Access::READ_OK | Access::WRITE_OK).err()?;
    Some((io::Error::from(refused).to_string(), GROUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_port_is_named_with_the_way_out() {
        let trouble_of = |path: &str| port_trouble(Path::new(path));
        let (text, mend) = trouble_of("/dev/ttyACM987").unwrap();
        assert!(text.contains("not there") && mend.contains("by-id"));
        for wrong in ["/", "/etc/passwd"] {
            let (text, mend) = trouble_of(wrong).unwrap();
            assert!(
                text.contains("no serial port") && mend.contains("ttyACM0"),
                "{wrong}"
            );
        }
        if Path::new("/sys/dev/char/1:3/subsystem").exists() {
            assert!(trouble_of("/dev/null").is_some());
        }
    }
}

//! Checks the machine: groups, the program that holds the camera, ribbon cameras, clock, voltage and heat. Reads files
//! below a root that tests replace; opens no device.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{Finding, bad};

/// A clock before this is wrong: 2026-01-01, seconds since 1970.
const RELEASE_S: u64 = 1_767_225_600;
/// Millidegrees at which a Raspberry Pi slows down, and at which it is close to that.
const HOT: (i64, i64) = (80_000, 75_000);
/// The driver names of ribbon cameras that send raw pixels: Pi 4 and older, Pi 5.
const RIBBON: [&str; 2] = ["unicam", "rp1-cfe"];

/// A machine to check.
pub(super) struct Machine {
    root: PathBuf,
    /// The user's id, and the ids of the user's groups.
    uid: u32,
    groups: Vec<u32>,
    /// Seconds since 1970.
    now_s: u64,
}

impl Machine {
    /// This one.
    pub(super) fn this() -> Self {
        let mut groups: Vec<u32> = match rustix::process::getgroups() {
            Ok(all) => all.into_iter().map(|g| g.as_raw()).collect(),
            Err(_) => Vec::new(),
        };
        groups.push(rustix::process::getegid().as_raw());
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            root: "/".into(),
            uid: rustix::process::geteuid().as_raw(),
            groups,
            now_s: now.map_or(0, |time| time.as_secs()),
        }
    }

    /// The findings, part by part; parts that the machine does not have are left out. `own_camera`: the device in the
    /// settings, if they name one; `libcamera`: the settings name a source that uses libcamera.
    pub(super) fn check(&self, own_camera: Option<&Path>, libcamera: bool) -> Vec<(&str, Finding)> {
        let parts = [
            ("groups", self.permissions()),
            ("camera's user", self.holder(own_camera)),
            ("ribbon camera", self.ribbon(libcamera)),
            ("clock", Some(self.clock())),
            ("voltage", self.voltage()),
            ("temperature", self.temperature()),
        ];
        let found = parts.into_iter();
        found.filter_map(|(part, f)| Some((part, f?))).collect()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// The text of a small file without its line end; `None` if it does not exist.
    fn text(&self, below: &str) -> Option<String> {
        let text = fs::read_to_string(self.path(below)).ok()?;
        Some(text.trim_end_matches(['\n', '\0']).to_owned())
    }

    /// Devices that exist but that this user may not open.
    fn permissions(&self) -> Option<Finding> {
        let kinds = ["video", "spidev", "i2c-", "gpiochip"];
        let mut nodes: Vec<_> = fs::read_dir(self.path("dev")).ok()?.flatten().collect();
        nodes.retain(|node| {
            let name = node.file_name();
            let number = |kind| {
                let rest = name.to_str()?.strip_prefix(kind)?;
                rest.starts_with(|c: char| c.is_ascii_digit()).then_some(())
            };
            kinds.into_iter().any(|kind| number(kind).is_some())
        });
        nodes.sort_by_key(fs::DirEntry::file_name);
        if nodes.is_empty() {
            return None;
        }
        let mut closed = Vec::new();
        let mut groups = Vec::new();
        for node in &nodes {
            let Ok(about) = node.metadata() else { continue };
            if self.may_open(&about) {
                continue;
            }
            closed.push(node.file_name().to_string_lossy().into_owned());
            let group = self.group_name(about.gid());
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        if closed.is_empty() {
            return Some(Finding::Good(format!("may open {} devices", nodes.len())));
        }
        if groups.iter().any(|group| group == "root") {
            let mend = "install the package, or deploy/systemd/moodring.udev as /etc/udev/rules.d/60-moodring.rules, and restart";
            return Some(bad(
                format!("only root may open {}", closed.join(", ")),
                mend,
            ));
        }
        let groups = groups.join(",");
        Some(bad(
            format!("may not open {}: not in {groups}", closed.join(", ")),
            format!("sudo usermod -aG {groups} $USER, then log in again"),
        ))
    }

    fn may_open(&self, about: &fs::Metadata) -> bool {
        let mode = about.mode();
        let all = |bits: u32| mode & bits == bits;
        self.uid == 0
            || all(0o006)
            || about.uid() == self.uid && all(0o600)
            || self.groups.contains(&about.gid()) && all(0o060)
    }

    fn group_name(&self, number: u32) -> String {
        let file = self.text("etc/group").unwrap_or_default();
        let named = file.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
            (gid == number.to_string()).then(|| name.to_owned())
        });
        named.unwrap_or_else(|| number.to_string())
    }

    /// Other programs that have the settings' camera open, as far as this user can see.
    fn holder(&self, camera: Option<&Path>) -> Option<Finding> {
        let camera = camera?;
        let node = fs::metadata(camera).ok()?;
        if self.root == Path::new("/") && !node.file_type().is_char_device() {
            return None;
        }
        let real = fs::canonicalize(camera).ok()?;
        let processes = fs::read_dir(self.path("proc")).ok()?.flatten();
        let holds = |process: &Path| {
            let open = fs::read_dir(process.join("fd")).ok()?.flatten();
            let mut targets = open.filter_map(|fd| fs::read_link(fd.path()).ok());
            targets.any(|target| target == real).then_some(())
        };
        for process in processes {
            let name = process.file_name().to_string_lossy().into_owned();
            let own = name == std::process::id().to_string();
            if own || name.parse::<u32>().is_err() || holds(&process.path()).is_none() {
                continue;
            }
            let program = self.text(&format!("proc/{name}/comm")).unwrap_or_default();
            if program == "moodring" {
                let text = format!("a moodring that runs (process {name})");
                return Some(Finding::Good(text));
            }
            let text = format!("{} is held by {program} (process {name})", camera.display());
            let mend = format!("stop it, sudo kill {name}: a camera serves one program at a time");
            return Some(bad(text, mend));
        }
        None
    }

    /// Without libcamera, a ribbon camera on the raw driver gives no pictures.
    fn ribbon(&self, libcamera: bool) -> Option<Finding> {
        let listed = fs::read_dir(self.path("sys/class/video4linux")).ok()?;
        let names = listed.flatten();
        let names = names.filter_map(|node| fs::read_to_string(node.path().join("name")).ok());
        let raw = |name: &String| RIBBON.into_iter().any(|driver| name.starts_with(driver));
        names.into_iter().find(raw)?;
        let programs = ["usr/bin/rpicam-vid", "usr/bin/libcamera-vid"];
        let there = programs.into_iter().any(|p| self.path(p).exists());
        Some(match (there, libcamera) {
            (false, _) => bad(
                "its pictures come through libcamera, and rpicam-vid is not there",
                "sudo apt install rpicam-apps-lite, and set [camera] source = \"rpicam\"",
            ),
            (true, true) => Finding::Good("through rpicam-vid".into()),
            (true, false) => {
                Finding::Note("there is one; to use it set [camera] source = \"rpicam\"".into())
            }
        })
    }

    /// A Pi has no battery for its clock: until it gets the time by network, the times in messages are wrong.
    fn clock(&self) -> Finding {
        let mend = "sudo timedatectl set-ntp true, and let it reach a time server";
        if self.now_s < RELEASE_S {
            return bad("it stands before moodring was made", mend);
        }
        let daemon = self.path("run/systemd/timesync");
        if daemon.is_dir() && !daemon.join("synchronized").exists() {
            return Finding::Note(format!(
                "not yet set by the network since the start: {mend}"
            ));
        }
        Finding::Good("set".into())
    }

    /// A weak power supply, by the Raspberry Pi kernel's alarm.
    fn voltage(&self) -> Option<Finding> {
        let sensors = fs::read_dir(self.path("sys/class/hwmon")).ok()?.flatten();
        let mut sensors = sensors.map(|sensor| sensor.path());
        let named = |path: &PathBuf| {
            fs::read_to_string(path.join("name")).is_ok_and(|name| name.trim_end() == "rpi_volt")
        };
        let alarm = fs::read_to_string(sensors.find(named)?.join("in0_lcrit_alarm")).ok()?;
        Some(if alarm.trim_end() == "0" {
            Finding::Good("enough".into())
        } else {
            bad(
                "too low: the processor is slowed down, cameras and SD cards fail",
                "take the Raspberry Pi's own power supply and a short cable",
            )
        })
    }

    fn temperature(&self) -> Option<Finding> {
        let milli: i64 = self
            .text("sys/class/thermal/thermal_zone0/temp")?
            .parse()
            .ok()?;
        let text = format!("{} °C", milli / 1000);
        let mend = "a heat sink or a fan, or fewer pictures: [camera] rate, [vision] watch_ms";
        Some(match milli {
            m if m >= HOT.0 => bad(format!("{text}: the processor is slowed down"), mend),
            m if m >= HOT.1 => Finding::Note(format!("{text}, near the limit: {mend}")),
            _ => Finding::Good(text),
        })
    }
}

#[cfg(test)]
mod tests;

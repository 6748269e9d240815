//! Lists the capture devices and what they can do: for `auto`, `moodring devices` and `doctor`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use moodring_base::redact::printable;

use super::{
    modes::WireFormat,
    v4l2::{
        Node,
        node::{FrameSizes, code_text},
    },
};

pub use super::v4l2::node::BACKEND;

/// One capture device, or one whose nature cannot be seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceInfo {
    /// Its node, such as `/dev/video0`.
    pub path: PathBuf,
    /// A name for it that stays the same when cables change: from `/dev/v4l/by-id`.
    pub stable_path: Option<PathBuf>,
    /// The card's name.
    pub name: String,
    /// The kernel's driver; empty if it cannot be asked.
    pub driver: String,
    /// What it can send, in its own order.
    pub formats: Vec<FormatInfo>,
    /// Why it cannot be used, with the way out.
    pub problem: Option<String>,
}

/// One format of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct FormatInfo {
    /// Its four-character code; control characters are replaced.
    pub fourcc: String,
    /// Whether we can read it.
    pub readable: bool,
    /// Its sizes as texts: `640x480, 1280x720` or a range.
    pub sizes: Vec<String>,
}

impl DeviceInfo {
    /// Whether a source can be opened from it.
    pub fn is_usable(&self) -> bool {
        self.problem.is_none() && self.formats.iter().any(|f| f.readable)
    }

    /// The path to write into a configuration: the one that stays the same, if there is one.
    pub fn best_path(&self) -> &Path {
        self.stable_path.as_deref().unwrap_or(&self.path)
    }

    /// Why it cannot be used.
    pub fn describe_problem(&self) -> String {
        let codes: Vec<&str> = self.formats.iter().map(|f| f.fourcc.as_str()).collect();
        let path = self.path.display();
        match &self.problem {
            Some(problem) => format!("{path}: {problem}"),
            None if self.is_usable() => format!("{path}: nothing is wrong"),
            None => format!(
                "{path} ({}): none of its formats can be read ({}); YUYV, MJPG, NV12 and GREY can",
                self.name,
                codes.join(", ")
            ),
        }
    }
}

/// Drivers whose nodes are parts of a machine's own camera or codecs: they take pictures only when something else sets them
/// up, such as libcamera. By the kernel's names.
const INNER_DRIVERS: [&str; 17] = [
    "unicam",
    "bcm2835-isp",
    "bcm2835-codec",
    "bcm2835-v4l2-isp",
    "pispbe",
    "rp1-cfe",
    "rpivid",
    "rpi-hevc-dec",
    "rkisp1",
    "rockchip-rga",
    "hantro-vpu",
    "sun6i-csi",
    "sun4i_csi",
    "mtk-vcodec-dec",
    "tegra-video",
    "ipu6",
    "atomisp",
];

/// What a device is to `auto`: the smaller, the sooner it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A camera at USB, or one that is like it.
    Camera,
    /// A made-up one, such as a loopback; it gives pictures if something feeds it.
    Virtual,
}

impl DeviceInfo {
    /// What it is to `auto`.
    ///
    /// # Errors
    /// Why it is passed over.
    pub fn rank(&self) -> Result<Rank, String> {
        if INNER_DRIVERS
            .iter()
            .any(|driver| self.driver.starts_with(driver))
        {
            return Err(format!(
                "{} ({}): its driver {} is a part of a ribbon camera or a codec; take rpicam or argus",
                self.path.display(),
                printable(&self.name),
                self.driver
            ));
        }
        if !self.is_usable() {
            return Err(self.describe_problem());
        }
        Ok(match self.driver.as_str() {
            "v4l2 loopback" | "v4l2loopback" | "vivid" => Rank::Virtual,
            _ => Rank::Camera,
        })
    }
}

/// The device that `auto` takes, and why each of the others was passed over.
pub fn choose(found: &[DeviceInfo]) -> (Option<&DeviceInfo>, Vec<String>) {
    let ranked: Vec<_> = found.iter().map(|device| (device, device.rank())).collect();
    let best = ranked
        .iter()
        .filter_map(|(device, rank)| Some((rank.as_ref().ok()?, *device)))
        // The first of the best: by number.
        .min_by_key(|(rank, _)| **rank)
        .map(|(_, device)| device);
    let passed = ranked.iter().filter_map(|(device, rank)| match rank {
        Err(reason) => Some(reason.clone()),
        Ok(_) if best.is_some_and(|best| best.path == device.path) => None,
        Ok(_) => Some(format!(
            "{} ({}): another comes first",
            device.path.display(),
            printable(&device.name)
        )),
    });
    (best, passed.collect())
}

/// Every capture device by number. Nodes for metadata, output and codecs are left out.
pub fn devices() -> Vec<DeviceInfo> {
    let stable = stable_paths(Path::new("/dev/v4l/by-id"));
    let nodes = nodes();
    let found = nodes.iter().filter_map(|path| look(path));
    found
        .map(|mut device| {
            let mine = stable.iter().find(|(node, _)| *node == device.path);
            device.stable_path = mine.map(|(_, name)| name.clone());
            device
        })
        .collect()
}

/// The nodes of all video devices by number, whatever they are; opens none.
pub fn nodes() -> Vec<PathBuf> {
    let mut nodes: Vec<(u32, PathBuf)> = fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let number = entry.file_name().to_str()?.strip_prefix("video")?.parse();
            Some((number.ok()?, entry.path()))
        })
        .collect();
    nodes.sort();
    nodes.into_iter().map(|(_, path)| path).collect()
}

/// What went wrong with a device, and the way out.
pub(super) fn explain(error: &io::Error) -> (String, String) {
    use rustix::io::Errno;
    let (reason, way_out) = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => (
            "there is no such device",
            "Plug it in; `moodring devices` lists what is there",
        ),
        Some(Errno::ACCESS | Errno::PERM) => (
            "permission denied",
            "Join the group: sudo usermod -aG video $USER, then log in again",
        ),
        Some(Errno::BUSY) => (
            "another program is using it",
            "Find it with `fuser -v /dev/video*` and end it",
        ),
        Some(Errno::NOTTY | Errno::INVAL) => (
            "it is no video capture device, or refuses what was asked",
            "`moodring devices` lists those that can be used",
        ),
        _ => return (error.to_string(), "Unplug it and plug it in again".into()),
    };
    (reason.into(), way_out.into())
}

/// The card's name, from sysfs: it may be cut inside a letter, which the ioctl's wrapper does not forgive.
pub(super) fn card_name(path: &Path) -> Option<String> {
    let node = path.canonicalize().unwrap_or_else(|_| path.into());
    let file = node.file_name().unwrap_or_default();
    let text = fs::read(Path::new("/sys/class/video4linux").join(file).join("name"));
    let name: String = String::from_utf8_lossy(&text.ok()?)
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

fn look(path: &Path) -> Option<DeviceInfo> {
    let mut info = DeviceInfo {
        path: path.into(),
        name: card_name(path).unwrap_or_else(|| path.display().to_string()),
        ..DeviceInfo::default()
    };
    match Node::open(path) {
        Ok(node) => {
            let abilities = node.abilities().ok()?;
            if !abilities.captures {
                return None;
            }
            info.driver = abilities.driver;
            if !abilities.streams {
                info.problem = Some("it cannot stream".into());
            }
            info.formats = formats(&node);
        }
        Err(e) => {
            let (reason, way_out) = explain(&e);
            info.problem = Some(format!("{reason}. {way_out}"));
        }
    }
    Some(info)
}

fn formats(node: &Node) -> Vec<FormatInfo> {
    let listed = node.formats().into_iter();
    listed
        .map(|fourcc| FormatInfo {
            fourcc: code_text(fourcc),
            readable: WireFormat::from_fourcc(fourcc).is_some(),
            sizes: node
                .sizes(fourcc)
                .map(|sizes: FrameSizes| sizes.describe())
                .unwrap_or_default(),
        })
        .collect()
}

/// Nodes and the names that `folder` has for them.
fn stable_paths(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    names.sort();
    let nodes = names
        .into_iter()
        .filter_map(|name| Some((name.canonicalize().ok()?, name)));
    nodes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_names_lead_to_their_nodes() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let node = root.join("video0");
        fs::write(&node, b"").unwrap();
        std::os::unix::fs::symlink("video0", root.join("usb-cam-index0")).unwrap();
        std::os::unix::fs::symlink("gone", root.join("usb-gone")).unwrap();
        let found = stable_paths(&root);
        assert!(found.contains(&(node.clone(), root.join("usb-cam-index0"))));
        assert!(found.iter().all(|(to, _)| *to == node));
        assert!(stable_paths(Path::new("/no/such/folder")).is_empty());
    }

    #[test]
    fn a_problem_names_the_way_out() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let info = look(file.path()).unwrap();
        assert!(!info.is_usable());
        assert!(
            info.describe_problem().contains("moodring devices"),
            "{info:?}"
        );
        let denied = io::Error::from_raw_os_error(rustix::io::Errno::ACCESS.raw_os_error());
        assert!(explain(&denied).1.contains("usermod"));
    }

    #[test]
    fn auto_takes_the_usb_camera_before_the_parts_of_the_pis_own() {
        let device = |number: u32, driver: &str, code: &str| DeviceInfo {
            path: format!("/dev/video{number}").into(),
            name: driver.to_uppercase(),
            driver: driver.into(),
            formats: vec![FormatInfo {
                fourcc: code.into(),
                readable: code != "pBAA",
                sizes: vec![],
            }],
            ..DeviceInfo::default()
        };
        // As a Pi 4 lists them.
        let found = [
            device(0, "unicam", "YUYV"),
            device(10, "bcm2835-codec-decode", "NV12"),
            device(13, "bcm2835-isp", "NV12"),
            device(19, "v4l2 loopback", "YUYV"),
            device(20, "uvcvideo", "MJPG"),
            device(22, "uvcvideo", "YUYV"),
        ];
        let (taken, passed) = choose(&found);
        assert_eq!(taken.unwrap().path, Path::new("/dev/video20"));
        assert_eq!(passed.len(), 5, "{passed:?}");
        assert!(
            passed[0].contains("unicam") && passed[0].contains("rpicam"),
            "{}",
            passed[0]
        );
        assert!(
            passed[4].contains("/dev/video22") && passed[4].contains("another"),
            "{}",
            passed[4]
        );
        let (taken, _) = choose(&found[..4]);
        assert_eq!(taken.unwrap().path, Path::new("/dev/video19"));
        assert!(choose(&found[..3]).0.is_none());
    }

    #[test]
    fn a_device_without_a_readable_format_lists_those_that_it_has() {
        let info = DeviceInfo {
            path: "/dev/video7".into(),
            formats: vec![FormatInfo {
                fourcc: "H264".into(),
                readable: false,
                sizes: vec![],
            }],
            ..DeviceInfo::default()
        };
        assert!(!info.is_usable());
        assert!(info.describe_problem().contains("H264"));
    }
}

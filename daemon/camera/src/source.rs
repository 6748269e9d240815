//! Parses a source's text (`SRC` of the command line) into data. Opens nothing.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use moodring_base::redact::{Redacted, printable};

use super::address::{AddressError, HttpAddress, Scheme};

/// What is accepted, for error texts.
const ACCEPTED: &str = "auto, /dev/videoN, v4l2:PATH, rpicam, argus, cmd:COMMAND, http://HOST/PATH, \
     https://HOST/PATH, rtsp://HOST/PATH, a picture, a folder, a .mjpeg or .y4m file, synthetic";

/// Where frames come from. Parsed from text; shown as text without what may be secret, so that not every text shown can be
/// parsed again.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// The first real capture device, else the drawn scene.
    Auto,
    /// A V4L2 device node. It need not exist yet.
    V4l2(PathBuf),
    /// The Raspberry Pi's camera through `rpicam-vid`.
    Rpicam,
    /// The Jetson's camera through `nvarguscamerasrc`.
    Argus,
    /// A shell command that writes pictures to its stdout.
    Command(String),
    /// MJPEG, or one JPEG asked for again and again, over HTTP or HTTPS.
    Http(HttpAddress),
    /// An RTSP camera, through a child.
    Rtsp(HttpAddress),
    /// One picture file.
    Picture(PathBuf),
    /// A folder of pictures, in the order of their names.
    Folder(PathBuf),
    /// A file of JPEGs one after another.
    Mjpeg(PathBuf),
    /// A YUV4MPEG2 file.
    Y4m(PathBuf),
    /// A drawn scene with a drawn face.
    Synthetic,
}

/// Why a text names no source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing was given.
    #[error("the source is empty; accepted are: {ACCEPTED}")]
    Empty,
    /// `cmd:` without a command, or `v4l2:` without a path.
    #[error("{0} needs something after the colon, such as {1}")]
    Incomplete(&'static str, &'static str),
    /// Neither a known name nor an existing path.
    #[error("there is no file, folder or source named {0:?}; accepted are: {ACCEPTED}")]
    Missing(String),
    /// The path exists and cannot be looked at.
    #[error("cannot look at {0:?}: {1}")]
    Unreadable(String, String),
    /// A socket, pipe or other thing that is no file.
    #[error("{0:?} is neither a file, a folder nor a video device; accepted are: {ACCEPTED}")]
    Kind(String),
    /// The address is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl Source {
    /// Whether it can come back after it was lost: a device, child or address does, a file does not.
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Auto
            | Self::V4l2(_)
            | Self::Rpicam
            | Self::Argus
            | Self::Command(_)
            | Self::Http(_)
            | Self::Rtsp(_) => true,
            Self::Picture(_)
            | Self::Folder(_)
            | Self::Mjpeg(_)
            | Self::Y4m(_)
            | Self::Synthetic => false,
        }
    }

    fn from_path(text: &str) -> Result<Self, SourceError> {
        let path = Path::new(text);
        let meta = match path.metadata() {
            Ok(meta) => meta,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                // A login without a scheme before it is no path either.
                let shown = if text.contains('@') {
                    Redacted::address(text).to_string()
                } else {
                    text.into()
                };
                return Err(SourceError::Missing(shown));
            }
            Err(e) => return Err(SourceError::Unreadable(text.into(), e.to_string())),
        };
        if meta.is_dir() {
            return Ok(Self::Folder(path.into()));
        }
        if !meta.is_file() {
            return Err(SourceError::Kind(text.into()));
        }
        let ending = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        Ok(match ending.as_deref() {
            Some("mjpeg" | "mjpg") => Self::Mjpeg(path.into()),
            Some("y4m") => Self::Y4m(path.into()),
            // What it really holds shows when it is opened; names lie.
            _ => Self::Picture(path.into()),
        })
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => return Err(SourceError::Empty),
            "auto" => return Ok(Self::Auto),
            "rpicam" => return Ok(Self::Rpicam),
            "argus" => return Ok(Self::Argus),
            "synthetic" => return Ok(Self::Synthetic),
            _ => {}
        }
        if let Some(command) = text.strip_prefix("cmd:") {
            return match command.trim() {
                "" => Err(SourceError::Incomplete("cmd:", "cmd:cat film.mjpeg")),
                command => Ok(Self::Command(command.into())),
            };
        }
        if let Some(path) = text.strip_prefix("v4l2:") {
            return match path {
                "" => Err(SourceError::Incomplete("v4l2:", "v4l2:/dev/video0")),
                path => Ok(Self::V4l2(path.into())),
            };
        }
        if text.starts_with("/dev/") {
            return Ok(Self::V4l2(text.into()));
        }
        if text.contains("://") {
            let address: HttpAddress = text.parse()?;
            return Ok(match address.scheme() {
                Scheme::Http | Scheme::Https => Self::Http(address),
                Scheme::Rtsp | Scheme::Rtsps => Self::Rtsp(address),
            });
        }
        Self::from_path(text)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::V4l2(path) if path.starts_with("/dev") => {
                f.write_str(&printable(&path.to_string_lossy()))
            }
            Self::V4l2(path) => write!(f, "v4l2:{}", printable(&path.to_string_lossy())),
            Self::Rpicam => f.write_str("rpicam"),
            Self::Argus => f.write_str("argus"),
            Self::Command(command) => write!(f, "cmd:{}", Redacted::command(command)),
            Self::Http(address) | Self::Rtsp(address) => address.fmt(f),
            Self::Picture(path) | Self::Folder(path) | Self::Mjpeg(path) | Self::Y4m(path) => {
                f.write_str(&printable(&path.to_string_lossy()))
            }
            Self::Synthetic => f.write_str("synthetic"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_prefixes_come_back_as_they_went_in() {
        for text in [
            "auto",
            "rpicam",
            "argus",
            "synthetic",
            "/dev/video0",
            "/dev/v4l/by-id/usb-cam-index0",
            "v4l2:camera",
            "cmd:my-camera",
            "http://cam.local:8080/?action=stream",
            "https://cam.local/snapshot.jpg",
            "rtsp://cam.local:554/s1",
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        for (text, shown) in [
            (
                "cmd:ffmpeg -i rtsp://admin:secret@cam -f mjpeg -",
                "cmd:ffmpeg ...",
            ),
            (
                "http://admin:secret@cam/x?pwd=secret",
                "http://cam/x?pwd=***",
            ),
            ("rtsp://admin:secret@cam/x", "rtsp://cam/x"),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), shown);
            assert!(!format!("{source:?}").contains("secret"));
        }
        let error = "http://admin:sec/ret@cam/".parse::<Source>().unwrap_err();
        assert!(!error.to_string().contains("sec"), "{error}");
    }

    #[test]
    fn a_path_is_a_device_a_folder_or_a_file_by_what_lies_there() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, b"").unwrap();
            path
        };
        let parse = |p: &Path| p.to_str().unwrap().parse::<Source>().unwrap();
        let path = at("a.PNG");
        assert_eq!(parse(&path), Source::Picture(path.clone()));
        let path = at("b.MJPEG");
        assert_eq!(parse(&path), Source::Mjpeg(path.clone()));
        let path = at("c.y4m");
        assert_eq!(parse(&path), Source::Y4m(path.clone()));
        assert_eq!(parse(dir.path()), Source::Folder(dir.path().into()));
    }

    #[test]
    fn errors_name_what_is_accepted() {
        for text in ["", "webcam", "no/such.png"] {
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(
                error.contains("/dev/videoN") && error.contains("synthetic"),
                "{error}"
            );
        }
        for text in ["cmd:", "cmd:  ", "v4l2:"] {
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(error.contains("such as"), "{error}");
        }
    }
}

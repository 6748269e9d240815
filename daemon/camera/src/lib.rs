//! Frames from devices, files, child processes, the network or a drawing, behind one trait that lends them.
//!
//! | module | what it does |
//! |---|---|
//! | [`source`], [`address`] | which source a text names; an address that hides its password |
//! | `v4l2`, [`modes`], [`devices`] | capture devices: streams from one, chooses its mode, finds all |
//! | `picture`, `folder`, `mjpeg`, `y4m` | files, played at a rate |
//! | `process`, `presets` | child processes, read by a thread of their own (`stream_thread`); the programs that sources start |
//! | `http` | HTTP addresses, read by a thread of their own too |
//! | `pump`, `describe_bytes` | cuts a byte stream of unknown format into frames; describes bytes that are none |
//! | `synthetic`, `drawn_face`, `sprite` | a scene and a face from formulas, for when there is nothing else |
//! | `jpeg`, `jpeg_splitter` | one JPEG to pixels; a byte stream to JPEGs |
//! | `turn` | pictures turned upright: as EXIF says, or as the camera is mounted |
//! | [`supervise`], `control` | the camera thread: decides what is lost and opens it again; on, off and next |
//! | `frame_pacer` | waits for the next frame's time when files are played |
//! | [`latest`], `sink` | the slot between camera and vision, in which the newest picture wins; what the camera thread calls |
//! | [`photo`] | picture files, read with limits and named errors |
//! | [`scaled_jpeg`] | a camera's JPEG, decoded only as far as somebody looks |

use std::{fs::File, io, path::Path, time::Duration};

use moodring_base::{
    clock::Clock,
    config::{CameraSettings, RangeKind, RawKind},
    regular_file::is_shortage,
    shutdown::Shutdown,
};
use moodring_core::frame::{Frame, FrameError, LumaRange, PixelFormat};

use self::{
    jpeg::FrameDecoder,
    pump::Raw,
    stream_thread::{Overflow, StreamFormat},
    turn::{Turn, TurnedCamera},
};
use crate::{latest::LentPicture, scaled_jpeg::DecodeNeeds};

pub mod address;
mod control;
mod describe_bytes;
pub mod devices;
mod drawn_face;
mod folder;
mod frame_pacer;
#[doc(hidden)]
pub mod fuzz;
mod http;
pub mod jpeg;
mod jpeg_splitter;
pub mod latest;
mod mjpeg;
pub mod modes;
pub mod photo;
mod picture;
mod presets;
mod process;
mod pump;
pub mod scaled_jpeg;
mod sink;
pub mod source;
mod sprite;
mod stream_thread;
pub mod supervise;
mod synthetic;
pub(crate) mod turn;
mod v4l2;
mod y4m;

pub use control::CameraControl;
pub use sink::{CameraSink, CameraStatus};
pub use source::{Source, SourceError};
pub use supervise::CameraThread;

/// A source of frames. Blocking: it lives on a thread of its own.
pub trait Camera: Send {
    /// What was opened, and what was negotiated.
    fn info(&self) -> &CameraInfo;

    /// Lends the next frame; waits for it, but not longer than the source's timeout.
    ///
    /// # Errors
    /// [`CameraError`]; after [`CameraError::Ended`] or [`CameraError::Lost`] the source must be opened again.
    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError>;

    /// The same, but a JPEG is decoded only as far as `needs` says, where the source can do that; without them, or if not,
    /// the picture is a whole frame.
    ///
    /// # Errors
    /// As [`Camera::next_frame`].
    fn next_picture(
        &mut self,
        _needs: Option<DecodeNeeds>,
    ) -> Result<LentPicture<'_>, CameraError> {
        self.next_frame().map(LentPicture::Frame)
    }
}

/// What a source is and what it agreed to.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraInfo {
    /// A name for people, such as the card's name or the file's path.
    pub name: String,
    /// Width and height in pixels, as far as known before the first frame.
    pub size_px: Option<(u32, u32)>,
    /// The format on the wire, for people: `YUYV`, `MJPG`, ...
    pub wire: String,
    /// How [`Camera::next_frame`] lends its pixels.
    pub format: PixelFormat,
    /// Frames a second, if the source declares them.
    pub rate_hz: Option<f32>,
    /// Whether lost sources come back: a device, child or address does, a file does not.
    pub live: bool,
}

/// Why there is no frame. The text names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// It cannot be opened: does not exist, no permission, busy, not a camera.
    #[error("cannot open {source_name}: {reason}. {way_out}")]
    Open {
        /// What was to be opened.
        source_name: String,
        /// The cause.
        reason: String,
        /// What the user can do.
        way_out: String,
    },
    /// It was running and stopped: unplugged, killed, timed out, connection closed.
    #[error("lost {source_name}: {reason}")]
    Lost {
        /// What was lost.
        source_name: String,
        /// The cause.
        reason: String,
    },
    /// One frame was unusable (cut JPEG, unreadable picture in a folder); the next may be good.
    #[error("skipped a frame of {source_name}: {reason}")]
    Bad {
        /// Where the frame came from.
        source_name: String,
        /// The cause.
        reason: String,
    },
    /// A file without `--loop` came to its end.
    #[error("{source_name} came to its end")]
    Ended {
        /// What ended.
        source_name: String,
    },
}

impl CameraInfo {
    fn bad(&self, reason: impl Into<String>) -> CameraError {
        CameraError::Bad {
            source_name: self.name.clone(),
            reason: reason.into(),
        }
    }

    fn lost(&self, reason: impl Into<String>) -> CameraError {
        CameraError::Lost {
            source_name: self.name.clone(),
            reason: reason.into(),
        }
    }

    fn ended(&self) -> CameraError {
        CameraError::Ended {
            source_name: self.name.clone(),
        }
    }
}

/// What every source gets: the wishes of the settings, held in range, and the time.
#[derive(Clone, Debug)]
struct Context {
    size_px: (u32, u32),
    rate_hz: f32,
    range: RangeKind,
    /// Whether JPEGs are decoded in colour.
    colour: bool,
    /// How often a picture is lent before the next one's turn, 1 or more.
    frames_per_picture: u32,
    repeat: bool,
    timeout: Duration,
    /// Between two requests for a snapshot.
    snapshot: Duration,
    /// What a child writes, if it is raw.
    raw: Option<Raw>,
    /// What becomes of a frame from an address that nobody fetched in time.
    overflow: Overflow,
    /// Whose certificates are taken.
    trust: http::TrustSettings,
    clock: Clock,
    stop: Shutdown,
}

impl Context {
    fn new(settings: &CameraSettings, clock: Clock, stop: Shutdown) -> Self {
        let side = |px: u32| px.clamp(16, jpeg::MAX_SIDE_PX as u32);
        let rate_hz = match settings.rate {
            rate if rate.is_finite() => rate.clamp(0.01, 1000.0),
            _ => CameraSettings::default().rate,
        };
        let size_px = (side(settings.width), side(settings.height));
        let format = match settings.raw {
            RawKind::None => None,
            RawKind::I420 => Some(PixelFormat::I420),
            RawKind::Nv12 => Some(PixelFormat::Nv12),
            RawKind::Yuyv => Some(PixelFormat::Yuyv),
            RawKind::Grey => Some(PixelFormat::Grey),
            RawKind::Rgb => Some(PixelFormat::Rgb),
        };
        Self {
            size_px,
            rate_hz,
            range: settings.range,
            colour: settings.colour,
            // A cast from f32 saturates, and NaN becomes 0.
            frames_per_picture: ((settings.picture_s * rate_hz) as u32).max(1),
            repeat: settings.repeat,
            timeout: Duration::from_millis(settings.timeout_ms),
            snapshot: settings.snapshot_interval(),
            raw: format.map(|format| Raw {
                format,
                size_px,
                range: None,
            }),
            overflow: Overflow::Newest,
            trust: http::TrustSettings {
                ca_file: settings.ca_file.clone(),
                fingerprint: settings.fingerprint.clone(),
            },
            clock,
            stop,
        }
    }

    /// The bytes of a stream's frame as a frame of now; JPEGs by way of `decoder`.
    fn frame<'a>(
        &self,
        format: StreamFormat,
        bytes: &'a [u8],
        decoder: &'a mut FrameDecoder,
    ) -> Result<Frame<'a>, String> {
        let time = self.clock.now();
        let text = |e: FrameError| e.to_string();
        match format {
            StreamFormat::Jpeg => {
                let size = decoder.decode(bytes).map_err(|e| e.to_string())?;
                Frame::packed(decoder.pixels(), decoder.format(), size, time).map_err(text)
            }
            StreamFormat::Raw(raw) => {
                let frame = Frame::packed(bytes, raw.format, raw.size_px, time).map_err(text)?;
                Ok(self.with_range(frame, raw.range))
            }
        }
    }

    /// As [`Context::frame`], but a JPEG may stay one.
    fn picture<'a>(
        &self,
        format: StreamFormat,
        bytes: &'a [u8],
        decoder: &'a mut FrameDecoder,
        needs: Option<DecodeNeeds>,
    ) -> Result<LentPicture<'a>, String> {
        if let (StreamFormat::Jpeg, Some(needs)) = (format, needs)
            && decoder
                .decode_scaled(bytes, needs, self.clock.now())
                .map_err(|e| e.to_string())?
        {
            return Ok(LentPicture::Jpeg(decoder.scaled()));
        }
        self.frame(format, bytes, decoder).map(LentPicture::Frame)
    }

    /// A frame of YUV with the range that the settings demand, else the one that its source declares, else the usual one.
    fn with_range<'a>(&self, frame: Frame<'a>, declared: Option<LumaRange>) -> Frame<'a> {
        match (self.range, declared) {
            (RangeKind::Full, _) | (RangeKind::Auto, Some(LumaRange::Full)) => {
                frame.with_range(LumaRange::Full)
            }
            (RangeKind::Limited, _) | (RangeKind::Auto, Some(LumaRange::Limited)) => {
                frame.with_range(LumaRange::Limited)
            }
            (RangeKind::Auto, None) => frame,
        }
    }
}

/// Opens a source. `auto` takes the first capture device that can be used, else the drawn scene, and logs which.
///
/// # Errors
/// [`CameraError::Open`] with the cause and the way out.
pub fn open(
    source: &Source,
    settings: &CameraSettings,
    clock: Clock,
) -> Result<Box<dyn Camera>, CameraError> {
    open_until(source, settings, clock, Shutdown::default())
}

/// As [`open`]; `stop` ends every wait inside, and the source then ends with [`CameraError::Ended`].
///
/// # Errors
/// As [`open`].
pub fn open_until(
    source: &Source,
    settings: &CameraSettings,
    clock: Clock,
    stop: Shutdown,
) -> Result<Box<dyn Camera>, CameraError> {
    let context = Context::new(settings, clock, stop);
    let camera: Box<dyn Camera> = match source {
        Source::Auto => return open_until(&resolve(source), settings, clock, context.stop),
        Source::V4l2(path) => Box::new(v4l2::V4l2Camera::open(path, context)?),
        Source::Rpicam => Box::new(presets::open_rpicam(context)?),
        Source::Argus => Box::new(presets::open_argus(context)?),
        Source::Command(command) => Box::new(presets::open_command(command, context)?),
        Source::Http(address) => Box::new(http::HttpCamera::open(address, context)?),
        Source::Rtsp(address) => Box::new(presets::open_rtsp(address, context)?),
        Source::Picture(path) => Box::new(picture::PictureFile::open(path, context)?),
        Source::Folder(path) => Box::new(folder::Folder::open(path, context)?),
        Source::Mjpeg(path) => Box::new(mjpeg::MjpegFile::open(path, context)?),
        Source::Y4m(path) => Box::new(y4m::Y4mFile::open(path, context)?),
        Source::Synthetic => Box::new(synthetic::Synthetic::open(context)),
    };
    let turn = Turn::from_degrees(settings.rotate, settings.mirror);
    Ok(match turn.is_none() {
        true => camera,
        false => Box::new(TurnedCamera::new(camera, turn, settings.colour)),
    })
}

/// Decides `auto` once and for all; leaves every other source as it is.
pub fn resolve(source: &Source) -> Source {
    if *source != Source::Auto {
        return source.clone();
    }
    let found = devices::devices();
    let (taken, passed_over) = devices::choose(&found);
    for reason in passed_over {
        tracing::info!("auto: not {reason}");
    }
    if let Some(device) = taken {
        tracing::info!(
            "auto: taking {} ({})",
            device.best_path().display(),
            device.name
        );
        return Source::V4l2(device.best_path().into());
    }
    tracing::warn!(
        "auto: no camera found, showing a drawn scene (synthetic). Plug a camera in and start again; \
         for a Raspberry Pi's ribbon camera take rpicam, for a Jetson's argus"
    );
    Source::Synthetic
}

/// The sources to choose from, `first` included: the others that are named, or else every camera that is found.
pub fn choices(first: &Source, others: &[Source]) -> Vec<Source> {
    let found = || {
        let usable = devices::devices().into_iter().filter(|d| d.rank().is_ok());
        usable.map(|d| Source::V4l2(d.best_path().into())).collect()
    };
    let others: Vec<_> = match others {
        [] => found(),
        named => named.to_vec(),
    };
    let mut all = vec![first.clone()];
    all.extend(others.into_iter().filter(|other| other != first));
    all
}

/// The source of a session: the first or the one that was chosen, then the others, round and round.
fn of_session(first: &Source, others: &[Source], session: &control::CameraSession) -> Source {
    let (start, turns) = match &session.chosen {
        Some((chosen, since)) => (chosen, session.turn - since),
        None => (first, session.turn),
    };
    if turns == 0 {
        // Nobody has to look for devices.
        return start.clone();
    }
    around(&choices(first, others), start, turns)
}

/// The source so many turns after `start`. One that is gone by now stands before the first.
fn around(all: &[Source], start: &Source, turns: usize) -> Source {
    let at = match all.iter().position(|source| source == start) {
        Some(at) => at + turns,
        None => turns - 1,
    };
    all[at % all.len()].clone()
}

fn open_file(path: &Path) -> Result<File, CameraError> {
    moodring_base::regular_file::open_regular(path).map_err(|error| {
        let name = moodring_base::redact::printable(&path.to_string_lossy());
        refuse(&name, &error, "Check the path and its permissions".into())
    })
}

/// Why a file or folder is not opened. Want of files or memory passes, so the source is waited for as one that was lost; all
/// else is for the user to mend.
fn refuse(name: &str, error: &io::Error, way_out: String) -> CameraError {
    let (source_name, reason) = (name.to_owned(), error.to_string());
    match is_shortage(error) {
        true => CameraError::Lost {
            source_name,
            reason,
        },
        false => CameraError::Open {
            source_name,
            reason,
            way_out,
        },
    }
}

#[cfg(test)]
mod tests;

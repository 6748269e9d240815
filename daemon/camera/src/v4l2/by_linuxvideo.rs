//! A capture node by the crate `linuxvideo`: its bindings are carried along, so nothing is needed to build it.

use std::{io, path::Path, time::Duration};

use linuxvideo::{
    BufType, CapabilityFlags, Device, Fract, VideoCaptureDevice,
    format::{self, PixFormat, PixelFormat as FourCc},
    stream::ReadStream,
};
use moodring_core::frame::LumaRange;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::node::{Abilities, Agreed, FrameRates, FrameSizes, interval};
use crate::modes::Mode;

/// The crate's name.
pub(super) const NAME: &str = "linuxvideo";

/// A node that was opened.
pub(crate) struct Node(Device);

impl Node {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Device::open(path).map(Self)
    }

    pub(crate) fn abilities(&self) -> io::Result<Abilities> {
        let caps = self.0.capabilities()?;
        let flags = caps.device_capabilities();
        Ok(Abilities {
            driver: caps.driver().to_owned(),
            captures: flags.contains(CapabilityFlags::VIDEO_CAPTURE),
            multi_planar: flags.contains(CapabilityFlags::VIDEO_CAPTURE_MPLANE),
            streams: flags.contains(CapabilityFlags::STREAMING),
        })
    }

    /// The four-character codes of its formats.
    pub(crate) fn formats(&self) -> Vec<[u8; 4]> {
        let listed = self.0.formats(BufType::VIDEO_CAPTURE).map_while(Result::ok);
        listed.map(|f| f.pixel_format().as_fourcc()).collect()
    }

    /// The sizes of a format, if it lists them.
    pub(crate) fn sizes(&self, fourcc: [u8; 4]) -> Option<FrameSizes> {
        Some(
            match self.0.frame_sizes(FourCc::from_fourcc(fourcc)).ok()? {
                format::FrameSizes::Discrete(list) => {
                    FrameSizes::Listed(list.iter().map(|s| (s.width(), s.height())).collect())
                }
                format::FrameSizes::Stepwise(s) | format::FrameSizes::Continuous(s) => {
                    FrameSizes::Range {
                        least: (s.min_width(), s.min_height()),
                        most: (s.max_width(), s.max_height()),
                        step: (s.step_width(), s.step_height()),
                    }
                }
            },
        )
    }

    /// The rates of a format and size, if it lists them.
    pub(super) fn rates(&self, fourcc: [u8; 4], (w, h): (u32, u32)) -> Option<FrameRates> {
        let hz = |interval: &Fract| 1.0 / interval.as_f32();
        let listed = self.0.frame_intervals(FourCc::from_fourcc(fourcc), w, h);
        Some(match listed.ok()? {
            format::FrameIntervals::Discrete(list) => {
                FrameRates::Listed(list.iter().map(|i| hz(i.fract())).collect())
            }
            format::FrameIntervals::Stepwise(s) | format::FrameIntervals::Continuous(s) => {
                FrameRates::Range(hz(s.max()), hz(s.min()))
            }
        })
    }

    /// Sets a mode; the driver may still change it.
    pub(super) fn set(self, mode: &Mode, rate_hz: f32) -> io::Result<Capture> {
        let (width, height) = mode.size_px;
        let requested = PixFormat::new(width, height, FourCc::from_fourcc(mode.fourcc));
        let device = self.0.video_capture(requested)?;
        let (numerator, denominator) = interval(rate_hz);
        let rate_hz = match device.set_frame_interval(Fract::new(numerator, denominator)) {
            Ok(got) if got.numerator() > 0 && got.denominator() > 0 => Some(1.0 / got.as_f32()),
            Ok(_) => None,
            Err(e) => {
                tracing::debug!("the device sets its rate itself: {e}");
                None
            }
        };
        let format = device.format();
        let agreed = Agreed {
            fourcc: format.pixel_format().as_fourcc(),
            size_px: (format.width(), format.height()),
            stride: format.bytes_per_line() as usize,
            range: range_of(&format!("{format:?}")),
            rate_hz,
        };
        Ok(Capture { device, agreed })
    }
}

/// A node with its mode.
pub(super) struct Capture {
    device: VideoCaptureDevice,
    pub(super) agreed: Agreed,
}

impl Capture {
    /// Starts it.
    pub(super) fn start(self) -> io::Result<Buffers> {
        self.device.into_stream().map(Buffers)
    }
}

/// A node that streams into mapped buffers.
pub(super) struct Buffers(ReadStream);

impl Buffers {
    /// Waits at most a second's part for a filled buffer. An error: the device is gone, or its streaming broke.
    pub(super) fn wait(&self, time: Duration) -> io::Result<bool> {
        let limit = Timespec {
            tv_sec: 0,
            tv_nsec: time.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(false),
            Ok(_) if fds[0].revents().contains(PollFlags::IN) => Ok(true),
            Ok(_) => Err(rustix::io::Errno::NODEV.into()),
            Err(e) => Err(e.into()),
        }
    }

    /// Copies the next buffer into `raw` and gives it back to the driver; nothing if the driver marked it as broken.
    pub(super) fn take(&mut self, raw: &mut Vec<u8>) -> io::Result<()> {
        self.0.dequeue(|view| {
            raw.clear();
            if !view.is_error() {
                raw.extend_from_slice(&view);
            }
            Ok(())
        })
    }
}

/// The range in the text of a `PixFormat`, the only place where the library has it. By V4L2's rule
/// (`V4L2_MAP_QUANTIZATION_DEFAULT`) the colour space of JPEG is full unless the driver sets a range.
fn range_of(format: &str) -> Option<LumaRange> {
    let matches = |name: &str, value: &str| {
        let (_, rest) = format.split_once(name)?;
        let field = rest.split([',', ' ', '}']).next()?;
        Some(field.ends_with(value))
    };
    let quantization = |value| matches("quantization: ", value) == Some(true);
    if quantization("FULL_RANGE") {
        Some(LumaRange::Full)
    } else if quantization("LIM_RANGE") {
        Some(LumaRange::Limited)
    } else {
        (matches("colorspace: ", "JPEG") == Some(true)).then_some(LumaRange::Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_the_drivers() {
        // If this text changes with a new version of the library, so must the reading of it.
        let format = PixFormat::new(640, 480, FourCc::from_fourcc(*b"YUYV"));
        let text = format!("{format:?}");
        assert!(text.contains("colorspace: DEFAULT, ") && text.contains("quantization: DEFAULT, "));
        assert_eq!(range_of(&text), None);
        let with = |name: &str, value: &str| {
            let old = format!("{name}: DEFAULT");
            range_of(&text.replace(&old, &format!("{name}: {value}")))
        };
        assert_eq!(with("quantization", "FULL_RANGE"), Some(LumaRange::Full));
        assert_eq!(with("quantization", "LIM_RANGE"), Some(LumaRange::Limited));
        assert_eq!(with("colorspace", "JPEG"), Some(LumaRange::Full));
        assert_eq!(with("colorspace", "SMPTE170M"), None);
    }
}

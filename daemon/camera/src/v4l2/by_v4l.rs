//! A capture node by the crate `v4l` (feature `v4l`): for machines where `linuxvideo` does not build. Its bindings are
//! generated while it is built, which needs libclang.

use std::{io, mem, path::Path, time::Duration};

use moodring_base::contain::catch_panic;
use moodring_core::frame::LumaRange;
use rustix::{event::PollFlags, io::Errno};
use v4l::{
    Device, Format, FourCC, Fraction,
    buffer::{self, Type},
    capability::Flags,
    format::{Colorspace, Quantization},
    frameinterval::FrameIntervalEnum,
    framesize::FrameSizeEnum,
    io::{
        mmap,
        traits::{CaptureStream, Stream},
    },
    video::{Capture as _, capture::Parameters},
};

use super::node::{Abilities, Agreed, FrameRates, FrameSizes, interval};
use crate::modes::Mode;

/// The crate's name.
pub(super) const NAME: &str = "v4l";

/// Buffers that are asked for.
const BUFFERS: u32 = 4;
/// The most that a driver gives (`VIDEO_MAX_FRAME`).
const MOST_BUFFERS: usize = 32;

/// The library panics at values of a driver that it does not know (a card's name cut inside a letter, a new colour space):
/// here that is an error of the device.
fn ask<T>(what: &str, question: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_panic(what, question).unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// A node that was opened.
pub(crate) struct Node(Device);

impl Node {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let device = ask("opening a V4L2 node", || Device::with_path(path))?;
        // The library opens any file.
        let node = Self(device);
        node.abilities().map(|_| node)
    }

    pub(crate) fn abilities(&self) -> io::Result<Abilities> {
        let caps = ask("a V4L2 node's abilities", || self.0.query_caps())?;
        Ok(Abilities {
            captures: caps.capabilities.contains(Flags::VIDEO_CAPTURE),
            multi_planar: caps.capabilities.contains(Flags::VIDEO_CAPTURE_MPLANE),
            streams: caps.capabilities.contains(Flags::STREAMING),
            driver: caps.driver,
        })
    }

    /// The four-character codes of its formats.
    pub(crate) fn formats(&self) -> Vec<[u8; 4]> {
        let listed = ask("a V4L2 node's formats", || self.0.enum_formats());
        let listed = listed.unwrap_or_default();
        listed.into_iter().map(|f| f.fourcc.repr).collect()
    }

    /// The sizes of a format, if it lists them.
    pub(crate) fn sizes(&self, fourcc: [u8; 4]) -> Option<FrameSizes> {
        let listed = self.0.enum_framesizes(FourCC::new(&fourcc)).ok()?;
        gather_sizes(listed.into_iter().map(|entry| entry.size))
    }

    /// The rates of a format and size, if it lists them.
    pub(super) fn rates(&self, fourcc: [u8; 4], (w, h): (u32, u32)) -> Option<FrameRates> {
        let listed = self
            .0
            .enum_frameintervals(FourCC::new(&fourcc), w, h)
            .ok()?;
        gather_rates(listed.into_iter().map(|entry| entry.interval))
    }

    /// Sets a mode; the driver may still change it.
    pub(super) fn set(self, mode: &Mode, rate_hz: f32) -> io::Result<Capture> {
        let (width, height) = mode.size_px;
        let requested = Format::new(width, height, FourCC::new(&mode.fourcc));
        let format = ask("setting a V4L2 mode", || self.0.set_format(&requested))?;
        let (numerator, denominator) = interval(rate_hz);
        let requested = Parameters::new(Fraction::new(numerator, denominator));
        let rate_hz = match self.0.set_params(&requested) {
            Ok(got) => hz(&got.interval),
            Err(e) => {
                tracing::debug!("the device sets its rate itself: {e}");
                None
            }
        };
        let agreed = Agreed {
            fourcc: format.fourcc.repr,
            size_px: (format.width, format.height),
            stride: format.stride as usize,
            range: range_of(format.colorspace, format.quantization),
            rate_hz,
        };
        Ok(Capture {
            device: self.0,
            agreed,
        })
    }
}

/// A node with its mode.
pub(super) struct Capture {
    device: Device,
    pub(super) agreed: Agreed,
}

impl Capture {
    /// Starts it. The first buffer stays with us: the library queues the one that was read last before it reads the next.
    pub(super) fn start(self) -> io::Result<Buffers> {
        let mut stream = mmap::Stream::with_buffers(&self.device, Type::VideoCapture, BUFFERS)?;
        let queued = (1..MOST_BUFFERS)
            .map(|index| CaptureStream::queue(&mut stream, index))
            .take_while(Result::is_ok)
            .count();
        if queued == 0 {
            return Err(io::Error::other("it has one buffer only, two are needed"));
        }
        Stream::start(&mut stream)?;
        Ok(Buffers(Some(stream)))
    }
}

/// A node that streams into mapped buffers.
/// `None` only while it is dropped.
pub(super) struct Buffers(Option<mmap::Stream<'static>>);

impl Buffers {
    /// Waits for a filled buffer. A device that is gone looks like one with a buffer; [`Buffers::take`] then fails.
    pub(super) fn wait(&self, time: Duration) -> io::Result<bool> {
        // A slice is far below a second; at least a millisecond, so that nobody spins.
        let limit_ms = time.as_millis().clamp(1, 1000) as i32;
        let readable = PollFlags::IN.bits() as i16; // bit 0
        let Some(stream) = &self.0 else {
            return Err(Errno::NODEV.into());
        };
        match stream.handle().poll(readable, limit_ms) {
            Ok(ready) => Ok(ready > 0),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Copies the next buffer into `raw`; nothing if the driver marked it as broken. The driver has it back with the next call.
    pub(super) fn take(&mut self, raw: &mut Vec<u8>) -> io::Result<()> {
        let stream = self.0.as_mut().ok_or(Errno::NODEV)?;
        let (bytes, meta) = CaptureStream::next(stream)?;
        raw.clear();
        if !meta.flags.contains(buffer::Flags::ERROR) {
            // The slice is the whole buffer.
            let used = bytes.len().min(meta.bytesused as usize);
            raw.extend_from_slice(&bytes[..used]);
        }
        Ok(())
    }
}

impl Drop for Buffers {
    /// The library panics where a stream does not stop, twice while that unwinds, which would end the process. Such a stream
    /// is left as it is. One whose device is gone ends quietly.
    fn drop(&mut self) {
        let Some(mut stream) = self.0.take() else {
            return;
        };
        match Stream::stop(&mut stream) {
            Err(e) if e.raw_os_error() != Some(Errno::NODEV.raw_os_error()) => {
                tracing::warn!("the camera's stream does not stop, its buffers stay mapped: {e}");
                mem::forget(stream);
            }
            _ => {}
        }
    }
}

/// Frames a second, of an interval that is not empty.
fn hz(interval: &Fraction) -> Option<f32> {
    let usable = interval.numerator > 0 && interval.denominator > 0;
    usable.then(|| interval.denominator as f32 / interval.numerator as f32)
}

/// The library lists each size by itself, a range as a list of one.
fn gather_sizes(listed: impl Iterator<Item = FrameSizeEnum>) -> Option<FrameSizes> {
    let mut sizes = Vec::new();
    for entry in listed {
        match entry {
            FrameSizeEnum::Discrete(size) => sizes.push((size.width, size.height)),
            FrameSizeEnum::Stepwise(s) => {
                return Some(FrameSizes::Range {
                    least: (s.min_width, s.min_height),
                    most: (s.max_width, s.max_height),
                    step: (s.step_width, s.step_height),
                });
            }
        }
    }
    (!sizes.is_empty()).then_some(FrameSizes::Listed(sizes))
}

/// As [`gather_sizes`]; the longest interval is the slowest rate.
fn gather_rates(listed: impl Iterator<Item = FrameIntervalEnum>) -> Option<FrameRates> {
    let mut rates = Vec::new();
    for entry in listed {
        match entry {
            FrameIntervalEnum::Discrete(interval) => rates.extend(hz(&interval)),
            FrameIntervalEnum::Stepwise(s) => {
                return Some(FrameRates::Range(hz(&s.max)?, hz(&s.min)?));
            }
        }
    }
    (!rates.is_empty()).then_some(FrameRates::Listed(rates))
}

/// By V4L2's rule (`V4L2_MAP_QUANTIZATION_DEFAULT`) the colour space of JPEG is full unless the driver sets a range.
const fn range_of(space: Colorspace, quantization: Quantization) -> Option<LumaRange> {
    match (quantization, space) {
        (Quantization::FullRange, _) | (Quantization::Default, Colorspace::JPEG) => {
            Some(LumaRange::Full)
        }
        (Quantization::LimitedRange, _) => Some(LumaRange::Limited),
        (Quantization::Default, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use v4l::{
        frameinterval::Stepwise as Intervals,
        framesize::{Discrete, Stepwise},
    };

    use super::*;

    #[test]
    fn what_the_library_lists_is_gathered() {
        let sizes = [(640, 480), (320, 240)]
            .map(|(width, height)| FrameSizeEnum::Discrete(Discrete { width, height }));
        assert_eq!(
            gather_sizes(sizes.into_iter()),
            Some(FrameSizes::Listed(vec![(640, 480), (320, 240)]))
        );
        let range = Stepwise {
            min_width: 32,
            max_width: 1920,
            step_width: 16,
            min_height: 24,
            max_height: 1080,
            step_height: 2,
        };
        assert_eq!(
            gather_sizes([FrameSizeEnum::Stepwise(range)].into_iter()),
            Some(FrameSizes::Range {
                least: (32, 24),
                most: (1920, 1080),
                step: (16, 2)
            })
        );
        assert_eq!(gather_sizes(std::iter::empty()), None);
        let rates = [(1, 30), (0, 1), (1, 0), (1001, 30_000)];
        let rates = rates.map(|(n, d)| FrameIntervalEnum::Discrete(Fraction::new(n, d)));
        let Some(FrameRates::Listed(rates)) = gather_rates(rates.into_iter()) else {
            panic!("a list");
        };
        assert!(
            rates.len() == 2 && (rates[1] - 29.97).abs() < 0.01,
            "{rates:?}"
        );
        let range = Intervals {
            min: Fraction::new(1, 60),
            max: Fraction::new(1, 5),
            step: Fraction::new(1, 1),
        };
        assert_eq!(
            gather_rates([FrameIntervalEnum::Stepwise(range)].into_iter()),
            Some(FrameRates::Range(5.0, 60.0))
        );
    }

    #[test]
    fn the_range_is_the_drivers() {
        use Quantization::{Default, FullRange, LimitedRange};
        assert_eq!(range_of(Colorspace::SRGB, Default), None);
        assert_eq!(range_of(Colorspace::JPEG, Default), Some(LumaRange::Full));
        assert_eq!(
            range_of(Colorspace::JPEG, LimitedRange),
            Some(LumaRange::Limited)
        );
        assert_eq!(range_of(Colorspace::SRGB, FullRange), Some(LumaRange::Full));
    }

    #[test]
    fn a_panic_of_the_library_is_an_error_of_the_device() {
        let error = ask("a V4L2 node", || -> io::Result<()> {
            panic!("Invalid colorspace")
        });
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("Invalid colorspace")
        );
        // A path with a NUL makes it panic.
        assert!(Node::open(Path::new("/dev/video\0")).is_err());
        assert!(Node::open(Path::new("/dev/null")).is_err());
    }
}

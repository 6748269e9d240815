//! A V4L2 capture device, streaming through mapped buffers. [`super::devices`] finds devices, [`super::modes`] chooses
//! what to ask of them.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use linuxvideo::{
    CapabilityFlags, Device, Fract, VideoCaptureDevice,
    format::{PixFormat, PixelFormat as FourCc},
    stream::ReadStream,
};
use moodring_core::frame::{Frame, LumaRange, PixelFormat};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    Camera, CameraError, CameraInfo, Context,
    devices::{card_name, explain, modes},
    frame_pacer::SLICE,
    jpeg::FrameDecoder,
    modes::{WireFormat, nearest},
};
use crate::{latest::LentPicture, scaled_jpeg::DecodeNeeds};

/// So many of the first MJPEG buffers may be broken without a word: some devices report stale lengths there.
const STALE_BUFFERS: u32 = 4;

/// A streaming device.
pub(super) struct V4l2Camera {
    info: CameraInfo,
    context: Context,
    stream: ReadStream,
    wire: WireFormat,
    size_px: (u32, u32),
    stride: usize,
    /// What the driver says of it, if it does.
    range: Option<LumaRange>,
    raw: Vec<u8>,
    decoder: FrameDecoder,
    buffers_seen: u32,
}

impl V4l2Camera {
    /// Opens the device, agrees on a mode and starts it.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = match card_name(path) {
            Some(card) => format!("{card} ({})", path.display()),
            None => path.display().to_string(),
        };
        let refuse = |e: &io::Error| {
            let (reason, way_out) = explain(e);
            refusal(&name, &reason, &way_out)
        };
        let device = Device::open(path).map_err(|e| refuse(&e))?;
        let caps = device.capabilities().map_err(|e| refuse(&e))?;
        check(caps.device_capabilities()).map_err(|(why, out)| refusal(&name, why, out))?;
        let capture = agree(device, &name, &context)?;
        let Some(wire) = WireFormat::from_fourcc(capture.format().pixel_format().as_fourcc())
        else {
            let code = capture.format().pixel_format();
            return Err(refusal(
                &name,
                &format!("it insists on the format {code}"),
                "YUYV, MJPG, NV12 and GREY can be read; for others take cmd:ffmpeg",
            ));
        };
        let rate_hz = set_rate(&capture, context.rate_hz);
        let format = capture.format();
        let size_px = (format.width(), format.height());
        let decoder = FrameDecoder::new(context.colour);
        let pixels = match wire {
            WireFormat::Mjpeg => decoder.format(),
            WireFormat::Grey => PixelFormat::Grey,
            WireFormat::Nv12 => PixelFormat::Nv12,
            WireFormat::Yuyv => PixelFormat::Yuyv,
        };
        // Some drivers leave the stride out for formats without padding.
        let stride = match format.bytes_per_line() {
            0 => pixels.row_bytes(size_px.0),
            bytes => bytes as usize,
        };
        let range = range_of(&format!("{format:?}"));
        let code = format.pixel_format().to_string();
        say(&name, &code, size_px, rate_hz, &context);
        let stream = capture.into_stream().map_err(|e| refuse(&e))?;
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: Some(size_px),
                wire: code,
                format: pixels,
                rate_hz,
                live: true,
            },
            context,
            stream,
            wire,
            size_px,
            stride,
            range,
            raw: Vec::new(),
            decoder,
            buffers_seen: 0,
        })
    }

    /// Waits in slices until a buffer is filled.
    fn wait(&self) -> Result<(), CameraError> {
        let due = Instant::now() + self.context.timeout;
        loop {
            if self.context.stop.has_begun() {
                return Err(self.info.ended());
            }
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let limit = self.context.timeout.as_millis();
                return Err(self.info.lost(format!("no frame in {limit} ms")));
            }
            if self.poll_once(left.min(SLICE))? {
                return Ok(());
            }
        }
    }

    fn poll_once(&self, time: Duration) -> Result<bool, CameraError> {
        let limit = Timespec {
            tv_sec: 0,
            // A slice is far below a second.
            tv_nsec: time.subsec_nanos().into(),
        };
        let mut fds = [PollFd::new(&self.stream, PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => Ok(false),
            Ok(_) if fds[0].revents().contains(PollFlags::IN) => Ok(true),
            // ERR and HUP: the device is gone, or its streaming broke.
            Ok(_) => Err(self.info.lost("the device was unplugged or failed")),
            Err(e) => Err(self.info.lost(io::Error::from(e).to_string())),
        }
    }

    /// Copies the next buffer out, so that the driver has it back at once.
    fn fetch(&mut self) -> Result<(), CameraError> {
        let raw = &mut self.raw;
        let fetched = self.stream.dequeue(|view| {
            raw.clear();
            if !view.is_error() {
                raw.extend_from_slice(&view);
            }
            Ok(())
        });
        self.buffers_seen = self.buffers_seen.saturating_add(1);
        match fetched {
            Ok(()) if self.raw.is_empty() => Err(self.info.bad("the driver marked it as broken")),
            Ok(()) => Ok(()),
            Err(e) => Err(self.info.lost(explain(&e).0)),
        }
    }

    /// Fetches one buffer and makes it a picture.
    fn take(&mut self, needs: Option<DecodeNeeds>) -> Result<Taken, CameraError> {
        self.wait()?;
        self.fetch()?;
        if self.wire != WireFormat::Mjpeg {
            return Ok(Taken::Pixels(self.size_px, self.stride));
        }
        if let Some(needs) = needs {
            let now = self.context.clock.now();
            let decoded = self.decoder.decode_scaled(&self.raw, needs, now);
            if decoded.map_err(|reason| self.info.bad(reason))? {
                return Ok(Taken::Jpeg);
            }
        }
        let size = self.decoder.decode(&self.raw);
        let size = size.map_err(|reason| self.info.bad(reason))?;
        Ok(Taken::Pixels(size, self.decoder.format().row_bytes(size.0)))
    }
}

/// What became of a buffer.
enum Taken {
    /// Pixels; their size and stride.
    Pixels((u32, u32), usize),
    /// The decoder's scaled JPEG.
    Jpeg,
}

impl Camera for V4l2Camera {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        self.next_picture(None).map(LentPicture::into_frame)
    }

    fn next_picture(&mut self, needs: Option<DecodeNeeds>) -> Result<LentPicture<'_>, CameraError> {
        let taken = loop {
            match self.take(needs) {
                Err(CameraError::Bad { .. })
                    if self.wire == WireFormat::Mjpeg && self.buffers_seen <= STALE_BUFFERS => {}
                other => break other?,
            }
        };
        let Taken::Pixels(size, stride) = taken else {
            return Ok(LentPicture::Jpeg(self.decoder.scaled()));
        };
        let data = match self.wire {
            WireFormat::Mjpeg => self.decoder.pixels(),
            _ => &self.raw,
        };
        let time = self.context.clock.now();
        let frame = Frame::new(data, self.info.format, size, stride, time)
            .map_err(|e| self.info.bad(e.to_string()))?;
        Ok(LentPicture::Frame(match self.wire {
            // JFIF has one range only.
            WireFormat::Mjpeg => frame,
            _ => self.context.with_range(frame, self.range),
        }))
    }
}

/// The range in the text of a `PixFormat`, the only way in which the library tells it. By V4L2's rule
/// (`V4L2_MAP_QUANTIZATION_DEFAULT`) the colour space of JPEG is full if nothing is said.
fn range_of(format: &str) -> Option<LumaRange> {
    let says = |name: &str, value: &str| {
        let (_, rest) = format.split_once(name)?;
        let word = rest.split([',', ' ', '}']).next()?;
        Some(word.ends_with(value))
    };
    let quantization = |value| says("quantization: ", value) == Some(true);
    if quantization("FULL_RANGE") {
        Some(LumaRange::Full)
    } else if quantization("LIM_RANGE") {
        Some(LumaRange::Limited)
    } else {
        (says("colorspace: ", "JPEG") == Some(true)).then_some(LumaRange::Full)
    }
}

fn refusal(name: &str, reason: &str, way_out: &str) -> CameraError {
    CameraError::Open {
        source_name: name.into(),
        reason: reason.into(),
        way_out: way_out.into(),
    }
}

/// Whether a node with these abilities can be used; else why not, and the way out.
fn check(caps: CapabilityFlags) -> Result<(), (&'static str, &'static str)> {
    if caps.contains(CapabilityFlags::VIDEO_CAPTURE_MPLANE) {
        return Err((
            "it is a raw sensor or a codec (multi-planar), not a camera that gives pictures by itself",
            "For a Raspberry Pi's ribbon camera take rpicam, for a Jetson's argus",
        ));
    }
    if !caps.contains(CapabilityFlags::VIDEO_CAPTURE) {
        return Err((
            "it does not capture pictures (a camera often has a second node for metadata)",
            "`moodring devices` lists the nodes that do",
        ));
    }
    if !caps.contains(CapabilityFlags::STREAMING) {
        return Err((
            "it cannot stream",
            "Take another device or a child: cmd:...",
        ));
    }
    Ok(())
}

/// Picks the nearest mode and sets it; the driver may still change it.
fn agree(device: Device, name: &str, context: &Context) -> Result<VideoCaptureDevice, CameraError> {
    let modes = modes(&device, context.size_px, context.rate_hz);
    let mode = nearest(&modes, context.size_px, context.rate_hz).ok_or_else(|| {
        refusal(
            name,
            "none of its formats can be read",
            "YUYV, MJPG, NV12 and GREY can; `moodring devices` lists what it has",
        )
    })?;
    let (width, height) = mode.size_px;
    let requested = PixFormat::new(width, height, FourCc::from_fourcc(mode.fourcc));
    device.video_capture(requested).map_err(|e| {
        let (reason, way_out) = explain(&e);
        refusal(name, &reason, &way_out)
    })
}

/// Asks for a rate; what the device agreed to, if it says.
fn set_rate(capture: &VideoCaptureDevice, rate_hz: f32) -> Option<f32> {
    // Thousandths, so that 29.97 can be asked for; rates are held in 0.01 to 1000.
    let interval = Fract::new(1000, (rate_hz * 1000.0).round().max(1.0) as u32);
    match capture.set_frame_interval(interval) {
        Ok(got) if got.numerator() > 0 && got.denominator() > 0 => Some(1.0 / got.as_f32()),
        Ok(_) => None,
        Err(e) => {
            tracing::debug!("the device sets its rate itself: {e}");
            None
        }
    }
}

fn say(name: &str, code: &str, size_px: (u32, u32), rate_hz: Option<f32>, context: &Context) {
    let (width, height) = size_px;
    let rate = rate_hz.map_or("its own rate".into(), |r| format!("{r:.1}/s"));
    let (asked_width, asked_height) = context.size_px;
    tracing::info!(
        "{name}: {code} {width}x{height} at {rate} (asked for {asked_width}x{asked_height} at {:.1}/s)",
        context.rate_hz
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_opened_says_why() {
        let open = |path: &str| V4l2Camera::open(Path::new(path), Context::for_tests(false));
        let error = open("/dev/no-such-video").err().unwrap().to_string();
        assert!(
            error.contains("no such device") && error.contains("Plug it in"),
            "{error}"
        );
        let error = open("/dev/null").err().unwrap().to_string();
        assert!(error.contains("no video capture device"), "{error}");
    }

    #[test]
    fn the_range_is_what_the_driver_says() {
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

    #[test]
    fn nodes_of_other_kinds_are_refused_with_the_way_out() {
        assert!(check(CapabilityFlags::VIDEO_CAPTURE | CapabilityFlags::STREAMING).is_ok());
        assert!(check(CapabilityFlags::VIDEO_CAPTURE).is_err());
        assert!(check(CapabilityFlags::META_CAPTURE | CapabilityFlags::STREAMING).is_err());
        let raw = check(CapabilityFlags::VIDEO_CAPTURE_MPLANE | CapabilityFlags::STREAMING);
        assert!(raw.unwrap_err().1.contains("rpicam"));
    }
}

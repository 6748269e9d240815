//! A V4L2 capture device, streaming through mapped buffers. [`super::devices`] finds devices, [`super::modes`] chooses
//! what to ask of them; two crates can make the kernel's calls, see [`node`].

// linuxvideo does not compile where file offsets have 32 bits (decision 023).
#[cfg_attr(
    any(feature = "v4l", all(target_pointer_width = "32", target_env = "gnu")),
    path = "v4l2/by_v4l.rs"
)]
#[cfg_attr(
    not(any(feature = "v4l", all(target_pointer_width = "32", target_env = "gnu"))),
    path = "v4l2/by_linuxvideo.rs"
)]
mod backend;
pub(super) mod node;

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use moodring_core::frame::{Frame, LumaRange, PixelFormat};

use self::{
    backend::{Buffers, Capture},
    node::{Abilities, Agreed, code_text, modes},
};
use super::{
    Camera, CameraError, CameraInfo, Context,
    devices::{card_name, explain},
    frame_pacer::STOP_CHECK_INTERVAL,
    jpeg::FrameDecoder,
    modes::{WireFormat, nearest},
};
use crate::{latest::LentPicture, scaled_jpeg::DecodeNeeds};

pub(super) use self::backend::Node;

/// So many of the first MJPEG buffers may be broken without a warning: some devices report stale lengths there.
const STALE_BUFFERS: u32 = 4;

/// A streaming device.
pub(super) struct V4l2Camera {
    info: CameraInfo,
    context: Context,
    buffers: Buffers,
    wire: WireFormat,
    size_px: (u32, u32),
    stride: usize,
    /// Which bytes are black and white, if the driver reports it.
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
        let node = Node::open(path).map_err(|e| refuse(&e))?;
        let abilities = node.abilities().map_err(|e| refuse(&e))?;
        check(&abilities).map_err(|(why, out)| refusal(&name, why, out))?;
        let capture = agree(node, &name, &context)?;
        let Agreed {
            fourcc,
            size_px,
            range,
            rate_hz,
            ..
        } = capture.agreed;
        let wire = code_text(fourcc);
        let Some(format) = WireFormat::from_fourcc(fourcc) else {
            return Err(refusal(
                &name,
                &format!("it insists on the format {wire}"),
                "YUYV, MJPG, NV12 and GREY can be read; for others take cmd:ffmpeg",
            ));
        };
        let decoder = FrameDecoder::new(context.colour);
        let pixels = match format {
            WireFormat::Mjpeg => decoder.format(),
            WireFormat::Grey => PixelFormat::Grey,
            WireFormat::Nv12 => PixelFormat::Nv12,
            WireFormat::Yuyv => PixelFormat::Yuyv,
        };
        // Some drivers leave the stride out for formats without padding.
        let stride = match capture.agreed.stride {
            0 => pixels.row_bytes(size_px.0),
            bytes => bytes,
        };
        log_mode(&name, &wire, size_px, rate_hz, &context);
        let buffers = capture.start().map_err(|e| refuse(&e))?;
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: Some(size_px),
                wire,
                format: pixels,
                rate_hz,
                live: true,
            },
            context,
            buffers,
            wire: format,
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
            if self.poll_once(left.min(STOP_CHECK_INTERVAL))? {
                return Ok(());
            }
        }
    }

    fn poll_once(&self, time: Duration) -> Result<bool, CameraError> {
        self.buffers.wait(time).map_err(|e| {
            self.info.lost(match e.raw_os_error() {
                Some(code) if code == rustix::io::Errno::NODEV.raw_os_error() => {
                    "the device was unplugged or failed".into()
                }
                _ => e.to_string(),
            })
        })
    }

    /// Copies the next buffer out, so that the driver has it back soon.
    fn fetch(&mut self) -> Result<(), CameraError> {
        let fetched = self.buffers.take(&mut self.raw);
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
            if decoded.map_err(|error| self.info.bad(error.to_string()))? {
                return Ok(Taken::Jpeg);
            }
        }
        let size = self.decoder.decode(&self.raw);
        let size = size.map_err(|error| self.info.bad(error.to_string()))?;
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

fn refusal(name: &str, reason: &str, way_out: &str) -> CameraError {
    CameraError::Open {
        source_name: name.into(),
        reason: reason.into(),
        way_out: way_out.into(),
    }
}

/// Whether a node with these abilities can be used; else why not, and the way out. Neither crate maps buffers of several
/// planes.
fn check(abilities: &Abilities) -> Result<(), (&'static str, &'static str)> {
    if abilities.multi_planar {
        return Err((
            "it is a raw sensor or a codec (multi-planar), not a camera that gives pictures by itself",
            "For a Raspberry Pi's ribbon camera take rpicam, for a Jetson's argus",
        ));
    }
    if !abilities.captures {
        return Err((
            "it does not capture pictures (a camera often has a second node for metadata)",
            "`moodring devices` lists the nodes that do",
        ));
    }
    if !abilities.streams {
        return Err((
            "it cannot stream",
            "Take another device or a child: cmd:...",
        ));
    }
    Ok(())
}

/// Picks the nearest mode and sets it; the driver may still change it.
fn agree(node: Node, name: &str, context: &Context) -> Result<Capture, CameraError> {
    let modes = modes(&node, context.size_px, context.rate_hz);
    let mode = nearest(&modes, context.size_px, context.rate_hz).ok_or_else(|| {
        refusal(
            name,
            "none of its formats can be read",
            "YUYV, MJPG, NV12 and GREY can; `moodring devices` lists what it has",
        )
    })?;
    node.set(mode, context.rate_hz).map_err(|e| {
        let (reason, way_out) = explain(&e);
        refusal(name, &reason, &way_out)
    })
}

fn log_mode(name: &str, code: &str, size_px: (u32, u32), rate_hz: Option<f32>, context: &Context) {
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
    fn the_error_of_a_device_that_cannot_be_opened_has_the_reason() {
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
    fn nodes_of_other_kinds_are_refused_with_the_way_out() {
        let usable = Abilities {
            driver: "uvcvideo".into(),
            captures: true,
            multi_planar: false,
            streams: true,
        };
        assert!(check(&usable).is_ok());
        let with = |change: fn(&mut Abilities)| {
            let mut abilities = usable.clone();
            change(&mut abilities);
            check(&abilities).unwrap_err()
        };
        assert_eq!(with(|a| a.streams = false).0, "it cannot stream");
        assert!(with(|a| a.captures = false).0.contains("metadata"));
        assert!(with(|a| a.multi_planar = true).1.contains("rpicam"));
    }
}

//! What sources share: the settings in range, the clock, and bytes as frames.

use std::time::Duration;

use moodring_base::{
    clock::Clock,
    config::{CameraSettings, RangeKind, RawKind},
    shutdown::Shutdown,
};
use moodring_core::frame::{Frame, FrameError, LumaRange, PixelFormat};

use crate::{
    http,
    jpeg::{self, FrameDecoder},
    latest::LentPicture,
    pump::Raw,
    scaled_jpeg::DecodeNeeds,
    stream_thread::{Overflow, StreamFormat},
};

/// What every source gets: the settings, held in range, and the time.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) size_px: (u32, u32),
    pub(crate) rate_hz: f32,
    pub(crate) range: RangeKind,
    /// Whether JPEGs are decoded in colour.
    pub(crate) colour: bool,
    /// How often a picture is lent before the next one's turn, 1 or more.
    pub(crate) frames_per_picture: u32,
    pub(crate) repeat: bool,
    pub(crate) timeout: Duration,
    /// Between two requests for a snapshot.
    pub(crate) snapshot: Duration,
    /// What a child writes, if it is raw.
    pub(crate) raw: Option<Raw>,
    /// What becomes of a frame from an address that nobody fetched in time.
    pub(crate) overflow: Overflow,
    /// Whose certificates are taken.
    pub(crate) trust: http::TrustSettings,
    pub(crate) clock: Clock,
    pub(crate) stop: Shutdown,
}

impl Context {
    pub(crate) fn new(settings: &CameraSettings, clock: Clock, stop: Shutdown) -> Self {
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
    pub(crate) fn frame<'a>(
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
    pub(crate) fn picture<'a>(
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
    pub(crate) fn with_range<'a>(
        &self,
        frame: Frame<'a>,
        declared: Option<LumaRange>,
    ) -> Frame<'a> {
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

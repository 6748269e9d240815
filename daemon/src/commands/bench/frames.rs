//! The pictures that `bench` measures: the drawn scene as a camera would send it, a JPEG file as it is, or a photo's pixels.

use std::time::Instant;

use moodring_base::{clock::Clock, config::CameraSettings, exit::Exit};
use moodring_camera::{
    self as camera, Camera, Source, jpeg::FrameDecoder, latest::LentPicture, photo::Photo,
    scaled_jpeg::DecodeNeeds,
};
use moodring_core::frame::{Frame, Millis, PixelFormat};

use super::super::Failure;
use crate::cli::{BenchArgs, BenchInput};

/// As webcams encode.
const JPEG_QUALITY: u8 = 85;

/// The frames to measure.
pub(super) enum FrameSource {
    /// The synthetic scene.
    Drawn(Box<SyntheticFrames>),
    /// One JPEG file again and again.
    Jpeg(JpegFrames),
    /// One photo again and again.
    Photo(Photo),
}

/// JPEGs as a camera sends them, and what decodes them.
pub(super) struct JpegFrames {
    bytes: Vec<u8>,
    decoder: FrameDecoder,
    needs: DecodeNeeds,
}

/// The synthetic scene as a camera would send it.
pub(super) struct SyntheticFrames {
    camera: Box<dyn Camera>,
    input: BenchInput,
    frames: JpegFrames,
}

/// A description for people.
pub(super) fn name(args: &BenchArgs) -> &'static str {
    if args.picture.is_some() {
        return "MJPEG";
    }
    match (&args.photo, args.input) {
        (Some(_), _) => "RGB",
        (None, BenchInput::Yuyv) => "YUYV",
        (None, BenchInput::Nv12) => "NV12",
        (None, BenchInput::Grey) => "grey",
        (None, BenchInput::Mjpeg) => "MJPEG",
    }
}

impl FrameSource {
    /// `needs`: how far JPEGs are decoded, by the settings.
    pub(super) fn open(args: &BenchArgs, needs: DecodeNeeds) -> Result<Self, Failure> {
        let frames = |bytes| JpegFrames {
            bytes,
            decoder: FrameDecoder::new(needs.colour),
            needs,
        };
        if let Some(path) = &args.picture {
            let bytes = std::fs::read(path);
            let bytes = bytes.map_err(|e| failed(format!("{}: {e}", path.display())))?;
            let decoded = FrameDecoder::new(needs.colour).decode(&bytes);
            decoded.map_err(|e| failed(format!("{}: {e}", path.display())))?;
            return Ok(Self::Jpeg(frames(bytes)));
        }
        if let Some(path) = &args.photo {
            let photo = Photo::read(path);
            let photo = photo.map_err(|e| failed(format!("{}: {e}", path.display())))?;
            return Ok(Self::Photo(photo));
        }
        // The rate only paces the drawing; the pipeline alone is measured.
        let wanted = CameraSettings {
            rate: 240.0,
            width: args.size.0,
            height: args.size.1,
            ..CameraSettings::default()
        };
        let camera = camera::open(&Source::Synthetic, &wanted, Clock::start());
        Ok(Self::Drawn(Box::new(SyntheticFrames {
            camera: camera.map_err(failed)?,
            input: args.input,
            frames: frames(Vec::new()),
        })))
    }

    /// Whether its pictures are JPEGs.
    pub(super) fn sends_jpegs(&self) -> bool {
        match self {
            Self::Drawn(drawn) => drawn.input == BenchInput::Mjpeg,
            Self::Jpeg(_) => true,
            Self::Photo(_) => false,
        }
    }

    /// Picture number `number`, and the milliseconds that its JPEG took to decode.
    pub(super) fn picture(
        &mut self,
        number: u32,
    ) -> Result<(LentPicture<'_>, Option<f32>), Failure> {
        let time = Millis(u64::from(number) * 33);
        match self {
            Self::Drawn(drawn) => drawn.picture(time),
            Self::Jpeg(frames) => frames.decode(time),
            Self::Photo(photo) => {
                let frame = photo.frame().map_err(failed)?;
                let frame = Frame::packed(frame.data(), PixelFormat::Rgb, photo.size_px(), time);
                Ok((LentPicture::Frame(frame.map_err(failed)?), None))
            }
        }
    }

    /// The JPEG of this time; empty if the pictures are none.
    pub(super) fn jpeg(&mut self, time: Millis) -> Result<&[u8], Failure> {
        match self {
            Self::Drawn(drawn) => drawn.picture(time).map(drop)?,
            Self::Jpeg(_) | Self::Photo(_) => {}
        }
        Ok(match self {
            Self::Drawn(drawn) => &drawn.frames.bytes,
            Self::Jpeg(frames) => &frames.bytes,
            Self::Photo(_) => &[],
        })
    }
}

impl JpegFrames {
    /// The JPEG as the daemon decodes it, and the milliseconds that it took.
    fn decode(&mut self, time: Millis) -> Result<(LentPicture<'_>, Option<f32>), Failure> {
        let start = Instant::now();
        let scaled = self.decoder.decode_scaled(&self.bytes, self.needs, time);
        let is_scaled = scaled.map_err(failed)?;
        if is_scaled {
            let jpeg_ms = start.elapsed().as_secs_f32() * 1000.0;
            return Ok((LentPicture::Jpeg(self.decoder.scaled()), Some(jpeg_ms)));
        }
        let size = self.decoder.decode(&self.bytes).map_err(failed)?;
        let jpeg_ms = start.elapsed().as_secs_f32() * 1000.0;
        let frame = Frame::packed(self.decoder.pixels(), self.decoder.format(), size, time);
        Ok((LentPicture::Frame(frame.map_err(failed)?), Some(jpeg_ms)))
    }
}

impl SyntheticFrames {
    fn picture(&mut self, time: Millis) -> Result<(LentPicture<'_>, Option<f32>), Failure> {
        let drawn = self.camera.next_frame().map_err(failed)?;
        let size = (drawn.width_px(), drawn.height_px());
        encode(&drawn, self.input, &mut self.frames.bytes)?;
        if self.input == BenchInput::Mjpeg {
            return self.frames.decode(time);
        }
        let format = match self.input {
            BenchInput::Yuyv => PixelFormat::Yuyv,
            BenchInput::Nv12 => PixelFormat::Nv12,
            BenchInput::Grey | BenchInput::Mjpeg => PixelFormat::Grey,
        };
        let frame = Frame::packed(&self.frames.bytes, format, size, time).map_err(failed)?;
        Ok((LentPicture::Frame(frame), None))
    }
}

/// The drawn luma in another pixel format, without colour.
fn encode(drawn: &Frame<'_>, input: BenchInput, bytes: &mut Vec<u8>) -> Result<(), Failure> {
    bytes.clear();
    let (w, h) = (drawn.width_px(), drawn.height_px());
    // Full range to limited range, 16 to 235.
    let limited = |luma: u8| (16 + (u16::from(luma) * 219 + 127) / 255) as u8;
    match input {
        BenchInput::Grey => bytes.extend_from_slice(drawn.data()),
        BenchInput::Nv12 => {
            bytes.extend(drawn.data().iter().map(|&luma| limited(luma)));
            bytes.resize(PixelFormat::Nv12.picture_bytes(h, w as usize), 128);
        }
        BenchInput::Yuyv => {
            for row in drawn.data().chunks_exact(w as usize) {
                bytes.extend(row.iter().flat_map(|&luma| [limited(luma), 128]));
                bytes.resize(bytes.len() + 2 * (w as usize % 2), 128);
            }
        }
        BenchInput::Mjpeg => {
            let mut jpeg = image::codecs::jpeg::JpegEncoder::new_with_quality(bytes, JPEG_QUALITY);
            let rgb: Vec<u8> = drawn.data().iter().flat_map(|&luma| [luma; 3]).collect();
            jpeg.encode(&rgb, w, h, image::ExtendedColorType::Rgb8)
                .map_err(failed)?;
        }
    }
    Ok(())
}

pub(super) fn failed(error: impl ToString) -> Failure {
    Failure::new(Exit::Source, error)
}

#[cfg(test)]
mod tests {
    use moodring_core::frame::LumaRange;

    use super::*;

    #[test]
    fn every_input_shows_the_same_picture() {
        let luma: Vec<u8> = (0..35 * 20).map(|i| (i / 35 * 12) as u8).collect();
        let drawn = Frame::packed(&luma, PixelFormat::Grey, (35, 20), Millis(0)).unwrap();
        for (input, format) in [
            (BenchInput::Yuyv, PixelFormat::Yuyv),
            (BenchInput::Nv12, PixelFormat::Nv12),
            (BenchInput::Grey, PixelFormat::Grey),
            (BenchInput::Mjpeg, PixelFormat::Rgb),
        ] {
            let (mut bytes, mut decoder) = (Vec::new(), FrameDecoder::new(true));
            encode(&drawn, input, &mut bytes).unwrap();
            if input == BenchInput::Mjpeg {
                assert_eq!(decoder.decode(&bytes), Ok((35, 20)));
                bytes = decoder.pixels().to_vec();
            }
            let frame = Frame::packed(&bytes, format, (35, 20), Millis(0)).unwrap();
            assert_eq!(
                frame.range() == LumaRange::Limited,
                matches!(format, PixelFormat::Yuyv | PixelFormat::Nv12)
            );
            for (x, y) in [(0, 0), (34, 0), (17, 10), (34, 19)] {
                let off = frame.luma(x, y).abs_diff(drawn.luma(x, y));
                assert!(off <= 3, "{input:?} {x} {y}: {off}");
            }
        }
    }
}

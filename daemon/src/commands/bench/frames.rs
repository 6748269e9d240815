//! The frames that `bench` measures: the drawn scene as a camera would send it, or a photo.

use std::time::Instant;

use moodring_core::frame::{Frame, Millis, PixelFormat};

use super::super::Failure;
use crate::{
    camera::{self, Camera, Source, jpeg::FrameDecoder},
    cli::{BenchArgs, BenchInput},
    clock::Clock,
    config::CameraSettings,
    exit::Exit,
    photo::Photo,
};

/// As webcams encode.
const JPEG_QUALITY: u8 = 85;

/// The frames to measure.
pub(super) enum FrameSource {
    /// The synthetic scene.
    Drawn(Box<SyntheticFrames>),
    /// One photo again and again.
    Photo(Photo),
}

/// The synthetic scene as a camera would send it.
pub(super) struct SyntheticFrames {
    camera: Box<dyn Camera>,
    input: BenchInput,
    bytes: Vec<u8>,
    decoder: FrameDecoder,
}

/// A description for people.
pub(super) fn name(args: &BenchArgs) -> &'static str {
    match (&args.photo, args.input) {
        (Some(_), _) => "RGB",
        (None, BenchInput::Yuyv) => "YUYV",
        (None, BenchInput::Nv12) => "NV12",
        (None, BenchInput::Grey) => "grey",
        (None, BenchInput::Mjpeg) => "MJPEG",
    }
}

impl FrameSource {
    /// `colour`: whether JPEGs are decoded in colour, as the settings say.
    pub(super) fn open(args: &BenchArgs, colour: bool) -> Result<Self, Failure> {
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
            bytes: Vec::new(),
            decoder: FrameDecoder::new(colour),
        })))
    }

    /// Frame number `number`, and the milliseconds that its JPEG took to decode.
    pub(super) fn frame(&mut self, number: u32) -> Result<(Frame<'_>, Option<f32>), Failure> {
        let time = Millis(u64::from(number) * 33);
        match self {
            Self::Drawn(drawn) => drawn.frame(time),
            Self::Photo(photo) => {
                let frame = photo.frame().map_err(failed)?;
                let frame = Frame::packed(frame.data(), PixelFormat::Rgb, photo.size_px(), time);
                Ok((frame.map_err(failed)?, None))
            }
        }
    }
}

impl SyntheticFrames {
    fn frame(&mut self, time: Millis) -> Result<(Frame<'_>, Option<f32>), Failure> {
        let drawn = self.camera.next_frame().map_err(failed)?;
        let size = (drawn.width_px(), drawn.height_px());
        encode(&drawn, self.input, &mut self.bytes)?;
        if self.input == BenchInput::Mjpeg {
            let start = Instant::now();
            let size = self.decoder.decode(&self.bytes).map_err(failed)?;
            let jpeg_ms = start.elapsed().as_secs_f32() * 1000.0;
            let frame = Frame::packed(self.decoder.pixels(), self.decoder.format(), size, time);
            return Ok((frame.map_err(failed)?, Some(jpeg_ms)));
        }
        let format = match self.input {
            BenchInput::Yuyv => PixelFormat::Yuyv,
            BenchInput::Nv12 => PixelFormat::Nv12,
            BenchInput::Grey | BenchInput::Mjpeg => PixelFormat::Grey,
        };
        let frame = Frame::packed(&self.bytes, format, size, time).map_err(failed)?;
        Ok((frame, None))
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

fn failed(error: impl ToString) -> Failure {
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

//! The way that a JPEG takes through the daemon beside the plain one, in turn on the same frames: decoded whole, in colour.
//! By the thread's own time on a processor, which other programs on the machine change little.

use moodring_base::config::Settings;
use moodring_camera::{jpeg::FrameDecoder, latest::LentPicture, scaled_jpeg::DecodeNeeds};
use moodring_core::frame::{Frame, Millis};
use moodring_vision::VisionPipeline;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::{
    super::Failure,
    frames::{FrameSource, failed},
    sorted,
};

/// Medians of processor milliseconds a frame, and of the ratios of each frame.
#[derive(Serialize)]
pub(super) struct Comparison {
    jpeg_ms: f32,
    total_ms: f32,
    whole_jpeg_ms: f32,
    whole_total_ms: f32,
    /// Our time for a frame by that of the plain way.
    ratio: f32,
    /// The same where nobody is in view and nothing moves: means only, and no search.
    rest_ratio: f32,
    faces: usize,
    whole_faces: usize,
}

/// Both ways with what they need.
struct Ways {
    decoder: FrameDecoder,
    scaled: VisionPipeline,
    whole: VisionPipeline,
    needs: DecodeNeeds,
}

/// Times so many frames both ways.
pub(super) fn compare(
    scene: &mut FrameSource,
    settings: &Settings,
    (warm_up, frames): (u32, u32),
) -> Result<Comparison, Failure> {
    let mut ways = Ways {
        decoder: FrameDecoder::new(settings.camera.colour),
        scaled: VisionPipeline::open(settings)?,
        whole: VisionPipeline::open(settings)?,
        needs: DecodeNeeds {
            least_px: (settings.vision.width, settings.vision.height),
            colour: settings.camera.colour,
            is_resting: false,
        },
    };
    let mut times: [Vec<f32>; 4] = Default::default();
    let (mut ratios, mut rest_ratios) = (Vec::new(), Vec::new());
    let (mut faces, mut whole_faces) = (0, 0);
    for number in 0..warm_up + frames {
        let time = Millis(u64::from(number) * 33);
        let jpeg = scene.jpeg(time)?;
        let (ours, seen) = ways.scaled(jpeg, time)?;
        let (plain, whole_seen) = ways.whole(jpeg, time)?;
        let rest = ways.rest(jpeg, time)?;
        (faces, whole_faces) = (seen, whole_seen);
        if number >= warm_up {
            for (times, time) in times.iter_mut().zip([ours, plain].as_flattened()) {
                times.push(*time);
            }
            ratios.push(ours[1] / plain[1]);
            rest_ratios.push(rest / plain[0]);
        }
    }
    let median = |values: Vec<f32>| {
        let sorted = sorted(values.into_iter());
        sorted[sorted.len() / 2]
    };
    let [jpeg_ms, total_ms, whole_jpeg_ms, whole_total_ms] = times.map(median);
    Ok(Comparison {
        jpeg_ms,
        total_ms,
        whole_jpeg_ms,
        whole_total_ms,
        ratio: median(ratios),
        rest_ratio: median(rest_ratios),
        faces,
        whole_faces,
    })
}

impl Ways {
    /// Milliseconds of the decoding and of all, and the people seen.
    fn scaled(&mut self, jpeg: &[u8], time: Millis) -> Result<([f32; 2], usize), Failure> {
        let start = used_ms();
        let is_scaled = self.decoder.decode_scaled(jpeg, self.needs, time);
        if !is_scaled.map_err(failed)? {
            return Err(failed("it is of a kind that is decoded whole anyway"));
        }
        let decoded = used_ms();
        let mut picture = LentPicture::Jpeg(self.decoder.scaled());
        let seen = self.scaled.see(&mut picture, 0, drop)?.people_count;
        Ok(([decoded - start, used_ms() - start], seen))
    }

    fn whole(&mut self, jpeg: &[u8], time: Millis) -> Result<([f32; 2], usize), Failure> {
        let start = used_ms();
        let size = self.decoder.decode(jpeg).map_err(failed)?;
        let decoded = used_ms();
        let frame = Frame::packed(self.decoder.pixels(), self.decoder.format(), size, time);
        let seen = self
            .whole
            .see(&frame.map_err(failed)?, 0, drop)?
            .people_count;
        Ok(([decoded - start, used_ms() - start], seen))
    }

    /// Milliseconds of what is decoded while nobody is in view.
    fn rest(&mut self, jpeg: &[u8], time: Millis) -> Result<f32, Failure> {
        let needs = DecodeNeeds {
            is_resting: true,
            ..self.needs
        };
        let start = used_ms();
        self.decoder
            .decode_scaled(jpeg, needs, time)
            .map_err(failed)?;
        Ok(used_ms() - start)
    }
}

/// This thread's time on a processor.
fn used_ms() -> f32 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    // Differences count; a thread of `bench` works for minutes at most.
    now.tv_sec as f32 * 1000.0 + now.tv_nsec as f32 / 1e6
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "\nin turn with JPEGs decoded whole, processor time a frame, medians"
        )?;
        let row = |f: &mut std::fmt::Formatter<'_>, name, jpeg, total, faces| {
            writeln!(
                f,
                "  {name:<10}{total:>8.3} ms, of it JPEG {jpeg:.3} ms; {faces} face(s)"
            )
        };
        row(f, "scaled", self.jpeg_ms, self.total_ms, self.faces)?;
        row(
            f,
            "whole",
            self.whole_jpeg_ms,
            self.whole_total_ms,
            self.whole_faces,
        )?;
        write!(
            f,
            "  ratio {:.2}; nobody in view: the decoding {:.2}",
            self.ratio, self.rest_ratio
        )
    }
}

//! Reads visitors' photos: one at a time on a thread of its own, with a short queue. Nothing of them is kept.

use std::{io, sync::mpsc, thread};

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use moodring_base::{
    config::Settings,
    message::{FaceRecord, PhotoLine, ReadingRecord, json},
    worker::one_job,
};
use moodring_camera::photo::{Budget, Photo, PhotoError};
use moodring_core::{
    align::cut,
    classify::{CROP_PX, Crop},
    frame::Frame,
    geometry::{Point, Similarity},
};
use moodring_vision::{ClassMap, PhotoReader};
use tokio::sync::oneshot;

use super::photo_state::UploadPermit;

/// What a photo may take, its file and its decoding together: one at a time, and the unit allows 256 MB for all.
const PHOTO_BYTES: u64 = 64 << 20;
/// Photos that may wait.
pub(super) const QUEUE: usize = 4;

/// Where photos go in.
pub(super) struct PhotoWorker(mpsc::SyncSender<PhotoJob>);

/// A photo to be read.
pub(super) struct PhotoJob {
    pub(super) bytes: axum::body::Bytes,
    /// How it is called in the answer.
    pub(super) name: String,
    /// Whether the crops are wanted, too.
    pub(super) crops: bool,
    pub(super) answer: oneshot::Sender<Result<String, PhotoJobError>>,
    /// Its place in the queue.
    /// Its place among the photos on their way.
    pub(super) permit: UploadPermit,
}

/// Why a photo was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PhotoJobError {
    /// The photo's fault.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// Ours.
    #[error("{0}")]
    Ours(String),
}

impl PhotoWorker {
    /// Starts the thread; the nets are loaded with the first photo.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(settings: &Settings) -> io::Result<Self> {
        let (jobs, asked) = mpsc::sync_channel::<PhotoJob>(QUEUE);
        let settings = settings.clone();
        thread::Builder::new()
            .name("photos".into())
            .spawn(move || {
                let mut nets = None;
                for job in asked {
                    // Whoever asked may have gone.
                    if !job.answer.is_closed() {
                        // A panic is this photo's, and the nets may be left half done.
                        let line = one_job("reading a photo", || read(&settings, &mut nets, &job));
                        let line = line.unwrap_or_else(|panic| {
                            nets = None;
                            Err(PhotoJobError::Ours(panic))
                        });
                        let _ = job.answer.send(line);
                    }
                    drop(job.permit);
                }
            })?;
        Ok(Self(jobs))
    }

    /// Hands in a photo; `false` if the queue is full.
    pub(super) fn ask(&self, job: PhotoJob) -> bool {
        self.0.try_send(job).is_ok()
    }
}

fn read(
    settings: &Settings,
    nets: &mut Option<PhotoReader>,
    job: &PhotoJob,
) -> Result<String, PhotoJobError> {
    let max_pixels = u64::from(settings.web.upload_megapixels) * 1_000_000;
    let budget = Budget {
        max_pixels,
        max_bytes: PHOTO_BYTES.saturating_sub(2 * job.bytes.len() as u64),
    };
    let photo = Photo::decode_within(&job.bytes, budget)?;
    let ours = |error: &dyn ToString| PhotoJobError::Ours(error.to_string());
    let frame = photo.frame().map_err(|e| ours(&e))?;
    let nets = match nets {
        Some(nets) => nets,
        None => nets.insert(PhotoReader::open(settings).map_err(|e| ours(&e))?),
    };
    let faces = nets.analyze(&frame).map_err(|e| ours(&e))?;
    let record = |found: &moodring_vision::PhotoFace| {
        let face = &found.face;
        let in_file = photo.in_file(*face);
        let shows = found.reading;
        let reading = ReadingRecord::new(&shows.scores, shows.mood, shows.facing);
        let mut record = FaceRecord::new(&in_file, photo.size_px(), found.roll_deg, Some(reading));
        if job.crops {
            record.crop = crop(&frame, &found.from_crop);
            record.heat = found.map.as_ref().and_then(heat);
        }
        record
    };
    let (width, height) = photo.size_px();
    Ok(json(&PhotoLine {
        image: &job.name,
        width,
        height,
        faces: faces.iter().map(record).collect(),
    }))
}

/// The face as the classifier sees it.
fn crop(frame: &Frame<'_>, from_crop: &Similarity) -> Option<String> {
    let mut crop: Crop = [0; CROP_PX * CROP_PX];
    cut(frame, from_crop, &mut crop);
    data_url(&crop, ExtendedColorType::L8)
}

/// Where the classifier looked, from nothing to red.
fn heat(map: &ClassMap) -> Option<String> {
    let places = (0..CROP_PX).flat_map(|y| (0..CROP_PX).map(move |x| (x, y)));
    let colour = |(x, y): (usize, usize)| {
        let heat = map.heat(Point::new(x as f32 + 0.5, y as f32 + 0.5));
        [255, (200.0 * (1.0 - heat)) as u8, 0, (170.0 * heat) as u8]
    };
    let pixels: Vec<u8> = places.flat_map(colour).collect();
    data_url(&pixels, ExtendedColorType::Rgba8)
}

fn data_url(pixels: &[u8], colours: ExtendedColorType) -> Option<String> {
    let (mut png, side) = (Vec::new(), CROP_PX as u32);
    PngEncoder::new(&mut png)
        .write_image(pixels, side, side, colours)
        .ok()?;
    let text = BASE64_STANDARD.encode(png);
    Some(format!("data:image/png;base64,{text}"))
}

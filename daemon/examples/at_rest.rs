//! What an empty room costs, and how soon a face in it is read: `cargo run --release -p moodring --example at_rest`.
//!
//! Plays films in real time at 15 frames a second through the camera, the slot and the pipeline, as the daemon does but
//! on one thread: an empty, noisy room for ten seconds, then a face. The processor's time is from
//! `/proc/self/schedstat`, over the last eight of the empty seconds.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use moodring_base::{
    clock::Clock,
    config::{CameraSettings, Settings},
};
use moodring_camera::{
    self as camera, Source,
    latest::{self, Taken},
    scaled_jpeg::DecodeNeeds,
};
use moodring_core::{frame::Millis, geometry::Rect, mood::Mood, picture::Picture as _};
use moodring_vision::VisionPipeline;

const RATE_HZ: usize = 15;
const EMPTY_FRAMES: usize = 10 * RATE_HZ;
const WARM_UP_FRAMES: usize = 2 * RATE_HZ;
const FACE_FRAMES: usize = RATE_HZ;
const W: usize = 640;
const H: usize = 480;

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let dir = std::env::temp_dir().join(format!("moodring-at-rest-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let ended = play_all(&dir);
    fs::remove_dir_all(&dir)?;
    ended
}

fn play_all(dir: &Path) -> Result<(), Error> {
    let film = film()?;
    let (y4m, mjpeg) = (dir.join("film.y4m"), dir.join("film.mjpeg"));
    fs::write(&y4m, as_y4m(&film))?;
    fs::write(&mjpeg, as_mjpeg(&film)?)?;
    for watch_ms in [0, Settings::default().vision.watch_ms] {
        play("raw luma", &Source::Y4m(y4m.clone()), watch_ms)?;
        play("MJPEG", &Source::Mjpeg(mjpeg.clone()), watch_ms)?;
    }
    Ok(())
}

/// Plays a film and prints its figures.
fn play(name: &str, source: &Source, watch_ms: u64) -> Result<(), Error> {
    let wanted = CameraSettings {
        rate: RATE_HZ as f32,
        ..CameraSettings::default()
    };
    let mut settings = Settings::default();
    settings.vision.watch_ms = watch_ms;
    let clock = Clock::start();
    let mut camera = camera::open(source, &wanted, clock)?;
    let mut stream = VisionPipeline::open(&settings)?;
    let (mut writer, mut reader) = latest::frame_slot();
    let rest = reader.rest();
    let (mut cost_ns, mut looks, mut appeared) = (0, 0, Millis(0));
    for number in 0..EMPTY_FRAMES + FACE_FRAMES {
        if number == WARM_UP_FRAMES {
            (cost_ns, looks) = (used_ns()?, stream.looks());
        }
        if number == EMPTY_FRAMES {
            (cost_ns, looks) = (used_ns()? - cost_ns, stream.looks() - looks);
        }
        let needs = DecodeNeeds {
            least_px: (settings.vision.width, settings.vision.height),
            colour: true,
            is_resting: writer.reader_rests(),
        };
        writer.put_picture(&mut camera.next_picture(Some(needs))?);
        let Taken::Frame(frame, skipped) = reader.take(Duration::ZERO) else {
            return Err("no frame".into());
        };
        let mut frame = frame.lend()?;
        if number == EMPTY_FRAMES {
            appeared = frame.time();
        }
        let mood = stream.see(&mut frame, skipped, drop)?.mood.mood();
        rest.set(stream.is_resting());
        if mood == Mood::Nobody {
            continue;
        }
        if number < EMPTY_FRAMES {
            return Err("somebody is in the empty room".into());
        }
        let seconds = ((EMPTY_FRAMES - WARM_UP_FRAMES) / RATE_HZ) as f64;
        println!(
            "{name}, watch_ms = {watch_ms}: {:.2} % of a core at rest, {:.1} looks a second; {mood:?} {} ms after the \
             frame in which the face appeared",
            cost_ns as f64 / seconds / 1e7,
            looks as f64 / seconds,
            clock.now().since(appeared)
        );
        return Ok(());
    }
    Err("the face was not read".into())
}

/// This thread's time on a processor.
fn used_ns() -> Result<u64, Error> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let first = text.split(' ').next().ok_or("an empty schedstat")?;
    Ok(first.parse()?)
}

/// The luma of each frame: the drawn scene without its face, with noise and light that changes, then with it.
fn film() -> Result<Vec<Vec<u8>>, Error> {
    let mut camera = camera::open(
        &Source::Synthetic,
        &CameraSettings::default(),
        Clock::start(),
    )?;
    let mut stream = VisionPipeline::open(&Settings::default())?;
    let mut full = Vec::new();
    let mut face = None;
    while face.is_none() {
        let frame = camera.next_frame()?;
        face = stream
            .see(&frame, 0, drop)?
            .people
            .first()
            .map(|person| person.face.rect);
        full = frame.data().to_vec();
    }
    let empty = without(&full, &face.ok_or("no face")?);
    let mut noise = 1_u32;
    let mut grain = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as i32 % 7 - 3
    };
    let frame = |number: usize| {
        let picture = if number < EMPTY_FRAMES { &empty } else { &full };
        let light = 1000 - number as i32;
        let pixel = |&luma: &u8| (i32::from(luma) * light / 1000 + grain()).clamp(0, 255) as u8;
        picture.iter().map(pixel).collect()
    };
    Ok((0..EMPTY_FRAMES + FACE_FRAMES).map(frame).collect())
}

/// The picture with a part filled from its left to its right edge.
fn without(picture: &[u8], face: &Rect) -> Vec<u8> {
    let (middle, side) = (face.center(), face.w.max(face.h));
    let columns = (middle.x - side).max(0.0) as usize..((middle.x + side) as usize).min(W - 1);
    let rows = (middle.y - side).max(0.0) as usize..((middle.y + side) as usize).min(H);
    let mut empty = picture.to_vec();
    for row in empty.chunks_exact_mut(W).take(rows.end).skip(rows.start) {
        let ends = [row[columns.start], row[columns.end]].map(usize::from);
        let width = columns.len();
        for (i, luma) in row[columns.clone()].iter_mut().enumerate() {
            *luma = ((ends[0] * (width - i) + ends[1] * i) / width) as u8;
        }
    }
    empty
}

fn as_y4m(film: &[Vec<u8>]) -> Vec<u8> {
    let mut header = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(header, "YUV4MPEG2 W{W} H{H} F{RATE_HZ}:1 Cmono");
    let frames = film.iter().map(|luma| [b"FRAME\n", &luma[..]].concat());
    [header.into_bytes()]
        .into_iter()
        .chain(frames)
        .flatten()
        .collect()
}

fn as_mjpeg(film: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for luma in film {
        // In colour, as cameras send it.
        let rgb: Vec<u8> = luma.iter().flat_map(|&luma| [luma; 3]).collect();
        let mut jpeg = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 85);
        jpeg.encode(&rgb, W as u32, H as u32, image::ExtendedColorType::Rgb8)?;
    }
    Ok(bytes)
}

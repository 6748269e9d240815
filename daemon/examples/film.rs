//! Films of the drawn scene as cameras send them, for tests that play them to a real driver (tests/vm):
//! `cargo run -p moodring --example film -- FILE.yuyv|FILE.mjpeg FIRST COUNT`. 320x240, one expression every 90 frames.

use std::{error::Error, fs, path::Path, str::FromStr};

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use moodring_base::{clock::Clock, config::CameraSettings};
use moodring_camera::{self as camera, Source};
use moodring_core::frame::Frame;

const SIZE: (u32, u32) = (320, 240);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, first, count] = arguments.as_slice() else {
        return Err("film FILE FIRST COUNT".into());
    };
    let (first, count): (u32, u32) = (first.parse()?, count.parse()?);
    let settings = CameraSettings {
        width: SIZE.0,
        height: SIZE.1,
        rate: 120.0,
        ..CameraSettings::default()
    };
    let mut scene = camera::open(&Source::from_str("synthetic")?, &settings, Clock::start())?;
    let jpeg = Path::new(file).extension().is_some_and(|e| e == "mjpeg");
    let mut film = Vec::new();
    for number in 0..first + count {
        let frame = scene.next_frame()?;
        if number < first {
            continue;
        }
        if jpeg {
            let grey = luma(&frame).collect::<Vec<_>>();
            JpegEncoder::new_with_quality(&mut film, 90).encode(
                &grey,
                SIZE.0,
                SIZE.1,
                ExtendedColorType::L8,
            )?;
        } else {
            // As video has it: black is 16, white 235, and grey has no colour.
            let video = |y: u8| (16 + u32::from(y) * 219 / 255) as u8;
            film.extend(luma(&frame).flat_map(|y| [video(y), 128]));
        }
    }
    fs::write(file, film)?;
    Ok(())
}

fn luma<'a>(frame: &'a Frame<'_>) -> impl Iterator<Item = u8> + 'a {
    (0..SIZE.1).flat_map(move |y| (0..SIZE.0).map(move |x| frame.luma(x, y)))
}

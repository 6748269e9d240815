//! Microseconds of the stages around the nets, by picture format and size: `cargo run --release -p moodring-core
//! --example stage_speed`. Medians; the cases take turns, so that a busy machine troubles all of them alike. With
//! `-- large` nanoseconds for each pixel of inputs that are nearly as large as the frame, or larger.

use std::{hint::black_box, time::Instant};

use moodring_core::{
    align::{BOX_IN_CROP, LANDMARKS_IN_CROP, align},
    classify::CROP_PX,
    detect::{Channels, Face, InputShape},
    frame::{Frame, Millis, PixelFormat},
    geometry::{Point, Rect},
    letterbox::Letterbox,
};

const ROUNDS: usize = 101;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bytes: Vec<u8> = (0..1920 * 1080 * 3).map(|i| (i * 7 % 251) as u8).collect();
    if std::env::args().nth(1).is_some_and(|arg| arg == "large") {
        return large(&bytes);
    }
    let sizes = [
        (640, 480),
        (648, 480),
        (800, 600),
        (1024, 768),
        (1280, 720),
        (1296, 972),
        (1600, 1200),
        (1640, 1232),
        (1920, 1080),
    ];
    for channels in [Channels::Grey, Channels::Rgb] {
        letterboxes(&bytes, channels, &sizes)?;
    }
    warp(&bytes)
}

/// Into 320x256, for a grey net and for one with colours.
fn letterboxes(
    bytes: &[u8],
    channels: Channels,
    sizes: &[(u32, u32)],
) -> Result<(), Box<dyn std::error::Error>> {
    let shape = InputShape {
        width_px: 320,
        height_px: 256,
        channels,
        padding: 128,
    };
    let mut input = vec![0; 320 * 256 * channels.count()];
    let mut cases = Vec::new();
    for format in [
        PixelFormat::Grey,
        PixelFormat::Yuyv,
        PixelFormat::Nv12,
        PixelFormat::I420,
        PixelFormat::Rgb,
    ] {
        for &size in sizes {
            let frame = Frame::packed(bytes, format, size, Millis(0))?;
            cases.push((frame, Letterbox::new(size, shape), Vec::new()));
        }
    }
    for _ in 0..ROUNDS {
        for (frame, letterbox, times) in &mut cases {
            let start = Instant::now();
            letterbox.fill(frame, black_box(&mut input))?;
            times.push(start.elapsed());
        }
    }
    for (frame, _, times) in &mut cases {
        times.sort();
        let us = times[ROUNDS / 2].as_secs_f64() * 1e6;
        let (format, w, h) = (frame.format(), frame.width_px(), frame.height_px());
        println!("letterbox {format:?} {w}x{h} to {channels:?}: {us:.1}");
    }
    Ok(())
}

/// Into inputs with colours that a user may set.
fn large(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let sizes = [
        ((640, 480), (640, 480)),
        ((1280, 960), (1280, 960)),
        ((1920, 1080), (1920, 1088)),
        ((1283, 963), (1280, 960)),
        ((1000, 750), (640, 480)),
        ((1280, 720), (640, 384)),
        ((320, 240), (640, 480)),
        ((640, 480), (1280, 960)),
    ];
    for (size, (width_px, height_px)) in sizes {
        for format in [
            PixelFormat::Yuyv,
            PixelFormat::Nv12,
            PixelFormat::I420,
            PixelFormat::Rgb,
            PixelFormat::Grey,
        ] {
            let frame = Frame::packed(bytes, format, size, Millis(0))?;
            let shape = InputShape {
                width_px,
                height_px,
                channels: Channels::Rgb,
                padding: 128,
            };
            let mut input = vec![0; (3 * width_px * height_px) as usize];
            let letterbox = Letterbox::new(size, shape);
            let mut times = [0.0; 9];
            for time in &mut times {
                let start = Instant::now();
                letterbox.fill(&frame, black_box(&mut input))?;
                *time = start.elapsed().as_secs_f64();
            }
            times.sort_by(f64::total_cmp);
            let ns = times[4] * 1e9 / f64::from(width_px * height_px);
            println!("{format:?} {size:?} to {width_px}x{height_px}: {ns:.2}");
        }
    }
    Ok(())
}

/// A face 48, 96, ... pixels wide, a little tilted, in the middle of 640x480.
fn warp(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut cases = Vec::new();
    for format in [PixelFormat::Grey, PixelFormat::Yuyv] {
        let frame = Frame::packed(bytes, format, (640, 480), Millis(0))?;
        for times in [1.0, 2.0, 2.9, 3.1, 4.0, 6.0] {
            cases.push((frame, face(times), times, Vec::new()));
        }
    }
    let mut crop = [0; CROP_PX * CROP_PX];
    for _ in 0..ROUNDS {
        for (frame, face, _, times) in &mut cases {
            let start = Instant::now();
            align(frame, face, black_box(&mut crop));
            times.push(start.elapsed());
        }
    }
    for (frame, _, larger, times) in &mut cases {
        times.sort();
        let us = times[ROUNDS / 2].as_secs_f64() * 1e6;
        println!(
            "align {:?}, face {larger} times the crop: {us:.1}",
            frame.format()
        );
    }
    Ok(())
}

fn face(times: f32) -> Face {
    let (sin, cos) = 0.2_f32.sin_cos();
    let place = |p: Point| {
        let p = (p - Point::new(24.0, 24.0)) * times;
        Point::new(320.0 + cos * p.x - sin * p.y, 240.0 + sin * p.x + cos * p.y)
    };
    let (w, h) = (BOX_IN_CROP.w * times, BOX_IN_CROP.h * times);
    Face {
        rect: Rect::new(320.0 - w / 2.0, 240.0 - h / 2.0, w, h),
        landmarks: LANDMARKS_IN_CROP.map(place),
        score: 1.0,
    }
}

//! Draws all looks side by side into a PNG: `cargo run -p moodring-face --example contact_sheet -- OUT.png [FACE_PX] [THEME[-on-paper]] [round]`.

mod canvas;

use std::{error::Error, fs::File};

use embedded_graphics::{pixelcolor::Rgb888, prelude::*};
use image::{
    RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use moodring_face::{contact_sheet, picture::ScreenShape, theme::Theme};

use self::canvas::Canvas;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args
        .next()
        .ok_or("usage: contact_sheet OUT.png [FACE_PX] [THEME] [round]")?;
    let face_px: u32 = args.next().map_or(Ok(150), |n| n.parse())?;
    let theme = match args.next() {
        Some(name) => match name.strip_suffix("-on-paper") {
            Some(name) => Theme::from_name(name)
                .ok_or("no such theme")?
                .on(Rgb888::WHITE, Rgb888::new(80, 72, 64)),
            None => *Theme::from_name(&name).ok_or("no such theme")?,
        },
        None => Theme::CLASSIC.on(Rgb888::WHITE, Rgb888::new(80, 72, 64)),
    };
    let shape = match args.next().as_deref() {
        None => ScreenShape::Square,
        Some("round") => ScreenShape::Round,
        Some(other) => return Err(format!("`{other}`: only `round` may come last").into()),
    };
    let size = contact_sheet::size(face_px);
    let mut canvas = Canvas(RgbImage::new(size.width, size.height));
    contact_sheet::draw_sheet(&mut canvas, face_px, &theme, shape)?;
    let encoder = PngEncoder::new_with_quality(
        File::create(&out)?,
        CompressionType::Best,
        FilterType::Adaptive,
    );
    canvas.0.write_with_encoder(encoder)?;
    println!("{out}: {} x {} pixels", size.width, size.height);
    Ok(())
}

//! Draws the seven expressions as small displays show them, in colour and in two colours, pixel by pixel enlarged:
//! `cargo run -p moodring-face --example small_faces -- OUT.png [ENLARGED]`.

mod canvas;

use std::error::Error;

use embedded_graphics::prelude::*;
use image::{Rgb, RgbImage};
use moodring_core::expression::Expression;
use moodring_face::{animate::Pose, draw::draw, theme::Theme};

use self::canvas::Canvas;

/// Sides of small displays, in pixels.
const SIDES: [u32; 3] = [64, 48, 32];
/// Between the faces, in pixels.
const GAP: u32 = 4;
/// Around the displays.
const WALL: Rgb<u8> = Rgb([128, 128, 128]);

/// A face as a display of this size shows it.
fn face(expression: Expression, side: u32, theme: &Theme) -> RgbImage {
    let mut canvas = Canvas(RgbImage::new(side, side));
    let area = canvas.bounding_box();
    let Ok(()) = draw(&mut canvas, area, &Pose::still(expression), theme);
    if *theme == Theme::MONO {
        for pixel in canvas.0.pixels_mut() {
            *pixel = Rgb([if pixel[1] < 128 { 0 } else { 255 }; 3]);
        }
    }
    canvas.0
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("usage: small_faces OUT.png [ENLARGED]")?;
    let scale: u32 = args.next().map_or(Ok(2), |n| n.parse())?;
    let rows = SIDES
        .into_iter()
        .flat_map(|side| [(side, Theme::CLASSIC), (side, Theme::MONO)]);
    let columns = Expression::ALL.len() as u32;
    let width = columns * (SIDES[0] + GAP) + GAP;
    let height = rows.clone().map(|(side, _)| side + GAP).sum::<u32>() + GAP;
    let mut sheet = RgbImage::from_pixel(width, height, WALL);
    let mut top = GAP;
    for (side, theme) in rows {
        for (column, expression) in (0..).zip(Expression::ALL) {
            let left = GAP + column * (SIDES[0] + GAP) + (SIDES[0] - side) / 2;
            let face = face(expression, side, &theme);
            image::imageops::replace(&mut sheet, &face, left.into(), top.into());
        }
        top += side + GAP;
    }
    let nearest = image::imageops::FilterType::Nearest;
    let sheet = image::imageops::resize(&sheet, scale * width, scale * height, nearest);
    sheet.save(&out)?;
    println!("{out}: {} x {} pixels", sheet.width(), sheet.height());
    Ok(())
}

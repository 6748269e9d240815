//! Draws over faces: emoji, boxes, blocks. Pixels in, pixels out.

use std::{collections::HashMap, convert::Infallible};

use embedded_graphics::{
    Drawable,
    mono_font::{MonoTextStyle, ascii::FONT_9X15_BOLD},
    pixelcolor::Rgb888,
    prelude::{DrawTarget, OriginDimensions, Pixel, Point as Place, Primitive, RgbColor, Size},
    primitives::{Circle, PrimitiveStyle, Rectangle},
    text::{Baseline, Text},
};
use image::{Rgb, RgbImage, RgbaImage};
use moodring_core::{detect::Face, mood::Mood};
use moodring_display::sticker_rgba;
use moodring_face::theme::Theme;

/// Emoji are drawn once at these sides and scaled from the next larger one.
const STICKERS_PX: [u32; 4] = [48, 96, 192, 384];
/// The size of an emoji relative to its face: hair and chin are covered, too.
const EMOJI_SCALE: f32 = 1.25;
const YELLOW: Rgb888 = Rgb888::new(255, 210, 63);
const INK: Rgb888 = Rgb888::new(29, 26, 20);
const LINE_PX: u32 = 2;
/// The size of the part that is made unrecognisable, relative to the detector's box: hair and ears, too.
const BLUR_SCALE: (f32, f32) = (1.5, 1.4);
/// Blocks across a face: with so few, neither people nor nets can tell faces apart.
const BLUR_BLOCKS: f32 = 6.0;
/// The smallest block.
const BLOCK_PX: u32 = 6;

/// Emoji drawn before, by mood and side.
#[derive(Debug, Default)]
pub(super) struct Stickers(HashMap<(&'static str, u32), RgbaImage>);

impl Stickers {
    /// The emoji of a mood, not smaller than this face needs it, unless it is very large.
    pub(super) fn of(&mut self, mood: Mood, face: &Face) -> &RgbaImage {
        let wanted = emoji_px(face);
        let fits = |side: &u32| *side as f32 >= wanted;
        let side = STICKERS_PX.into_iter().find(fits).unwrap_or(384);
        self.0.entry((mood.name(), side)).or_insert_with(|| {
            let rgba = sticker_rgba(mood.into(), side, &Theme::CLASSIC);
            // If the bytes do not fit the size, the picture is empty and covers nothing.
            RgbaImage::from_raw(side, side, rgba).unwrap_or_default()
        })
    }
}

/// The side of a face's emoji in pixels.
fn emoji_px(face: &Face) -> f32 {
    face.rect.w.max(face.rect.h) * EMOJI_SCALE
}

/// Lays an emoji over a face, turned with it.
pub(super) fn emoji(onto: &mut RgbImage, face: &Face, roll_deg: f32, sticker: &RgbaImage) {
    let (middle, side) = (face.rect.center(), emoji_px(face));
    let (sine, cosine) = roll_deg.to_radians().sin_cos();
    let per_px = sticker.width() as f32 / side.max(1.0);
    // A turned square reaches as far as its diagonal.
    let reach = side * std::f32::consts::FRAC_1_SQRT_2;
    let (width, height) = onto.dimensions();
    // A cast from f32 saturates, so parts outside are cut off.
    let from = |at: f32| at.max(0.0) as u32;
    let to = |at: f32, end: u32| (at.max(0.0).ceil() as u32).min(end);
    for y in from(middle.y - reach)..to(middle.y + reach, height) {
        for x in from(middle.x - reach)..to(middle.x + reach, width) {
            let (dx, dy) = (x as f32 + 0.5 - middle.x, y as f32 + 0.5 - middle.y);
            // Turned back into the sticker, whose middle is the face's middle.
            let across = (dx * cosine + dy * sine + side / 2.0) * per_px - 0.5;
            let down = (dy * cosine - dx * sine + side / 2.0) * per_px - 0.5;
            let [colour @ .., opaque] = sample(sticker, across, down);
            for (value, colour) in onto.get_pixel_mut(x, y).0.iter_mut().zip(colour) {
                *value = (f32::from(*value) * (1.0 - opaque) + colour).round() as u8;
            }
        }
    }
}

/// Colour times opacity (0 to 255) and opacity (0 to 1) between four pixels; transparent outside.
fn sample(sticker: &RgbaImage, x: f32, y: f32) -> [f32; 4] {
    let (left, top) = (x.floor(), y.floor());
    let mut sum = [0.0; 4];
    for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
        let (at_x, at_y) = (left + dx, top + dy);
        let share = (1.0 - (x - at_x).abs()) * (1.0 - (y - at_y).abs());
        if at_x < 0.0 || at_y < 0.0 || share <= 0.0 {
            continue;
        }
        let Some(pixel) = sticker.get_pixel_checked(at_x as u32, at_y as u32) else {
            continue;
        };
        let [r, g, b, a] = pixel.0;
        let opaque = share * f32::from(a) / 255.0;
        for (sum, value) in sum.iter_mut().zip([r, g, b]) {
            *sum += opaque * f32::from(value);
        }
        sum[3] += opaque;
    }
    sum
}

/// Draws a face's box, its landmarks and a label.
pub(super) fn boxes(onto: &mut RgbImage, face: &Face, label: &str) {
    let (left, top) = (face.rect.x as i32, face.rect.y as i32);
    let size = Size::new(face.rect.w.max(1.0) as u32, face.rect.h.max(1.0) as u32);
    let mut pen = PictureTarget(onto);
    let frame = PrimitiveStyle::with_stroke(YELLOW, LINE_PX);
    let Ok(()) = Rectangle::new(Place::new(left, top), size)
        .into_styled(frame)
        .draw(&mut pen);
    for point in face.landmarks {
        let dot = Circle::with_center(Place::new(point.x as i32, point.y as i32), 5);
        let Ok(()) = dot
            .into_styled(PrimitiveStyle::with_fill(YELLOW))
            .draw(&mut pen);
    }
    tag(onto, Place::new(left, top), label);
}

/// Writes a label at a face's upper left corner.
pub fn label(onto: &mut RgbImage, face: &Face, text: &str) {
    tag(
        onto,
        Place::new(face.rect.x as i32, face.rect.y as i32),
        text,
    );
}

fn tag(onto: &mut RgbImage, Place { x: left, y: top }: Place, label: &str) {
    let mut pen = PictureTarget(onto);
    let style = MonoTextStyle::new(&FONT_9X15_BOLD, INK);
    let (wide, high) = (label.len() as u32 * 9 + 8, 17);
    // Above the box if there is room, else inside it.
    let above = if top >= high { top - high } else { top };
    let corner = Place::new(left, above);
    let Ok(()) = Rectangle::new(corner, Size::new(wide, high as u32))
        .into_styled(PrimitiveStyle::with_fill(YELLOW))
        .draw(&mut pen);
    let text = Text::with_baseline(label, corner + Place::new(4, 1), style, Baseline::Top);
    let Ok(_) = text.draw(&mut pen);
}

/// Makes a face unrecognisable: an oval of large blocks, each of its mean colour.
pub(super) fn blur(onto: &mut RgbImage, face: &Face) {
    let middle = face.rect.center();
    let half_w = face.rect.w.max(face.rect.h * 0.7) * BLUR_SCALE.0 / 2.0;
    let half_h = face.rect.h.max(face.rect.w * 0.7) * BLUR_SCALE.1 / 2.0;
    let block = ((face.rect.side() / BLUR_BLOCKS) as u32).max(BLOCK_PX);
    let (width, height) = onto.dimensions();
    let from = |at: f32| at.max(0.0) as u32;
    let (left, top) = (from(middle.x - half_w), from(middle.y - half_h));
    let (right, bottom) = (
        from(middle.x + half_w).min(width),
        from(middle.y + half_h).min(height),
    );
    for block_y in (top..bottom).step_by(block as usize) {
        for block_x in (left..right).step_by(block as usize) {
            let ends = ((block_x + block).min(right), (block_y + block).min(bottom));
            let centre = (
                (block_x + ends.0) as f32 / 2.0,
                (block_y + ends.1) as f32 / 2.0,
            );
            let off =
                ((centre.0 - middle.x) / half_w).powi(2) + ((centre.1 - middle.y) / half_h).powi(2);
            if off <= 1.1 {
                even(onto, (block_x, block_y), ends);
            }
        }
    }
}

/// Fills a part with its mean colour.
fn even(onto: &mut RgbImage, from: (u32, u32), to: (u32, u32)) {
    let places = || (from.1..to.1).flat_map(|y| (from.0..to.0).map(move |x| (x, y)));
    let (mut sum, mut count) = ([0_u32; 3], 0);
    for (x, y) in places() {
        for (sum, value) in sum.iter_mut().zip(onto.get_pixel(x, y).0) {
            *sum += u32::from(value);
        }
        count += 1;
    }
    // The mean of bytes is a byte.
    let mean = Rgb(sum.map(|sum| (sum / count.max(1)) as u8));
    for (x, y) in places() {
        onto.put_pixel(x, y, mean);
    }
}

/// Lets embedded-graphics draw on a picture.
struct PictureTarget<'a>(&'a mut RgbImage);

impl OriginDimensions for PictureTarget<'_> {
    fn size(&self) -> Size {
        Size::new(self.0.width(), self.0.height())
    }
}

impl DrawTarget for PictureTarget<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else {
                continue;
            };
            if let Some(pixel) = self.0.get_pixel_mut_checked(x, y) {
                *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

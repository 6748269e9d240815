//! A recording for documents: the camera's picture, and beside it what the display shows, as an animated PNG of few colours.

use std::{collections::HashMap, io::Write, path::Path};

use embedded_graphics::{
    Drawable,
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Pixel, Point, Primitive, Size},
    primitives::{self, PrimitiveStyle},
};
use moodring_base::config::DisplaySettings;
use moodring_core::{
    frame::{Frame, Millis},
    geometry::Rect,
};
use moodring_face::{animate::IdleMotion, picture::ScreenShape, theme::Theme};
use png::{ColorType, Encoder, Filter};

use super::{
    DisplayError, View,
    animated_png::{self, AnimationPicture, Part},
    canvas::Canvas,
    faces::Faces,
};

/// The camera's picture is drawn at one pixel for so many a side.
const SHRINK: u32 = 2;
/// Steps of grey: fewer make the file small, and a drawn scene needs no more.
const GREY_STEP: u8 = 24;
/// Steps of the face's colours.
const COLOUR_STEP: u8 = 16;
/// What a PNG with a palette can hold.
const MOST_COLOURS: usize = 256;
/// The colour of a face's box.
const BOX: Rgb888 = Rgb888::new(252, 204, 60);

/// The pictures so far; all have one size.
pub struct Recording {
    faces: Faces,
    theme: Theme,
    size_px: (u32, u32),
    palette: Palette,
    pictures: Vec<Picture>,
}

/// A picture as indexes into the palette, and the time for which it is shown.
struct Picture {
    width: u32,
    indexes: Vec<u8>,
    shown_ms: u16,
}

/// The colours in the order in which they were met; later ones take the nearest.
#[derive(Default)]
struct Palette {
    colours: Vec<[u8; 3]>,
    known: HashMap<[u8; 3], u8>,
}

impl Recording {
    /// A recording with the theme, the text and the faces of these settings.
    pub fn new(settings: &DisplaySettings) -> Self {
        Self {
            faces: Faces::new(settings, IdleMotion::Calm, Millis(0)),
            theme: settings.theme.or(&Theme::CLASSIC),
            size_px: (0, 0),
            palette: Palette::default(),
            pictures: Vec::new(),
        }
    }

    /// Adds the frame and what the display shows then, for so long. Call [`Self::follow`] for times that are not added.
    pub fn add(&mut self, frame: &Frame<'_>, view: &View<'_>, shown_ms: u16) {
        let (width, height) = (frame.width_px() / SHRINK, frame.height_px() / SHRINK);
        self.size_px = (width + height, height);
        let mut canvas = Canvas::new(width + height, height);
        scene(&mut canvas, frame, (width, height));
        for person in &view.snapshot.people {
            mark(&mut canvas, person.face.rect);
        }
        let mut face = Canvas::new(height, height);
        self.faces
            .scene(view)
            .with_picture(ScreenShape::Square, |picture| {
                face.paint(picture, &self.theme);
            });
        blit(&mut canvas, &face, width);
        let pixels = (0..height).flat_map(|y| (0..width + height).map(move |x| (x, y)));
        let indexes: Vec<u8> = pixels
            .map(|(x, y)| self.palette.index(canvas.pixel(x, y)))
            .collect();
        match self.pictures.last_mut() {
            Some(last) if last.indexes == indexes => last.shown_ms += shown_ms,
            _ => self.pictures.push(Picture {
                width: width + height,
                indexes,
                shown_ms,
            }),
        }
    }

    /// Lets the face move on to this view without keeping a picture.
    pub fn follow(&mut self, view: &View<'_>) {
        self.faces.scene(view);
    }

    /// Writes the file.
    ///
    /// # Errors
    /// [`DisplayError::Show`] if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DisplayError> {
        animated_png::write_file(path, self.size_px, &self.pictures, |encoder| {
            self.set_up(encoder);
        })
    }

    fn set_up<W: Write>(&self, encoder: &mut Encoder<'_, W>) {
        encoder.set_color(ColorType::Indexed);
        encoder.set_palette(self.palette.colours.concat());
        // Neighbours in a palette have nothing in common.
        encoder.set_filter(Filter::NoFilter);
    }
}

impl AnimationPicture for Picture {
    fn changed(&self, before: &Self) -> Part {
        let both = before.indexes.iter().zip(&self.indexes).enumerate();
        let differing = both.filter(|(_, (a, b))| a != b);
        let width = self.width;
        let places = differing.map(|(at, _)| (at as u32 % width, at as u32 / width));
        let (mut left, mut top, mut right, mut bottom) = (width, u32::MAX, 0, 0);
        for (x, y) in places {
            (left, right) = (left.min(x), right.max(x));
            (top, bottom) = (top.min(y), bottom.max(y));
        }
        match top == u32::MAX {
            true => (0, 0, 1, 1),
            false => (left, top, right - left + 1, bottom - top + 1),
        }
    }

    fn part(&self, (left, top, width, height): Part) -> Vec<u8> {
        let rows = self.indexes.chunks_exact(self.width as usize);
        let rows = rows.skip(top as usize).take(height as usize);
        rows.flat_map(|row| &row[left as usize..(left + width) as usize])
            .copied()
            .collect()
    }

    fn shown_ms(&self) -> u16 {
        self.shown_ms
    }
}

impl Palette {
    fn index(&mut self, [r, g, b]: [u8; 3]) -> u8 {
        let step = if r == g && g == b {
            GREY_STEP
        } else {
            COLOUR_STEP
        };
        let coarse = [r, g, b].map(|v| (v.saturating_add(step / 2) / step).saturating_mul(step));
        if let Some(&index) = self.known.get(&coarse) {
            return index;
        }
        let index = match self.colours.len() < MOST_COLOURS {
            true => {
                self.colours.push(coarse);
                self.colours.len() - 1
            }
            false => self.nearest(coarse),
        };
        // At most 256 of them.
        let index = u8::try_from(index).unwrap_or(u8::MAX);
        self.known.insert(coarse, index);
        index
    }

    fn nearest(&self, colour: [u8; 3]) -> usize {
        let distance = |other: &[u8; 3]| -> u32 {
            let each = colour
                .iter()
                .zip(other)
                .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2));
            each.sum()
        };
        let near = self
            .colours
            .iter()
            .enumerate()
            .min_by_key(|(_, other)| distance(other));
        near.map_or(0, |(index, _)| index)
    }
}

/// The camera's picture, each pixel the mean of a square.
fn scene(canvas: &mut Canvas, frame: &Frame<'_>, (width, height): (u32, u32)) {
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels = all.map(|(x, y)| {
        let square =
            (0..SHRINK * SHRINK).map(|i| (x * SHRINK + i % SHRINK, y * SHRINK + i / SHRINK));
        let sum: u32 = square.map(|(x, y)| u32::from(frame.luma(x, y))).sum();
        let grey = (sum / (SHRINK * SHRINK)) as u8;
        Pixel(
            Point::new(x as i32, y as i32),
            Rgb888::new(grey, grey, grey),
        )
    });
    let Ok(()) = canvas.draw_iter(pixels);
}

/// The box around a face, as the preview draws it.
fn mark(canvas: &mut Canvas, face: Rect) {
    let part = |v: f32| (v / SHRINK as f32).round();
    let corner = Point::new(part(face.x) as i32, part(face.y) as i32);
    let size = Size::new(part(face.w) as u32, part(face.h) as u32);
    let line = PrimitiveStyle::with_stroke(BOX, 2);
    let Ok(()) = primitives::Rectangle::new(corner, size)
        .into_styled(line)
        .draw(canvas);
}

fn blit(canvas: &mut Canvas, face: &Canvas, left: u32) {
    let (width, height) = face.size_px();
    let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels = all.map(|(x, y)| {
        let [r, g, b] = face.pixel(x, y);
        Pixel(
            Point::new((left + x) as i32, y as i32),
            Rgb888::new(r, g, b),
        )
    });
    let Ok(()) = canvas.draw_iter(pixels);
}

#[cfg(test)]
mod tests {
    use moodring_core::{
        expression::Expression,
        frame::PixelFormat,
        mood::{Mood, MoodState},
        track::TrackId,
    };

    use super::*;
    use moodring_base::snapshot::{BrokerState, Snapshot};

    /// Pastes part after part, as a browser does: the last one shows the scene on the left and the face on the right.
    #[test]
    fn camera_and_face_stand_side_by_side_and_the_file_is_small() {
        let mut recording = Recording::new(&DisplaySettings::default());
        let mut snapshot = Snapshot::default();
        for n in 0..12_u64 {
            let pixels = vec![40 + 10 * n as u8; 128 * 96];
            let time = Millis(n * 150);
            let frame = Frame::packed(&pixels, PixelFormat::Grey, (128, 96), time).unwrap();
            let mood = Mood::Showing(Expression::Happy);
            snapshot.mood = MoodState::new(mood, 0.9, TrackId(1), Millis(0));
            let view = View {
                snapshot: &snapshot,
                broker: BrokerState::Off,
                source: "",
                device: "",
                preview: false,
                now: time,
                minute: 0,
            };
            recording.follow(&view);
            recording.add(&frame, &view, 150);
        }
        let mut bytes = Vec::new();
        animated_png::encode(
            &mut bytes,
            recording.size_px,
            &recording.pictures,
            |encoder| {
                recording.set_up(encoder);
            },
        )
        .unwrap();
        assert!(bytes.len() < 40_000, "{} bytes", bytes.len());
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes))
            .read_info()
            .unwrap();
        let palette = reader.info().palette.clone().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (64 + 48, 48));
        let (mut shown, mut buffer) = (vec![0_u8; 112 * 48], vec![0_u8; 112 * 48]);
        let mut total_ms = 0;
        for _ in 0..reader.info().animation_control().unwrap().num_frames {
            reader.next_frame(&mut buffer).unwrap();
            let control = *reader.info().frame_control().unwrap();
            total_ms += u32::from(control.delay_num);
            for y in 0..control.height {
                let start = ((y + control.y_offset) * 112 + control.x_offset) as usize;
                let from = (y * control.width) as usize;
                let row = &buffer[from..from + control.width as usize];
                shown[start..start + row.len()].copy_from_slice(row);
            }
        }
        assert_eq!(total_ms, 12 * 150);
        let colour = |x: usize, y: usize| &palette[usize::from(shown[y * 112 + x]) * 3..][..3];
        assert!(
            colour(5, 5)[0].abs_diff(150) <= GREY_STEP,
            "{:?}",
            colour(5, 5)
        );
        let yellow = (64..112).filter(|&x| colour(x, 20)[0] > 200 && colour(x, 20)[2] < 120);
        assert!(yellow.count() > 10, "the emoji's face is yellow");
    }

    #[test]
    fn a_full_palette_takes_the_nearest() {
        let mut palette = Palette::default();
        for r in (0..=252).step_by(12) {
            for g in (0..=252).step_by(12) {
                palette.index([r, g, 240]);
            }
        }
        assert_eq!(palette.colours.len(), MOST_COLOURS);
        let index = palette.index([0, 2, 200]);
        assert_eq!(palette.colours[usize::from(index)], [0, 0, 240]);
    }
}

//! Writes an animated PNG of a face that changes from look to look. Each picture holds only the part that changed.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use moodring_core::frame::Millis;
use moodring_face::{
    animate::{Animator, IdleMotion},
    look::Look,
};
use png::{BlendOp, ColorType, Compression, Encoder, EncodingError};

use super::{DisplayError, canvas::Canvas, still_picture::ShowStyle};

/// Milliseconds between two pictures.
const STEP_MS: u16 = 40;
/// How long a look is held, including the change to it, in milliseconds.
const HOLD_MS: u64 = 1_600;
/// A single look is shown for one breath of a sleeper, after which it repeats.
const ALONE_MS: u64 = 8_400;

/// A part of a picture: left, top, width and height in pixels.
pub(super) type Part = (u32, u32, u32, u32);

/// One picture of an animation, as the file's kind of colour has its pixels.
pub(super) trait AnimationPicture {
    /// The smallest part in which it differs from the one before.
    fn changed(&self, before: &Self) -> Part;
    /// The bytes of a part, row by row.
    fn part(&self, part: Part) -> Vec<u8>;
    /// Milliseconds for which it is shown.
    fn shown_ms(&self) -> u16;
}

/// A picture and the time for which it is shown.
struct Picture {
    canvas: Canvas,
    shown_ms: u16,
}

impl AnimationPicture for Picture {
    fn changed(&self, before: &Self) -> Part {
        before.canvas.changed(&self.canvas)
    }

    fn part(&self, part: Part) -> Vec<u8> {
        self.canvas.part(part)
    }

    fn shown_ms(&self) -> u16 {
        self.shown_ms
    }
}

/// Writes the animation: from look to look and back to the first; a single look blinks and breathes.
///
/// # Errors
/// [`DisplayError::Show`] if the file cannot be written.
pub fn write_animation(
    looks: &[Look],
    style: &ShowStyle<'_>,
    path: &Path,
) -> Result<(), DisplayError> {
    write_file(path, style.size, &pictures(looks, style), |encoder| {
        encoder.set_color(ColorType::Rgb);
    })
}

/// Writes pictures of one size into a file; `set_up` sets the colour type.
///
/// # Errors
/// [`DisplayError::Show`] if it cannot be written, or if there is none.
pub(super) fn write_file(
    path: &Path,
    size_px: (u32, u32),
    pictures: &[impl AnimationPicture],
    set_up: impl FnOnce(&mut Encoder<'_, BufWriter<File>>),
) -> Result<(), DisplayError> {
    let failed = |error: EncodingError| DisplayError::show(&path.display().to_string(), error);
    let file = File::create(path).map_err(|error| failed(error.into()))?;
    encode(BufWriter::new(file), size_px, pictures, set_up).map_err(failed)
}

fn pictures(looks: &[Look], style: &ShowStyle<'_>) -> Vec<Picture> {
    let mut pictures: Vec<Picture> = Vec::new();
    let Some(&first) = looks.first() else {
        return pictures;
    };
    let theme = style.theme();
    let (hold_ms, idle_motion) = match looks.len() {
        1 => (ALONE_MS, IdleMotion::Alive),
        _ => (HOLD_MS, IdleMotion::Calm),
    };
    let mut face = Animator::new(first, idle_motion, Millis(0));
    let total_ms = hold_ms * looks.len() as u64;
    for ms in (0..total_ms).step_by(STEP_MS.into()) {
        // Hold one look, then change to the next; the last change leads back to the first.
        let next = looks[((ms / hold_ms) as usize + 1) % looks.len()];
        let changing = ms % hold_ms >= hold_ms - HOLD_MS / 2 && looks.len() > 1;
        let aim = match changing {
            true => next,
            false => looks[(ms / hold_ms) as usize],
        };
        face.aim(aim, 1.0, 0.0, Millis(ms));
        let mut canvas = Canvas::new(style.size.0, style.size.1);
        style.draw(&mut canvas, face.pose(Millis(ms)), &theme);
        match pictures.last_mut() {
            Some(last) if last.canvas == canvas => last.shown_ms += STEP_MS,
            _ => pictures.push(Picture {
                canvas,
                shown_ms: STEP_MS,
            }),
        }
    }
    pictures
}

/// The same into any writer.
pub(super) fn encode<W: Write>(
    out: W,
    (width, height): (u32, u32),
    pictures: &[impl AnimationPicture],
    set_up: impl FnOnce(&mut Encoder<'_, W>),
) -> Result<(), EncodingError> {
    if pictures.is_empty() {
        return Err(io::Error::other("no picture").into());
    }
    let mut encoder = Encoder::new(out, width, height);
    encoder.set_compression(Compression::High);
    set_up(&mut encoder);
    encoder.set_animated(pictures.len() as u32, 0)?;
    encoder.set_blend_op(BlendOp::Source)?;
    let mut writer = encoder.write_header()?;
    let mut before = None;
    for picture in pictures {
        let part = before.map_or((0, 0, width, height), |before| picture.changed(before));
        let (x, y, w, h) = part;
        writer.set_frame_delay(picture.shown_ms(), 1_000)?;
        if before.is_some() {
            // Size and place change one after the other and must never reach beyond the picture, so begin in the
            // corner.
            writer.reset_frame_position()?;
            writer.set_frame_dimension(w, h)?;
            writer.set_frame_position(x, y)?;
        }
        writer.write_image_data(&picture.part(part))?;
        before = Some(picture);
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use moodring_core::expression::Expression;
    use moodring_face::picture::ScreenShape;

    use super::*;

    const STYLE: ShowStyle<'static> = ShowStyle {
        size: (60, 50),
        theme: None,
        lines: &[],
        shape: ScreenShape::Square,
    };

    /// Pastes part after part, as a browser does, and compares each result with what was drawn.
    #[test]
    fn the_parts_put_together_are_the_pictures() {
        let looks = [Expression::Happy.into(), Look::CameraOff];
        let pictures = pictures(&looks, &STYLE);
        let mut bytes = Vec::new();
        encode(&mut bytes, STYLE.size, &pictures, |encoder| {
            encoder.set_color(ColorType::Rgb);
        })
        .unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(&bytes))
            .read_info()
            .unwrap();
        let mut shown = vec![0; 60 * 50 * 3];
        let mut buffer = shown.clone();
        for picture in &pictures {
            reader.next_frame(&mut buffer).unwrap();
            let control = *reader.info().frame_control().unwrap();
            let row_bytes = control.width as usize * 3;
            for y in 0..control.height as usize {
                let start = ((y + control.y_offset as usize) * 60 + control.x_offset as usize) * 3;
                shown[start..start + row_bytes]
                    .copy_from_slice(&buffer[y * row_bytes..][..row_bytes]);
            }
            assert!(shown == picture.canvas.part((0, 0, 60, 50)));
            assert_eq!(control.delay_num, picture.shown_ms);
        }
        let total: u64 = pictures.iter().map(|p| u64::from(p.shown_ms)).sum();
        assert_eq!(total, 2 * HOLD_MS);
    }

    #[test]
    fn a_look_alone_lives() {
        assert!(pictures(&[Expression::Neutral.into()], &STYLE).len() > 5);
    }

    #[test]
    fn a_wrong_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent/film.png");
        let text = write_animation(&[Look::Starting], &STYLE, &absent)
            .unwrap_err()
            .to_string();
        assert!(text.contains("absent/film.png"), "{text}");
    }
}

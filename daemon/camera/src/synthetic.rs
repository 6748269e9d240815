//! A drawn scene with a drawn face that moves, tilts and changes its expression. Frame `n` is the same in every run.

use moodring_core::{
    expression::Expression,
    frame::{Frame, PixelFormat},
};

use super::{
    Camera, CameraError, CameraInfo, Context,
    drawn_face::look,
    frame_pacer::FramePacer,
    sprite::{SPRITE_HEIGHT, Sprite, SpritePose, place},
};

/// How many frames an expression is held, the change to the next included.
const HOLD_FRAMES: u64 = 90;
/// How many of these the change takes.
const FADE_FRAMES: u64 = 12;
/// Rows of the next expression that are drawn with each frame, so that no frame pays for all of them.
const ROWS_PER_FRAME: usize = 4;

/// The order in which expressions are shown.
const ORDER: [Expression; 7] = [
    Expression::Happy,
    Expression::Neutral,
    Expression::Surprise,
    Expression::Sad,
    Expression::Angry,
    Expression::Fear,
    Expression::Disgust,
];

/// The drawn scene.
pub(super) struct Synthetic {
    info: CameraInfo,
    context: Context,
    pace: FramePacer,
    number: u64,
    background: Vec<u8>,
    pixels: Vec<u8>,
    now: Sprite,
    next: Sprite,
}

/// The pose in frame `number` of a picture of `size_px`.
fn pose(number: u64, size_px: (u32, u32)) -> SpritePose {
    // The motion repeats after about three hours; the remainder keeps f32 exact.
    let t = (number % 324_000) as f32 / 30.0;
    let (width, height) = (size_px.0 as f32, size_px.1 as f32);
    let least = width.min(height);
    SpritePose {
        middle_px: (
            width * 0.5 + least * 0.20 * (0.70 * t).sin(),
            height * 0.46 + least * 0.04 * (1.10 * t).sin(),
        ),
        unit_px: least * 0.20 * (1.0 + 0.12 * (0.50 * t).sin()),
        roll_deg: 14.0 * (0.90 * t).sin(),
    }
}

impl Synthetic {
    /// Draws the background and the first face.
    pub(super) fn open(context: Context) -> Self {
        let size_px = context.size_px;
        let background = background(size_px);
        let mut now = Sprite::new(look(ORDER[0]));
        now.draw_rows(SPRITE_HEIGHT);
        Self {
            info: CameraInfo {
                name: "synthetic (a drawn face, no camera)".into(),
                size_px: Some(size_px),
                wire: "drawn".into(),
                format: PixelFormat::Grey,
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: FramePacer::new(context.rate_hz, context.stop.clone()),
            context,
            number: 0,
            pixels: background.clone(),
            background,
            now,
            next: Sprite::new(look(ORDER[1])),
        }
    }

    fn draw(&mut self) {
        let phase = self.number % HOLD_FRAMES;
        if phase == 0 && self.number > 0 {
            std::mem::swap(&mut self.now, &mut self.next);
            let coming = (self.number / HOLD_FRAMES + 1) % 7;
            self.next.restart(look(ORDER[coming as usize]));
        }
        self.next.draw_rows(ROWS_PER_FRAME);
        self.pixels.copy_from_slice(&self.background);
        let fading = phase.saturating_sub(HOLD_FRAMES - FADE_FRAMES);
        let fade = (fading * 256 / FADE_FRAMES) as u32;
        let pose = pose(self.number, self.context.size_px);
        place(
            &mut self.pixels,
            self.context.size_px,
            &pose,
            (&self.now, &self.next),
            fade,
        );
        self.number += 1;
    }
}

impl Camera for Synthetic {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        if !self.pace.wait() {
            return Err(self.info.ended());
        }
        self.draw();
        let time = self.context.clock.now();
        Frame::packed(&self.pixels, PixelFormat::Grey, self.context.size_px, time)
            .map_err(|e| self.info.bad(e.to_string()))
    }
}

/// A wall with a window's light, a shelf and a plinth: edges and ramps, but nothing like a face.
fn background((width, height): (u32, u32)) -> Vec<u8> {
    let (w, h) = (width as f32, height as f32);
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    for y in 0..height {
        for x in 0..width {
            let (s, t) = (x as f32 / w, y as f32 / h);
            let light = 70.0 * (-((s - 0.2) * (s - 0.2) * 4.0 + (t - 0.3) * (t - 0.3) * 3.0)).exp();
            let mut luma = 105.0 + light + 3.0 * (s * 90.0).sin();
            if (0.72..0.74).contains(&t) {
                luma -= 45.0;
            } else if t > 0.74 {
                luma = luma * 0.72 + 2.0 * (t * 160.0 + s * 9.0).sin();
            }
            if (0.80..0.96).contains(&s) && (0.08..0.42).contains(&t) {
                let bar = (0.873..0.887).contains(&s) || (0.24..0.26).contains(&t);
                luma = if bar { 90.0 } else { 215.0 - 40.0 * t };
            }
            pixels.push(luma.clamp(0.0, 255.0) as u8);
        }
    }
    pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(size_px: (u32, u32), count: usize) -> Vec<Vec<u8>> {
        let mut context = Context::for_tests(false);
        context.size_px = size_px;
        let mut scene = Synthetic::open(context);
        let mut take = || {
            scene.draw();
            scene.pixels.clone()
        };
        (0..count).map(|_| take()).collect()
    }

    #[test]
    fn frame_n_is_the_same_in_every_run_and_no_two_are() {
        let one = frames((160, 120), 200);
        assert_eq!(one, frames((160, 120), 200));
        assert!(one.windows(2).all(|w| w[0] != w[1]));
    }

    #[test]
    fn the_next_face_is_drawn_before_it_is_needed() {
        let until_fade = (HOLD_FRAMES - FADE_FRAMES) as usize;
        assert!(until_fade * ROWS_PER_FRAME >= SPRITE_HEIGHT);
    }

    #[test]
    fn every_expression_differs_from_every_other() {
        use super::super::drawn_face::shade;
        let face = |e: Expression| -> Vec<f32> {
            let at = |i: u16| {
                (
                    f32::from(i % 50) / 36.0 - 0.7,
                    f32::from(i / 50) / 30.0 - 0.6,
                )
            };
            (0..2500)
                .map(|i| shade(at(i).0, at(i).1, &look(e)).0)
                .collect()
        };
        let faces = ORDER.map(face);
        for (i, a) in faces.iter().enumerate() {
            for b in &faces[..i] {
                let off: f32 = a.iter().zip(b).map(|(x, y)| (x - y).abs()).sum();
                assert!(off / 2500.0 > 3.0, "{:?}: {}", ORDER[i], off / 2500.0);
            }
        }
    }

    #[test]
    fn any_size_is_drawn() {
        for size in [(16, 16), (16, 300), (300, 16), (33, 57)] {
            let all = frames(size, 100);
            assert_eq!(all[99].len(), (size.0 * size.1) as usize);
        }
    }

    /// Writes frames for other programs to look at: `MOODRING_DUMP=DIR cargo test dump_frames -- --ignored`.
    #[test]
    #[ignore = "writes files for people and other detectors"]
    fn dump_frames() {
        let dir = std::path::PathBuf::from(std::env::var_os("MOODRING_DUMP").unwrap());
        let (width, height) = (640, 480);
        for (i, pixels) in frames((width, height), 7 * HOLD_FRAMES as usize)
            .into_iter()
            .enumerate()
        {
            if i % 15 == 0 {
                let picture = image::GrayImage::from_raw(width, height, pixels).unwrap();
                picture.save(dir.join(format!("{i:04}.png"))).unwrap();
            }
        }
    }
}

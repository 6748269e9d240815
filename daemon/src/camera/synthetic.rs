//! A drawn scene with a drawn face that moves, tilts and changes its expression. Frame `n` is the same in every run.

use moodring_core::{
    expression::Expression,
    frame::{Frame, PixelFormat},
};

use super::{
    Camera, CameraError, CameraInfo, Context,
    drawn::{BOTTOM_V, HALF_U, Look, TOP_V, shade},
    stop::Pace,
};

/// How many frames an expression is held, the change to the next included.
pub const HOLD_FRAMES: u64 = 90;
/// How many of these the change takes.
const FADE_FRAMES: u64 = 12;
/// Pixels of a sprite for half a face width.
const UNIT: f32 = 64.0;
const SPRITE_WIDTH: usize = (2.0 * HALF_U * UNIT) as usize;
const SPRITE_HEIGHT: usize = ((BOTTOM_V - TOP_V) * UNIT) as usize;
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
    pace: Pace,
    number: u64,
    background: Vec<u8>,
    pixels: Vec<u8>,
    now: Sprite,
    next: Sprite,
}

/// A face, drawn once and then turned and scaled: pairs of luma times coverage, and coverage.
struct Sprite {
    look: Look,
    texels: Vec<[u8; 2]>,
    rows: usize,
}

/// Where the face is in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// The middle of the head, in pixels.
    pub middle_px: (f32, f32),
    /// Half the face's width in pixels.
    pub unit_px: f32,
    /// The tilt, clockwise positive.
    pub roll_deg: f32,
    /// What it shows; it is on the way to the next for the last frames of its time.
    pub expression: Expression,
}

/// The pose in frame `number` of a picture of `size_px`. A closed formula, so that tests know the truth.
pub fn pose(number: u64, size_px: (u32, u32)) -> Pose {
    // The motion repeats after about three hours; the remainder keeps f32 exact.
    let t = (number % 324_000) as f32 / 30.0;
    let (width, height) = (size_px.0 as f32, size_px.1 as f32);
    let least = width.min(height);
    Pose {
        middle_px: (
            width * 0.5 + least * 0.20 * (0.70 * t).sin(),
            height * 0.46 + least * 0.04 * (1.10 * t).sin(),
        ),
        unit_px: least * 0.20 * (1.0 + 0.12 * (0.50 * t).sin()),
        roll_deg: 14.0 * (0.90 * t).sin(),
        expression: ORDER[(number / HOLD_FRAMES % 7) as usize],
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
            pace: Pace::new(context.rate_hz, context.stop.clone()),
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

impl Sprite {
    fn new(look: Look) -> Self {
        Self {
            look,
            texels: vec![[0, 0]; SPRITE_WIDTH * SPRITE_HEIGHT],
            rows: 0,
        }
    }

    fn restart(&mut self, look: Look) {
        self.look = look;
        self.rows = 0;
    }

    /// Draws the next rows, if any are missing.
    fn draw_rows(&mut self, count: usize) {
        let end = (self.rows + count).min(SPRITE_HEIGHT);
        for y in self.rows..end {
            let row = &mut self.texels[y * SPRITE_WIDTH..(y + 1) * SPRITE_WIDTH];
            let v = y as f32 / UNIT + TOP_V;
            for (x, texel) in row.iter_mut().enumerate() {
                let (luma, cover) = shade(x as f32 / UNIT - HALF_U, v, &self.look);
                *texel = [(luma * cover) as u8, (cover * 255.0) as u8];
            }
        }
        self.rows = end;
    }

    /// Luma times coverage, and coverage, at a point in 1/256 texels, between the four around it.
    fn sample(&self, x: i32, y: i32) -> [u32; 2] {
        let at = (y >> 8) as usize * SPRITE_WIDTH + (x >> 8) as usize;
        let (fx, fy) = ((x & 255) as u32, (y & 255) as u32);
        let top = [self.texels[at], self.texels[at + 1]];
        let low = [
            self.texels[at + SPRITE_WIDTH],
            self.texels[at + SPRITE_WIDTH + 1],
        ];
        let mix = |i: usize| {
            let [a, b, c, d] = [top[0][i], top[1][i], low[0][i], low[1][i]].map(u32::from);
            ((a * (256 - fx) + b * fx) * (256 - fy) + (c * (256 - fx) + d * fx) * fy) >> 16
        };
        [mix(0), mix(1)]
    }
}

/// Draws a face over the picture: `faces.0`, on its way to `faces.1` by `fade` of 256.
fn place(
    pixels: &mut [u8],
    (width, height): (u32, u32),
    pose: &Pose,
    faces: (&Sprite, &Sprite),
    fade: u32,
) {
    let (sin, cos) = pose.roll_deg.to_radians().sin_cos();
    // Texels in 1/256 for one pixel to the right; down is the same turned by a quarter.
    let step = 256.0 * UNIT / pose.unit_px;
    let (right, down) = ((step * cos).round() as i32, (step * sin).round() as i32);
    let (rows, columns) = reach(pose, (sin, cos), (width, height));
    let limit_x = (SPRITE_WIDTH as i32 - 1) << 8;
    let limit_y = (SPRITE_HEIGHT as i32 - 1) << 8;
    for y in rows {
        let row = &mut pixels[y * width as usize..(y + 1) * width as usize];
        let (dx, dy) = (
            columns.start as f32 - pose.middle_px.0,
            y as f32 - pose.middle_px.1,
        );
        let mut sx = ((dx * cos + dy * sin) * step + 256.0 * HALF_U * UNIT) as i32;
        let mut sy = ((dy * cos - dx * sin) * step - 256.0 * TOP_V * UNIT) as i32;
        for pixel in &mut row[columns.clone()] {
            if (0..limit_x).contains(&sx) && (0..limit_y).contains(&sy) {
                let [mut luma, mut cover] = faces.0.sample(sx, sy);
                if fade > 0 {
                    let [other, other_cover] = faces.1.sample(sx, sy);
                    luma = (luma * (256 - fade) + other * fade) >> 8;
                    cover = (cover * (256 - fade) + other_cover * fade) >> 8;
                }
                // At most 255: luma is never above its coverage.
                *pixel = (luma + u32::from(*pixel) * (255 - cover) / 255).min(255) as u8;
            }
            sx += right;
            sy -= down;
        }
    }
}

/// The rows and columns of the picture that a turned sprite can touch.
fn reach(
    pose: &Pose,
    (sin, cos): (f32, f32),
    (width, height): (u32, u32),
) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let corners = [
        (-HALF_U, TOP_V),
        (HALF_U, TOP_V),
        (-HALF_U, BOTTOM_V),
        (HALF_U, BOTTOM_V),
    ];
    let span = |middle: f32, side: u32, along: &dyn Fn((f32, f32)) -> f32| {
        let ends = corners.map(|corner| middle + pose.unit_px * along(corner));
        let least = ends.iter().copied().fold(f32::MAX, f32::min);
        let most = ends.iter().copied().fold(f32::MIN, f32::max);
        let hold = |x: f32| x.clamp(0.0, side as f32) as usize;
        hold(least.floor())..hold(most.ceil())
    };
    (
        span(pose.middle_px.1, height, &|(u, v)| u * sin + v * cos),
        span(pose.middle_px.0, width, &|(u, v)| u * cos - v * sin),
    )
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

/// What each expression does to a face, after the action units of FACS that are named with it most often.
const fn look(expression: Expression) -> Look {
    let rest = Look::REST;
    match expression {
        Expression::Angry => Look {
            brows: -0.7,
            inner: -1.0,
            eyes: 0.85,
            corners: -0.35,
            width: 0.33,
            ..rest
        },
        Expression::Disgust => Look {
            brows: -0.5,
            inner: -0.5,
            eyes: 0.55,
            corners: -0.3,
            open: 0.05,
            teeth: 0.6,
            wrinkle: 1.0,
            ..rest
        },
        Expression::Fear => Look {
            brows: 0.6,
            inner: 0.9,
            eyes: 1.45,
            corners: -0.5,
            open: 0.14,
            teeth: 0.5,
            width: 0.42,
            ..rest
        },
        Expression::Happy => Look {
            corners: 1.0,
            width: 0.50,
            open: 0.15,
            teeth: 1.0,
            eyes: 0.72,
            ..rest
        },
        Expression::Sad => Look {
            brows: -0.1,
            inner: 1.0,
            eyes: 0.75,
            corners: -1.0,
            width: 0.32,
            ..rest
        },
        Expression::Surprise => Look {
            brows: 1.3,
            eyes: 1.55,
            open: 0.34,
            width: 0.25,
            ..rest
        },
        Expression::Neutral => rest,
    }
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

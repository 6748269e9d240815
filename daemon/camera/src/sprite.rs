//! A drawn face, kept as pixels and laid over a picture: moved, scaled, turned and blended into the next.

use std::ops::Range;

use super::drawn_face::{BOTTOM_V, FaceMuscles, HALF_U, TOP_V, shade};

/// Pixels of a sprite for half a face width.
const UNIT: f32 = 64.0;
const SPRITE_WIDTH: usize = (2.0 * HALF_U * UNIT) as usize;
/// Rows of a sprite.
pub(super) const SPRITE_HEIGHT: usize = ((BOTTOM_V - TOP_V) * UNIT) as usize;

/// A face, drawn once and then turned and scaled.
pub(super) struct Sprite {
    look: FaceMuscles,
    /// Luma times coverage in the low half, coverage in the high half, so that both are mixed at once.
    texels: Vec<u32>,
    rows: usize,
}

/// Where the face is in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SpritePose {
    /// The middle of the head, in pixels.
    pub(super) middle_px: (f32, f32),
    /// Half the face's width in pixels.
    pub(super) unit_px: f32,
    /// The tilt, clockwise positive.
    pub(super) roll_deg: f32,
}

impl Sprite {
    /// A sprite without rows.
    pub(super) fn new(look: FaceMuscles) -> Self {
        Self {
            look,
            texels: vec![0; SPRITE_WIDTH * SPRITE_HEIGHT],
            rows: 0,
        }
    }

    /// Begins again with another look.
    pub(super) fn restart(&mut self, look: FaceMuscles) {
        self.look = look;
        self.rows = 0;
    }

    /// Draws the next rows, if any are missing.
    pub(super) fn draw_rows(&mut self, count: usize) {
        let end = (self.rows + count).min(SPRITE_HEIGHT);
        for y in self.rows..end {
            let row = &mut self.texels[y * SPRITE_WIDTH..(y + 1) * SPRITE_WIDTH];
            let v = y as f32 / UNIT + TOP_V;
            for (x, texel) in row.iter_mut().enumerate() {
                let (luma, cover) = shade(x as f32 / UNIT - HALF_U, v, &self.look);
                *texel = (luma * cover) as u32 | ((cover * 255.0) as u32) << 16;
            }
        }
        self.rows = end;
    }

    /// The mix of the four texels around a point, which is in 1/256 texels.
    fn sample(&self, x: i32, y: i32) -> u32 {
        let at = (y >> 8) as usize * SPRITE_WIDTH + (x >> 8) as usize;
        let (top, low) = (
            &self.texels[at..at + 2],
            &self.texels[at + SPRITE_WIDTH..at + SPRITE_WIDTH + 2],
        );
        let (fx, fy) = ((x & 255) as u32, (y & 255) as u32);
        let across = |pair: &[u32]| blend(pair[0], pair[1], fx);
        blend(across(top), across(low), fy)
    }
}

/// Both halves of `a` and `b`, mixed by `part` of 256. Halves hold at most 255, so their products do not meet.
const fn blend(a: u32, b: u32, part: u32) -> u32 {
    ((a * (256 - part) + b * part) >> 8) & 0x00FF_00FF
}

/// Draws a face over the picture: `faces.0`, on its way to `faces.1` by `fade` of 256.
pub(super) fn place(
    pixels: &mut [u8],
    (width, height): (u32, u32),
    pose: &SpritePose,
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
                let mut texel = faces.0.sample(sx, sy);
                if fade > 0 {
                    texel = blend(texel, faces.1.sample(sx, sy), fade);
                }
                let (luma, cover) = (texel & 0xFFFF, texel >> 16);
                if cover > 0 {
                    *pixel = (luma + u32::from(*pixel) * (255 - cover) / 255).min(255) as u8;
                }
            }
            sx += right;
            sy -= down;
        }
    }
}

/// The rows and columns of the picture that a turned sprite can touch.
fn reach(
    pose: &SpritePose,
    (sin, cos): (f32, f32),
    (width, height): (u32, u32),
) -> (Range<usize>, Range<usize>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blend_mixes_both_halves_and_lets_neither_spill() {
        assert_eq!(blend(0x00FF_0000, 0x0000_00FF, 0), 0x00FF_0000);
        assert_eq!(blend(0x00FF_0000, 0x0000_00FF, 128), 0x007F_007F);
        assert_eq!(blend(0x00FF_00FF, 0x00FF_00FF, 77), 0x00FF_00FF);
    }

    #[test]
    fn a_face_is_drawn_at_its_pose_and_nowhere_else() {
        let mut face = Sprite::new(FaceMuscles::REST);
        face.draw_rows(SPRITE_HEIGHT);
        let size = (400, 300);
        for roll_deg in [-30.0_f32, 0.0, 30.0] {
            let pose = SpritePose {
                middle_px: (200.0, 120.0),
                unit_px: 50.0,
                roll_deg,
            };
            let mut pixels = vec![77; 400 * 300];
            place(&mut pixels, size, &pose, (&face, &face), 0);
            let (sin, cos) = roll_deg.to_radians().sin_cos();
            let at = |u: f32, v: f32| {
                let x = pose.middle_px.0 + pose.unit_px * (u * cos - v * sin);
                let y = pose.middle_px.1 + pose.unit_px * (u * sin + v * cos);
                pixels[y.round() as usize * 400 + x.round() as usize]
            };
            // Pupils are dark, the skin between them is bright.
            assert!(at(-0.41, -0.06) < 60 && at(0.41, -0.06) < 60, "{roll_deg}");
            assert!(at(0.0, 0.2) > 140, "{roll_deg}");
            assert_eq!([at(-1.9, -1.4), at(1.9, -1.4)], [77, 77], "{roll_deg}");
        }
    }
}

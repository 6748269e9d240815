//! A pose to pixels: every pixel once, row by row, anti-aliased by the shapes' distances.
//!
//! No framebuffer is needed: a target that shows only a part of the area gets only that part's pixels, so a
//! microcontroller can draw in bands.

use embedded_graphics::{
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point},
    primitives::Rectangle,
};
use heapless::Vec;
use libm::{ceilf, cosf, floorf, sinf};

use crate::{
    animate::Pose,
    scene::{Layer, MAX_LAYERS, Memo, Scene, Turns},
    shape::{Vec2, at},
    theme::Theme,
};

/// The face's radius over half the area's shorter side; the rest is margin.
const FILL: f32 = 0.94;

/// Draws the face in the middle of `area`, as large as fits, and fills the rest with the theme's background.
///
/// # Errors
/// The target's own.
pub fn draw<D>(target: &mut D, area: Rectangle, pose: &Pose, theme: &Theme) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let seen = area.intersection(&target.bounding_box());
    if seen.is_zero_sized() {
        return Ok(());
    }
    let scene = Scene::new(&pose.params, theme);
    let view = View::new(area, pose);
    let pixels = Pixels::new(&scene, &view, seen);
    target.fill_contiguous(&seen, pixels.map(D::Color::from))
}

/// How pixels and face units belong together.
struct View {
    /// The face's centre in pixels.
    centre: Vec2,
    /// Pixels a face unit.
    radius_px: f32,
    sin: f32,
    cos: f32,
}

impl View {
    fn new(area: Rectangle, pose: &Pose) -> Self {
        let (w, h) = (area.size.width as f32, area.size.height as f32);
        let roll = pose.roll_deg.to_radians();
        Self {
            centre: at(
                area.top_left.x as f32 + 0.5 * w,
                area.top_left.y as f32 + 0.5 * h,
            ),
            // At least half a pixel, so that nothing is divided by 0.
            radius_px: (0.5 * w.min(h) * FILL * pose.params.scale).max(0.5),
            sin: sinf(roll),
            cos: cosf(roll),
        }
    }

    /// The centre of a pixel in face units that do not turn.
    fn unit(&self, x: i32, y: i32) -> Vec2 {
        at(
            (x as f32 + 0.5 - self.centre.x) / self.radius_px,
            (y as f32 + 0.5 - self.centre.y) / self.radius_px,
        )
    }

    /// The same point in face units that turn with the head.
    fn turned(&self, p: Vec2) -> Vec2 {
        at(
            p.x * self.cos + p.y * self.sin,
            p.y * self.cos - p.x * self.sin,
        )
    }

    /// The pixels that a box of face units (two opposite corners) touches.
    fn pixels(&self, (low, high): (Vec2, Vec2), turns: Turns) -> Span {
        let mut span = Span::EMPTY;
        for corner in [low, at(high.x, low.y), at(low.x, high.y), high] {
            let p = match turns {
                Turns::Never => corner,
                Turns::WithHead => at(
                    corner.x * self.cos - corner.y * self.sin,
                    corner.x * self.sin + corner.y * self.cos,
                ),
            };
            let x = self.centre.x + p.x * self.radius_px;
            let y = self.centre.y + p.y * self.radius_px;
            span.include(x, y);
        }
        span
    }
}

/// A box of pixels; right and bottom are one past the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Span {
    const EMPTY: Self = Self {
        left: i32::MAX,
        top: i32::MAX,
        right: i32::MIN,
        bottom: i32::MIN,
    };

    /// What both hold.
    fn and(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// Grows to this point and the pixel around it, where the edge still fades.
    fn include(&mut self, x: f32, y: f32) {
        self.left = self.left.min(floorf(x) as i32 - 1);
        self.top = self.top.min(floorf(y) as i32 - 1);
        self.right = self.right.max(ceilf(x) as i32 + 1);
        self.bottom = self.bottom.max(ceilf(y) as i32 + 1);
    }
}

/// The colours of an area's pixels, row by row.
struct Pixels<'a> {
    scene: &'a Scene,
    view: &'a View,
    area: Rectangle,
    at: Point,
    spans: Vec<Span, MAX_LAYERS>,
    /// Layers that this row touches.
    row: Vec<u8, MAX_LAYERS>,
}

impl<'a> Pixels<'a> {
    fn new(scene: &'a Scene, view: &'a View, area: Rectangle) -> Self {
        let span = |layer: &Layer| {
            let (low, high) = scene.bounds(layer);
            let soft = at(0.5 * layer.soft, 0.5 * layer.soft);
            view.pixels((low.minus(soft), high.plus(soft)), layer.turns)
        };
        let spans = scene.layers.iter().map(|layer| match scene.outer(layer) {
            Some(outer) => span(layer).and(span(outer)),
            None => span(layer),
        });
        let mut pixels = Self {
            scene,
            view,
            area,
            at: area.top_left,
            spans: spans.collect(),
            row: Vec::new(),
        };
        pixels.enter_row();
        pixels
    }

    fn enter_row(&mut self) {
        let y = self.at.y;
        self.row.clear();
        for (i, span) in self.spans.iter().enumerate() {
            if span.top <= y && y < span.bottom {
                // As long as the spans, so it always fits.
                let _full = self.row.push(i as u8);
            }
        }
    }

    fn colour(&self) -> Rgb888 {
        let Point { x, y } = self.at;
        let still = self.view.unit(x, y);
        let turned = self.view.turned(still);
        let pixels = self.view.radius_px;
        let mut colour = self.scene.ground(turned, pixels);
        let mut memo = Memo::EMPTY;
        for &i in &self.row {
            let i = usize::from(i);
            let span = &self.spans[i];
            if x < span.left || x >= span.right {
                continue;
            }
            let layer = &self.scene.layers[i];
            let p = match layer.turns {
                Turns::WithHead => turned,
                Turns::Never => still,
            };
            let cover = self.scene.cover(layer, p, pixels, &mut memo);
            if cover > 0.0 {
                colour = colour.under(layer.colour, cover);
            }
        }
        colour.into()
    }
}

impl Iterator for Pixels<'_> {
    type Item = Rgb888;

    fn next(&mut self) -> Option<Rgb888> {
        let end = self.area.top_left + self.area.size;
        if self.at.y >= end.y {
            return None;
        }
        let colour = self.colour();
        self.at.x += 1;
        if self.at.x == end.x {
            self.at = Point::new(self.area.top_left.x, self.at.y + 1);
            self.enter_row();
        }
        Some(colour)
    }
}

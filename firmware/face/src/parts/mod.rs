//! Builds a face's layers out of its numbers, part by part. Floats end here.
//!
//! | module | what it holds |
//! |---|---|
//! | `eye` | eyes and brows |
//! | `mouth` | lips, teeth, tongue |
//! | `skin` | cheeks, tears |
//! | `letters` | letters beside the head |
//! | `device_states` | the device's own: mask, code, dots |

mod device_states;
mod eye;
mod letters;
mod mouth;
mod skin;

use embedded_graphics::{pixelcolor::Rgb888, primitives::Rectangle};
use libm::{cosf, sinf};

use crate::{
    animate::Pose,
    layers::{Layer, LayerStack, Paint},
    params::Extras,
    picture::ScreenShape,
    raster::{
        LINES,
        clip::{ClipEdge, Side},
        disc::Disc,
        line_at,
        outline::{self, Ends, Pen},
        row::Colour,
        shapes::{Shape, Shapes, Transform},
    },
    skin::{Tones, colour},
    theme::{Shades, Theme, Tint},
    vec2::{Vec2, at, bow},
};

/// The head's radius over half the area's shorter side; the rest is margin. On round glass the letters beside the
/// head, where there are some, need the room that corners have elsewhere.
fn fill(shape: ScreenShape, extras: &Extras) -> f32 {
    match shape {
        ScreenShape::Square => 0.94,
        ScreenShape::Round => 0.98 - 0.12 * extras.query.max(extras.snore).clamp(0.0, 1.0),
    }
}

/// Steps along a bent stroke.
const STROKE_STEPS: usize = 8;
/// Thinner than this (in face units) is absent.
const NOTHING: f32 = 0.004;

/// Builds the whole face into an empty stack, in pixels from the area's left top corner.
pub(crate) fn build(
    stack: &mut LayerStack,
    area: Rectangle,
    pose: &Pose,
    theme: &Theme,
    shape: ScreenShape,
) {
    let (w, h) = (area.size.width as f32, area.size.height as f32);
    let params = &pose.params;
    // At least half a pixel, so that nothing is divided by 0.
    let radius = (0.5 * w.min(h) * fill(shape, &params.extras) * params.scale).max(0.5);
    let centre = at(0.5 * w, 0.5 * h);
    let roll = pose.roll_deg.to_radians();
    let (sin, cos) = (radius * sinf(roll), radius * cosf(roll));
    stack.head = Disc::new(centre.x, centre.y, radius, radius);
    stack.tones = Tones::new(&params.skin, theme);
    stack.background = colour(theme.background);
    let line = match theme.tint {
        Tint::Skin => colour(theme.line),
        Tint::Lines => stack.tones.line(colour(theme.line)),
    };
    let mut face = Builder {
        stack,
        theme,
        line,
        shape,
        head: Transform {
            centre,
            right: at(cos, sin),
            down: at(-sin, cos),
        },
        still: Transform {
            centre,
            right: at(radius, 0.0),
            down: at(0.0, radius),
        },
    };
    if theme.tint == Tint::Skin {
        // A disc does not turn: a tilt changes only what tilts.
        let map = face.still;
        let disc = face.shape(|shapes| shapes.oval(&map, at(0.0, 0.0), at(1.0, 1.0)));
        face.paint(disc, Paint::Skin);
    }
    skin::build(&mut face, params);
    eye::build(&mut face, params);
    mouth::build(&mut face, &params.mouth);
    skin::drops(&mut face, params);
    device_states::build(&mut face, &params.extras, pose.code);
    letters::build(&mut face, &params.extras);
}

/// Puts layers onto a stack.
pub(crate) struct Builder<'a> {
    stack: &'a mut LayerStack,
    theme: &'a Theme,
    /// The colour of lines: the theme's, or tinted.
    line: Colour,
    shape: ScreenShape,
    /// What turns with the head.
    head: Transform,
    /// What does not.
    still: Transform,
}

impl Builder<'_> {
    /// A shape of all that `add` adds.
    fn shape(&mut self, add: impl FnOnce(&mut Shapes)) -> Shape {
        self.stack.shapes.shape(add)
    }

    fn oval(&mut self, centre: Vec2, radii: Vec2) -> Shape {
        let map = self.head;
        self.shape(|shapes| shapes.oval(&map, centre, radii))
    }

    fn polygon(&mut self, points: &[Vec2]) -> Shape {
        let map = self.head;
        self.shape(|shapes| shapes.polygon(&map, points))
    }

    fn stroke(&mut self, points: &[Vec2], ends: Ends, pen: Pen) -> Shape {
        let map = self.head;
        self.shape(|shapes| outline::stroke(shapes, &map, points, ends, pen))
    }

    /// A layer on top; its number.
    fn paint(&mut self, shape: Shape, paint: Paint) -> usize {
        self.stack.push(Layer {
            shape,
            paint,
            within: None,
            clip: None,
        })
    }

    /// An opaque layer in one of the theme's colours.
    fn flat(&mut self, shape: Shape, c: Rgb888) -> usize {
        self.paint(shape, opaque(c))
    }

    /// An opaque layer in the lines' colour.
    fn ink(&mut self, shape: Shape) -> usize {
        let paint = Paint::Flat(self.line, 256);
        self.paint(shape, paint)
    }

    /// Half the thickness of a line, as bold as the theme wants it.
    fn bold(&self, half_thick: f32) -> f32 {
        (half_thick * self.theme.weight).max(0.5 * self.thinnest())
    }

    /// The thickness of a line around something.
    fn rim(&self, thick: f32) -> f32 {
        (thick * self.theme.weight).max(self.thinnest())
    }

    /// The thinnest line that has no gaps.
    fn thinnest(&self) -> f32 {
        match self.theme.shades {
            Shades::All => 0.0,
            // A little more than a pixel.
            Shades::Two => 1.15 / self.still.right.x,
        }
    }

    /// The edge through `centre` that falls by `slope` per unit to the right: what lies above is hidden.
    fn lid(&self, centre: Vec2, slope: f32) -> ClipEdge {
        let p = self.head.point(centre);
        let normal = self.head.direction(at(-slope, 1.0));
        // A level edge is hardly slanted instead: then a scan line always crosses it somewhere.
        let least = 1e-3 * normal.y.abs().max(1e-3);
        let across = if normal.x.abs() < least {
            least
        } else {
            normal.x
        };
        let per_line = -normal.y / (across * LINES as f32);
        // bound(line) = p.x + per_line * (line - line of p)
        let base = p.x - per_line * line_at(p.y);
        ClipEdge {
            base: (base * 65536.0) as i64,
            step: (per_line * 65536.0) as i64,
            seen: if across > 0.0 {
                Side::Right
            } else {
                Side::Left
            },
        }
    }
}

fn opaque(c: Rgb888) -> Paint {
    Paint::Flat(colour(c), 256)
}

/// Points along a bent stroke from `a` to `b`.
fn bent(a: Vec2, b: Vec2, bend: f32) -> [Vec2; STROKE_STEPS + 1] {
    core::array::from_fn(|i| bow(a, b, bend, i as f32 / STROKE_STEPS as f32))
}

//! Builds the mouth: lips, what is visible between them, and a tongue that hangs out.

use core::f32::consts::FRAC_1_SQRT_2;

use heapless::Vec;
use libm::exp2f;

use super::{Builder, NOTHING, opaque};
use crate::{
    layers::Paint,
    params::Mouth,
    raster::outline::{Ends, MAX_STROKE, Pen},
    skin::{colour, share},
    vec2::{Vec2, at},
};

/// Steps along a lip.
const STEPS: usize = 16;
/// `cos(pi i / 16)`.
const COSINE: [f32; 17] = [
    1.0,
    0.9807853,
    0.9238795,
    0.8314696,
    FRAC_1_SQRT_2,
    0.5555702,
    0.3826834,
    0.1950903,
    0.0,
    -0.1950903,
    -0.3826834,
    -0.5555702,
    -FRAC_1_SQRT_2,
    -0.8314696,
    -0.9238795,
    -0.9807853,
    -1.0,
];
/// `log2(sin(pi i / 16))` for i = 1 to 8; the other half is its mirror image.
const LOG2_SINE: [f32; 8] = [
    -2.357_786, -1.3857767, -0.8479588, -0.5, -0.2662646, -0.1142233, -0.0279908, 0.0,
];

/// The lips from corner to corner.
struct Lips {
    upper: [Vec2; STEPS + 1],
    /// Upper and lower, all around.
    ring: Vec<Vec2, MAX_STROKE>,
}

impl Lips {
    fn of(mouth: &Mouth, lower: f32) -> Self {
        // sin^round, without a power for each lip.
        let half = LOG2_SINE.map(|sine| exp2f(mouth.round.max(0.1) * sine));
        let bulges: [f32; STEPS + 1] = core::array::from_fn(|i| match i.min(STEPS - i) {
            0 => 0.0,
            i => half[i - 1],
        });
        let point = |i: usize, middle: f32| {
            let along = COSINE[i];
            let height = mouth.corner + (middle - mouth.corner) * bulges[i];
            at(
                mouth.x + mouth.half_width * along,
                mouth.y + height + mouth.skew * along,
            )
        };
        let line = |middle: f32| core::array::from_fn(|i| point(STEPS - i, middle));
        let (upper, below) = (line(mouth.upper), line(lower));
        // The corners belong to the upper lip already.
        let back = below[1..STEPS].iter().rev();
        Self {
            upper,
            ring: upper.iter().chain(back).copied().collect(),
        }
    }
}

/// Builds the mouth: lips, and inside them teeth and tongue where it is open.
pub(super) fn build(face: &mut Builder<'_>, mouth: &Mouth) {
    let lower = mouth.lower.max(mouth.upper);
    let open = lower - mouth.upper;
    tongue_out(face, mouth);
    if mouth.lip >= NOTHING {
        let lips = Lips::of(mouth, lower);
        let pen = Pen::round(face.bold(mouth.lip));
        let line = if open > NOTHING {
            face.stroke(&lips.ring, Ends::Closed, pen)
        } else {
            face.stroke(&lips.upper, Ends::Open, pen)
        };
        face.ink(line);
        if open > NOTHING {
            inside(face, mouth, &lips, share(open / 0.08));
        }
    }
}

/// Tongue and teeth, seen through the open mouth.
fn inside(face: &mut Builder<'_>, mouth: &Mouth, lips: &Lips, opacity: u32) {
    let hole = face.polygon(&lips.ring);
    let hole = face.paint(hole, Paint::Flat(colour(face.theme.mouth), opacity));
    let seen = |face: &mut Builder<'_>, shape, c| {
        let layer = face.paint(shape, Paint::Flat(c, opacity));
        if let Some(layer) = face.stack.layers.get_mut(layer) {
            layer.within = Some(hole);
        }
    };
    if mouth.tongue > NOTHING {
        let centre = at(mouth.x, mouth.y + mouth.lower);
        let shape = face.oval(centre, at(0.62 * mouth.half_width, mouth.tongue));
        seen(face, shape, colour(face.theme.tongue));
    }
    if mouth.teeth > NOTHING {
        // Under the whole upper lip; what is too much lies outside of the mouth.
        let gums = lips.upper.iter().copied();
        let edge = gums.clone().rev().map(|p| at(p.x, p.y + mouth.teeth));
        let band: Vec<Vec2, { 2 * (STEPS + 1) }> = gums.chain(edge).collect();
        let shape = face.polygon(&band);
        seen(face, shape, colour(face.theme.white));
    }
}

/// A tongue over the lower lip, cut off straight where it comes out.
fn tongue_out(face: &mut Builder<'_>, mouth: &Mouth) {
    let out = mouth.tongue_out;
    if out < 0.03 {
        return;
    }
    let half_width = 0.2_f32.min(out);
    let root = at(mouth.x, mouth.y + 0.5 * (mouth.lower + mouth.upper));
    let tip = at(root.x, root.y + out - 0.3 * half_width);
    let lid = face.lid(root, 0.0);
    let middle = [at(root.x, root.y + 0.35 * out), at(tip.x, tip.y - 0.02)];
    for (points, radius, paint) in [
        (
            [root, tip],
            half_width + face.rim(0.04),
            Paint::Flat(face.line, 256),
        ),
        ([root, tip], half_width, opaque(face.theme.tongue)),
        (middle, face.bold(0.022), opaque(face.theme.tongue_line)),
    ] {
        let shape = face.stroke(&points, Ends::Open, Pen::round(radius));
        let layer = face.paint(shape, paint);
        if let Some(layer) = face.stack.layers.get_mut(layer) {
            layer.clip = Some(lid);
        }
    }
}

//! Builds the letters beside the head: a question mark, the z of sleep. They do not turn with the head.

use super::Builder;
use crate::{
    params::Extras,
    picture::ScreenShape,
    raster::{
        outline::{self, Ends, Pen},
        shapes::Transform,
    },
    vec2::{Vec2, at},
};

/// The question mark's hook: 1.45 half turns of a circle in 16 steps.
const HOOK: [(f32, f32); 17] = [
    (-1.0, 0.0),
    (-0.9597, -0.2809),
    (-0.8422, -0.5391),
    (-0.6569, -0.754),
    (-0.4187, -0.9081),
    (-0.1467, -0.9892),
    (0.137, -0.9906),
    (0.4097, -0.9122),
    (0.6494, -0.7604),
    (0.8369, -0.5474),
    (0.9569, -0.2903),
    (1.0, -0.0098),
    (0.9625, 0.2714),
    (0.8475, 0.5308),
    (0.6643, 0.7475),
    (0.4276, 0.904),
    (0.1564, 0.9877),
];

/// Builds the letters that `extras` asks for.
pub(super) fn build(face: &mut Builder<'_>, extras: &Extras) {
    query(face, extras.query);
    snore(face, extras);
}

/// A letter of one or two strokes, with a margin so that it stands off from the face.
fn note(face: &mut Builder<'_>, strokes: &[&[Vec2]], half_thick: f32) {
    let map: Transform = face.still;
    let theme = face.theme;
    for (radius, c) in [
        (half_thick + 0.05, theme.background),
        (half_thick, theme.note),
    ] {
        let shape = face.shape(|shapes| {
            for points in strokes {
                outline::stroke(shapes, &map, points, Ends::Open, Pen::round(radius));
            }
        });
        face.flat(shape, c);
    }
}

fn query(face: &mut Builder<'_>, amount: f32) {
    let size = 0.155 * amount;
    if size < 0.02 {
        return;
    }
    // Inward where the corners are not seen.
    let centre = match face.shape {
        ScreenShape::Square => at(0.81, -0.78),
        ScreenShape::Round => at(0.71, -0.64),
    };
    let mut line = [centre; HOOK.len() + 1];
    for (point, (x, y)) in line.iter_mut().zip(HOOK) {
        *point = centre.plus(at(x, y).times(size));
    }
    line[HOOK.len()] = at(centre.x, centre.y + 1.5 * size);
    let dot = [at(centre.x, centre.y + 2.35 * size)];
    note(face, &[&line, &dot], 0.32 * size);
}

fn snore(face: &mut Builder<'_>, extras: &Extras) {
    let (shift, shrink) = match face.shape {
        ScreenShape::Square => (at(0.0, 0.0), 1.0),
        ScreenShape::Round => (at(-0.3, 0.28), 0.8),
    };
    for (x, y, size) in [
        (0.58, -0.54, 0.08),
        (0.74, -0.74, 0.105),
        (0.9, -0.94, 0.13),
    ] {
        // Each letter drifts toward the place of the next.
        let centre = at(x + 0.05 * extras.float, y - 0.06 * extras.float).plus(shift);
        let size = size * shrink * extras.snore;
        if size < 0.02 {
            continue;
        }
        let corners = [(-0.8, -1.0), (0.8, -1.0), (-0.8, 1.0), (0.8, 1.0)];
        let letter = corners.map(|(dx, dy)| centre.plus(at(dx, dy).times(size)));
        note(face, &[&letter], 0.26 * size);
    }
}

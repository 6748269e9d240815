//! Builds the device's own states: a mask while the camera is off, a fault's code, the dots of a start.

use super::{Builder, opaque};
use crate::{
    params::Extras,
    raster::outline::{Ends, Pen},
    vec2::{Vec2, at},
};

/// Where the mask and the code sit.
const MASK_Y: f32 = -0.16;
const CODE_Y: f32 = 0.42;
/// Half a digit's width and height, and the distance from digit to digit.
const DIGIT: Vec2 = at(0.09, 0.165);
const DIGIT_STEP: f32 = 0.3;
/// Half the thickness of its lines. As bold as other lines are they would run together.
const DIGIT_WEIGHT: f32 = 0.032;

/// Seven-segment signs: bits 0 to 6 are the top, then clockwise around, then the middle.
const SEGMENTS: [u8; 11] = [
    0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f, 0x79,
];
/// The letter E among them.
const E: usize = 10;
/// Where each segment begins and ends, in halves of a digit.
const STROKES: [[(f32, f32); 2]; 7] = [
    [(-1.0, -1.0), (1.0, -1.0)],
    [(1.0, -1.0), (1.0, 0.0)],
    [(1.0, 0.0), (1.0, 1.0)],
    [(-1.0, 1.0), (1.0, 1.0)],
    [(-1.0, 0.0), (-1.0, 1.0)],
    [(-1.0, -1.0), (-1.0, 0.0)],
    [(-1.0, 0.0), (1.0, 0.0)],
];

/// Builds the signs of the device's own states: mask, code, dots.
pub(super) fn build(face: &mut Builder<'_>, extras: &Extras, code: u16) {
    if extras.mask > 0.05 {
        mask(face, extras.mask);
    }
    if extras.code > 0.05 {
        plate(face, extras.code, code);
    }
    if extras.dots > 0.05 {
        dots(face, extras);
    }
}

/// A mask over the eyes with a camera that is crossed out.
fn mask(face: &mut Builder<'_>, size: f32) {
    let theme = face.theme;
    let line = |a: Vec2, b: Vec2| [a, b];
    let strap = line(at(-0.93, MASK_Y - 0.06), at(0.93, MASK_Y - 0.06));
    let shape = face.stroke(&strap, Ends::Open, Pen::round(0.05 * size));
    face.flat(shape, theme.plate);
    let cloth = line(at(-0.44, MASK_Y), at(0.44, MASK_Y));
    let shape = face.stroke(&cloth, Ends::Open, Pen::round(0.35 * size));
    face.flat(shape, theme.plate);
    let spot = |x: f32, y: f32| at(x * size, MASK_Y + y * size);
    let body = line(spot(-0.22, 0.0), spot(0.04, 0.0));
    let shape = face.stroke(&body, Ends::Open, Pen::round(0.16 * size));
    face.flat(shape, theme.sign);
    let lens = [spot(0.14, 0.0), spot(0.46, -0.18), spot(0.46, 0.18)];
    let shape = face.polygon(&lens);
    face.flat(shape, theme.sign);
    let across = line(spot(-0.34, -0.26), spot(0.34, 0.26));
    for (radius, c) in [(0.085, theme.plate), (0.045, theme.sign)] {
        let shape = face.stroke(&across, Ends::Open, Pen::round(radius * size));
        face.flat(shape, c);
    }
}

/// A plate in place of the mouth, with E and the code.
fn plate(face: &mut Builder<'_>, size: f32, code: u16) {
    let code = usize::from(code.min(999));
    let all = [E, code / 100, code / 10 % 10, code % 10];
    // Two digits look like a code, one does not.
    let signs = if code < 100 {
        &[all[0], all[2], all[3]][..]
    } else {
        &all[..]
    };
    let half = 0.5 * DIGIT_STEP * (signs.len() - 1) as f32;
    let ends = [at(-half - 0.02, CODE_Y), at(half + 0.02, CODE_Y)];
    let shape = face.stroke(&ends, Ends::Open, Pen::round(0.29 * size));
    face.flat(shape, face.theme.plate);
    let map = face.head;
    let shape = face.shape(|shapes| {
        for (i, sign) in signs.iter().enumerate() {
            let middle = at(DIGIT_STEP * i as f32 - half, CODE_Y);
            for (bit, ends) in STROKES.iter().enumerate() {
                if SEGMENTS[*sign] >> bit & 1 == 1 {
                    let [a, b] =
                        ends.map(|(x, y)| middle.plus(at(x * DIGIT.x, y * DIGIT.y).times(size)));
                    shapes.polygon(&map, &bar(a, b, DIGIT_WEIGHT * size));
                }
            }
        }
    });
    face.paint(shape, opaque(face.theme.sign));
}

/// An upright or level bar with square ends.
fn bar(a: Vec2, b: Vec2, half_thick: f32) -> [Vec2; 4] {
    let (left, right) = (a.x.min(b.x) - half_thick, a.x.max(b.x) + half_thick);
    let (top, bottom) = (a.y.min(b.y) - half_thick, a.y.max(b.y) + half_thick);
    [
        at(left, top),
        at(right, top),
        at(right, bottom),
        at(left, bottom),
    ]
}

/// Three dots in the place of the mouth; one of them is large.
fn dots(face: &mut Builder<'_>, extras: &Extras) {
    let large = (extras.beat.clamp(0.0, 1.0) * 2.99) as usize;
    for i in 0..3 {
        let radius = if i == large { 0.13 } else { 0.085 } * extras.dots;
        let centre = at(0.34 * (i as f32 - 1.0), 0.4);
        let shape = face.oval(centre, at(radius, radius));
        face.ink(shape);
    }
}

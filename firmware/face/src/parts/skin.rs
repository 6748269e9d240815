//! Builds what lies on the skin: red cheeks and tears.

use super::Builder;
use crate::{
    layers::Paint,
    params::Params,
    raster::disc::Disc,
    skin::{colour, share},
    vec2::{Vec2, at},
};

/// The teardrop curve `x = sin t sin^1.6(t / 2), y = -cos t` (Mathworld) in 24 steps, 1.15 wide and 1.35 high.
const DROP: [(f32, f32); 24] = [
    (0.0, -1.35),
    (0.0115, -1.304),
    (0.0661, -1.1691),
    (0.1749, -0.9546),
    (0.3285, -0.675),
    (0.5021, -0.3494),
    (0.6605, 0.0),
    (0.767, 0.3494),
    (0.7912, 0.675),
    (0.7164, 0.9546),
    (0.544, 1.1691),
    (0.2936, 1.304),
    (0.0, 1.35),
    (-0.2936, 1.304),
    (-0.544, 1.1691),
    (-0.7164, 0.9546),
    (-0.7912, 0.675),
    (-0.767, 0.3494),
    (-0.6605, 0.0),
    (-0.5021, -0.3494),
    (-0.3285, -0.675),
    (-0.1749, -0.9546),
    (-0.0661, -1.1691),
    (-0.0115, -1.304),
];

/// What lies under eyes and mouth.
pub(super) fn build(face: &mut Builder<'_>, params: &Params) {
    if face.theme.blushes {
        blush(face, params.extras.blush);
    }
}

/// What lies over them.
pub(super) fn drops(face: &mut Builder<'_>, params: &Params) {
    let (extras, eye) = (&params.extras, &params.right_eye);
    if extras.tear > 0.05 {
        let centre = at(eye.x + 0.16, eye.y + 0.4);
        drop(face, centre, 0.17 * extras.tear);
    }
}

fn blush(face: &mut Builder<'_>, amount: f32) {
    if amount <= 0.0 {
        return;
    }
    for side in [-1.0, 1.0] {
        let centre = face.head.point(at(side * 0.66, 0.14));
        let radius = face.still.right.x;
        let disc = Disc::new(centre.x, centre.y, 0.25 * radius, 0.21 * radius);
        let map = face.still;
        let shape = face.shape(|shapes| {
            let at_rest = map.unpoint(centre);
            shapes.oval(&map, at_rest, at(0.25, 0.21));
        });
        let paint = Paint::Glow(colour(face.theme.blush), share(0.75 * amount), disc);
        face.paint(shape, paint);
    }
}

/// A drop of this radius, its tip up.
fn drop(face: &mut Builder<'_>, centre: Vec2, radius: f32) {
    let line = face.rim(0.03);
    for (radius, c) in [
        (radius + line, face.theme.tear_line),
        (radius, face.theme.tear),
    ] {
        let points = DROP.map(|(x, y)| centre.plus(at(x, y).times(radius)));
        let shape = face.polygon(&points);
        face.flat(shape, c);
    }
    if face.theme.glints {
        let shine = at(centre.x - 0.32 * radius, centre.y + 0.5 * radius);
        let shape = face.oval(shine, at(0.16 * radius, 0.26 * radius));
        face.paint(shape, Paint::Flat(colour(face.theme.white), 205));
    }
}

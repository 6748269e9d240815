//! Eyes, brows, mouth and what surrounds them, as layers.

use core::f32::consts::PI;

use embedded_graphics::pixelcolor::Rgb888;
use libm::{cosf, powf, sinf};

use crate::{
    params::{Brow, Extras, Eye, Mouth, Params},
    scene::{Layer, Lid, Scene, Shape, Turns},
    shape::{Ends, Vec2, at, bow},
    theme::Theme,
};

/// Steps along a bent stroke.
const STROKE_STEPS: usize = 8;
/// Steps along a lip.
const LIP_STEPS: usize = 20;
/// Thinner than this (in face units) is absent.
const NOTHING: f32 = 0.004;

/// Puts the whole face onto the scene.
pub(crate) fn build(scene: &mut Scene, params: &Params, theme: &Theme) {
    blush(scene, &params.extras, theme);
    eye(scene, &params.left_eye, -1.0, theme);
    eye(scene, &params.right_eye, 1.0, theme);
    brow(scene, &params.left_brow, -1.0, theme);
    brow(scene, &params.right_brow, 1.0, theme);
    wrinkle(scene, params.extras.wrinkle, theme);
    mouth(scene, &params.mouth, theme);
    drops(scene, &params.extras, &params.right_eye, theme);
    query(scene, params.extras.query, theme);
    snore(scene, &params.extras, theme);
}

/// A crisp opaque layer.
fn layer(shape: Shape, colour: Rgb888) -> Layer {
    Layer {
        shape,
        colour: colour.into(),
        opacity: 1.0,
        soft: 0.0,
        within: None,
        lid: None,
        turns: Turns::WithHead,
    }
}

fn path((first, len): (usize, usize), ends: Ends, grow: f32) -> Shape {
    Shape::Path {
        first,
        len,
        ends,
        grow,
        tall: 1.0,
        y: 0.0,
    }
}

fn stroke(points: (usize, usize), half_thick: f32) -> Shape {
    path(points, Ends::Open, half_thick)
}

/// Points along a bent stroke from `a` to `b`.
fn bent(scene: &mut Scene, a: Vec2, b: Vec2, bend: f32) -> (usize, usize) {
    let steps = 0..=STROKE_STEPS;
    scene.keep(steps.map(|i| bow(a, b, bend, i as f32 / STROKE_STEPS as f32)))
}

fn blush(scene: &mut Scene, extras: &Extras, theme: &Theme) {
    if extras.blush <= 0.0 {
        return;
    }
    for side in [-1.0, 1.0] {
        scene.push(Layer {
            opacity: 0.6 * extras.blush,
            soft: 0.22,
            ..layer(
                Shape::Ellipse {
                    centre: at(side * 0.66, 0.14),
                    radii: at(0.13, 0.1),
                },
                theme.blush,
            )
        });
    }
}

fn eye(scene: &mut Scene, eye: &Eye, side: f32, theme: &Theme) {
    let centre = at(side * eye.x, eye.y);
    let lid = (eye.lid > -0.6).then_some(Lid {
        centre: at(centre.x, centre.y + eye.lid),
        slope: -side * eye.lid_slope,
    });
    let within = white(scene, eye, centre, lid, theme);
    let pupil = centre.plus(at(eye.gaze_x, eye.gaze_y));
    let inner = at(pupil.x - side * eye.half_width, pupil.y + eye.tilt);
    let outer = at(pupil.x + side * eye.half_width, pupil.y - eye.tilt);
    let (first, len) = bent(scene, inner, outer, eye.bend);
    let shape = Shape::Path {
        first,
        len,
        ends: Ends::Open,
        grow: eye.half_thick,
        tall: eye.tall,
        y: pupil.y,
    };
    scene.push(Layer {
        within,
        lid,
        ..layer(shape, theme.line)
    });
    glint(scene, eye, pupil, lid, theme);
}

/// The white of an eye with its line; the layer's number, if there is one.
fn white(
    scene: &mut Scene,
    eye: &Eye,
    centre: Vec2,
    lid: Option<Lid>,
    theme: &Theme,
) -> Option<usize> {
    let radii = at(eye.white, eye.white * eye.open);
    if radii.y < 0.03 {
        return None;
    }
    let line = Shape::Ellipse {
        centre,
        radii: radii.plus(at(0.03, 0.03)),
    };
    scene.push(Layer {
        lid,
        ..layer(line, theme.line)
    });
    let shape = Shape::Ellipse { centre, radii };
    Some(scene.push(Layer {
        lid,
        ..layer(shape, theme.white)
    }))
}

/// The light in a round eye; long strokes have none.
fn glint(scene: &mut Scene, eye: &Eye, pupil: Vec2, lid: Option<Lid>, theme: &Theme) {
    let size = eye.half_thick - 0.6 * eye.half_width - 0.03;
    if size < 0.02 {
        return;
    }
    let centre = at(pupil.x - 0.32 * size, pupil.y - 0.6 * size * eye.tall);
    let radii = at(0.34 * size, 0.4 * size);
    scene.push(Layer {
        opacity: 0.85,
        lid,
        ..layer(Shape::Ellipse { centre, radii }, theme.white)
    });
}

fn brow(scene: &mut Scene, brow: &Brow, side: f32, theme: &Theme) {
    if brow.half_thick < NOTHING {
        return;
    }
    let inner = at(side * (brow.x - brow.half_width), brow.y + brow.tilt);
    let outer = at(side * (brow.x + brow.half_width), brow.y - brow.tilt);
    let points = bent(scene, inner, outer, -brow.arch);
    scene.push(layer(stroke(points, brow.half_thick), theme.line));
}

fn wrinkle(scene: &mut Scene, amount: f32, theme: &Theme) {
    let half_thick = 0.026 * amount;
    if half_thick < NOTHING {
        return;
    }
    for (y, half_width) in [(0.04, 0.08), (0.14, 0.11)] {
        let points = bent(scene, at(-half_width, y), at(half_width, y), -0.06);
        scene.push(layer(stroke(points, half_thick), theme.line));
    }
}

/// The point of a lip at `angle` (pi at the left corner, 0 at the right); `middle` is its height in the middle.
fn lip(mouth: &Mouth, middle: f32, angle: f32) -> Vec2 {
    let along = cosf(angle);
    let bulge = powf(sinf(angle).max(0.0), mouth.round.max(0.1));
    let height = mouth.corner + (middle - mouth.corner) * bulge;
    let wave = mouth.wave * sinf(3.0 * PI * along);
    at(
        mouth.x + mouth.half_width * along,
        mouth.y + height + mouth.skew * along + wave,
    )
}

fn mouth(scene: &mut Scene, mouth: &Mouth, theme: &Theme) {
    let steps = |i: usize| PI * i as f32 / LIP_STEPS as f32;
    let upper = scene.keep(
        (0..=LIP_STEPS)
            .rev()
            .map(|i| lip(mouth, mouth.upper, steps(i))),
    );
    let low = mouth.lower.max(mouth.upper);
    // The corners belong to the upper lip already.
    let lower = scene.keep((1..LIP_STEPS).map(|i| lip(mouth, low, steps(i))));
    let ring = (upper.0, upper.1 + lower.1);
    scene.push(layer(path(ring, Ends::Closed, mouth.lip), theme.line));
    let open = low - mouth.upper;
    if open > NOTHING {
        inside(scene, mouth, (upper, ring), (open / 0.08).min(1.0), theme);
    }
    tongue_out(scene, mouth, theme);
}

/// Tongue and teeth, seen through the open mouth.
fn inside(
    scene: &mut Scene,
    mouth: &Mouth,
    (upper, ring): ((usize, usize), (usize, usize)),
    opacity: f32,
    theme: &Theme,
) {
    let hole = scene.push(Layer {
        opacity,
        ..layer(path(ring, Ends::Closed, 0.0), theme.mouth)
    });
    let seen = |shape, colour| Layer {
        opacity,
        within: Some(hole),
        ..layer(shape, colour)
    };
    if mouth.tongue > NOTHING {
        let centre = at(mouth.x, mouth.y + mouth.lower);
        let radii = at(0.62 * mouth.half_width, mouth.tongue);
        scene.push(seen(Shape::Ellipse { centre, radii }, theme.tongue));
    }
    if mouth.teeth > NOTHING {
        scene.push(seen(stroke(upper, mouth.teeth), theme.white));
    }
    if mouth.grit > NOTHING {
        grit(scene, mouth, |points, s: &mut Scene| {
            s.push(seen(stroke(points, mouth.grit), theme.line));
        });
    }
}

/// The lines between clenched teeth: one along the mouth, four across.
fn grit(scene: &mut Scene, mouth: &Mouth, mut line: impl FnMut((usize, usize), &mut Scene)) {
    let middle = 0.5 * (mouth.upper + mouth.lower);
    let along = |i: usize| lip(mouth, middle, PI * (1.0 - i as f32 / STROKE_STEPS as f32));
    let points = scene.keep((0..=STROKE_STEPS).map(along));
    line(points, scene);
    for x in [-0.6, -0.2, 0.2, 0.6] {
        let centre = at(mouth.x + x * mouth.half_width, mouth.y);
        let points = scene.keep([-0.4, 0.4].into_iter().map(|dy| centre.plus(at(0.0, dy))));
        line(points, scene);
    }
}

fn tongue_out(scene: &mut Scene, mouth: &Mouth, theme: &Theme) {
    let out = mouth.tongue_out;
    if out < 0.03 {
        return;
    }
    let half_width = 0.17_f32.min(out);
    let root = at(mouth.x, mouth.y + 0.5 * (mouth.lower + mouth.upper));
    let tip = at(root.x, root.y + out - 0.3 * half_width);
    let points = scene.keep([root, tip].into_iter());
    scene.push(layer(stroke(points, half_width + 0.03), theme.line));
    scene.push(layer(stroke(points, half_width), theme.tongue));
    let middle = scene.keep([root, at(tip.x, tip.y - 0.02)].into_iter());
    scene.push(layer(stroke(middle, 0.022), theme.tongue_line));
}

fn drops(scene: &mut Scene, extras: &Extras, eye: &Eye, theme: &Theme) {
    if extras.tear > 0.05 {
        drop(
            scene,
            at(eye.x + 0.08, eye.y + 0.4),
            0.14 * extras.tear,
            theme,
        );
    }
    if extras.sweat > 0.05 {
        drop(scene, at(-0.72, -0.42), 0.13 * extras.sweat, theme);
    }
}

/// A drop of this radius, its tip up: the teardrop curve `x = sin t sin^m(t/2)`, `y = -cos t` (Mathworld).
fn drop(scene: &mut Scene, centre: Vec2, radius: f32, theme: &Theme) {
    let points = scene.keep((0..16).map(|i| {
        let angle = 2.0 * PI * i as f32 / 16.0;
        let half = sinf(0.5 * angle);
        let x = sinf(angle) * powf(half, 1.6);
        at(
            centre.x + 1.15 * radius * x,
            centre.y - 1.35 * radius * cosf(angle),
        )
    }));
    scene.push(layer(path(points, Ends::Closed, 0.05), theme.tear_line));
    scene.push(layer(path(points, Ends::Closed, 0.02), theme.tear));
    let shine = Shape::Ellipse {
        centre: at(centre.x - 0.32 * radius, centre.y + 0.5 * radius),
        radii: at(0.16 * radius, 0.26 * radius),
    };
    scene.push(Layer {
        opacity: 0.8,
        ..layer(shine, theme.white)
    });
}

/// A letter beside the head, with a margin so that it stands off from the face.
fn note(scene: &mut Scene, points: (usize, usize), half_thick: f32, theme: &Theme) {
    for (grow, colour) in [
        (half_thick + 0.045, theme.background),
        (half_thick, theme.note),
    ] {
        scene.push(Layer {
            turns: Turns::Never,
            ..layer(stroke(points, grow), colour)
        });
    }
}

fn query(scene: &mut Scene, amount: f32, theme: &Theme) {
    let size = 0.13 * amount;
    if size < 0.02 {
        return;
    }
    let centre = at(0.84, -0.82);
    let hook = (0..=8).map(|i| {
        let angle = PI * (1.0 - 1.45 * i as f32 / 8.0);
        at(centre.x + size * cosf(angle), centre.y - size * sinf(angle))
    });
    let stem = [
        at(centre.x, centre.y + 1.25 * size),
        at(centre.x, centre.y + 1.5 * size),
    ];
    let points = scene.keep(hook.chain(stem));
    note(scene, points, 0.3 * size, theme);
    let dot = scene.keep([at(centre.x, centre.y + 2.35 * size)].into_iter());
    note(scene, dot, 0.34 * size, theme);
}

fn snore(scene: &mut Scene, extras: &Extras, theme: &Theme) {
    for (x, y, size) in [(0.58, -0.56, 0.075), (0.74, -0.74, 0.1), (0.9, -0.94, 0.13)] {
        // Each letter drifts toward the place of the next.
        let centre = at(x + 0.05 * extras.float, y - 0.06 * extras.float);
        let size = size * extras.snore;
        if size < 0.02 {
            continue;
        }
        let corners = [(-0.8, -1.0), (0.8, -1.0), (-0.8, 1.0), (0.8, 1.0)];
        let z = corners.map(|(dx, dy)| centre.plus(at(dx * size, dy * size)));
        let points = scene.keep(z.into_iter());
        note(scene, points, 0.24 * size, theme);
    }
}

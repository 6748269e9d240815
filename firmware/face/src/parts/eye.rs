//! Builds eyes and brows.

use super::{Builder, NOTHING, bent};
use crate::{
    layers::Paint,
    params::{Brow, Eye, Params},
    raster::{
        clip::ClipEdge,
        outline::{Ends, Pen},
    },
    skin::colour,
    vec2::{Vec2, at},
};

/// Builds eyes and brows.
pub(super) fn build(face: &mut Builder<'_>, params: &Params) {
    eye(face, &params.left_eye, -1.0);
    eye(face, &params.right_eye, 1.0);
    brow(face, &params.left_brow, -1.0);
    brow(face, &params.right_brow, 1.0);
}

fn eye(face: &mut Builder<'_>, eye: &Eye, side: f32) {
    let centre = at(side * eye.x, eye.y);
    cross(face, centre, eye.cross);
    let lid = (eye.lid > -0.6).then(|| {
        let middle = at(centre.x, centre.y + eye.lid);
        face.lid(middle, -side * eye.lid_slope)
    });
    let within = white(face, eye, centre, lid);
    if eye.half_thick < NOTHING {
        return;
    }
    let pupil = centre.plus(at(eye.gaze_x, eye.gaze_y));
    let inner = at(pupil.x - side * eye.half_width, pupil.y + eye.tilt);
    let outer = at(pupil.x + side * eye.half_width, pupil.y - eye.tilt);
    // Long eyes are lines; round ones are as large as they are.
    let line = (eye.half_width / 0.14).clamp(0.0, 1.0);
    let radius = eye.half_thick * (1.0 - line) + face.bold(eye.half_thick) * line;
    let pen = Pen {
        radius,
        tall: eye.tall,
        y: pupil.y,
    };
    let shape = face.stroke(&bent(inner, outer, eye.bend), Ends::Open, pen);
    let layer = face.ink(shape);
    seen_through(face, layer, within, lid);
    glint(face, eye, pupil, lid);
}

fn seen_through(
    face: &mut Builder<'_>,
    layer: usize,
    within: Option<usize>,
    lid: Option<ClipEdge>,
) {
    if let Some(layer) = face.stack.layers.get_mut(layer) {
        (layer.within, layer.clip) = (within, lid);
    }
}

/// An eye that is out of order.
fn cross(face: &mut Builder<'_>, centre: Vec2, size: f32) {
    if size < 0.03 {
        return;
    }
    for slope in [-size, size] {
        let ends = [centre.plus(at(-size, -slope)), centre.plus(at(size, slope))];
        let pen = Pen::round(face.bold(0.055));
        let shape = face.stroke(&ends, Ends::Open, pen);
        face.ink(shape);
    }
}

/// The white of an eye with its line; the layer's number, if there is one.
fn white(face: &mut Builder<'_>, eye: &Eye, centre: Vec2, lid: Option<ClipEdge>) -> Option<usize> {
    let radii = at(eye.white, eye.white * eye.open);
    if radii.y < 0.03 {
        return None;
    }
    let thick = face.rim(0.03);
    let line = face.oval(centre, radii.plus(at(thick, thick)));
    let line = face.ink(line);
    seen_through(face, line, None, lid);
    let white = face.oval(centre, radii);
    let white = face.flat(white, face.theme.white);
    seen_through(face, white, None, lid);
    Some(white)
}

/// The light in a round eye; long strokes have none.
fn glint(face: &mut Builder<'_>, eye: &Eye, pupil: Vec2, lid: Option<ClipEdge>) {
    let size = eye.half_thick - 0.6 * eye.half_width - 0.03;
    if size < 0.02 || !face.theme.glints {
        return;
    }
    let centre = at(pupil.x - 0.32 * size, pupil.y - 0.6 * size * eye.tall);
    let shape = face.oval(centre, at(0.34 * size, 0.4 * size));
    let layer = face.paint(shape, Paint::Flat(colour(face.theme.white), 218));
    seen_through(face, layer, None, lid);
}

fn brow(face: &mut Builder<'_>, brow: &Brow, side: f32) {
    if brow.half_thick < NOTHING {
        return;
    }
    let inner = at(side * (brow.x - brow.half_width), brow.y + brow.tilt);
    let outer = at(side * (brow.x + brow.half_width), brow.y - brow.tilt);
    let pen = Pen::round(face.bold(brow.half_thick));
    let shape = face.stroke(&bent(inner, outer, -brow.arch), Ends::Open, pen);
    face.ink(shape);
}

//! A face drawn from formulas, shaded enough that detectors take it for one. Knows nothing of frames or time.
//!
//! Lengths are in half face widths: the head's middle is (0, 0), its sides are at u = -1 and 1, the chin at v = 1.3;
//! v grows downward. Luma is 0 to 255.

use moodring_core::expression::Expression;

/// The part of the plane that a sprite covers: u from -`HALF_U` to `HALF_U`, v from `TOP_V` to `BOTTOM_V`.
pub(super) const HALF_U: f32 = 1.6;
/// See [`HALF_U`].
pub(super) const TOP_V: f32 = -1.5;
/// See [`HALF_U`].
pub(super) const BOTTOM_V: f32 = 2.1;

/// What muscles do to a face; 0 is at rest in every field but `eyes`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FaceMuscles {
    /// Corners of the mouth: 1 far up, -1 far down.
    pub(super) corners: f32,
    /// Half the mouth's width.
    pub(super) width: f32,
    /// How far the mouth is open.
    pub(super) open: f32,
    /// How much of the opening shows teeth, 0 to 1.
    pub(super) teeth: f32,
    /// The whole brows up (1) or down (-1).
    pub(super) brows: f32,
    /// The inner ends of the brows up (1) or down (-1).
    pub(super) inner: f32,
    /// How far the eyes are open; 1 at rest.
    pub(super) eyes: f32,
    /// Wrinkles beside and on the nose, upper lip raised, 0 to 1.
    pub(super) wrinkle: f32,
}

impl FaceMuscles {
    /// A face at rest.
    pub(super) const REST: Self = Self {
        corners: 0.0,
        width: 0.36,
        open: 0.0,
        teeth: 0.0,
        brows: 0.0,
        inner: 0.0,
        eyes: 1.0,
        wrinkle: 0.0,
    };
}

/// What each expression does to a face, after the action units of FACS that are named with it most often.
pub(super) const fn look(expression: Expression) -> FaceMuscles {
    let rest = FaceMuscles::REST;
    match expression {
        Expression::Angry => FaceMuscles {
            brows: -0.7,
            inner: -1.0,
            eyes: 0.85,
            corners: -0.35,
            width: 0.33,
            ..rest
        },
        Expression::Disgust => FaceMuscles {
            brows: -0.5,
            inner: -0.5,
            eyes: 0.55,
            corners: -0.3,
            open: 0.05,
            teeth: 0.6,
            wrinkle: 1.0,
            ..rest
        },
        Expression::Fear => FaceMuscles {
            brows: 0.6,
            inner: 0.9,
            eyes: 1.45,
            corners: -0.5,
            open: 0.14,
            teeth: 0.5,
            width: 0.42,
            ..rest
        },
        Expression::Happy => FaceMuscles {
            corners: 1.0,
            width: 0.50,
            open: 0.15,
            teeth: 1.0,
            eyes: 0.72,
            ..rest
        },
        Expression::Sad => FaceMuscles {
            brows: -0.1,
            inner: 1.5,
            eyes: 0.55,
            corners: -1.4,
            width: 0.36,
            ..rest
        },
        Expression::Surprise => FaceMuscles {
            brows: 1.3,
            eyes: 1.55,
            open: 0.34,
            width: 0.25,
            ..rest
        },
        Expression::Neutral => rest,
    }
}

/// Luma and coverage (0 to 1) at a point.
pub(super) fn shade(u: f32, v: f32, look: &FaceMuscles) -> (f32, f32) {
    let mut luma = 0.0;
    let mut cover = 0.0;
    let mut paint = |value: f32, alpha: f32| {
        if alpha > 0.0 {
            // The first paint at a point does not mix with the nothing below it.
            luma += (value - luma) * if cover > 0.0 { alpha } else { 1.0 };
            cover += (1.0 - cover) * alpha;
        }
    };
    if v > 0.7 {
        paint(neck(u, v), edge(neck_inside(u, v), 0.03));
        paint(shirt(u, v), edge(shirt_inside(u, v), 0.04));
    }
    paint(120.0 - 30.0 * u.abs(), edge(ear_inside(u, v), 0.03));
    let (inside, normal) = head_form(u, v);
    if inside > 0.0 {
        let skin = 72.0 + 128.0 * lit(normal);
        paint(skin + features(u, v, look), edge(inside, 0.025));
        eyes(u, v, look, &mut paint);
        brows(u, v, look, &mut paint);
        mouth(u, v, look, &mut paint);
    }
    if v < 0.1 {
        let (value, alpha) = hair(u, v);
        paint(value, alpha);
    }
    (luma.clamp(0.0, 255.0), cover)
}

/// 0 outside, 1 inside, soft over `width`.
fn edge(inside: f32, width: f32) -> f32 {
    let t = (inside / width).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A soft spot of height 1.
fn spot(u: f32, v: f32, at: (f32, f32), size: (f32, f32)) -> f32 {
    let (x, y) = ((u - at.0) / size.0, (v - at.1) / size.1);
    let q = x * x + y * y;
    if q > 9.0 { 0.0 } else { (-q).exp() }
}

/// The head's ellipse, narrower at the jaw: 1 at the middle, 0 at the rim, negative outside; and the normal.
fn head_form(u: f32, v: f32) -> (f32, [f32; 3]) {
    let down = (v / 1.3).clamp(0.0, 1.0);
    let half = 0.97 * (1.0 - 0.16 * down * down);
    let (x, y) = (u / half, v / if v < 0.0 { 1.25 } else { 1.32 });
    let q = x * x + y * y;
    (1.0 - q.sqrt(), [x, y, (1.0 - q).max(0.0).sqrt()])
}

/// Light from the upper left, and some from everywhere.
fn lit([x, y, z]: [f32; 3]) -> f32 {
    (-0.38 * x - 0.42 * y + 0.82 * z).max(0.0)
}

/// Light and shadow of nose, sockets, cheeks, chin and folds, on top of the head's.
fn features(u: f32, v: f32, look: &FaceMuscles) -> f32 {
    let a = u.abs();
    let mut sum = 0.0;
    // Eye sockets and the shadow beside the bridge.
    sum -= 34.0 * spot(a, v, (0.40, -0.10), (0.26, 0.15));
    sum -= 26.0 * spot(a, v, (0.17, -0.02), (0.08, 0.16));
    // Nose: ridge, shaded side, tip, wings, nostrils, shadow below.
    sum += 26.0 * spot(u, v, (-0.01, 0.18), (0.07, 0.30));
    sum -= 24.0 * spot(u, v, (0.14, 0.26), (0.07, 0.24));
    sum += 22.0 * spot(u, v, (-0.02, 0.42), (0.11, 0.09));
    sum -= 26.0 * spot(a, v, (0.22, 0.46), (0.045, 0.09));
    sum -= 85.0 * spot(a, v, (0.105, 0.53), (0.06, 0.032));
    sum -= 26.0 * spot(u, v, (0.03, 0.61), (0.20, 0.05));
    // Cheeks rise with the corners of the mouth.
    let cheek = 0.42 - 0.10 * look.corners.max(0.0);
    sum += (10.0 + 16.0 * look.corners.max(0.0)) * spot(a, v, (0.56, cheek), (0.20, 0.16));
    // Chin and the hollow under the lip.
    sum -= 22.0 * spot(u, v, (0.0, 1.02 + 0.7 * look.open), (0.24, 0.05));
    sum += 12.0 * spot(u, v, (-0.03, 1.15), (0.20, 0.09));
    sum + folds(u, v, look)
}

/// Lines beside the mouth, between the brows and on the nose.
fn folds(u: f32, v: f32, look: &FaceMuscles) -> f32 {
    let a = u.abs();
    let smile = look.corners.max(0.0).max(look.wrinkle);
    let t = ((v - 0.46) / 0.40).clamp(0.0, 1.0);
    let beside = 0.27 + (look.width - 0.06) * t.sqrt() * 0.75;
    let mut sum = -(8.0 + 42.0 * smile) * line(a - beside, 0.035) * band(v, 0.46, 0.90);
    let frown = (-look.inner).max(0.0);
    sum -= 60.0 * frown * line(a - 0.07, 0.022) * band(v, -0.36, -0.12);
    sum -= 45.0 * look.wrinkle * line(v - 0.06 - 0.5 * a, 0.025) * band(a, -0.02, 0.20);
    sum -= 35.0 * look.wrinkle * line(v - 0.16 - 0.5 * a, 0.025) * band(a, -0.02, 0.20);
    let raised = look.brows.max(0.0) + look.inner.max(0.0) * 0.7;
    for height in [-0.52, -0.62] {
        sum -= 26.0 * raised * line(v - height - 0.05 * a, 0.02) * band(a, -0.1, 0.55);
    }
    sum
}

fn line(distance: f32, width: f32) -> f32 {
    let t = distance / width;
    if t.abs() > 3.0 { 0.0 } else { (-t * t).exp() }
}

fn band(x: f32, from: f32, to: f32) -> f32 {
    edge(x - from, 0.08) * edge(to - x, 0.08)
}

fn eyes(u: f32, v: f32, look: &FaceMuscles, paint: &mut impl FnMut(f32, f32)) {
    let side = if u < 0.0 { -1.0 } else { 1.0 };
    let x = u.abs() - 0.41;
    let y = v + 0.06;
    if x.abs() > 0.3 || y.abs() > 0.3 {
        return;
    }
    let arch = 1.0 - (x / 0.20) * (x / 0.20);
    let upper = -0.088 * look.eyes * arch;
    let lower = 0.058 * (0.5 + 0.5 * look.eyes) * arch;
    let inside = (y - upper).min(lower - y).min(arch * 0.1);
    paint(
        205.0 - 60.0 * edge(0.05 - (y - upper), 0.06),
        edge(inside, 0.016),
    );
    let r = (x * x + (y + 0.012) * (y + 0.012)).sqrt();
    let open = edge(inside, 0.012);
    paint(62.0, edge(0.088 - r, 0.02) * open);
    paint(14.0, edge(0.042 - r, 0.015) * open);
    paint(
        245.0,
        0.9 * spot(side * x, y, (-0.03, -0.045), (0.018, 0.018)) * open,
    );
    // Lashes, the crease above and the rim below.
    let ends = edge(arch + 0.12, 0.2);
    paint(34.0, 0.92 * line(y - upper, 0.020) * ends);
    paint(70.0, 0.45 * line(y - upper + 0.065, 0.018) * ends);
    paint(85.0, 0.40 * line(y - lower, 0.014) * ends);
}

fn brows(u: f32, v: f32, look: &FaceMuscles, paint: &mut impl FnMut(f32, f32)) {
    // From the inner end (0) to the outer (1).
    let t = (u.abs() - 0.15) / 0.52;
    if !(-0.1..1.1).contains(&t) {
        return;
    }
    let arch = -0.30 - 0.075 * (1.0 - (2.0 * t - 1.1) * (2.0 * t - 1.1));
    let height = arch - 0.13 * look.brows - 0.15 * look.inner * (1.0 - t) * (1.0 - t);
    let thick = 0.050 * (1.0 - 0.55 * t);
    let ends = edge(t + 0.06, 0.1) * edge(1.06 - t, 0.12);
    paint(38.0, 0.88 * line(v - height, thick) * ends);
}

fn mouth(u: f32, v: f32, look: &FaceMuscles, paint: &mut impl FnMut(f32, f32)) {
    let t = u / look.width;
    if t.abs() > 1.25 || !(0.4..1.4).contains(&v) {
        return;
    }
    let arch = 1.0 - t * t;
    let middle = 0.80 - 0.05 * look.wrinkle - 0.15 * look.corners * (t * t - 0.4);
    let ends = edge(1.06 - t.abs(), 0.10);
    let gap = look.open * arch.max(0.0).sqrt();
    let bow = 0.055 * arch.max(0.0) * (1.0 - 0.25 * (1.0 - (t * 5.0).abs()).max(0.0));
    let upper = middle - gap * 0.4 - bow - 0.008;
    let below = middle + gap * 0.6;
    let lower = below + 0.085 * arch.max(0.0) + 0.008;
    paint(
        100.0,
        0.90 * edge(v - upper, 0.02) * edge(below + 0.01 - v, 0.02) * ends,
    );
    let shine = 34.0 * spot(u, v, (-0.04, below + 0.045), (0.14, 0.03));
    paint(
        112.0 + shine,
        0.85 * edge(lower - v, 0.03) * edge(v - below + 0.01, 0.02) * ends,
    );
    // The opening, then the teeth in its upper part.
    let top = middle - gap * 0.4;
    let inside = (v - top).min(below - v);
    let open = edge(inside, 0.018) * edge(look.open, 0.02);
    paint(26.0, open);
    let teeth = edge(top + gap * (0.25 + 0.6 * look.teeth) - v, 0.02) * edge(look.teeth, 0.2);
    let gaps = 14.0 * line((u * 11.0).fract().abs() - 0.5, 0.12);
    paint(222.0 - 40.0 * t * t - gaps, open * teeth);
    // The line between the lips, and the dimples where it ends.
    paint(
        48.0,
        0.85 * line(v - middle, 0.018) * ends * (1.0 - edge(look.open, 0.06)),
    );
    let corner = 0.80 - 0.05 * look.wrinkle - 0.09 * look.corners;
    paint(
        60.0,
        0.55 * spot(u.abs(), v, (look.width, corner), (0.05, 0.035)),
    );
}

/// Short hair: a cap over the head whose line runs down at the temples.
fn hair(u: f32, v: f32) -> (f32, f32) {
    let (inside, _) = head_form(u / 1.05, (v + 0.02) / 1.07);
    let a = u.abs();
    let brow = -0.72 - 0.10 * u + 0.03 * (u * 9.0).sin();
    let side = 0.80 + 0.22 * ((v + 0.75) / 0.75).clamp(0.0, 1.0);
    let above = (brow - v).max((a - side).min(-0.02 - v));
    let streaks = 9.0 * (u * 34.0 + v * 7.0).sin() + 6.0 * (u * 71.0 - v * 11.0).sin();
    let shine = 34.0 * spot(u, v, (-0.36, -0.98), (0.34, 0.12));
    (
        46.0 + streaks + shine,
        edge(inside, 0.03) * edge(above, 0.07),
    )
}

fn ear_inside(u: f32, v: f32) -> f32 {
    let (x, y) = ((u.abs() - 0.98) / 0.14, (v - 0.10) / 0.27);
    0.15 * (1.0 - (x * x + y * y).sqrt())
}

fn neck_inside(u: f32, v: f32) -> f32 {
    let half = 0.50 + 0.25 * (v - 1.5).max(0.0);
    (half - u.abs()).min(v - 0.7)
}

fn neck(u: f32, v: f32) -> f32 {
    // The head's shadow falls on it.
    let shadow = 60.0 * edge(1.55 - v + 0.2 * u, 0.5);
    150.0 - 55.0 * u.max(-0.2) - shadow - 25.0 * u.abs()
}

fn shirt_inside(u: f32, v: f32) -> f32 {
    let collar = 1.52 + 0.32 * u * u - (0.10 - 0.5 * u.abs()).max(0.0);
    (v - collar).min(1.58 - u.abs())
}

fn shirt(u: f32, v: f32) -> f32 {
    86.0 - 20.0 * u + 8.0 * ((v * 2.0 + u).sin()) - 30.0 * (u.abs() - 1.0).max(0.0)
}

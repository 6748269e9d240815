//! The slow reference: samples each pixel 16 x 16 times, each sample by its distance from the shape in f64.

use std::vec::Vec;

use proptest::{collection::vec, prelude::*, test_runner::RngSeed};

use super::{
    edge::Crossings,
    outline::{self, Ends, Pen},
    row::{Coverage, PIECE},
    shapes::{Shape, Shapes, Transform},
    spans::RowSpans,
};
use crate::vec2::{Vec2, at};

const SIDE: i32 = 64;
const SAMPLES: i32 = 16;

type Point = (f64, f64);

fn drawn(shapes: &Shapes, shape: &Shape) -> Vec<f64> {
    let mut picture = Vec::new();
    for row in 0..SIDE {
        let mut coverage = Coverage::new();
        let mut lines = RowSpans::default();
        shapes.scan(shape, row, &mut lines, &mut Crossings::default());
        lines.iter().for_each(|spans| coverage.add(spans));
        let mut pixels = [0; PIECE];
        coverage.resolve(|run, cover| pixels[run].fill(cover));
        let shares = pixels[..SIDE as usize]
            .iter()
            .map(|cover| f64::from(*cover) / 256.0);
        picture.extend(shares);
    }
    picture
}

fn sampled(inside: impl Fn(Point) -> bool) -> Vec<f64> {
    let sub = |pixel: i32, i: i32| f64::from(pixel) + (f64::from(i) + 0.5) / f64::from(SAMPLES);
    let all = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    let share = |(x, y): (i32, i32)| {
        let grid = (0..SAMPLES * SAMPLES).map(|i| (sub(x, i % SAMPLES), sub(y, i / SAMPLES)));
        grid.filter(|p| inside(*p)).count() as f64 / f64::from(SAMPLES * SAMPLES)
    };
    all.map(share).collect()
}

/// Pixels may differ by what four scan lines cannot see; the sum over all of them by far less.
fn compare(drawn: &[f64], truth: &[f64]) {
    let mut sum = 0.0;
    let mut edge_pixels = 0.0;
    for (i, (a, b)) in drawn.iter().zip(truth).enumerate() {
        let off = (a - b).abs();
        let (x, y) = (i as i32 % SIDE, i as i32 / SIDE);
        assert!(off < 0.34, "pixel {x}, {y}: {a}, not {b}");
        sum += off;
        edge_pixels += f64::from(u8::from(*b > 0.0 && *b < 1.0));
    }
    assert!(
        sum <= 0.08 * edge_pixels + 1.0,
        "{sum} over {edge_pixels} pixels"
    );
}

fn segment_distance(p: Point, a: Point, b: Point) -> f64 {
    let (edge, to) = ((b.0 - a.0, b.1 - a.1), (p.0 - a.0, p.1 - a.1));
    let length = (edge.0 * edge.0 + edge.1 * edge.1).max(1e-12);
    let t = ((to.0 * edge.0 + to.1 * edge.1) / length).clamp(0.0, 1.0);
    (to.0 - t * edge.0).hypot(to.1 - t * edge.1)
}

fn turned(radius: f32, degrees: f32) -> Transform {
    let (sin, cos) = degrees.to_radians().sin_cos();
    Transform {
        centre: at(0.5 * SIDE as f32, 0.5 * SIDE as f32),
        right: at(radius * cos, radius * sin),
        down: at(-radius * sin, radius * cos),
    }
}

/// Where a pixel is in face units.
fn back(map: &Transform, p: Point) -> Point {
    let (x, y) = (p.0 - f64::from(map.centre.x), p.1 - f64::from(map.centre.y));
    let (rx, ry) = (f64::from(map.right.x), f64::from(map.right.y));
    let squared = rx * rx + ry * ry;
    ((x * rx + y * ry) / squared, (y * rx - x * ry) / squared)
}

fn wide(p: Vec2) -> Point {
    (p.x.into(), p.y.into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(6), ..ProptestConfig::default() })]

    /// Corners are cut by a bevel where they are blunt and rounded where they are sharp; both are within the tolerance.
    #[test]
    fn strokes_are_as_thick_as_their_pen(
        points in vec((-0.7..0.7_f32, -0.7..0.7_f32), 1..5), radius in 0.03..0.3_f32, degrees in -180.0..180.0_f32, closed: bool, tall in 0.7..1.4_f32,
    ) {
        let map = turned(28.0, degrees);
        let points: Vec<_> = points.into_iter().map(|(x, y)| at(x, y)).collect();
        let pen = Pen { radius, tall, y: 0.1 };
        let ends = if closed && points.len() > 2 { Ends::Closed } else { Ends::Open };
        let mut shapes = Shapes::default();
        let shape = shapes.shape(|s| outline::stroke(s, &map, &points, ends, pen));
        let mut edges: Vec<_> = points.windows(2).map(|w| (wide(w[0]), wide(w[1]))).collect();
        let (first, last) = (wide(points[0]), wide(points[points.len() - 1]));
        edges.push(if ends == Ends::Closed { (last, first) } else { (last, last) });
        let inside = |p: Point| {
            let p = back(&map, p);
            let p = (p.0, (p.1 - 0.1) / f64::from(tall) + 0.1);
            edges.iter().any(|(a, b)| segment_distance(p, *a, *b) < f64::from(radius))
        };
        compare(&drawn(&shapes, &shape), &sampled(inside));
    }

    #[test]
    fn ovals_are_ellipses(
        x in -0.8..0.8_f32, y in -0.8..0.8_f32, rx in 0.05..0.9_f32, ry in 0.05..0.9_f32, degrees in -180.0..180.0_f32,
    ) {
        let map = turned(28.0, degrees);
        let mut shapes = Shapes::default();
        let shape = shapes.shape(|s| s.oval(&map, at(x, y), at(rx, ry)));
        let inside = |p: Point| {
            let p = back(&map, p);
            ((p.0 - f64::from(x)) / f64::from(rx)).hypot((p.1 - f64::from(y)) / f64::from(ry)) < 1.0
        };
        compare(&drawn(&shapes, &shape), &sampled(inside));
    }

    /// Either way around.
    #[test]
    fn polygons_of_three_are_triangles(
        points in prop::array::uniform3((-0.9..0.9_f32, -0.9..0.9_f32)), degrees in -180.0..180.0_f32,
    ) {
        let map = turned(28.0, degrees);
        let corners = points.map(|(x, y)| at(x, y));
        let mut shapes = Shapes::default();
        let shape = shapes.shape(|s| s.polygon(&map, &corners));
        let [a, b, c] = corners.map(wide);
        // Needles fit between two scan lines.
        prop_assume!(((b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)).abs() > 0.2);
        let side = |p: Point, a: Point, b: Point| (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0) > 0.0;
        let inside = |p: Point| {
            let p = back(&map, p);
            let sides = [side(p, a, b), side(p, b, c), side(p, c, a)];
            sides == [true; 3] || sides == [false; 3]
        };
        compare(&drawn(&shapes, &shape), &sampled(inside));
    }
}

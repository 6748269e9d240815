//! By hand, and by what must hold for any points: symmetry, there and back, least squares.

use super::*;
use proptest::prelude::*;

fn near(a: Point, b: Point, tolerance: f32) -> bool {
    a.distance(b) <= tolerance
}

#[test]
fn iou_divides_by_the_union_not_by_the_enclosing_box() {
    let a = Rect::new(0.0, 0.0, 2.0, 2.0);
    let b = Rect::new(1.0, 1.0, 2.0, 2.0);
    assert!((a.iou(&b) - 1.0 / 7.0).abs() < 1e-6);
    assert_eq!(a.iou(&a), 1.0);
    assert_eq!(a.iou(&a.moved(Point::new(2.0, 0.0))), 0.0);
    assert_eq!(Rect::default().iou(&Rect::default()), 0.0);
}

#[test]
fn roll_is_clockwise_positive() {
    let right = Point::new(10.0, 20.0);
    let roll = |x, y| roll_deg(right, Point::new(x, y));
    assert_eq!(roll(30.0, 20.0), 0.0);
    assert!((roll(20.0, 30.0) - 45.0).abs() < 1e-4);
    assert!((roll(10.0, 10.0) + 90.0).abs() < 1e-4);
    assert_eq!(roll(10.0, 20.0), 0.0);
}

#[test]
fn degenerate_points_have_no_transform() {
    let p = Point::new(3.0, 4.0);
    let q = [Point::new(0.0, 0.0), Point::new(1.0, 0.0)];
    assert_eq!(Similarity::from_points(&[p; 2], &q), None);
    assert_eq!(Similarity::from_points(&q, &[p; 2]), None);
    assert_eq!(Similarity::from_points(&q[..1], &q[..1]), None);
    let bad = [Point::new(f32::NAN, 0.0), p];
    assert_eq!(Similarity::from_points(&bad, &q), None);
}

#[test]
fn a_mirrored_pattern_is_fitted_without_reflection() {
    let from = [(0.0, 0.0), (4.0, 0.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y));
    let to = from.map(|p| Point::new(p.x, -p.y));
    let t = Similarity::from_points(&from, &to).unwrap();
    assert!(t.a > 0.0, "the long side keeps its direction: {t:?}");
    assert!(!near(t.apply(from[2]), to[2], 0.5));
}

prop_compose! {
    fn points()(x in -500.0..500.0_f32, y in -500.0..500.0_f32) -> Point { Point::new(x, y) }
}
prop_compose! {
    fn rects()(p in points(), w in 0.1..300.0_f32, h in 0.1..300.0_f32) -> Rect { Rect::new(p.x, p.y, w, h) }
}
prop_compose! {
    fn similarities()(s in 0.05..20.0_f32, angle in -3.1..3.1_f32, t in points()) -> Similarity {
        Similarity { a: s * angle.cos(), b: s * angle.sin(), tx: t.x, ty: t.y }
    }
}

proptest! {
    #[test]
    fn iou_is_symmetric_and_between_0_and_1(a in rects(), b in rects()) {
        let iou = a.iou(&b);
        prop_assert!((0.0..=1.0).contains(&iou));
        prop_assert_eq!(iou, b.iou(&a));
        // x + w rounds.
        prop_assert!(a.iou(&a) > 0.999);
    }

    #[test]
    fn the_intersection_lies_in_both(a in rects(), b in rects()) {
        let common = a.intersection(&b);
        prop_assert!(common.area() <= a.area().min(b.area()));
        if common.area() > 0.0 {
            prop_assert!(common.x >= a.x.max(b.x) && common.y >= a.y.max(b.y));
        }
    }

    #[test]
    fn there_and_back_is_nowhere(t in similarities(), p in points()) {
        let back = t.inverse().unwrap().apply(t.apply(p));
        prop_assert!(near(back, p, 0.05 / t.scale().min(1.0)), "{p:?} {back:?}");
    }

    #[test]
    fn from_points_finds_the_transform(t in similarities(), from in prop::array::uniform5(points())) {
        let spread: f32 = from.iter().map(|p| p.distance(from[0])).fold(0.0, f32::max);
        prop_assume!(spread > 50.0);
        let found = Similarity::from_points(&from, &from.map(|p| t.apply(p))).unwrap();
        for p in from {
            prop_assert!(near(found.apply(p), t.apply(p), 0.01 * t.scale().max(1.0)));
        }
    }

    #[test]
    fn no_small_change_of_the_result_fits_better(
        from in prop::array::uniform5(points()), to in prop::array::uniform5(points()), da in -0.05..0.05_f32,
        db in -0.05..0.05_f32, d in points(),
    ) {
        let Some(t) = Similarity::from_points(&from, &to) else { return Ok(()) };
        let error = |t: &Similarity| -> f32 {
            from.iter().zip(&to).map(|(&p, &q)| t.apply(p).distance(q).powi(2)).sum()
        };
        let other = Similarity { a: t.a + da, b: t.b + db, tx: t.tx + d.x / 50.0, ty: t.ty + d.y / 50.0 };
        prop_assert!(error(&t) <= error(&other) * 1.0001 + 0.01);
    }
}

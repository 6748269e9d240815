//! Movements do not jump, blinks come in their time, and invalid numbers move nothing.

use moodring_core::expression::Expression;

use super::*;

const HAPPY: Mood = Mood::Showing(Expression::Happy);
const SAD: Mood = Mood::Showing(Expression::Sad);

#[test]
fn a_change_flows_from_one_mood_into_the_next() {
    let mut face = Animator::new(HAPPY, IdleMotion::Still, Millis(0));
    face.aim(SAD, 1.0, 0.0, Millis(1_000));
    let tear = |ms| face.pose(Millis(ms)).params.extras.tear;
    assert_eq!(face.pose(Millis(1_000)), Pose::still(HAPPY));
    assert!((tear(1_150) - 0.5).abs() < 0.01);
    assert_eq!(face.pose(Millis(1_300)), Pose::still(SAD));
    let rising: std::vec::Vec<_> = (0..=30).map(|i| tear(1_000 + 10 * i)).collect();
    assert!(rising.windows(2).all(|w| w[0] <= w[1]));
}

#[test]
fn a_change_within_a_change_does_not_jump() {
    let mut face = Animator::new(HAPPY, IdleMotion::Still, Millis(0));
    face.aim(SAD, 1.0, 0.0, Millis(1_000));
    let before = face.pose(Millis(1_120));
    face.aim(Mood::Nobody, 0.0, 0.0, Millis(1_120));
    assert_eq!(face.pose(Millis(1_120)), before);
}

#[test]
fn confidence_is_intensity_and_roll_follows() {
    let mut face = Animator::new(HAPPY, IdleMotion::Still, Millis(0));
    face.aim(HAPPY, 0.4, 20.0, Millis(0));
    let soon = face.pose(Millis(100)).roll_deg;
    assert!(0.0 < soon && soon < 20.0);
    let late = face.pose(Millis(5_000));
    assert_eq!(late.roll_deg, 20.0);
    assert_eq!(late.params, at_intensity(HAPPY.into(), 0.5));
    assert_eq!(
        late,
        face.pose(Millis(9_000)),
        "a still face at rest is at rest"
    );
}

#[test]
fn nonsense_from_outside_moves_nothing() {
    let mut face = Animator::new(HAPPY, IdleMotion::Still, Millis(500));
    face.aim(HAPPY, f32::NAN, f32::INFINITY, Millis(600));
    face.aim(HAPPY, 1.0, f32::NAN, Millis(100));
    let pose = face.pose(Millis(0));
    assert!(pose.roll_deg.abs() <= 90.0);
    assert!(pose.params.scale.is_finite() && pose.params.extras.blush.is_finite());
}

#[test]
fn blinks_once_in_every_slot_and_fully() {
    for slot in 0..50 {
        let shut: std::vec::Vec<_> = (0..BLINK_EVERY_MS)
            .map(|ms| blink(Millis(slot * BLINK_EVERY_MS + ms)))
            .collect();
        assert!(shut.contains(&1.0));
        let begins = shut
            .windows(2)
            .filter(|w| w[0] == 0.0 && w[1] > 0.0)
            .count();
        assert!(begins <= 1, "slot {slot}");
        let closed = shut.iter().filter(|s| **s > 0.0).count() as u64;
        assert!(
            (BLINK_MS / 2..=BLINK_MS).contains(&closed),
            "slot {slot}: {closed} ms"
        );
    }
}

#[test]
fn sleepers_do_not_blink_but_breathe() {
    let face = Animator::new(Mood::Nobody, IdleMotion::Calm, Millis(0));
    let poses: std::vec::Vec<_> = (0..200).map(|i| face.pose(Millis(50 * i)).params).collect();
    assert!(poses.iter().all(|p| p.left_eye == poses[0].left_eye));
    let rest = expression::params(Mood::Nobody.into()).mouth.lower;
    assert!(poses.iter().any(|p| p.mouth.lower > 1.2 * rest));
    assert!(poses.iter().any(|p| p.mouth.lower < 0.8 * rest));
}

#[test]
fn a_fault_keeps_its_code_while_it_fades() {
    let mut face = Animator::new(Look::Fault(7), IdleMotion::Still, Millis(0));
    face.aim(HAPPY, 1.0, 0.0, Millis(1_000));
    let half = face.pose(Millis(1_100));
    assert!(half.code == 7 && half.params.extras.code > 0.5);
}

#[test]
fn a_head_that_trembles_rests_and_one_that_turns_is_followed() {
    let mut face = Animator::new(HAPPY, IdleMotion::Still, Millis(0));
    face.aim(HAPPY, 1.0, 2.0, Millis(0));
    assert_eq!(face.pose(Millis(5_000)).roll_deg, 0.0);
    // Slowly, but on and on: it must not be left behind.
    for i in 0..20_u16 {
        face.aim(HAPPY, 1.0, f32::from(i), Millis(5_000 + 100 * u64::from(i)));
    }
    assert!(face.pose(Millis(20_000)).roll_deg > 16.0);
}

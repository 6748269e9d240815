//! Animates the face from look to look: movement, blink and breath. Time comes in as data.

use libm::{expf, roundf, sinf};
use moodring_core::{frame::Millis, mood::Mood};

use crate::{
    expression::{self, at_intensity},
    look::Look,
    params::Params,
};

/// How long one mood takes to flow into the next.
pub const CHANGE_MS: u64 = 300;
/// Time constant with which intensity and roll follow their aims.
const FOLLOW_MS: f32 = 150.0;
/// A blink falls somewhere into each of these.
const BLINK_EVERY_MS: u64 = 4_000;
/// Shut and open again.
const BLINK_MS: u64 = 180;
/// A breath, awake; asleep it is half as fast and deeper.
const BREATH_MS: u64 = 4_200;
/// A sleeper moves this seldom: every step goes over a display's wire.
const SLEEP_STEP_MS: u64 = 250;
/// The large one of a start's dots moves on after this.
const BEAT_MS: u64 = 350;
/// A head that tilts less than this from where it was is at rest, as is an intensity that changes by less.
const ROLL_REST_DEG: f32 = 2.5;
const INTENSITY_REST: f32 = 0.06;
/// Steps of the skin's colour. Each repaints the whole head, so there are few.
const SKIN_STEPS: f32 = 4.0;

/// A face at one moment, ready to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Its numbers.
    pub params: Params,
    /// Its tilt in degrees, clockwise positive.
    pub roll_deg: f32,
    /// The fault's code; its visibility is one of the face's numbers.
    pub code: u16,
}

impl Pose {
    /// A look at full strength, upright and at rest.
    pub fn still(look: impl Into<Look>) -> Self {
        let look = look.into();
        Self {
            params: expression::params(look),
            roll_deg: 0.0,
            code: look.code(),
        }
    }
}

/// Whether a resting face moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IdleMotion {
    /// It blinks and breathes.
    #[default]
    Alive,
    /// It only blinks while it is awake: for displays at the end of a slow wire.
    Calm,
    /// It holds still once a change is over: for pictures that are costly to replace.
    Still,
}

/// A face that follows moods.
///
/// ```
/// use moodring_core::{expression::Expression, frame::Millis, mood::Mood};
/// use moodring_face::animate::{Animator, IdleMotion, Pose};
///
/// let mut animator = Animator::new(Mood::Uncertain, IdleMotion::Still, Millis(0));
/// animator.aim(Mood::Showing(Expression::Happy), 1.0, 0.0, Millis(100));
/// let between = animator.pose(Millis(200));
/// let after = animator.pose(Millis(5000));
/// assert_ne!(between, after);
/// assert_eq!(after.params, Pose::still(Mood::Showing(Expression::Happy)).params);
/// ```
#[derive(Clone, Debug)]
pub struct Animator {
    idle_motion: IdleMotion,
    look: Look,
    /// The last fault's code: still to be seen while a fault fades.
    code: u16,
    /// What was shown when the last change began.
    from: Params,
    changed: Millis,
    intensity: Follower,
    roll: Follower,
}

impl Animator {
    /// A face at rest that shows `look` at full strength.
    pub fn new(look: impl Into<Look>, idle_motion: IdleMotion, time: Millis) -> Self {
        let look = look.into();
        Self {
            idle_motion,
            look,
            code: look.code(),
            from: expression::params(look),
            changed: Millis(time.0.saturating_sub(CHANGE_MS)),
            intensity: Follower::at(1.0, time),
            roll: Follower::at(0.0, time),
        }
    }

    /// Sets what to show from now on: the look, its confidence (0 to 1) and the head's roll in degrees.
    /// Times must not run backward; if they do, nothing moves.
    pub fn aim(&mut self, look: impl Into<Look>, confidence: f32, roll_deg: f32, time: Millis) {
        let look = look.into();
        let changes = look != self.look;
        if changes {
            self.from = self.base(time);
            self.look = look;
            self.changed = time;
        }
        if let Look::Fault(code) = look {
            self.code = code;
        }
        let rest = if changes { 0.0 } else { INTENSITY_REST };
        self.intensity.aim(intensity(look, confidence), rest, time);
        // Beyond a quarter turn a roll is a detector's mistake; the face should not stand on its head.
        self.roll
            .aim(roll_deg.clamp(-90.0, 90.0), ROLL_REST_DEG, time);
    }

    /// The face at this time.
    pub fn pose(&self, time: Millis) -> Pose {
        let mut params = self.base(time);
        if self.idle_motion != IdleMotion::Still {
            add_idle_motion(&mut params, self.idle_motion, time);
        }
        let skin = &mut params.skin;
        for share in [
            &mut skin.heat,
            &mut skin.sick,
            &mut skin.chill,
            &mut skin.pale,
            &mut skin.ash,
        ] {
            *share = roundf(*share * SKIN_STEPS) / SKIN_STEPS;
        }
        Pose {
            params,
            roll_deg: self.roll.value(time),
            code: self.code,
        }
    }

    /// The face without blink and breath.
    fn base(&self, time: Millis) -> Params {
        let target = at_intensity(self.look, self.intensity.value(time));
        let passed = time.since(self.changed).min(CHANGE_MS);
        let t = smooth(passed as f32 / CHANGE_MS as f32);
        Params::mix(&self.from, &target, t)
    }
}

/// How strongly a look is shown: an expression at 40 % confidence half, at 90 % and more fully.
pub fn intensity(look: impl Into<Look>, confidence: f32) -> f32 {
    match look.into() {
        Look::Mood(Mood::Showing(_)) => (0.5 + (confidence - 0.4)).clamp(0.5, 1.0),
        _ => 1.0,
    }
}

/// A number that approaches its aim exponentially and then stays on it.
#[derive(Clone, Copy, Debug)]
struct Follower {
    start: f32,
    aim: f32,
    time: Millis,
}

impl Follower {
    const fn at(value: f32, time: Millis) -> Self {
        Self {
            start: value,
            aim: value,
            time,
        }
    }

    /// Aims at something else, unless it is nearer than `rest` to the present aim.
    fn aim(&mut self, aim: f32, rest: f32, time: Millis) {
        if aim.is_finite() && (aim - self.aim).abs() >= rest {
            *self = Self {
                start: self.value(time),
                aim,
                time,
            };
        }
    }

    fn value(&self, time: Millis) -> f32 {
        let gap = self.aim - self.start;
        let left = expf(-(time.since(self.time) as f32) / FOLLOW_MS);
        // Arrived once nobody could see the difference: a face at rest must be at rest.
        if left * gap.abs() < 1e-3 {
            self.aim
        } else {
            self.aim - gap * left
        }
    }
}

/// 0 below 0, 1 above 1, `3 t^2 - 2 t^3` between.
fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Adds blink and breath: in few steps, and so that only eyes and mouth change.
fn add_idle_motion(params: &mut Params, idle_motion: IdleMotion, time: Millis) {
    let asleep = params.extras.snore.clamp(0.0, 1.0);
    let shut = blink(time) * (1.0 - asleep);
    params.left_eye = params.left_eye.shut(shut);
    params.right_eye = params.right_eye.shut(shut);
    let step = Millis(time.0 - time.0 % SLEEP_STEP_MS);
    let sleep = wave(step, 2 * BREATH_MS) * asleep;
    params.extras.float = 0.5 + 0.5 * sleep;
    let pout = 1.0 + 0.25 * sleep;
    params.mouth.upper *= pout;
    params.mouth.lower *= pout;
    if idle_motion == IdleMotion::Alive && wave(time, BREATH_MS) > 0.0 {
        params.mouth.y -= 0.02 * (1.0 - asleep);
    }
    params.extras.beat = 0.5 * (time.0 / BEAT_MS % 3) as f32;
}

/// A sine of this period, -1 to 1.
fn wave(time: Millis, period_ms: u64) -> f32 {
    let phase = (time.0 % period_ms) as f32 / period_ms as f32;
    sinf(phase * core::f32::consts::TAU)
}

/// How far the eyes are shut by a blink, 0 to 1.
pub fn blink(time: Millis) -> f32 {
    let slot = time.0 / BLINK_EVERY_MS;
    // A fixed scatter by the golden ratio: blinks look irregular, tests do not.
    let scatter = slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let begin = scatter % (BLINK_EVERY_MS - BLINK_MS);
    let within = time.0 % BLINK_EVERY_MS;
    if within < begin || within >= begin + BLINK_MS {
        return 0.0;
    }
    let phase = (within - begin) as f32 / BLINK_MS as f32;
    smooth(2.0 - (4.0 * phase - 2.0).abs())
}

#[cfg(test)]
mod tests;

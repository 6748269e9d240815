//! The faces on the display: as many as the host sent, each with its own movement.

use heapless::Vec;
use moodring_core::{expression::Expression, frame::Millis, mood::Mood};
use moodring_face::{
    animate::{Animator, IdleMotion, Pose},
    look::Look,
};
use moodring_link::message::{self, MAX_FACES, ShownLook};

/// The faces at one moment, who counts first.
pub(crate) type Poses = Vec<Pose, MAX_FACES>;

/// At least one face, who counts first.
#[derive(Debug)]
pub(crate) struct Faces {
    first: Animator,
    others: Vec<Animator, { MAX_FACES - 1 }>,
}

impl Faces {
    /// One face at rest.
    pub(crate) fn new(look: Look, now: Millis) -> Self {
        Self {
            first: Animator::new(look, IdleMotion::Alive, now),
            others: Vec::new(),
        }
    }

    /// One face with this look and no tilt.
    pub(crate) fn all(&mut self, look: impl Into<Look>, now: Millis) {
        self.others.clear();
        self.first.aim(look, 1.0, 0.0, now);
    }

    /// A face for each; without any, a sleeper.
    pub(crate) fn show(&mut self, looks: &[message::ShownFace], now: Millis) {
        let Some((first, others)) = looks.split_first() else {
            return self.all(Mood::Nobody, now);
        };
        aim(&mut self.first, *first, now);
        self.others.truncate(others.len());
        for look in others.iter().skip(self.others.len()) {
            // A new face does not change from an older look. There are no more looks than places.
            let _full = self
                .others
                .push(Animator::new(known(look.shown), IdleMotion::Alive, now));
        }
        for (face, look) in self.others.iter_mut().zip(others) {
            aim(face, *look, now);
        }
    }

    /// All of them at this time.
    pub(crate) fn poses(&self, now: Millis) -> Poses {
        let faces = core::iter::once(&self.first).chain(&self.others);
        faces.map(|face| face.pose(now)).collect()
    }
}

fn aim(face: &mut Animator, look: message::ShownFace, now: Millis) {
    let confidence = f32::from(look.confidence) / 255.0;
    face.aim(known(look.shown), confidence, look.roll_deg.into(), now);
}

/// The face's look for the look of a message.
fn known(shown: ShownLook) -> Look {
    match shown {
        ShownLook::Angry => Expression::Angry.into(),
        ShownLook::Disgust => Expression::Disgust.into(),
        ShownLook::Fear => Expression::Fear.into(),
        ShownLook::Happy => Expression::Happy.into(),
        ShownLook::Sad => Expression::Sad.into(),
        ShownLook::Surprise => Expression::Surprise.into(),
        ShownLook::Neutral => Expression::Neutral.into(),
        ShownLook::Uncertain => Mood::Uncertain.into(),
        ShownLook::Nobody => Mood::Nobody.into(),
        ShownLook::CameraOff => Look::CameraOff,
        ShownLook::Starting => Look::Starting,
    }
}

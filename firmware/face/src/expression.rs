//! The numbers of the seven expressions; `states` has the others. They were chosen on the contact sheet: look at it
//! after a change.

use moodring_core::{expression::Expression, mood::Mood};

use crate::{
    look::Look,
    params::{Brow, Extras, Eye, Mouth, Params, Skin},
    states,
};

pub(crate) const SKIN: Skin = Skin {
    heat: 0.0,
    sick: 0.0,
    chill: 0.0,
    pale: 0.0,
    ash: 0.0,
};

pub(crate) const EYE: Eye = Eye {
    x: 0.34,
    y: -0.16,
    half_width: 0.0,
    bend: 0.0,
    tilt: 0.0,
    half_thick: 0.115,
    tall: 1.4,
    white: 0.0,
    open: 1.0,
    gaze_x: 0.0,
    gaze_y: 0.0,
    lid: -1.0,
    lid_slope: 0.0,
    cross: 0.0,
};

pub(crate) const BROW: Brow = Brow {
    x: 0.36,
    y: -0.52,
    half_width: 0.15,
    tilt: 0.0,
    arch: 0.03,
    half_thick: 0.0,
};

pub(crate) const MOUTH: Mouth = Mouth {
    x: 0.0,
    y: 0.42,
    half_width: 0.34,
    corner: 0.0,
    upper: 0.0,
    lower: 0.0,
    round: 2.0,
    skew: 0.0,
    lip: 0.05,
    teeth: 0.0,
    tongue: 0.0,
    tongue_out: 0.0,
};

pub(crate) const EXTRAS: Extras = Extras {
    blush: 0.0,
    tear: 0.0,
    query: 0.0,
    snore: 0.0,
    float: 0.0,
    mask: 0.0,
    code: 0.0,
    dots: 0.0,
    beat: 0.5,
};

/// A face that shows nothing: what every expression grows from.
pub const NEUTRAL: Params = face(SKIN, EYE, BROW, MOUTH, EXTRAS);

/// A symmetric face.
pub(crate) const fn face(skin: Skin, eye: Eye, brow: Brow, mouth: Mouth, extras: Extras) -> Params {
    Params {
        skin,
        left_eye: eye,
        right_eye: eye,
        left_brow: brow,
        right_brow: brow,
        mouth,
        extras,
        scale: 1.0,
    }
}

/// Knitted brows over cut eyes, a hard mouth, red.
const ANGRY: Params = face(
    Skin { heat: 1.0, ..SKIN },
    Eye {
        y: -0.08,
        half_thick: 0.125,
        tall: 1.2,
        lid: -0.07,
        lid_slope: 0.5,
        ..EYE
    },
    Brow {
        x: 0.37,
        y: -0.28,
        half_width: 0.24,
        tilt: 0.12,
        arch: -0.02,
        half_thick: 0.06,
    },
    Mouth {
        y: 0.5,
        half_width: 0.3,
        corner: 0.1,
        upper: -0.06,
        lower: -0.06,
        lip: 0.055,
        ..MOUTH
    },
    EXTRAS,
);

/// Squeezed eyes under heavy brows, a hard mouth, the tongue out, green.
const DISGUST: Params = face(
    Skin { sick: 1.0, ..SKIN },
    Eye {
        x: 0.38,
        y: -0.14,
        half_width: 0.17,
        bend: 0.05,
        tilt: 0.06,
        half_thick: 0.05,
        tall: 1.0,
        ..EYE
    },
    Brow {
        x: 0.38,
        y: -0.38,
        half_width: 0.2,
        tilt: 0.08,
        arch: -0.01,
        half_thick: 0.055,
    },
    Mouth {
        y: 0.28,
        half_width: 0.48,
        lip: 0.055,
        tongue_out: 0.44,
        ..MOUTH
    },
    EXTRAS,
);

/// Wide eyes with small pupils, brows up and together, a mouth open downward, blue forehead.
const FEAR: Params = face(
    Skin { chill: 1.0, ..SKIN },
    Eye {
        y: -0.14,
        half_thick: 0.075,
        tall: 1.0,
        white: 0.25,
        ..EYE
    },
    Brow {
        y: -0.58,
        half_width: 0.17,
        tilt: -0.1,
        arch: -0.02,
        half_thick: 0.045,
        ..BROW
    },
    Mouth {
        y: 0.54,
        half_width: 0.32,
        corner: 0.14,
        upper: -0.16,
        lower: 0.16,
        round: 1.0,
        lip: 0.05,
        ..MOUTH
    },
    EXTRAS,
);

/// Laughing eyes, a wide open smile, red cheeks.
const HAPPY: Params = face(
    SKIN,
    Eye {
        y: -0.12,
        half_width: 0.16,
        bend: -0.16,
        half_thick: 0.055,
        tall: 1.0,
        ..EYE
    },
    BROW,
    Mouth {
        y: 0.2,
        half_width: 0.54,
        corner: -0.02,
        upper: 0.04,
        lower: 0.5,
        round: 1.3,
        lip: 0.05,
        teeth: 0.13,
        tongue: 0.22,
        ..MOUTH
    },
    Extras {
        blush: 1.0,
        ..EXTRAS
    },
);

/// Inner brows up, corners down, a tear.
const SAD: Params = face(
    SKIN,
    Eye {
        y: -0.08,
        gaze_y: 0.03,
        half_thick: 0.11,
        ..EYE
    },
    Brow {
        y: -0.4,
        half_width: 0.18,
        tilt: -0.12,
        arch: -0.02,
        half_thick: 0.045,
        ..BROW
    },
    Mouth {
        x: -0.03,
        y: 0.55,
        half_width: 0.29,
        corner: 0.12,
        upper: -0.12,
        lower: -0.12,
        ..MOUTH
    },
    Extras {
        tear: 1.0,
        ..EXTRAS
    },
);

/// Brows high, eyes wide, mouth round.
const SURPRISE: Params = face(
    SKIN,
    Eye {
        y: -0.17,
        half_thick: 0.14,
        tall: 1.3,
        ..EYE
    },
    Brow {
        y: -0.62,
        half_width: 0.17,
        arch: 0.1,
        half_thick: 0.05,
        ..BROW
    },
    Mouth {
        y: 0.46,
        half_width: 0.21,
        upper: -0.24,
        lower: 0.27,
        round: 1.0,
        tongue: 0.14,
        ..MOUTH
    },
    EXTRAS,
);

/// The face of a look at full strength.
pub const fn params(look: Look) -> Params {
    let mood = match look {
        Look::Mood(mood) => mood,
        Look::CameraOff => return states::CAMERA_OFF,
        Look::Starting => return states::STARTING,
        Look::Fault(_) => return states::FAULT,
    };
    match mood {
        Mood::Nobody => states::NOBODY,
        Mood::Uncertain => states::UNCERTAIN,
        Mood::Showing(Expression::Angry) => ANGRY,
        Mood::Showing(Expression::Disgust) => DISGUST,
        Mood::Showing(Expression::Fear) => FEAR,
        Mood::Showing(Expression::Happy) => HAPPY,
        Mood::Showing(Expression::Sad) => SAD,
        Mood::Showing(Expression::Surprise) => SURPRISE,
        Mood::Showing(Expression::Neutral) => NEUTRAL,
    }
}

/// A look's face at an `intensity` of 0 (barely there) to 1.
pub fn at_intensity(look: Look, intensity: f32) -> Params {
    Params::mix(&NEUTRAL, &params(look), intensity)
}

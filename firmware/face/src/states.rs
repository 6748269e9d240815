//! The numbers of the looks that are no expression: not sure, nobody there, and the device's own states.

use crate::{
    expression::{BROW, EXTRAS, EYE, MOUTH, NEUTRAL, SKIN, face},
    params::{Brow, Extras, Eye, Mouth, Params, Skin},
};

/// One brow up, a look aside, a crooked mouth, a question mark.
pub(crate) const UNCERTAIN: Params = {
    let eye = Eye {
        gaze_x: 0.07,
        gaze_y: -0.06,
        ..EYE
    };
    let brow = Brow {
        half_thick: 0.045,
        ..BROW
    };
    let mouth = Mouth {
        x: -0.04,
        half_width: 0.23,
        skew: -0.07,
        ..MOUTH
    };
    let extras = Extras {
        query: 1.0,
        ..EXTRAS
    };
    Params {
        left_brow: Brow {
            y: -0.46,
            tilt: 0.03,
            arch: 0.0,
            ..brow
        },
        right_brow: Brow {
            y: -0.62,
            arch: 0.08,
            ..brow
        },
        ..face(SKIN, eye, brow, mouth, extras)
    }
};

/// Asleep.
pub(crate) const NOBODY: Params = face(
    Skin { pale: 0.8, ..SKIN },
    Eye {
        y: -0.06,
        half_width: 0.16,
        bend: 0.12,
        half_thick: 0.045,
        tall: 1.0,
        ..EYE
    },
    BROW,
    Mouth {
        y: 0.46,
        half_width: 0.09,
        upper: -0.09,
        lower: 0.1,
        round: 1.0,
        lip: 0.045,
        ..MOUTH
    },
    Extras {
        snore: 1.0,
        ..EXTRAS
    },
);

pub(crate) const CAMERA_OFF: Params = NOBODY;
pub(crate) const STARTING: Params = NEUTRAL;
pub(crate) const FAULT: Params = NEUTRAL;

//! The numbers of the looks that are not expressions: uncertain, nobody, and the device's own states.

use crate::{
    expression::{BROW, EXTRAS, EYE, MOUTH, SKIN, face},
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
    Skin { pale: 0.75, ..SKIN },
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

/// A mask over the eyes: nobody is watched.
pub(crate) const CAMERA_OFF: Params = face(
    SKIN,
    Eye {
        half_thick: 0.0,
        ..EYE
    },
    BROW,
    Mouth {
        y: 0.5,
        half_width: 0.2,
        corner: -0.03,
        upper: 0.03,
        lower: 0.03,
        ..MOUTH
    },
    Extras {
        mask: 1.0,
        ..EXTRAS
    },
);

/// Awake, looks up, and thinks in dots.
pub(crate) const STARTING: Params = face(
    SKIN,
    Eye {
        half_thick: 0.08,
        tall: 1.0,
        white: 0.2,
        gaze_y: -0.09,
        ..EYE
    },
    BROW,
    Mouth { lip: 0.0, ..MOUTH },
    Extras {
        dots: 1.0,
        ..EXTRAS
    },
);

/// Grey, crossed eyes, a plate with the code.
pub(crate) const FAULT: Params = face(
    Skin { ash: 1.0, ..SKIN },
    Eye {
        y: -0.3,
        half_thick: 0.0,
        cross: 0.15,
        ..EYE
    },
    BROW,
    Mouth { lip: 0.0, ..MOUTH },
    Extras {
        code: 1.0,
        ..EXTRAS
    },
);

//! The face as numbers that can be mixed. Knows no mood, no colour and no pixels.
//!
//! The face is a disc of radius 1 around (0, 0), x to the right, y down. Eyes and brows are given for the picture's
//! right side and mirrored for the left: "inner" is the end at the nose.

/// Declares a struct of numbers (or of such structs) together with its linear interpolation.
macro_rules! mixable {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $kind,)+
        }

        impl $name {
            /// `a` at `t` = 0, `b` at `t` = 1, number by number on a straight line between (and beyond).
            pub fn mix(a: &Self, b: &Self, t: f32) -> Self {
                Self { $($field: <$kind as Mix>::mix(&a.$field, &b.$field, t),)+ }
            }
        }

        impl Mix for $name {
            fn mix(a: &Self, b: &Self, t: f32) -> Self {
                Self::mix(a, b, t)
            }
        }
    };
}

/// What can lie between two others.
trait Mix {
    fn mix(a: &Self, b: &Self, t: f32) -> Self;
}

impl Mix for f32 {
    fn mix(a: &Self, b: &Self, t: f32) -> Self {
        // This form gives exactly `a` and `b` at the ends.
        *a * (1.0 - t) + *b * t
    }
}

mixable! {
    /// A whole face.
    Params {
        /// Its colouring.
        skin: Skin,
        /// The eye on the picture's left.
        left_eye: Eye,
        /// The eye on the picture's right.
        right_eye: Eye,
        /// The brow on the picture's left.
        left_brow: Brow,
        /// The brow on the picture's right.
        right_brow: Brow,
        /// The mouth.
        mouth: Mouth,
        /// What surrounds them.
        extras: Extras,
        /// Size of the whole face, 1 at rest; breath moves it a little.
        scale: f32,
    }
}

mixable! {
    /// How far the skin is from its usual colour, each 0 to 1. The theme has the colours.
    Skin {
        /// Red from the forehead down.
        heat: f32,
        /// Green all over.
        sick: f32,
        /// Blue at the forehead.
        chill: f32,
        /// Pale all over.
        pale: f32,
        /// Grey all over.
        ash: f32,
    }
}

mixable! {
    /// An eye: a bent stroke with round ends. Without length it is a dot, long and thin it is a closed lid;
    /// so every eye flows into every other.
    Eye {
        /// Distance from the face's middle line, outward.
        x: f32,
        /// Height of the centre, down.
        y: f32,
        /// Half the stroke's length.
        half_width: f32,
        /// How far the stroke's middle lies below its ends.
        bend: f32,
        /// How far the inner end lies below the centre (and the outer above).
        tilt: f32,
        /// Half the stroke's thickness; 0 for no eye.
        half_thick: f32,
        /// Height over width, 1 for round.
        tall: f32,
        /// Radius of the white around it; 0 for none.
        white: f32,
        /// How far the white is open, 0 to 1.
        open: f32,
        /// Where it looks: to the picture's right.
        gaze_x: f32,
        /// Where it looks: down.
        gaze_y: f32,
        /// The upper lid's edge over the centre, down: what lies above is hidden. -1 hides nothing.
        lid: f32,
        /// How much the lid falls toward the nose, per unit of x.
        lid_slope: f32,
        /// Half the size of a cross in its place; 0 for none.
        cross: f32,
    }
}

impl Eye {
    /// This eye closed by `amount`, 0 to 1.
    pub fn shut(&self, amount: f32) -> Self {
        let line = Self {
            half_width: self.half_width.max(0.14).max(self.white * 0.9),
            bend: self.bend.max(0.03),
            half_thick: self.half_thick.min(0.045),
            tall: 1.0,
            open: 0.0,
            gaze_x: 0.0,
            gaze_y: 0.0,
            lid: -1.0,
            ..*self
        };
        Self::mix(self, &line, amount)
    }
}

mixable! {
    /// A brow: a stroke with round ends.
    Brow {
        /// Distance from the face's middle line, outward.
        x: f32,
        /// Height of the centre, down.
        y: f32,
        /// Half its length.
        half_width: f32,
        /// How far the inner end lies below the centre (and the outer above).
        tilt: f32,
        /// How far the middle lies above the ends.
        arch: f32,
        /// Half its thickness; 0 for none.
        half_thick: f32,
    }
}

mixable! {
    /// A mouth: an upper and a lower lip between two corners. Heights are relative to its centre, down.
    Mouth {
        /// The centre, to the right.
        x: f32,
        /// The centre, down.
        y: f32,
        /// Half the distance of the corners.
        half_width: f32,
        /// The corners' height: negative smiles.
        corner: f32,
        /// The upper lip's middle.
        upper: f32,
        /// The lower lip's middle; where it equals `upper`, the mouth is closed.
        lower: f32,
        /// The lips' form: 2 a parabola, 1 an ellipse, toward 0 a box.
        round: f32,
        /// How far the right corner lies below the centre (and the left above).
        skew: f32,
        /// Half the thickness of the lips' line; 0 for no mouth.
        lip: f32,
        /// Height of the upper teeth.
        teeth: f32,
        /// Height of the tongue inside.
        tongue: f32,
        /// How far the tongue hangs out.
        tongue_out: f32,
    }
}

mixable! {
    /// What surrounds eyes, brows and mouth, each 0 (absent) to 1.
    Extras {
        /// Red cheeks.
        blush: f32,
        /// A tear on the picture's right cheek.
        tear: f32,
        /// A question mark beside the head.
        query: f32,
        /// The letters of sleep beside the head.
        snore: f32,
        /// How far these letters have floated up, 0 to 1.
        float: f32,
        /// A mask over the eyes with a camera that is crossed out.
        mask: f32,
        /// A plate with a fault's code.
        code: f32,
        /// Three dots in the place of the mouth.
        dots: f32,
        /// Which of the dots is large: 0 the first, 1 the last.
        beat: f32,
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::mood::Mood;

    use super::*;
    use crate::{expression::params, look::Look};

    #[test]
    fn a_mixture_ends_at_its_ends() {
        for (a, b) in Look::ALL
            .iter()
            .flat_map(|a| Look::ALL.iter().map(move |b| (a, b)))
        {
            let (a, b) = (params(*a), params(*b));
            assert_eq!(Params::mix(&a, &b, 0.0), a);
            assert_eq!(Params::mix(&a, &b, 1.0), b);
        }
    }

    #[test]
    fn a_shut_eye_is_a_thin_line_without_white() {
        for mood in Look::ALL {
            let eye = params(mood).left_eye.shut(1.0);
            assert!(
                eye.open == 0.0 && eye.half_thick <= 0.045 && eye.half_width >= 0.14,
                "{mood:?}"
            );
        }
        let open = params(Mood::Uncertain.into()).left_eye;
        assert_eq!(open.shut(0.0), open);
    }
}

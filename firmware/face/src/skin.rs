//! The colours of skin: light from above, darker at the rim; hot, sick, cold, pale or grey by the face's numbers.

use embedded_graphics::{pixelcolor::Rgb888, prelude::RgbColor};

use crate::{
    params::Skin,
    raster::{
        oval::square_root,
        row::{Colour, mix},
    },
    theme::Theme,
};

/// A theme's colour to calculate with.
pub(crate) fn colour(c: Rgb888) -> Colour {
    u32::from(c.r()) << 16 | u32::from(c.g()) << 8 | u32::from(c.b())
}

/// A share of 0 to 1 as 0 to 256.
pub(crate) fn share(of: f32) -> u32 {
    (of.clamp(0.0, 1.0) * 256.0 + 0.5) as u32
}

/// `3 t^2 - 2 t^3` for `t` of 0 to 256, as 0 to 256.
pub(crate) const fn smooth(t: i32) -> u32 {
    let t = if t < 0 {
        0
    } else if t > 256 {
        256
    } else {
        t as u32
    };
    (t * t * (768 - 2 * t)) >> 16
}

/// A face's skin, prepared for its rows. The light does not turn with the head, so that a row has one colour
/// (but for its rim) and a tilt changes only what tilts.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(crate) struct Tones {
    top: Colour,
    bottom: Colour,
    rim: Colour,
    pale: (Colour, u32),
    ash: (Colour, u32),
    sick: (Colour, u32),
    heat: (Colour, u32),
    chill: (Colour, u32),
}

/// The skin's colours in one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowTones {
    /// Inside.
    inner: Colour,
    /// At the rim.
    outer: Colour,
}

impl Tones {
    pub(crate) fn new(skin: &Skin, theme: &Theme) -> Self {
        let amounts = [skin.pale, skin.ash, skin.sick, skin.heat, skin.chill];
        // Two tones in equal parts would be mud: from one to the other the way leads over plain skin.
        let own = |amount: f32| {
            let others = amounts.iter().sum::<f32>() - amount;
            (amount - others).max(0.0)
        };
        Self {
            top: colour(theme.skin_top),
            bottom: colour(theme.skin_bottom),
            rim: colour(theme.rim),
            pale: (colour(theme.pale), share(0.7 * own(skin.pale))),
            ash: (colour(theme.ash), share(0.85 * own(skin.ash))),
            sick: (colour(theme.sick), share(own(skin.sick))),
            heat: (colour(theme.heat), share(own(skin.heat))),
            chill: (colour(theme.chill), share(0.9 * own(skin.chill))),
        }
    }

    /// The colours at a height of -256 (top of the face) to 256 (chin).
    pub(crate) fn row(&self, height: i32) -> RowTones {
        let down = ((height + 256) / 2).clamp(0, 256) as u32;
        let base = mix(self.top, self.bottom, down);
        let rim = mix(base, self.rim, 192);
        RowTones {
            inner: self.tint(base, down),
            outer: self.tint(rim, down),
        }
    }

    /// Lines that take the colour that skin would have.
    pub(crate) fn line(&self, line: Colour) -> Colour {
        self.tint(line, 40)
    }

    fn tint(&self, base: Colour, down: u32) -> Colour {
        // At most one of them is left.
        let ((tone, amount), here) = if self.sick.1 > 0 {
            (self.sick, 159 + 77 * down / 256)
        } else if self.heat.1 > 0 {
            (self.heat, 243 - 192 * down / 256)
        } else if self.chill.1 > 0 {
            (self.chill, smooth(307 - 614 * down as i32 / 256))
        } else if self.ash.1 > 0 {
            (self.ash, 256)
        } else {
            (self.pale, 256)
        };
        mix(base, tone, amount * here / 256)
    }
}

/// Up to here (0.72 of `2^24`) the squared distance from the middle changes no colour.
const INNER: i32 = ((72_i64 << 24) / 100) as i32;
/// The remaining 0.28 is cut into steps of `2^STEP_BITS`, each of one colour.
const STEP_BITS: u32 = 18;
/// Steps of the rim.
const STEPS: usize = (((1 << 24) - INNER) >> STEP_BITS) as usize + 1;
/// How far a step's colour is toward the outer one.
const SHARES: [u32; STEPS] = {
    let mut shares = [0; STEPS];
    let mut i = 0;
    while i < STEPS {
        shares[i] = smooth((i as i32 * 256 + 128) / (STEPS as i32 - 1));
        i += 1;
    }
    shares
};

impl RowTones {
    /// The colour inside.
    pub(crate) const fn inner(self) -> Colour {
        self.inner
    }

    /// The colour at the edge.
    pub(crate) const fn outer(self) -> Colour {
        self.outer
    }

    /// Whether the rim has no colour of its own.
    pub(crate) const fn is_even(self) -> bool {
        self.inner == self.outer
    }

    /// How far across (4096 is the radius) all is the inner colour in a row that is so far down; `None` if nowhere.
    pub(crate) fn reach(down: i32) -> Option<i32> {
        let rest = INNER - down * down;
        // Below 4096, as the argument is below 2^24.
        (rest >= 0).then(|| square_root(rest as u32) as i32)
    }

    /// The colours from inside to the edge.
    pub(crate) fn rim(self) -> Rim {
        Rim(SHARES.map(|share| mix(self.inner, self.outer, share)))
    }
}

/// A row's colours at the rim, step by step: no calculation is left for a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rim([Colour; STEPS]);

impl Rim {
    /// The colour where the squared distance from the face's middle is `squared` (2^24 is the edge).
    pub(crate) fn at(&self, squared: i32) -> Colour {
        let step = (squared - INNER).max(0) as usize >> STEP_BITS;
        self.0[step.min(STEPS - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::SKIN;

    #[test]
    fn usual_skin_goes_from_the_themes_top_to_its_bottom() {
        let theme = Theme::CLASSIC;
        let tones = Tones::new(&SKIN, &theme);
        assert_eq!(tones.row(-256).inner(), colour(theme.skin_top));
        assert_eq!(tones.row(256).inner(), colour(theme.skin_bottom));
        assert!(!tones.row(0).is_even());
        let row = tones.row(0);
        assert_eq!(row.rim().at(0), row.inner());
        assert_eq!(row.rim().at(INNER), row.inner());
        assert_eq!(row.rim().at(1 << 24), row.outer());
    }

    /// From any tone to any other, no colour on the way is duller than the ends: red and green would make brown.
    #[test]
    fn changes_pass_no_mud() {
        let saturation = |c: Colour| {
            let [_, r, g, b] = c.to_be_bytes();
            let (most, least) = (r.max(g).max(b), r.min(g).min(b));
            f32::from(most - least) / f32::from(most)
        };
        let (hot, sick) = (Skin { heat: 1.0, ..SKIN }, Skin { sick: 1.0, ..SKIN });
        let colour = |skin: &Skin, height| Tones::new(skin, &Theme::CLASSIC).row(height).inner();
        for height in [-200, 0, 200] {
            let ends = [&hot, &sick].map(|skin| saturation(colour(skin, height)));
            let least = ends[0].min(ends[1]);
            for t in [0.25, 0.5, 0.75] {
                let between = colour(&Skin::mix(&hot, &sick, t), height);
                assert!(
                    saturation(between) >= least - 0.05,
                    "{between:06x} at {height}, {t}"
                );
            }
            let middle = colour(&Skin::mix(&hot, &sick, 0.5), height);
            assert_eq!(middle, colour(&SKIN, height));
        }
    }

    #[test]
    fn fear_is_cold_at_the_forehead_and_warm_at_the_chin() {
        let afraid = Skin { chill: 1.0, ..SKIN };
        let (usual, cold) = (
            Tones::new(&SKIN, &Theme::CLASSIC),
            Tones::new(&afraid, &Theme::CLASSIC),
        );
        assert_ne!(usual.row(-200).inner(), cold.row(-200).inner());
        assert_eq!(usual.row(200).inner(), cold.row(200).inner());
    }
}

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
pub(crate) fn smooth(t: i32) -> u32 {
    let t = t.clamp(0, 256) as u32;
    (t * t * (768 - 2 * t)) >> 16
}

/// A face's skin, prepared for its rows. The light does not turn with the head, so that a row has one colour
/// (but for its rim) and a tilt changes only what tilts.
#[derive(Clone, Copy, Debug, Default)]
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
        Self {
            top: colour(theme.skin_top),
            bottom: colour(theme.skin_bottom),
            rim: colour(theme.rim),
            pale: (colour(theme.pale), share(0.7 * skin.pale)),
            ash: (colour(theme.ash), share(0.85 * skin.ash)),
            sick: (colour(theme.sick), share(skin.sick)),
            heat: (colour(theme.heat), share(skin.heat)),
            chill: (colour(theme.chill), share(0.9 * skin.chill)),
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

    fn tint(&self, mut base: Colour, down: u32) -> Colour {
        // The order does not matter to expressions: each uses one of them.
        for ((tone, amount), here) in [
            (self.pale, 256),
            (self.ash, 256),
            (self.sick, 159 + 77 * down / 256),
            (self.heat, 243 - 192 * down / 256),
            (self.chill, smooth(307 - 614 * down as i32 / 256)),
        ] {
            if amount > 0 {
                base = mix(base, tone, amount * here / 256);
            }
        }
        base
    }
}

/// Up to here (0.72 of `2^24`) the squared distance from the middle changes no colour.
const INNER: i32 = ((72_i64 << 24) / 100) as i32;

impl RowTones {
    /// The colour inside.
    pub(crate) const fn inner(self) -> Colour {
        self.inner
    }

    /// How far across (4096 is the radius) all is the inner colour in a row that is so far down; `None` if nowhere.
    pub(crate) fn reach(down: i32) -> Option<i32> {
        let rest = INNER - down * down;
        // Below 4096, as the argument is below 2^24.
        (rest >= 0).then(|| square_root(rest as u32) as i32)
    }

    /// The colour where the squared distance from the face's middle is `squared` (2^24 is the edge).
    pub(crate) fn at(self, squared: i32) -> Colour {
        if squared <= INNER || self.inner == self.outer {
            return self.inner;
        }
        // Over the remaining 0.28.
        let t = ((squared - INNER) >> 14) * 256 / ((28 << 10) / 100);
        mix(self.inner, self.outer, smooth(t))
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
        assert_eq!(tones.row(-256).at(0), colour(theme.skin_top));
        assert_eq!(tones.row(256).at(0), colour(theme.skin_bottom));
        assert_ne!(tones.row(0).at(1 << 24), tones.row(0).at(0));
    }

    #[test]
    fn fear_is_cold_at_the_forehead_and_warm_at_the_chin() {
        let afraid = Skin { chill: 1.0, ..SKIN };
        let (usual, cold) = (
            Tones::new(&SKIN, &Theme::CLASSIC),
            Tones::new(&afraid, &Theme::CLASSIC),
        );
        assert_ne!(usual.row(-200).at(0), cold.row(-200).at(0));
        assert_eq!(usual.row(200).at(0), cold.row(200).at(0));
    }
}

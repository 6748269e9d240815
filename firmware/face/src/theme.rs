//! Colours. `params` holds how hot or pale a face is; a theme has the colour for that.

use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

const fn rgb(hex: u32) -> Rgb888 {
    Rgb888::new((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// What takes the skin's colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tint {
    /// A disc of skin.
    Skin,
    /// The lines: there is no disc.
    Lines,
}

/// What a display can show of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shades {
    /// All between two colours: edges are smooth.
    All,
    /// A pixel is lit or not: lines have a pixel at least.
    Two,
}

/// All colours of a face, and how bold it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    /// Around the face.
    pub background: Rgb888,
    /// Skin at the top of the face.
    pub skin_top: Rgb888,
    /// Skin at the chin.
    pub skin_bottom: Rgb888,
    /// Skin at the face's edge.
    pub rim: Rgb888,
    /// Skin that is hot with anger.
    pub heat: Rgb888,
    /// Skin that is sick.
    pub sick: Rgb888,
    /// Skin that is cold with fear.
    pub chill: Rgb888,
    /// Skin that sleeps.
    pub pale: Rgb888,
    /// Skin of a device out of order.
    pub ash: Rgb888,
    /// Eyes, brows and lips.
    pub line: Rgb888,
    /// The white of eyes, teeth.
    pub white: Rgb888,
    /// The open mouth.
    pub mouth: Rgb888,
    /// The tongue.
    pub tongue: Rgb888,
    /// The line along a tongue that hangs out.
    pub tongue_line: Rgb888,
    /// Cheeks.
    pub blush: Rgb888,
    /// Tears.
    pub tear: Rgb888,
    /// The line around them.
    pub tear_line: Rgb888,
    /// Letters beside the head.
    pub note: Rgb888,
    /// The mask of a camera that is off, the plate of a fault's code.
    pub plate: Rgb888,
    /// What is written on them.
    pub sign: Rgb888,
    /// Lines of text.
    pub text: Rgb888,
    /// The signs that the camera runs and is watched.
    pub indicator: Rgb888,
    /// How bold lines are; 1 is usual.
    pub weight: f32,
    /// What takes the skin's colour.
    pub tint: Tint,
    /// What the display can show between two colours.
    pub shades: Shades,
    /// Whether eyes and drops have a light in them.
    pub glints: bool,
    /// Whether cheeks may blush.
    pub blushes: bool,
}

impl Theme {
    /// Every theme with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("classic", Self::CLASSIC),
        ("contrast", Self::CONTRAST),
        ("mono", Self::MONO),
        ("minimal", Self::MINIMAL),
    ];

    /// The theme of that name.
    pub fn from_name(name: &str) -> Option<&'static Self> {
        const ALL: &[(&str, Theme)] = &Theme::ALL;
        ALL.iter().find(|(n, _)| *n == name).map(|(_, theme)| theme)
    }

    /// The yellow face on black.
    pub const CLASSIC: Self = Self {
        background: rgb(0x000000),
        skin_top: rgb(0xffdd5c),
        skin_bottom: rgb(0xffb937),
        rim: rgb(0xeb981f),
        heat: rgb(0xe8412c),
        sick: rgb(0x86b83a),
        chill: rgb(0x6aa5f2),
        pale: rgb(0xffedb8),
        ash: rgb(0xa8adb5),
        line: rgb(0x4d2c0c),
        white: rgb(0xffffff),
        mouth: rgb(0x7a1f2b),
        tongue: rgb(0xf2616f),
        tongue_line: rgb(0xc73d52),
        blush: rgb(0xff6f52),
        tear: rgb(0x5dbcff),
        tear_line: rgb(0x1f7fd4),
        note: rgb(0x62b0ff),
        plate: rgb(0x2b3340),
        sign: rgb(0xffffff),
        text: rgb(0xffffff),
        indicator: rgb(0xff4a3d),
        weight: 1.0,
        tint: Tint::Skin,
        shades: Shades::All,
        glints: true,
        blushes: true,
    };

    /// Two colours for displays without more: a white face with black features on black.
    pub const MONO: Self = Self {
        background: rgb(0x000000),
        skin_top: rgb(0xffffff),
        skin_bottom: rgb(0xffffff),
        rim: rgb(0xffffff),
        heat: rgb(0xffffff),
        sick: rgb(0xffffff),
        chill: rgb(0xffffff),
        pale: rgb(0xffffff),
        ash: rgb(0xffffff),
        line: rgb(0x000000),
        white: rgb(0xffffff),
        mouth: rgb(0x000000),
        tongue: rgb(0xffffff),
        tongue_line: rgb(0x000000),
        blush: rgb(0xffffff),
        tear: rgb(0xffffff),
        tear_line: rgb(0x000000),
        note: rgb(0xffffff),
        plate: rgb(0x000000),
        sign: rgb(0xffffff),
        text: rgb(0xffffff),
        indicator: rgb(0xffffff),
        weight: 1.3,
        tint: Tint::Skin,
        shades: Shades::Two,
        glints: false,
        blushes: false,
    };

    /// Bold black lines and flat bright colours on black: for the sun and for weak eyes.
    pub const CONTRAST: Self = Self {
        background: rgb(0x000000),
        skin_top: rgb(0xffe500),
        skin_bottom: rgb(0xffe500),
        rim: rgb(0xffe500),
        heat: rgb(0xff3b1f),
        sick: rgb(0x7ddb1a),
        chill: rgb(0x7fc4ff),
        pale: rgb(0xffffff),
        ash: rgb(0xd0d0d0),
        line: rgb(0x000000),
        mouth: rgb(0x000000),
        tongue: rgb(0xff4f6a),
        tongue_line: rgb(0x000000),
        tear: rgb(0x3fa9ff),
        tear_line: rgb(0x000000),
        note: rgb(0xffffff),
        plate: rgb(0x000000),
        weight: 1.3,
        glints: false,
        blushes: false,
        ..Self::CLASSIC
    };

    /// Lines of light without a head: few pixels are lit.
    pub const MINIMAL: Self = Self {
        line: rgb(0xffd873),
        heat: rgb(0xff4030),
        sick: rgb(0x7fd030),
        chill: rgb(0x60b0ff),
        pale: rgb(0x9098a8),
        ash: rgb(0xa0a0a0),
        white: rgb(0x000000),
        mouth: rgb(0x000000),
        tongue: rgb(0xe05068),
        tongue_line: rgb(0x701c2c),
        tear: rgb(0x5dbcff),
        tear_line: rgb(0x000000),
        plate: rgb(0xffd873),
        sign: rgb(0x000000),
        weight: 1.1,
        tint: Tint::Lines,
        glints: false,
        blushes: false,
        ..Self::CLASSIC
    };

    /// The same colours on another background, with text of this colour. On a bright one, what is as bright as that gets the
    /// text's colour, so that no outline and no sign is lost.
    pub fn on(self, background: Rgb888, text: Rgb888) -> Self {
        let moved = Self {
            background,
            text,
            ..self
        };
        if !is_bright(background) {
            return moved;
        }
        Self {
            note: seen_on_bright(self.note, text),
            indicator: seen_on_bright(self.indicator, text),
            ..match self.tint {
                // A face of one flat colour has no edge of its own.
                Tint::Skin if self.rim == self.skin_bottom => Self { rim: text, ..moved },
                Tint::Skin => moved,
                Tint::Lines => Self {
                    line: text,
                    pale: text,
                    ash: text,
                    white: background,
                    mouth: background,
                    tear_line: text,
                    plate: text,
                    sign: background,
                    ..moved
                },
            }
        }
    }
}

/// Whether black is seen better on it than white: its luma (ITU-R BT.601) is above the middle.
fn is_bright(colour: Rgb888) -> bool {
    299 * u32::from(colour.r()) + 587 * u32::from(colour.g()) + 114 * u32::from(colour.b())
        > 127_500
}

fn seen_on_bright(colour: Rgb888, text: Rgb888) -> Rgb888 {
    if is_bright(colour) { text } else { colour }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On paper no sign, outline or line is as bright as the paper; on black nothing but the background changes.
    #[test]
    fn on_paper_everything_is_seen() {
        let (paper, ink) = (rgb(0xffffff), rgb(0x504840));
        for (name, theme) in Theme::ALL {
            let printed = theme.on(paper, ink);
            assert!(!is_bright(printed.note), "{name}: the question mark");
            assert!(!is_bright(printed.line), "{name}: lines");
            let has_edge = printed.rim != printed.skin_bottom;
            assert!(
                printed.tint == Tint::Lines || has_edge,
                "{name}: the outline"
            );
            let black = rgb(0x000000);
            let same = Theme {
                background: black,
                text: ink,
                ..theme
            };
            assert_eq!(theme.on(black, ink), same, "{name}");
        }
    }
}

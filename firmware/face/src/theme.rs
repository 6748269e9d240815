//! Colours. The face says how hot or pale it is; a theme says what that looks like.

use embedded_graphics::pixelcolor::Rgb888;

const fn rgb(hex: u32) -> Rgb888 {
    Rgb888::new((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// All colours of a face.
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
    /// Tears and sweat.
    pub tear: Rgb888,
    /// The line around them.
    pub tear_line: Rgb888,
    /// Letters beside the head.
    pub note: Rgb888,
    /// Lines of text.
    pub text: Rgb888,
    /// The sign that the camera runs.
    pub notice: Rgb888,
}

impl Theme {
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
        line: rgb(0x4d2c0c),
        white: rgb(0xffffff),
        mouth: rgb(0x7a1f2b),
        tongue: rgb(0xf2616f),
        tongue_line: rgb(0xc73d52),
        blush: rgb(0xff6f52),
        tear: rgb(0x5dbcff),
        tear_line: rgb(0x1f7fd4),
        note: rgb(0x62b0ff),
        text: rgb(0xffffff),
        notice: rgb(0xff4a3d),
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
        line: rgb(0x000000),
        white: rgb(0xffffff),
        mouth: rgb(0x000000),
        tongue: rgb(0xffffff),
        tongue_line: rgb(0x000000),
        blush: rgb(0xffffff),
        tear: rgb(0xffffff),
        tear_line: rgb(0x000000),
        note: rgb(0xffffff),
        text: rgb(0xffffff),
        notice: rgb(0xffffff),
    };

    /// The same colours on another background.
    pub const fn on(self, background: Rgb888) -> Self {
        Self { background, ..self }
    }
}

//! Lines of text in the largest font that fits.

use embedded_graphics::{
    Drawable,
    draw_target::DrawTargetExt,
    mono_font::{
        MonoFont, MonoTextStyle,
        iso_8859_1::{FONT_5X8, FONT_6X10, FONT_7X13_BOLD, FONT_9X15_BOLD, FONT_10X20},
    },
    pixelcolor::Rgb888,
    prelude::{DrawTarget, Point, Size},
    primitives::Rectangle,
    text::{Alignment, Baseline, Text, TextStyleBuilder},
};

use crate::{picture::MAX_LINES, theme::Theme};

/// The fonts to choose from, the largest first.
const FONTS: [&MonoFont<'static>; 5] = [
    &FONT_10X20,
    &FONT_9X15_BOLD,
    &FONT_7X13_BOLD,
    &FONT_6X10,
    &FONT_5X8,
];

/// One of our fonts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Font(&'static MonoFont<'static>);

impl Font {
    /// The largest font in which the lines fit; the smallest if only their ends would be cut off; `None` where
    /// not even that is high enough.
    pub(crate) fn fitting(lines: &[&str], room: Size) -> Option<Self> {
        let count = lines.len().clamp(1, MAX_LINES) as u32;
        let longest = lines.iter().map(|line| line.chars().count()).max()? as u32;
        let low_enough =
            |font: &&MonoFont<'static>| font.character_size.height * count <= room.height;
        let mut fonts = FONTS.into_iter().filter(low_enough);
        let smallest = fonts.clone().next_back()?;
        let fits = |font: &&MonoFont<'static>| font.character_size.width * longest <= room.width;
        Some(Self(fonts.find(fits).unwrap_or(smallest)))
    }

    /// All of them, the largest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        FONTS.into_iter().map(Self)
    }

    /// A line's width in pixels.
    pub(crate) fn width_px(self, line: &str) -> u32 {
        self.0.character_size.width * line.chars().count() as u32
    }

    /// A line's height in pixels.
    pub(crate) const fn height_px(self) -> u32 {
        self.0.character_size.height
    }
}

/// Draws the lines in the middle of `place`; what does not fit is cut off.
pub(crate) fn draw<D>(
    target: &mut D,
    place: Rectangle,
    font: Font,
    lines: &[&str],
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let fit = (place.size.height / font.height_px()) as usize;
    let lines = &lines[..lines.len().min(fit).min(MAX_LINES)];
    let style = MonoTextStyle::new(font.0, theme.text.into());
    let middle = TextStyleBuilder::new()
        .alignment(Alignment::Center)
        .baseline(Baseline::Top)
        .build();
    let x = place.center().x;
    let spare = place.size.height - font.height_px() * lines.len() as u32;
    let mut y = place.top_left.y + (spare / 2) as i32;
    let mut clipped = target.clipped(&place);
    for line in lines {
        Text::with_text_style(line, Point::new(x, y), style, middle).draw(&mut clipped)?;
        y += font.height_px() as i32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_font_that_fits() {
        let font = |lines: &[&str], w, h| {
            Font::fitting(lines, Size::new(w, h)).map(|f| f.0.character_size)
        };
        assert_eq!(font(&["happy 87%"], 240, 80), Some(Size::new(10, 20)));
        assert_eq!(font(&["happy 87%"], 64, 21), Some(Size::new(7, 13)));
        assert_eq!(font(&["surprise 87%"], 64, 21), Some(Size::new(5, 8)));
        assert_eq!(
            font(&["a line that is far too long"], 64, 21),
            Some(Size::new(5, 8))
        );
        assert_eq!(font(&["a"], 64, 7), None);
        assert_eq!(font(&["a", "b"], 64, 26), Some(Size::new(7, 13)));
    }
}

//! Lines of text in the largest font that fits: smooth letters where the display has shades, crisp ones where a pixel is lit
//! or not, and where the room is too low for smooth ones.

use embedded_graphics::{
    Drawable,
    draw_target::DrawTargetExt,
    mono_font::{
        MonoFont, MonoTextStyle,
        iso_8859_1::{FONT_5X8, FONT_6X10, FONT_7X13_BOLD, FONT_9X15_BOLD, FONT_10X20},
    },
    pixelcolor::{Rgb888, RgbColor},
    prelude::{DrawTarget, Point, Size},
    primitives::Rectangle,
    text::{Alignment, Baseline, Text, TextStyleBuilder},
};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::{
    picture::MAX_LINES,
    theme::{Shades, Theme},
};

/// The fonts to choose from where a pixel is lit or not, the largest first.
const CRISP: [Font; 5] = [
    Font::Crisp(&FONT_10X20),
    Font::Crisp(&FONT_9X15_BOLD),
    Font::Crisp(&FONT_7X13_BOLD),
    Font::Crisp(&FONT_6X10),
    Font::Crisp(&FONT_5X8),
];
/// The fonts to choose from where there are shades: too small, a smooth letter is a blur.
const SMOOTH: [Font; 5] = [
    Font::Smooth(RasterHeight::Size24),
    Font::Smooth(RasterHeight::Size20),
    Font::Smooth(RasterHeight::Size16),
    Font::Crisp(&FONT_6X10),
    Font::Crisp(&FONT_5X8),
];
/// Bold, because light letters on a dark ground look thin.
const WEIGHT: FontWeight = FontWeight::Bold;

/// One of our fonts; all letters of one are equally wide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Font {
    /// A pixel is lit or not.
    Crisp(&'static MonoFont<'static>),
    /// Each pixel has a shade.
    Smooth(RasterHeight),
}

impl Font {
    /// The largest font in which the lines fit; the smallest if only their ends would be cut off; `None` where
    /// not even that is high enough.
    pub(crate) fn fitting(lines: &[&str], room: Size, shades: Shades) -> Option<Self> {
        let count = lines.len().clamp(1, MAX_LINES) as u32;
        let longest = lines.iter().map(|line| line.chars().count()).max()? as u32;
        let low_enough = |font: &Self| font.height_px() * count <= room.height;
        let mut fonts = Self::all(shades).filter(low_enough);
        let smallest = fonts.clone().next_back()?;
        let fits = |font: &Self| font.letter_px() * longest <= room.width;
        Some(fonts.find(fits).unwrap_or(smallest))
    }

    /// All that suit a display, the largest first.
    pub(crate) fn all(shades: Shades) -> impl DoubleEndedIterator<Item = Self> + Clone {
        match shades {
            Shades::All => SMOOTH,
            Shades::Two => CRISP,
        }
        .into_iter()
    }

    /// A letter's width in pixels.
    fn letter_px(self) -> u32 {
        match self {
            Self::Crisp(font) => font.character_size.width,
            Self::Smooth(height) => get_raster_width(WEIGHT, height) as u32,
        }
    }

    /// A line's width in pixels.
    pub(crate) fn width_px(self, line: &str) -> u32 {
        self.letter_px() * line.chars().count() as u32
    }

    /// A line's height in pixels.
    pub(crate) const fn height_px(self) -> u32 {
        match self {
            Self::Crisp(font) => font.character_size.height,
            Self::Smooth(height) => height.val() as u32,
        }
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
    let spare = place.size.height - font.height_px() * lines.len() as u32;
    let mut y = place.top_left.y + (spare / 2) as i32;
    let middle = TextStyleBuilder::new()
        .alignment(Alignment::Center)
        .baseline(Baseline::Top)
        .build();
    let x = place.center().x;
    let mut clipped = target.clipped(&place);
    for line in lines {
        match font {
            Font::Crisp(font) => {
                let style = MonoTextStyle::new(font, theme.text.into());
                Text::with_text_style(line, Point::new(x, y), style, middle).draw(&mut clipped)?;
            }
            Font::Smooth(height) => {
                // A name is far shorter than i32's range.
                let start = Point::new(x - font.width_px(line) as i32 / 2, y);
                draw_smooth(&mut clipped, start, height, line, theme)?;
            }
        }
        y += font.height_px() as i32;
    }
    Ok(())
}

/// Draws one line, on the theme's background.
fn draw_smooth<D>(
    target: &mut D,
    start: Point,
    height: RasterHeight,
    line: &str,
    theme: &Theme,
) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: From<Rgb888>,
{
    let seen = target.bounding_box();
    let mut corner = start;
    for letter in line.chars() {
        let glyph = get_raster(letter, WEIGHT, height).or_else(|| {
            let instead = if letter.is_whitespace() { ' ' } else { '?' };
            get_raster(instead, WEIGHT, height)
        });
        let Some(glyph) = glyph else { continue };
        // A letter has at most 24 rows.
        let box_of_it =
            Rectangle::new(corner, Size::new(glyph.width() as u32, height.val() as u32));
        corner.x += glyph.width() as i32;
        if !box_of_it.intersection(&seen).is_zero_sized() {
            let colours = glyph.pixels().iter().map(|share| mixed(theme, *share));
            target.fill_contiguous(&box_of_it, colours.map(D::Color::from))?;
        }
    }
    Ok(())
}

/// The colour of a pixel that a letter covers by `share` of 255.
fn mixed(theme: &Theme, share: u8) -> Rgb888 {
    match share {
        0 => theme.background,
        255 => theme.text,
        _ => {
            let (under, over, share) = (theme.background, theme.text, u32::from(share));
            // At most 255, since the shares sum up to 255.
            let mix = |under: u8, over: u8| {
                ((u32::from(under) * (255 - share) + u32::from(over) * share + 127) / 255) as u8
            };
            Rgb888::new(
                mix(under.r(), over.r()),
                mix(under.g(), over.g()),
                mix(under.b(), over.b()),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::{mock_display::MockDisplay, primitives::PointsIter};

    use super::*;

    #[test]
    fn the_largest_font_that_fits() {
        let font = |lines: &[&str], w, h, shades| {
            let font = Font::fitting(lines, Size::new(w, h), shades)?;
            Some((font.letter_px(), font.height_px()))
        };
        let cases: [(&[&str], _, _, _, _); 6] = [
            (&["happy 87%"], 240, 80, Some((10, 20)), Some((11, 24))),
            (&["happy 87%"], 64, 21, Some((7, 13)), Some((7, 16))),
            (&["surprise 87%"], 64, 21, Some((5, 8)), Some((5, 8))),
            (&["far too long a line"], 64, 21, Some((5, 8)), Some((5, 8))),
            (&["a"], 64, 7, None, None),
            (&["a", "b"], 64, 26, Some((7, 13)), Some((6, 10))),
        ];
        for (lines, w, h, crisp, smooth) in cases {
            assert_eq!(font(lines, w, h, Shades::Two), crisp, "{lines:?}");
            assert_eq!(font(lines, w, h, Shades::All), smooth, "{lines:?}");
        }
    }

    /// The pixels of a line.
    fn drawn(font: Font, theme: &Theme, line: &str) -> std::vec::Vec<Rgb888> {
        let mut display = MockDisplay::<Rgb888>::new();
        display.set_allow_overdraw(true);
        let place = Rectangle::new(Point::zero(), Size::new(60, 24));
        draw(&mut display, place, font, &[line], theme).unwrap();
        place
            .points()
            .filter_map(|at| display.get_pixel(at))
            .collect()
    }

    #[test]
    fn letters_have_shades_where_the_display_has_them_and_only_there() {
        let shades_of = |theme: &Theme| {
            let room = Size::new(60, 24);
            let font = Font::fitting(&["Wé %"], room, theme.shades).unwrap();
            let between = |c: &Rgb888| *c != theme.text && *c != theme.background;
            drawn(font, theme, "Wé %")
                .into_iter()
                .filter(between)
                .count()
        };
        assert!(shades_of(&Theme::CLASSIC) > 40);
        assert_eq!(shades_of(&Theme::MONO), 0);
    }

    #[test]
    fn every_letter_of_a_name_is_drawn_and_no_two_are_alike() {
        let font = Font::Smooth(RasterHeight::Size16);
        let letters = ['a', 'ä', 'é', 'ß', 'ñ', '?'];
        let pictures = letters.map(|l| drawn(font, &Theme::CLASSIC, l.encode_utf8(&mut [0; 4])));
        for (i, picture) in pictures.iter().enumerate() {
            assert!(picture.iter().any(|c| c.r() > 150), "{}", letters[i]);
            assert!(!pictures[..i].contains(picture), "{}", letters[i]);
        }
        // What the font lacks is a question mark, and a space that may not break is a space.
        assert_eq!(drawn(font, &Theme::CLASSIC, "字"), pictures[5]);
        assert_eq!(
            drawn(font, &Theme::CLASSIC, "\u{a0}"),
            drawn(font, &Theme::CLASSIC, " ")
        );
    }
}

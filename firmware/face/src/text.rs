//! Lines of text in the largest font that fits, in as many rows as they need: smooth letters where the display has shades, crisp ones where a pixel is lit
//! or not, and where the space is too low for smooth ones.

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
    text::{Baseline, Text},
};
use heapless::Vec;
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

/// What of a text has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    Nothing,
    /// Its last rows.
    Rows,
    /// The ends of words.
    Letters,
}

/// How lines go into a space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fit {
    pub(crate) font: Font,
    /// The rows that the lines take.
    pub(crate) rows: u32,
    /// What is not seen.
    pub(crate) loss: Loss,
}

impl Fit {
    /// The largest font in which each line fits into a row, else in which each word does, else the smallest; `None` where
    /// not even that is low enough.
    pub(crate) fn of(lines: &[&str], space: Size, shades: Shades) -> Option<Self> {
        let most = |font: Font| (space.height / font.height_px()) as usize;
        let fonts = Font::all(shades).filter(|font| most(*font) > 0);
        let fits = fonts.map(|font| {
            let rows = rows(lines, font, space.width);
            let shown = rows.len().min(most(font));
            let loss = match &rows[..shown] {
                seen if seen.iter().any(|row| row.is_cut) => Loss::Letters,
                seen if seen.len() < rows.len() => Loss::Rows,
                _ => Loss::Nothing,
            };
            Self {
                font,
                rows: shown as u32,
                loss,
            }
        });
        let count = lines.len().min(MAX_LINES) as u32;
        let whole = |fit: &Self| fit.loss == Loss::Nothing;
        let mut in_rows = fits.clone().filter(|fit| whole(fit) && fit.rows == count);
        let smallest = || fits.clone().rev().min_by_key(|fit| fit.loss);
        in_rows
            .next()
            .or_else(|| fits.clone().find(whole))
            .or_else(smallest)
    }

    /// The height of its rows in pixels.
    pub(crate) fn height_px(&self) -> u32 {
        self.rows * self.font.height_px()
    }
}

/// A row of text.
struct Row<'a> {
    text: &'a str,
    /// Whether two dots stand for the rest of a word.
    is_cut: bool,
}

/// Rows that a screen shows at most.
const MAX_ROWS: usize = 6;
/// What stands for letters that have no room.
const DOTS: &str = "..";

/// The lines in rows of a width: a line that is too long goes on beneath, a word that is too long loses its end.
fn rows<'a>(lines: &[&'a str], font: Font, width_px: u32) -> Vec<Row<'a>, MAX_ROWS> {
    let most = (width_px / font.letter_px()) as usize;
    let mut rows = Vec::new();
    for line in lines.iter().take(MAX_LINES) {
        let mut rest = *line;
        while let Some((row, more)) = first_row(rest, most) {
            if rows.push(row).is_err() {
                return rows;
            }
            rest = more;
        }
    }
    rows
}

/// The first row of so many letters, and the rest; `None` if there is no letter.
fn first_row(line: &str, most: usize) -> Option<(Row<'_>, &str)> {
    let line = line.trim();
    let whole = |text| Row {
        text,
        is_cut: false,
    };
    let end = |letters: usize| line.char_indices().nth(letters).map(|(at, _)| at);
    let Some(beyond) = end(most) else {
        return (!line.is_empty()).then_some((whole(line), ""));
    };
    // A space right behind the row ends it, too.
    let with_next = end(most + 1).unwrap_or(line.len());
    if let Some(space) = line[..with_next].rfind(' ') {
        return Some((whole(line[..space].trim_end()), &line[space..]));
    }
    let word = line.find(' ').unwrap_or(line.len());
    let row = match most.checked_sub(DOTS.len()).filter(|letters| *letters > 0) {
        Some(letters) => Row {
            text: &line[..end(letters).unwrap_or(beyond)],
            is_cut: true,
        },
        None => Row {
            text: &line[..beyond],
            is_cut: true,
        },
    };
    Some((row, &line[word..]))
}

impl Font {
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

/// Draws the lines in the middle of `place`; rows that it has no room for are left out, the last first.
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
    let mut rows = rows(lines, font, place.size.width);
    rows.truncate((place.size.height / font.height_px()) as usize);
    let spare = place.size.height - font.height_px() * rows.len() as u32;
    let mut y = place.top_left.y + (spare / 2) as i32;
    let mut clipped = target.clipped(&place);
    for row in rows {
        let dots = if row.is_cut { DOTS } else { "" };
        let width = font.width_px(row.text) + font.width_px(dots);
        // A row is as wide as a screen at most.
        let mut start = Point::new(place.center().x - (width.saturating_sub(1) / 2) as i32, y);
        for part in [row.text, dots] {
            match font {
                Font::Crisp(font) => {
                    let style = MonoTextStyle::new(font, theme.text.into());
                    Text::with_baseline(part, start, style, Baseline::Top).draw(&mut clipped)?;
                }
                Font::Smooth(height) => draw_smooth(&mut clipped, start, height, part, theme)?,
            }
            start.x += font.width_px(part) as i32;
        }
        y += font.height_px() as i32;
    }
    Ok(())
}

/// Draws a part of a row, on the theme's background.
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
            let fit = Fit::of(lines, Size::new(w, h), shades)?;
            Some((fit.font.letter_px(), fit.font.height_px(), fit.rows))
        };
        let cases: [(&[&str], _, _, _, _); 6] = [
            (
                &["happy 87%"],
                240,
                80,
                Some((10, 20, 1)),
                Some((11, 24, 1)),
            ),
            (&["happy 87%"], 64, 21, Some((7, 13, 1)), Some((7, 16, 1))),
            (&["surprise 87%"], 64, 21, Some((5, 8, 1)), Some((5, 8, 1))),
            (
                &["überrascht 87%"],
                64,
                32,
                Some((6, 10, 2)),
                Some((6, 10, 2)),
            ),
            (&["a"], 64, 7, None, None),
            (&["a", "b"], 64, 26, Some((7, 13, 2)), Some((6, 10, 2))),
        ];
        for (lines, w, h, crisp, smooth) in cases {
            assert_eq!(font(lines, w, h, Shades::Two), crisp, "{lines:?}");
            assert_eq!(font(lines, w, h, Shades::All), smooth, "{lines:?}");
        }
    }

    /// A letter lost at both ends made another word of it.
    #[test]
    fn what_is_too_long_goes_on_beneath_and_loses_only_its_end() {
        let shown = |line: &str, letters: u32| {
            let rows = rows(&[line], Font::Crisp(&FONT_5X8), letters * 5 + 4);
            let dots = |row: &Row<'_>| if row.is_cut { DOTS } else { "" };
            let rows = rows
                .iter()
                .map(|row| std::format!("{}{}", row.text, dots(row)));
            rows.collect::<std::vec::Vec<_>>().join("|")
        };
        for (line, letters, expected) in [
            ("überrascht 85%", 14, "überrascht 85%"),
            ("überrascht 85%", 12, "überrascht|85%"),
            ("überrascht 85%", 10, "überrascht|85%"),
            ("überrascht 85%", 9, "überras..|85%"),
            ("no está claro 85%", 12, "no está|claro 85%"),
            (
                "Wohnzimmer im Obergeschoss",
                12,
                "Wohnzimmer|im|Obergeschoss",
            ),
            ("ab", 1, "a.."),
            ("  ", 5, ""),
            ("", 5, ""),
            ("a b c d e f g h", 1, "a|b|c|d|e|f"),
        ] {
            assert_eq!(shown(line, letters), expected, "{line} in {letters}");
        }
        assert_eq!(rows(&["a"], Font::Crisp(&FONT_5X8), 0).len(), 1);
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
            let space = Size::new(60, 24);
            let font = Fit::of(&["Wé %"], space, theme.shades).unwrap().font;
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

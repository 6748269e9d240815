//! Pixels as a terminal's cells: a half block shows two pixels, one above the other. Knows how many colours a terminal
//! has.

use moodring_face::theme::Theme;
use ratatui::{buffer::Buffer, layout::Rect, style::Color};

use super::canvas::Canvas;

/// How many colours a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColorDepth {
    /// 16 million.
    True,
    /// xterm's 256.
    Indexed,
    /// Two, or the user wants no colours.
    Mono,
}

impl ColorDepth {
    /// What the environment promises: `NO_COLOR` (no-color.org), `COLORTERM`, `TERM`.
    pub(super) fn from_env() -> Self {
        Self::detect(|name| std::env::var(name).unwrap_or_default())
    }

    fn detect(var: impl Fn(&str) -> String) -> Self {
        let (colour, term) = (var("COLORTERM"), var("TERM"));
        if !var("NO_COLOR").is_empty() {
            Self::Mono
        } else if colour == "truecolor" || colour == "24bit" {
            Self::True
        } else if term.contains("256") {
            Self::Indexed
        } else {
            Self::Mono
        }
    }

    /// The theme for this many colours.
    pub(super) const fn theme(self) -> &'static Theme {
        match self {
            Self::True | Self::Indexed => &Theme::CLASSIC,
            Self::Mono => &Theme::MONO,
        }
    }

    /// The terminal's nearest colour.
    pub(super) fn colour(self, rgb: [u8; 3]) -> Color {
        match self {
            Self::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            Self::Indexed => Color::Indexed(nearest(rgb)),
            Self::Mono => Color::Reset,
        }
    }
}

/// The nearest of xterm's 6x6x6 cube (16..=231, steps at 0, 95, 135, 175, 215, 255).
fn nearest(rgb: [u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(|v| match v {
        0..48 => 0,
        48..115 => 1,
        _ => (v - 35) / 40,
    });
    16 + 36 * r + 6 * g + b
}

/// A cell: a character, its colour and its background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TerminalCell {
    pub(super) sign: char,
    pub(super) front: Color,
    pub(super) back: Color,
}

/// The cell for the pixels at `(x, 2 y)` and below it. Black is the terminal's own background.
pub(super) fn cell(canvas: &Canvas, x: u32, y: u32, depth: ColorDepth) -> TerminalCell {
    let (top, bottom) = (canvas.pixel(x, 2 * y), canvas.pixel(x, 2 * y + 1));
    let shown = |rgb: [u8; 3]| match depth {
        ColorDepth::Mono => rgb[1] >= 128,
        ColorDepth::True | ColorDepth::Indexed => rgb != [0; 3],
    };
    let (sign, front, back) = match (shown(top), shown(bottom)) {
        (false, false) => (' ', Color::Reset, Color::Reset),
        (true, false) => ('▀', depth.colour(top), Color::Reset),
        (false, true) => ('▄', depth.colour(bottom), Color::Reset),
        (true, true) if depth == ColorDepth::Mono => ('█', Color::Reset, Color::Reset),
        (true, true) => ('▀', depth.colour(top), depth.colour(bottom)),
    };
    TerminalCell { sign, front, back }
}

/// Paints the canvas into a buffer, from the top left corner of the area.
pub(super) fn paint(buffer: &mut Buffer, area: Rect, canvas: &Canvas, depth: ColorDepth) {
    for y in 0..area.height {
        for x in 0..area.width {
            let TerminalCell { sign, front, back } = cell(canvas, x.into(), y.into(), depth);
            if let Some(cell) = buffer.cell_mut((area.x + x, area.y + y)) {
                cell.set_char(sign).set_fg(front).set_bg(back);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides_the_number_of_colours() {
        let with = |pairs: &[(&str, &str)]| {
            ColorDepth::detect(|name| {
                let found = pairs.iter().find(|(n, _)| *n == name);
                found.map_or(String::new(), |(_, v)| (*v).into())
            })
        };
        let truecolor = ("COLORTERM", "truecolor");
        assert_eq!(with(&[truecolor]), ColorDepth::True);
        assert_eq!(with(&[truecolor, ("NO_COLOR", "1")]), ColorDepth::Mono);
        assert_eq!(with(&[("TERM", "xterm-256color")]), ColorDepth::Indexed);
        assert_eq!(with(&[("TERM", "linux")]), ColorDepth::Mono);
    }

    #[test]
    fn the_cube_has_the_nearest_colour() {
        assert_eq!(nearest([0, 0, 0]), 16);
        assert_eq!(nearest([255, 255, 255]), 231);
        assert_eq!(nearest([95, 135, 175]), 16 + 36 + 12 + 3);
        assert_eq!(nearest([47, 48, 115]), 16 + 6 + 2);
        assert_eq!(nearest([154, 156, 0]), 16 + 36 * 2 + 6 * 3);
    }
}

//! Pictures for `moodring show`: in a PNG file or on standard output.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    path::Path,
};

use moodring_face::{
    animate::Pose,
    look::Look,
    picture::{Picture, ScreenShape},
    theme::Theme,
};
use ratatui::{crossterm, style::Color};

use super::{
    DisplayError,
    canvas::Canvas,
    cells::{ColorDepth, TerminalCell, cell},
    png::replace,
};

/// The size in cells where no terminal reports one.
const PIPE_CELLS: (u16, u16) = (80, 41);

/// How `moodring show` draws.
#[derive(Clone, Copy, Debug)]
pub struct ShowStyle<'a> {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The colours; else classic, or what a terminal can show.
    pub theme: Option<Theme>,
    /// Lines of text.
    pub lines: &'a [&'a str],
    /// The shape of the screen.
    pub shape: ScreenShape,
}

impl ShowStyle<'_> {
    pub(super) fn theme(&self) -> Theme {
        self.theme.unwrap_or(Theme::CLASSIC)
    }

    /// Draws one moment of a face.
    pub(super) fn draw(&self, canvas: &mut Canvas, pose: Pose, theme: &Theme) {
        let picture = Picture {
            faces: &[pose],
            lines: self.lines,
            shape: self.shape,
            ..Picture::default()
        };
        canvas.paint(picture, theme);
    }

    /// The theme that suits a terminal with this many colours.
    fn in_cells(&self, look: Look, size: (u32, u32), depth: ColorDepth) -> String {
        let theme = self.theme.unwrap_or(*depth.theme());
        let mut canvas = Canvas::new(size.0, size.1);
        self.draw(&mut canvas, Pose::still(look), &theme);
        text(&canvas, size, depth)
    }
}

/// Shows a look: in the file `png`, or on standard output in half blocks, shrunk to fit.
///
/// # Errors
/// [`DisplayError::Show`] if the file or standard output cannot be written.
pub fn show(look: Look, style: &ShowStyle<'_>, png: Option<&Path>) -> Result<(), DisplayError> {
    if let Some(path) = png {
        let mut canvas = Canvas::new(style.size.0, style.size.1);
        style.draw(&mut canvas, Pose::still(look), &style.theme());
        return write(path, &canvas);
    }
    let cells = match crossterm::terminal::size() {
        Ok(cells) if io::stdout().is_terminal() => cells,
        _ => PIPE_CELLS,
    };
    let text = style.in_cells(look, fit(style.size, cells), ColorDepth::from_env());
    match io::stdout().write_all(text.as_bytes()) {
        // The reader closed the pipe: it has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|error| DisplayError::show("standard output", error)),
    }
}

/// Writes all looks side by side with their names; the style's width is that of one face.
///
/// # Errors
/// [`DisplayError::Show`] if the file cannot be written.
pub fn show_sheet(style: &ShowStyle<'_>, png: &Path) -> Result<(), DisplayError> {
    let mut canvas = Canvas::new(0, 0);
    canvas.sheet(style.size.0, &style.theme(), style.shape);
    write(png, &canvas)
}

fn write(path: &Path, canvas: &Canvas) -> Result<(), DisplayError> {
    let name = path.display().to_string();
    replace(path, canvas).map_err(|error| DisplayError::show(&name, error))
}

/// The picture's size in pixels, shrunk to fit into this many cells with one line left for the prompt.
fn fit((width, height): (u32, u32), (columns, rows): (u16, u16)) -> (u32, u32) {
    let across = f64::from(columns) / f64::from(width);
    let down = 2.0 * f64::from(rows.saturating_sub(1)) / f64::from(height);
    let scale = across.min(down).min(1.0);
    let shrink = |side: u32| ((f64::from(side) * scale) as u32).max(2);
    (shrink(width), shrink(height))
}

/// Half blocks with ANSI colours, a line per two rows of pixels.
fn text(canvas: &Canvas, (width, height): (u32, u32), depth: ColorDepth) -> String {
    let mut text = String::new();
    for y in 0..height.div_ceil(2) {
        let mut last = None;
        for x in 0..width {
            let TerminalCell { sign, front, back } = cell(canvas, x, y, depth);
            if depth != ColorDepth::Mono && last != Some((front, back)) {
                text += &format!("\x1b[{};{}m", code(front, 38), code(back, 48));
                last = Some((front, back));
            }
            text.push(sign);
        }
        text += if depth == ColorDepth::Mono {
            "\n"
        } else {
            "\x1b[0m\n"
        };
    }
    text
}

/// An SGR parameter (ECMA-48, ISO 8613-6); `base` is 38 for the front, 48 for the back.
fn code(colour: Color, base: u8) -> String {
    let mut code = String::new();
    // Writing to a string cannot fail.
    let _ = match colour {
        Color::Rgb(r, g, b) => write!(code, "{base};2;{r};{g};{b}"),
        Color::Indexed(i) => write!(code, "{base};5;{i}"),
        _ => write!(code, "{}", base + 1),
    };
    code
}

#[cfg(test)]
mod tests {
    use moodring_core::{expression::Expression, mood::Mood};

    use super::*;

    const SMALL: ShowStyle<'static> = ShowStyle {
        size: (40, 30),
        theme: None,
        lines: &[],
        shape: ScreenShape::Square,
    };

    #[test]
    fn fits_into_the_terminal_and_keeps_its_form() {
        assert_eq!(fit((240, 240), (80, 25)), (48, 48));
        assert_eq!(fit((240, 120), (80, 60)), (80, 40));
        assert_eq!(fit((16, 16), (80, 25)), (16, 16));
        assert_eq!(fit((240, 240), (1, 1)), (2, 2));
    }

    #[test]
    fn mono_is_plain_text_of_the_right_size() {
        let text = SMALL.in_cells(Mood::Nobody.into(), (20, 20), ColorDepth::Mono);
        assert!(!text.contains('\x1b'));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert!(lines.iter().all(|l| l.chars().count() == 20));
        assert!(text.contains('█'));
    }

    #[test]
    fn colours_end_with_each_line() {
        let happy = Expression::Happy.into();
        let text = SMALL.in_cells(happy, (20, 20), ColorDepth::True);
        assert!(text.lines().all(|l| l.ends_with("\x1b[0m")));
        assert!(text.contains("38;2;"));
        let text = SMALL.in_cells(happy, (20, 20), ColorDepth::Indexed);
        assert!(text.contains("38;5;"));
    }

    #[test]
    fn a_png_has_the_wanted_size_and_a_wrong_folder_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sad.png");
        show(Expression::Sad.into(), &SMALL, Some(&path)).unwrap();
        assert_eq!(image::image_dimensions(&path).unwrap(), (40, 30));
        let absent = folder.path().join("absent/sad.png");
        let text = show(Look::CameraOff, &SMALL, Some(&absent))
            .unwrap_err()
            .to_string();
        assert!(text.contains("absent/sad.png"), "{text}");
    }

    /// Issue 24: round sheets were square ones.
    #[test]
    fn a_round_sheet_keeps_the_letters_out_of_the_corners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        let sheet = |shape| {
            let style = ShowStyle {
                size: (120, 120),
                shape,
                ..SMALL
            };
            show_sheet(&style, &path).unwrap();
            image::open(&path).unwrap().to_rgb8()
        };
        let (square, round) = (sheet(ScreenShape::Square), sheet(ScreenShape::Round));
        let background = *square.get_pixel(0, 0);
        // Pixels of faces outside the circle; the names lie beneath.
        let outside = |picture: &image::RgbImage| {
            let pixels = picture.enumerate_pixels();
            let drawn = pixels.filter(|(x, y, colour)| {
                let (x, y) = ((x % 120) as f32 - 59.5, (y % 150) as f32 - 59.5);
                y < 60.0 && x.hypot(y) > 60.5 && **colour != background
            });
            drawn.count()
        };
        assert!(outside(&square) > 100, "{}", outside(&square));
        assert_eq!(outside(&round), 0);
    }

    #[test]
    fn a_sheet_has_room_for_every_look() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        show_sheet(&SMALL, &path).unwrap();
        let (width, height) = image::image_dimensions(&path).unwrap();
        assert!(width % 40 == 0 && width / 40 * height / 40 >= Look::ALL.len() as u32);
    }
}

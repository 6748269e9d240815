//! `show`: draws the emoji of one expression, several or all: still, side by side or animated.

use std::path::{Path, PathBuf};

use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use moodring_base::exit::Exit;
use moodring_display::{self as display, ShowStyle};
use moodring_face::{look::Look, picture::ScreenShape, theme::Theme};

use super::Failure;
use crate::cli::ShowArgs;
use crate::commands::stdout::out;

/// The colour of letters on paper.
const INK: Rgb888 = Rgb888::new(80, 72, 64);

/// Draws in the terminal or writes PNG files.
pub(super) fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let lines: Vec<&str> = args.label.iter().map(String::as_str).collect();
    let style = ShowStyle {
        size: args.size,
        theme: theme(args)?,
        lines: &lines,
        shape: if args.round {
            ScreenShape::Round
        } else {
            ScreenShape::Square
        },
    };
    let looks = looks(args)?;
    if let Some(kind) = &args.display {
        return super::show_on_display::show_on_display(
            args.config.config.as_deref(),
            kind,
            &looks,
        );
    }
    if let (true, Some(path)) = (args.sheet, &args.png) {
        display::show_sheet(&style, path).map_err(Failure::output)?;
    } else if let Some(path) = &args.animate {
        display::write_animation(&looks, &style, path).map_err(Failure::output)?;
    } else {
        one_after_the_other(args, &looks, &style)?;
    }
    Ok(Exit::Done)
}

fn one_after_the_other(
    args: &ShowArgs,
    looks: &[Look],
    style: &ShowStyle<'_>,
) -> Result<(), Failure> {
    for &look in looks {
        if looks.len() > 1 {
            out!("{}", titled(look));
        }
        let png = match &args.png {
            Some(path) if looks.len() > 1 => Some(named(path, look)),
            path => path.clone(),
        };
        display::show(look, style, png.as_deref()).map_err(Failure::output)?;
    }
    Ok(())
}

fn titled(look: Look) -> String {
    match look {
        Look::Mood(mood) => format!("{} {}", mood.emoji(), mood.name()),
        state => state.name().into(),
    }
}

/// The requested looks.
fn looks(args: &ShowArgs) -> Result<Vec<Look>, Failure> {
    if args.looks.is_empty() {
        return Ok(Look::ALL.into());
    }
    args.looks.iter().map(|name| look(name)).collect()
}

fn look(name: &str) -> Result<Look, Failure> {
    let code = name
        .strip_prefix("fault:")
        .and_then(|code| code.parse().ok());
    code.map(Look::Fault)
        .or_else(|| Look::from_name(name))
        .ok_or_else(|| {
            let names = Look::ALL.map(Look::name).join(", ");
            let text = format!("`{name}` is not an expression; there are: {names}, fault:CODE");
            Failure::new(Exit::Usage, text)
        })
}

fn theme(args: &ShowArgs) -> Result<Option<Theme>, Failure> {
    let theme = match &args.theme {
        None => None,
        Some(name) => Some(*Theme::from_name(name).ok_or_else(|| {
            let names = Theme::ALL.map(|(name, _)| name).join(", ");
            Failure::new(
                Exit::Usage,
                format!("`{name}` is not a theme; there are: {names}"),
            )
        })?),
    };
    Ok(match args.paper {
        true => Some(theme.unwrap_or(Theme::CLASSIC).on(Rgb888::WHITE, INK)),
        false => theme,
    })
}

/// `face.png` becomes `face-happy.png`.
fn named(path: &Path, look: Look) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{}.png", look.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_codes_are_looks_and_others_are_refused() {
        assert_eq!(look("fault:12").unwrap(), Look::Fault(12));
        assert_eq!(look("camera-off").unwrap(), Look::CameraOff);
        for wrong in ["joy", "fault:x", "fault:70000", ""] {
            assert!(look(wrong).is_err(), "{wrong}");
        }
    }
}

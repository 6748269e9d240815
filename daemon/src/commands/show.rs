//! `show`: the emoji of an expression, or of all.

use std::path::{Path, PathBuf};

use moodring_core::{expression::Expression, mood::Mood};

use super::Failure;
use crate::{cli::ShowArgs, display, exit::Exit};

/// Draws in the terminal or writes PNG files.
pub(super) fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    if args.tour {
        for mood in all_moods() {
            println!("{} {}", mood.emoji(), mood.name());
            let png = args.png.as_deref().map(|path| named(path, mood));
            display::show(mood, args.size, png.as_deref()).map_err(Failure::output)?;
        }
        return Ok(Exit::Done);
    }
    let name = args.mood.as_deref().unwrap_or_default();
    let Some(mood) = all_moods().find(|mood| mood.name() == name) else {
        let names: Vec<_> = all_moods().map(Mood::name).collect();
        let text = format!(
            "`{name}` is not an expression; there are: {}",
            names.join(", ")
        );
        return Err(Failure::new(Exit::Usage, text));
    };
    display::show(mood, args.size, args.png.as_deref()).map_err(Failure::output)?;
    Ok(Exit::Done)
}

fn all_moods() -> impl Iterator<Item = Mood> {
    let expressions = Expression::ALL.into_iter().map(Mood::Showing);
    expressions.chain([Mood::Uncertain, Mood::Nobody])
}

/// `face.png` becomes `face-happy.png`.
fn named(path: &Path, mood: Mood) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{}.png", mood.name()))
}

//! `config`: the documented defaults, or a check of a file.

use super::Failure;
use crate::{
    cli::ShowConfigArgs,
    config::{DEFAULT_TOML, Overrides, load},
    exit::Exit,
};

/// Prints settings as TOML.
pub(super) fn config(args: &ShowConfigArgs) -> Result<Exit, Failure> {
    let Some(path) = &args.check else {
        print!("{DEFAULT_TOML}");
        return Ok(Exit::Done);
    };
    let (settings, _) = load(Some(path), &Overrides::default())?;
    let text = toml::to_string(&settings).map_err(Failure::output)?;
    print!(
        "# {} is fine. With the environment and the defaults it means:\n{text}",
        path.display()
    );
    Ok(Exit::Done)
}

//! `run`: the daemon.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use moodring_base::{
    config::{DisplayKind, DisplaySettings, Overrides, Settings, SettingsSource, load},
    exit::Exit,
    process_limits,
};
use moodring_display::{self as display, Display};

use super::Failure;
use crate::{
    app::{self, AppError},
    cli::RunArgs,
    logs,
};

/// Runs until it is stopped.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let file = args.config.config.as_deref();
    let flags = args.overrides();
    start(file, &flags, async |settings, file, display| {
        let source = SettingsSource {
            file,
            flags: flags.clone(),
        };
        app::run(settings, source, display).await
    })
}

/// Reads the settings, opens log and display, and runs the given program with them until it ends.
pub(super) fn start(
    file: Option<&Path>,
    flags: &Overrides,
    app: impl AsyncFnOnce(&Settings, Option<PathBuf>, Box<dyn Display + Send>) -> Result<(), AppError>,
) -> Result<Exit, Failure> {
    process_limits::raise_open_files();
    let (settings, file) = load(file, flags)?;
    let live = live_view(&settings.display);
    let lines = display::LogLines::default();
    if live {
        logs::to_writer(&settings.log.level, lines.clone());
    } else {
        logs::to_stderr(&settings.log.level);
    }
    match &file {
        Some(path) => tracing::info!("settings from {}", path.display()),
        None => tracing::info!("no settings file: taking the defaults"),
    }
    let display = display::open(&settings, live, &lines).map_err(Failure::output)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::output)?;
    let ended = runtime.block_on(app(&settings, file, display));
    ended.map(|()| Exit::Done).map_err(Failure::from)
}

/// Whether the live view takes over the terminal.
fn live_view(settings: &DisplaySettings) -> bool {
    match settings.kind {
        DisplayKind::Terminal => true,
        DisplayKind::Auto => std::io::stdout().is_terminal() && can_move_cursor(),
        DisplayKind::Png | DisplayKind::Spi | DisplayKind::Screen | DisplayKind::None => false,
    }
}

/// Emacs' shell and some consoles show escape codes as they are; they set `TERM=dumb`.
fn can_move_cursor() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Vision(error) => error.into(),
            AppError::Source(_) | AppError::Camera(_) => Self::new(Exit::Source, error),
            AppError::Device { .. } => Self::new(Exit::Config, error),
            AppError::Worker { .. } => Self::new(Exit::Broken, error),
            AppError::Mqtt(error) => Self::new(error.exit(), error),
            AppError::Display(_) | AppError::Output(_) | AppError::System(_) => Self::output(error),
        }
    }
}

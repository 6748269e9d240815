//! `config`: prints the documented defaults, checks a file, or hashes a password.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
};

use moodring_base::{
    config::{DEFAULT_TOML, Overrides, load},
    exit::Exit,
};
use moodring_display::gpio::{Chips, wires};
use moodring_store::hooks;
use moodring_web::{hash_password, setup};
use ratatui::crossterm::{
    event::{Event, KeyCode, KeyEventKind, KeyModifiers, read},
    terminal::{disable_raw_mode, enable_raw_mode},
};

use super::Failure;
use crate::commands::stdout::{out, out_part};
use crate::{app, cli::ShowConfigArgs};

/// Shorter passwords are guessed too soon.
const SHORTEST: usize = 8;

/// Prints settings as TOML.
pub(super) fn config(args: &ShowConfigArgs) -> Result<Exit, Failure> {
    if let Some(file) = &args.password {
        return password(file.as_deref());
    }
    let Some(path) = &args.check else {
        out_part!("{DEFAULT_TOML}");
        return Ok(Exit::Done);
    };
    let (settings, _) = load(Some(path), &Overrides::default())?;
    app::check(&settings)?;
    // Whether it is a Jetson is known only there.
    let is_jetson = Chips::of_this_machine().jetson.is_some();
    for text in wires::collisions(&wires::wires(&settings, is_jetson)) {
        eprintln!("warning: {text}: {}", wires::WAY_OUT);
    }
    // The file may be meant for another machine.
    if let Some(program) = settings.hooks.on_change.first()
        && let Err(problem) = hooks::check(Path::new(program))
    {
        eprintln!("warning: the hook {program} could not be started here: {problem}");
    }
    let text = toml::to_string(&settings).map_err(Failure::output)?;
    out_part!(
        "# {} is fine. With the environment and the defaults it means:\n{text}",
        path.display()
    );
    Ok(Exit::Done)
}

/// Asks for a password and prints its line for the settings, or writes it into the file.
fn password(file: Option<&Path>) -> Result<Exit, Failure> {
    let password = match io::stdin().is_terminal() {
        true => ask(),
        false => {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map(|_| line)
        }
    };
    let password = password.map_err(Failure::output)?;
    let password = password.trim_end_matches(['\n', '\r']);
    if password.chars().count() < SHORTEST {
        let text = format!("a password must have at least {SHORTEST} characters");
        return Err(Failure::new(Exit::Usage, text));
    }
    let hash = hash_password(password).map_err(Failure::output)?;
    let Some(file) = file else {
        out!("[web]\npassword = \"{hash}\"");
        return Ok(Exit::Done);
    };
    let saved = setup::set_key(file, "web", "password", &hash);
    let saved = saved.map_err(|error| match error {
        setup::SetupError::Write { .. } => Failure::output(format!("{error}. Nothing was changed")),
        _ => Failure::new(Exit::Config, error),
    })?;
    out!(
        "{} has the password now; a daemon that runs takes it when it is started again",
        saved.file.display()
    );
    if let Some(before) = saved.before {
        out!("the file before is {}", before.display());
    }
    Ok(Exit::Done)
}

/// Reads a line from the terminal without echo.
fn ask() -> io::Result<String> {
    eprint!("Password: ");
    io::stderr().flush()?;
    enable_raw_mode()?;
    let typed = typed();
    disable_raw_mode()?;
    eprintln!();
    typed
}

fn typed() -> io::Result<String> {
    let mut text = String::new();
    loop {
        let Event::Key(key) = read()? else { continue };
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            _ if key.kind != KeyEventKind::Press => {}
            KeyCode::Enter => return Ok(text),
            KeyCode::Char('c' | 'd') if control => return Err(io::ErrorKind::Interrupted.into()),
            KeyCode::Backspace => _ = text.pop(),
            KeyCode::Char(c) if !control => text.push(c),
            _ => {}
        }
    }
}

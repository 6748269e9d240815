//! The terminal as a display: takes it over at the start and restores it at the end and on a panic.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use moodring_core::frame::Millis;
use ratatui::{
    DefaultTerminal,
    crossterm::{
        event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
        execute,
        terminal::{self, EnterAlternateScreen},
    },
};

use super::{
    Display, DisplayControls, DisplayError, LogLines, View,
    cells::ColorDepth,
    job_control::{self, JobControl, StopScope},
    live::LiveView,
};

const NAME: &str = "terminal";
const WAY_OUT: &str = "Run in a terminal, or choose display.kind = \"png\" or \"none\"";

/// The live view on standard output. Only one at a time: it owns the screen until it is dropped.
#[derive(Debug)]
pub struct TerminalDisplay {
    screen: DefaultTerminal,
    live: LiveView,
    quit: bool,
    /// None where the signals cannot be had.
    jobs: Option<JobControl>,
}

impl TerminalDisplay {
    /// Takes the terminal over: raw mode, alternate screen, and a panic hook that restores both.
    ///
    /// # Errors
    /// [`DisplayError::Open`] if standard output is no terminal.
    pub fn open(logs: LogLines) -> Result<Self, DisplayError> {
        // Raw mode works on standard input alone, and then a file would be filled with escape codes.
        if !io::stdout().is_terminal() {
            let reason = "standard output is not a terminal";
            return Err(DisplayError::open(NAME, reason, WAY_OUT));
        }
        let opened = ratatui::try_init().inspect_err(|_| {
            // It may have failed half way.
            let _ = ratatui::try_restore();
        });
        let screen = opened.map_err(|error| DisplayError::open(NAME, error, WAY_OUT))?;
        Ok(Self {
            screen,
            live: LiveView::new(logs, ColorDepth::from_env(), Millis(0)),
            quit: false,
            jobs: JobControl::new().ok(),
        })
    }

    fn read_keys(&mut self) -> io::Result<()> {
        // Of one that is gone crossterm would read nothing for ever.
        if rustix::termios::tcgetattr(io::stdout()).is_err() {
            self.quit = true;
            return Ok(());
        }
        while event::poll(Duration::ZERO)? {
            if let Event::Key(key) = event::read()? {
                self.quit |= asks_to_quit(key);
                if asks_to_pause(key) {
                    self.pause(StopScope::Job)?;
                }
            }
        }
        Ok(())
    }

    /// Obeys the shell.
    fn follow_jobs(&mut self) -> io::Result<()> {
        let Some(jobs) = &self.jobs else {
            return Ok(());
        };
        let (stop, continued) = (jobs.is_asked_to_stop(), jobs.has_continued());
        if stop {
            return self.pause(StopScope::Process);
        }
        // Whoever had the terminal meanwhile left it as a shell wants it.
        if continued {
            self.take_again()?;
        }
        Ok(())
    }

    /// Gives the terminal back and stops; goes on here after `fg`.
    fn pause(&mut self, scope: StopScope) -> io::Result<()> {
        let Some(jobs) = self.jobs.as_ref().filter(|_| job_control::has_shell()) else {
            return Ok(());
        };
        ratatui::try_restore()?;
        self.screen.show_cursor()?;
        jobs.stop(scope)?;
        self.take_again()
    }

    /// Raw mode and the alternate screen once more, and all of it drawn anew. In the background the kernel stops us here until `fg`.
    fn take_again(&mut self) -> io::Result<()> {
        // It would remember that it is raw, which is over.
        terminal::disable_raw_mode()?;
        terminal::enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen)?;
        self.screen.clear()
    }
}

impl Display for TerminalDisplay {
    fn name(&self) -> &str {
        NAME
    }

    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        let drawn = self.screen.draw(|frame| self.live.render(frame, view));
        drawn.map_err(|error| DisplayError::show(NAME, error))?;
        Ok(())
    }

    fn set(&mut self, controls: DisplayControls) {
        self.live.on = controls.on;
    }

    fn wants_quit(&mut self) -> bool {
        // What cannot be read asks for nothing.
        let _ = self.follow_jobs().and_then(|()| self.read_keys());
        self.quit
    }
}

impl Drop for TerminalDisplay {
    fn drop(&mut self) {
        // A failure has no receiver here.
        let _ = ratatui::try_restore();
        let _ = self.screen.show_cursor();
    }
}

/// `q`, Esc, or Ctrl-C and Ctrl-D, which the kernel does not handle in raw mode.
fn asks_to_quit(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('c' | 'd') => control,
            KeyCode::Char('q' | 'Q') | KeyCode::Esc => true,
            _ => false,
        }
}

/// Ctrl-Z, which the kernel does not handle in raw mode.
fn asks_to_pause(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && key.code == KeyCode::Char('z') && control
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_quit() {
        let plain = |code| asks_to_quit(KeyEvent::new(code, KeyModifiers::NONE));
        assert!(plain(KeyCode::Char('q')) && plain(KeyCode::Esc));
        assert!(!plain(KeyCode::Char('c')) && !plain(KeyCode::Enter));
        assert!(asks_to_quit(KeyEvent::new(
            KeyCode::Char('c'),
            KeyModifiers::CONTROL
        )));
    }
}

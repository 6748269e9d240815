//! Passes commands from their senders to the controller: one place per control, so that it never grows. The newest
//! request wins, and a request to switch the camera off overtakes all others.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

use super::{Command, Switch, limit::Limit};

/// Where requests go in. Each kind of sender has a handle of its own, with a limit of its own.
#[derive(Clone, Debug)]
pub struct CommandSender {
    mailbox: Arc<Mailbox>,
    limit: Arc<Mutex<Limit>>,
    name: &'static str,
}

/// Where the daemon takes them out.
#[derive(Debug)]
pub struct CommandReceiver(Arc<Mailbox>);

#[derive(Debug, Default)]
struct Mailbox {
    waiting: Mutex<VecDeque<Command>>,
    filled: Notify,
}

/// Somebody asks too much; the request was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests at once; wait a second")]
pub struct TooMany;

/// A channel. What was sent through its sender counts as asked by `name`.
pub fn channel(name: &'static str) -> (CommandSender, CommandReceiver) {
    let mailbox = Arc::new(Mailbox::default());
    let sender = CommandSender {
        mailbox: Arc::clone(&mailbox),
        limit: Arc::default(),
        name,
    };
    (sender, CommandReceiver(mailbox))
}

impl CommandSender {
    /// Another way in, for another kind of sender.
    #[must_use]
    pub fn named(&self, name: &'static str) -> Self {
        Self {
            mailbox: Arc::clone(&self.mailbox),
            limit: Arc::default(),
            name,
        }
    }

    /// Asks for something. Never waits.
    ///
    /// # Errors
    /// [`TooMany`] if this sender asks too often. A camera may be switched off as often as one likes.
    pub fn send(&self, command: Command) -> Result<(), TooMany> {
        if command != Command::Camera(Switch::Off) {
            let mut limit = self.limit.lock().unwrap_or_else(PoisonError::into_inner);
            limit.take(Instant::now(), self.name)?;
        }
        let mut waiting = self
            .mailbox
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        put(&mut waiting, command);
        drop(waiting);
        self.mailbox.filled.notify_one();
        Ok(())
    }
}

impl CommandReceiver {
    /// The next request. May be cancelled without loss.
    pub async fn recv(&mut self) -> Command {
        loop {
            if let Some(command) = self.try_recv() {
                return command;
            }
            self.0.filled.notified().await;
        }
    }

    /// The next request, if there is one.
    pub fn try_recv(&mut self) -> Option<Command> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}

/// What a request sets. Of those that set the same one is kept.
fn control(command: &Command) -> u8 {
    match command {
        Command::Camera(_) => 0,
        Command::NextCamera | Command::ChooseCamera(_) => 1,
        Command::TakePicture => 2,
        Command::Preview(_) => 3,
        Command::Display(_) => 4,
        Command::Brightness(_) => 5,
        Command::Theme(_) => 6,
        Command::Sensitivity(_) => 7,
        Command::Restart => 8,
        Command::Calibrate(_) => 9,
    }
}

fn put(waiting: &mut VecDeque<Command>, command: Command) {
    let same = |other: &Command| control(other) == control(&command);
    let before = waiting
        .iter()
        .position(same)
        .and_then(|at| waiting.remove(at));
    let Some(merged) = merge(before, command) else {
        return;
    };
    if merged == Command::Camera(Switch::Off) {
        waiting.push_front(merged);
    } else {
        waiting.push_back(merged);
    }
}

/// What two requests to one control come to; `None` if the second takes the first back.
fn merge(before: Option<Command>, command: Command) -> Option<Command> {
    let both = |before: Switch, now: Switch| match (before, now) {
        (Switch::Toggle, Switch::Toggle) => None,
        // Whoever toggles all the time does not take back what the owner asked for.
        (Switch::Off, Switch::Toggle) => Some(Switch::Off),
        (Switch::On, Switch::Toggle) => Some(Switch::Off),
        (_, now) => Some(now),
    };
    match (before, command) {
        (Some(Command::Camera(before)), Command::Camera(now)) => {
            both(before, now).map(Command::Camera)
        }
        (Some(Command::Display(before)), Command::Display(now)) => {
            both(before, now).map(Command::Display)
        }
        (Some(Command::Preview(before)), Command::Preview(now)) => {
            both(before, now).map(Command::Preview)
        }
        (_, command) => Some(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(commands: &[Command]) -> Vec<Command> {
        let mut waiting = VecDeque::new();
        for command in commands {
            put(&mut waiting, command.clone());
        }
        waiting.into()
    }

    #[test]
    fn the_newest_wins_and_off_is_first() {
        use Command::{Brightness, Camera, Sensitivity};
        use Switch::{Off, On, Toggle};
        assert_eq!(
            after(&[Brightness(1), Sensitivity(2), Brightness(3)]),
            [Sensitivity(2), Brightness(3)]
        );
        assert_eq!(
            after(&[Brightness(1), Camera(On), Camera(Off)]),
            [Camera(Off), Brightness(1)]
        );
        assert_eq!(after(&[Camera(Toggle), Camera(Toggle)]), []);
        assert_eq!(after(&[Camera(Off), Camera(Toggle)]), [Camera(Off)]);
        assert_eq!(after(&[Camera(On), Camera(Toggle)]), [Camera(Off)]);
    }

    #[tokio::test]
    async fn a_flood_stays_small_and_off_passes_it() {
        let (flood, mut receiver) = channel("a flood");
        let owner = flood.named("the owner");
        let refused = (0..100_000)
            .filter(|_| flood.send(Command::Camera(Switch::Toggle)).is_err())
            .count();
        assert!(refused > 99_000, "{refused}");
        flood
            .send(Command::Theme(crate::config::ThemeName::Mono))
            .unwrap_err();
        owner
            .send(Command::Theme(crate::config::ThemeName::Mono))
            .unwrap();
        flood.send(Command::Camera(Switch::Off)).unwrap();
        assert_eq!(receiver.recv().await, Command::Camera(Switch::Off));
        assert_eq!(
            receiver.recv().await,
            Command::Theme(crate::config::ThemeName::Mono)
        );
        assert_eq!(receiver.try_recv(), None);
    }
}

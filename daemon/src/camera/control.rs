//! What people want of the camera thread: on or off, and which source. Clones share one wish.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{source::Source, stop::Stop};
use crate::command::Switch;

/// The wishes of a running camera thread.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    wish: Mutex<Wish>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wish {
    off: bool,
    ended: bool,
    turn: usize,
    /// A source that was asked for by name, and the turn at which it was.
    chosen: Option<(Source, usize)>,
    /// What is open, or to be opened.
    source: Option<Source>,
    /// Ends what is open now.
    session: Stop,
}

/// One opening of a source: from here on until something else is wanted.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Set as soon as something else is wanted.
    pub(super) stop: Stop,
    /// How often the next source was asked for.
    pub(super) turn: usize,
    /// A source that was asked for by name, and the turn at which it was.
    pub(super) chosen: Option<(Source, usize)>,
}

/// What the thread is to do now.
#[derive(Debug)]
pub(super) enum Wanted {
    /// Open the source of this turn.
    On(Session),
    /// Keep it closed.
    Off,
    /// End.
    End,
}

impl Control {
    /// Switches the camera on or off; whether it is on now. Off closes the device.
    pub fn switch(&self, switch: Switch) -> bool {
        let mut wish = self.lock();
        let on = switch.apply(!wish.off);
        if wish.off == on {
            wish.off = !on;
            self.change(&wish);
        }
        on
    }

    /// Asks for the next source; `false` if the camera is off, and stays so.
    pub fn next(&self) -> bool {
        let mut wish = self.lock();
        if wish.off {
            return false;
        }
        wish.turn += 1;
        self.change(&wish);
        true
    }

    /// Asks for this source; a camera that is off stays off, and takes it when it is switched on.
    pub fn choose(&self, source: Source) {
        let mut wish = self.lock();
        wish.chosen = Some((source.clone(), wish.turn));
        wish.source = Some(source);
        self.change(&wish);
    }

    /// Closes what is open and opens it again.
    pub fn reopen(&self) {
        self.change(&self.lock());
    }

    /// Whether the camera is wanted on.
    pub fn is_on(&self) -> bool {
        !self.lock().off
    }

    /// The source that is open, or was last to be opened; `None` before the first.
    pub fn source(&self) -> Option<Source> {
        self.lock().source.clone()
    }

    /// Notes which source is being opened.
    pub(super) fn opens(&self, source: &Source) {
        self.lock().source = Some(source.clone());
    }

    /// Asks the thread to end. Cannot be taken back.
    pub(super) fn end(&self) {
        let mut wish = self.lock();
        wish.ended = true;
        self.change(&wish);
    }

    /// What is wanted now.
    pub(super) fn wanted(&self) -> Wanted {
        let mut wish = self.lock();
        if wish.ended {
            return Wanted::End;
        }
        if wish.off {
            return Wanted::Off;
        }
        wish.session = Stop::default();
        Wanted::On(Session {
            stop: wish.session.clone(),
            turn: wish.turn,
            chosen: wish.chosen.clone(),
        })
    }

    /// Waits until the camera is wanted on, or the end is.
    pub(super) fn wait_while_off(&self) {
        let waiting = |wish: &mut Wish| wish.off && !wish.ended;
        let guard = self.0.changed.wait_while(self.lock(), waiting);
        drop(guard.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        // A wish is whole at every moment.
        self.0.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, wish: &Wish) {
        wish.session.set();
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wish_ends_what_is_open() {
        let control = Control::default();
        let open = || match control.wanted() {
            Wanted::On(session) => session,
            other => panic!("{other:?}"),
        };
        let first = open();
        assert!(!first.stop.is_set());
        assert!(control.switch(Switch::On), "no change");
        assert!(!first.stop.is_set());
        assert!(control.next() && first.stop.is_set());
        let second = open();
        assert_eq!((first.turn, second.turn), (0, 1));
        assert!(!control.switch(Switch::Toggle) && second.stop.is_set());
        assert!(matches!(control.wanted(), Wanted::Off));
        assert!(!control.next(), "a camera that is off stays off");
        assert!(control.switch(Switch::Toggle));
        assert_eq!(open().turn, 1);
        let third = open();
        control.choose(Source::Rpicam);
        assert!(third.stop.is_set());
        let fourth = open();
        assert_eq!(fourth.chosen, Some((Source::Rpicam, 1)));
        assert_eq!(control.source(), Some(Source::Rpicam));
        control.reopen();
        assert!(fourth.stop.is_set() && control.is_on());
        control.end();
        control.wait_while_off();
        assert!(matches!(control.wanted(), Wanted::End));
    }
}

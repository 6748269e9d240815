//! What people want of the camera thread: on or off, and which source. Clones share one wish.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::stop::Stop;
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
        control.end();
        control.wait_while_off();
        assert!(matches!(control.wanted(), Wanted::End));
    }
}

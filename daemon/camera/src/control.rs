//! What is requested of the camera thread: on or off, and which source. All clones share one request.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use moodring_base::{command::Switch, shutdown::Shutdown};

use super::source::Source;

/// What is requested of a running camera thread.
#[derive(Clone, Debug, Default)]
pub struct CameraControl(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    requested: Mutex<Requested>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Requested {
    off: bool,
    ended: bool,
    turn: usize,
    /// A source that was asked for by name, and the turn at which it was.
    chosen: Option<(Source, usize)>,
    /// What is open, or to be opened.
    source: Option<Source>,
    /// Ends what is open now.
    session: Shutdown,
}

/// One opening of a source: from here on until something else is wanted.
#[derive(Clone, Debug)]
pub(super) struct CameraSession {
    /// Set as soon as something else is wanted.
    pub(super) stop: Shutdown,
    /// How often the next source was asked for.
    pub(super) turn: usize,
    /// A source that was asked for by name, and the turn at which it was.
    pub(super) chosen: Option<(Source, usize)>,
}

/// What the thread is to do now.
#[derive(Debug)]
pub(super) enum NextStep {
    /// Open the source of this turn.
    On(CameraSession),
    /// Keep it closed.
    Off,
    /// End.
    End,
}

impl CameraControl {
    /// Switches the camera on or off; whether it is on now. Off closes the device.
    pub fn switch(&self, switch: Switch) -> bool {
        let mut requested = self.lock();
        let on = switch.apply(!requested.off);
        if requested.off == on {
            requested.off = !on;
            self.change(&requested);
        }
        on
    }

    /// Asks for the next source; `false` if the camera is off, and stays so.
    pub fn next(&self) -> bool {
        let mut requested = self.lock();
        if requested.off {
            return false;
        }
        requested.turn += 1;
        self.change(&requested);
        true
    }

    /// Asks for this source; a camera that is off stays off, and takes it when it is switched on.
    pub fn choose(&self, source: Source) {
        let mut requested = self.lock();
        requested.chosen = Some((source.clone(), requested.turn));
        requested.source = Some(source);
        self.change(&requested);
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
        let mut requested = self.lock();
        requested.ended = true;
        self.change(&requested);
    }

    /// What is wanted now.
    pub(super) fn wanted(&self) -> NextStep {
        let mut requested = self.lock();
        if requested.ended {
            return NextStep::End;
        }
        if requested.off {
            return NextStep::Off;
        }
        requested.session = Shutdown::default();
        NextStep::On(CameraSession {
            stop: requested.session.clone(),
            turn: requested.turn,
            chosen: requested.chosen.clone(),
        })
    }

    /// Waits until the camera is wanted on, or the end is.
    pub(super) fn wait_while_off(&self) {
        let waiting = |requested: &mut Requested| requested.off && !requested.ended;
        let guard = self.0.changed.wait_while(self.lock(), waiting);
        drop(guard.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Requested> {
        // A request is whole at every moment.
        self.0
            .requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, requested: &Requested) {
        requested.session.begin();
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_ends_what_is_open() {
        let control = CameraControl::default();
        let open = || match control.wanted() {
            NextStep::On(session) => session,
            other => panic!("{other:?}"),
        };
        let first = open();
        assert!(!first.stop.has_begun());
        assert!(control.switch(Switch::On), "no change");
        assert!(!first.stop.has_begun());
        assert!(control.next() && first.stop.has_begun());
        let second = open();
        assert_eq!((first.turn, second.turn), (0, 1));
        assert!(!control.switch(Switch::Toggle) && second.stop.has_begun());
        assert!(matches!(control.wanted(), NextStep::Off));
        assert!(!control.next(), "a camera that is off stays off");
        assert!(control.switch(Switch::Toggle));
        assert_eq!(open().turn, 1);
        let third = open();
        control.choose(Source::Rpicam);
        assert!(third.stop.has_begun());
        let fourth = open();
        assert_eq!(fourth.chosen, Some((Source::Rpicam, 1)));
        assert_eq!(control.source(), Some(Source::Rpicam));
        control.reopen();
        assert!(fourth.stop.has_begun() && control.is_on());
        control.end();
        control.wait_while_off();
        assert!(matches!(control.wanted(), NextStep::End));
    }
}

//! The client's inputs and the request to stop, as one stream.

use std::future;

use moodring_core::event::Event;
use tokio::sync::{mpsc, oneshot, watch};

use crate::snapshot::Snapshot;

/// What the client tells of. One may end before the other.
#[derive(Debug)]
pub struct Inputs {
    /// What the world looks like; the newest wins.
    pub snapshots: watch::Receiver<Snapshot>,
    /// What happened; nothing is skipped.
    pub events: mpsc::UnboundedReceiver<Event>,
    /// What else goes through this connection.
    pub extra: Option<super::Extra>,
}

/// One input.
pub(super) enum Input {
    Event(Event),
    /// There is a newer snapshot, see [`Feed::newest`].
    Newer,
    Stop,
}

/// All inputs, in the order that a stop needs: what was sent before it is read before it.
pub(super) struct Feed {
    inputs: Inputs,
    /// `None` after the request.
    stop: Option<oneshot::Receiver<()>>,
    events_ended: bool,
    snapshots_ended: bool,
}

impl Feed {
    pub(super) fn new(inputs: Inputs, stop: oneshot::Receiver<()>) -> Self {
        Self {
            inputs,
            stop: Some(stop),
            events_ended: false,
            snapshots_ended: false,
        }
    }

    /// The newest snapshot.
    pub(super) fn newest(&mut self) -> Snapshot {
        self.inputs.snapshots.borrow_and_update().clone()
    }

    /// The next input; after [`Input::Stop`] there is none. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            let Some(stop) = self.stop.as_mut() else {
                return future::pending().await;
            };
            tokio::select! {
                biased;
                event = self.inputs.events.recv(), if !self.events_ended => match event {
                    Some(event) => return Input::Event(event),
                    None => self.events_ended = true,
                },
                changed = self.inputs.snapshots.changed(), if !self.snapshots_ended => match changed {
                    Ok(()) => return Input::Newer,
                    Err(_) => self.snapshots_ended = true,
                },
                // A handle that was dropped asks for the same.
                _ = stop => {
                    self.stop = None;
                    return Input::Stop;
                }
            }
        }
    }
}

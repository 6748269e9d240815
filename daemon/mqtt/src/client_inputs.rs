//! The client's inputs and the request to stop, as one stream.

use std::future;

use moodring_base::snapshot::Snapshot;
use moodring_store::{Store, StoreState};
use tokio::sync::{oneshot, watch};

/// What the client publishes. One input may end before another.
#[derive(Debug)]
pub struct Inputs {
    /// What the world looks like; the newest wins.
    pub snapshots: watch::Receiver<Snapshot>,
    /// What happened, and waits for the broker.
    pub store: Store,
    /// What else goes through this connection.
    pub passthrough: Option<super::Passthrough>,
    /// Gets a text for each message that cannot pass to the broker.
    pub faults: Option<tokio::sync::mpsc::UnboundedSender<String>>,
}

/// One input.
pub(super) enum Input {
    /// The store has other rows.
    Stored(StoreState),
    /// There is a newer snapshot, see [`InputStream::newest`].
    Newer,
    Stop,
}

/// All inputs, in the order that a stop needs: what was stored before it is read before it.
pub(super) struct InputStream {
    snapshots: watch::Receiver<Snapshot>,
    states: watch::Receiver<StoreState>,
    /// `None` after the request.
    stop: Option<oneshot::Receiver<()>>,
    states_ended: bool,
    snapshots_ended: bool,
}

impl InputStream {
    pub(super) fn new(inputs: Inputs, stop: oneshot::Receiver<()>) -> Self {
        Self {
            states: inputs.store.state(),
            snapshots: inputs.snapshots,
            stop: Some(stop),
            states_ended: false,
            snapshots_ended: false,
        }
    }

    /// The newest snapshot.
    pub(super) fn newest(&mut self) -> Snapshot {
        self.snapshots.borrow_and_update().clone()
    }

    /// What the store has.
    pub(super) fn stored(&mut self) -> StoreState {
        self.states.borrow_and_update().clone()
    }

    /// The next input; after [`Input::Stop`] there is none. May be cancelled without loss.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            let Some(stop) = self.stop.as_mut() else {
                return future::pending().await;
            };
            tokio::select! {
                biased;
                changed = self.states.changed(), if !self.states_ended => match changed {
                    Ok(()) => return Input::Stored(self.stored()),
                    Err(_) => self.states_ended = true,
                },
                changed = self.snapshots.changed(), if !self.snapshots_ended => match changed {
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

//! Changes as lines of JSON, for programs beside the daemon: every event, and the state whenever the mood, the camera's
//! state or the number of people changes. `watch` prints the lines; a hook gets them on its standard input.

use std::{sync::Arc, time::SystemTime};

use moodring_base::{
    clock::Clock,
    message::{Identity, Moment, StateMessage, json},
    snapshot::Snapshot,
};
use serde::Serialize;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

use crate::Store;

/// A stream of lines of JSON. An event has its own `kind`; a state's is `state`.
#[derive(Debug)]
pub struct Changes {
    events: broadcast::Receiver<Arc<str>>,
    snapshots: watch::Receiver<Snapshot>,
    store: Store,
    identity: Identity,
    clock: Clock,
    /// Mood, camera and people of the last state.
    last: Option<(&'static str, &'static str, usize)>,
}

#[derive(Serialize)]
struct StateLine<'a> {
    kind: &'static str,
    #[serde(flatten)]
    state: StateMessage<'a>,
}

impl Changes {
    /// From now on.
    pub fn new(
        store: &Store,
        snapshots: watch::Receiver<Snapshot>,
        identity: Identity,
        clock: Clock,
    ) -> Self {
        Self {
            events: store.subscribe_events(),
            snapshots,
            store: store.clone(),
            identity,
            clock,
            last: None,
        }
    }

    /// The next line; `None` when the daemon ends. A slow reader misses events; a line gives their number.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => return match event {
                    Ok(event) => Some(event),
                    Err(RecvError::Lagged(missed)) => {
                        Some(format!("{{\"kind\":\"missed\",\"count\":{missed}}}").into())
                    }
                    Err(RecvError::Closed) => None,
                },
                changed = self.snapshots.changed() => {
                    changed.ok()?;
                    if let Some(line) = self.state() {
                        return Some(line);
                    }
                }
            }
        }
    }

    /// The state, if it is another one.
    fn state(&mut self) -> Option<Arc<str>> {
        let snapshot = self.snapshots.borrow_and_update().clone();
        let now = Moment {
            wall: SystemTime::now(),
            run: self.clock.now(),
        };
        let stored = self.store.state();
        let state = StateMessage::new(&self.identity, now, &snapshot, &stored.borrow());
        let seen = (state.mood, state.camera, state.people_count);
        if self.last == Some(seen) {
            return None;
        }
        self.last = Some(seen);
        let kind = "state";
        Some(json(&StateLine { kind, state }).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventClass, EventDraft, StoreLimits, StoreLocation};
    use moodring_base::{
        message::{DeviceName, RunId},
        snapshot::CameraState,
    };

    #[tokio::test]
    async fn a_state_comes_when_it_changes_and_events_come_as_they_are() {
        let store = Store::open(StoreLocation::Memory, StoreLimits::default()).unwrap();
        let (snapshots, newest) = watch::channel(Snapshot::default());
        let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(7));
        let mut changes = Changes::new(&store, newest, identity, Clock::start());
        let running = Snapshot {
            camera: CameraState::Running,
            ..Snapshot::default()
        };
        snapshots.send_replace(running.clone());
        let first = changes.next().await.unwrap();
        let line: serde_json::Value = serde_json::from_str(&first).unwrap();
        assert_eq!(
            (&line["kind"], &line["camera"]),
            (&"state".into(), &"running".into())
        );
        assert!(!first.contains('\n'));
        // The same again is no change; then somebody comes.
        snapshots.send_replace(running);
        store.append(EventDraft {
            device: "hall".into(),
            run: 7,
            seq: 1,
            time_ms: 1,
            class: EventClass::Event,
            kind: "appeared",
            payload: "{\"seq\":1,\"kind\":\"appeared\",\"track\":1}".into(),
            wanted: false,
        });
        let event = changes.next().await.unwrap();
        assert_eq!(&*event, "{\"seq\":1,\"kind\":\"appeared\",\"track\":1}");
        drop(snapshots);
        assert!(changes.next().await.is_none());
    }
}

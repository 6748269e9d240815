//! What becomes of the events that no broker got until the daemon's end: one line in the log.

use std::time::Duration;

use moodring_store::StoreState;

use super::Client;

impl Client {
    /// Receipts are on the disk, and how many are missing is in the log.
    pub(super) async fn report_undelivered(&self) {
        // A disk that hangs is not waited for.
        let flushed = tokio::time::timeout(Duration::from_millis(500), self.store.flush()).await;
        let state = self.store.state().borrow().clone();
        if state.waiting > 0 && flushed.is_ok() {
            let (waiting, broker) = (state.waiting, self.failover.broker());
            let then = undelivered_fate(&state);
            tracing::warn!(
                "stopped with {waiting} events that the broker {broker} did not get{then}"
            );
        }
    }
}

/// What becomes of events that the broker did not get, when the daemon ends.
fn undelivered_fate(store: &StoreState) -> String {
    match &store.trouble {
        None if store.in_memory => {
            "; they are lost, for the store is in memory. With a file for [store] path they would be kept".to_owned()
        }
        None => "; the store has them".to_owned(),
        // Whether they can be saved is logged at the store's end.
        Some(trouble) => format!(", and the store is in memory: {trouble}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_store::{Store, StoreLimits, StoreLocation};

    /// The last line of a daemon whose broker was away.
    #[test]
    fn the_last_words_say_what_becomes_of_events() {
        let folder = tempfile::tempdir().unwrap();
        let file = StoreLocation::File(folder.path().join("m.db"));
        for (place, expected) in [
            (file, "the store has them"),
            (StoreLocation::Memory, "they are lost"),
            (StoreLocation::Nowhere, "they are lost"),
        ] {
            let store = Store::open(place, StoreLimits::default()).unwrap();
            let state = store.state().borrow().clone();
            assert!(
                undelivered_fate(&state).contains(expected),
                "{}",
                undelivered_fate(&state)
            );
            store.close();
        }
        let broken = StoreState {
            trouble: Some("no space".into()),
            ..StoreState::default()
        };
        assert!(undelivered_fate(&broken).contains("no space"));
    }
}

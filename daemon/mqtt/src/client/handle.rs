//! The running client as the rest of the daemon holds it: its state, its address, its stop.

use moodring_base::snapshot::BrokerState;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// The running client.
#[derive(Debug)]
pub struct MqttHandle {
    pub(super) state: watch::Receiver<BrokerState>,
    pub(super) address: String,
    pub(super) running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl MqttHandle {
    /// Of a client that does not run.
    pub(super) fn off() -> Self {
        Self {
            state: watch::channel(BrokerState::Off).1,
            address: String::new(),
            running: None,
        }
    }

    /// Whether there is a client, and with it somebody who gets the events.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What the link to the broker does; changes can be awaited.
    pub fn state(&self) -> watch::Receiver<BrokerState> {
        self.state.clone()
    }

    /// `host:port` of the first broker, also of the embedded one; empty if switched off.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Publishes all events that were on the disk before this call, then `stopped`, and disconnects. Takes at most two seconds;
    /// if that is not enough the connection breaks off, and the broker publishes `offline`.
    pub async fn stop(self) {
        if let Some((stop, task)) = self.running {
            // Both fail only if the task is gone already.
            let _ = stop.send(());
            let _ = task.await;
        }
    }

    /// Ends as a killed process does: without a goodbye.
    #[cfg(test)]
    pub(crate) async fn kill(self) {
        if let Some((_stop, task)) = self.running {
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    }
}

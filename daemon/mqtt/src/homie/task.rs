//! The tree's task: opens one connection after another; on each it publishes the whole tree, then what changes.

use std::time::Duration;

use homie5::{Homie5ProtocolError, HomieDeviceStatus, client::Publish};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    Inputs,
    tree::{HomieTree, Values},
};
use crate::{
    Delivery, Incoming,
    failover::Failover,
    link::{Disconnect, Link, LinkEvent, LinkFull},
    protocol::{Content, Publication, ReceiptToken},
    until,
};

/// The least time between two publications of values.
const GAP: Duration = Duration::from_millis(250);
/// How long the goodbye may take.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// The task.
pub(super) struct Task {
    tree: HomieTree,
    failover: Failover,
    inputs: Inputs,
    stopped: oneshot::Receiver<()>,
    /// Whether the newest connection came about.
    is_up: bool,
    /// What was published in this connection.
    description: Option<Publish>,
    published: Values,
    /// When values may be published again, if some changed.
    due: Option<Instant>,
    next: Instant,
}

enum ServeEnd {
    Stopped,
    Lost(Disconnect),
}

/// Why the tree could not be published; the connection is given up then.
#[derive(Debug, thiserror::Error)]
enum HomieError {
    #[error(transparent)]
    Full(#[from] LinkFull),
    #[error("the device cannot be described: {0}")]
    Description(#[from] Homie5ProtocolError),
}

impl Task {
    pub(super) fn new(
        tree: HomieTree,
        failover: Failover,
        inputs: Inputs,
        stopped: oneshot::Receiver<()>,
    ) -> Self {
        Self {
            tree,
            failover,
            inputs,
            stopped,
            is_up: false,
            description: None,
            published: Values::new(),
            due: None,
            next: Instant::now(),
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let mut link = self.failover.open();
            self.is_up = false;
            let lost = match self.serve(&mut link).await {
                ServeEnd::Stopped => return self.goodbye(link).await,
                ServeEnd::Lost(lost) => lost,
            };
            drop(link);
            if let Some(rest) = self.failover.lost(&lost) {
                tokio::select! {
                    () = sleep(rest) => {}
                    _ = &mut self.stopped => return,
                }
            }
        }
    }

    async fn serve(&mut self, link: &mut Link) -> ServeEnd {
        loop {
            let due = self.due.filter(|_| self.is_up);
            let result = tokio::select! {
                event = link.next() => match event {
                    LinkEvent::Up => self.begin(link),
                    LinkEvent::Lost(lost) => return ServeEnd::Lost(lost),
                    LinkEvent::Received(Incoming::Message { topic, payload, retained }) => {
                        self.receive(&topic, &payload, retained);
                        Ok(())
                    }
                    LinkEvent::Done(_) | LinkEvent::Confirmed(_) | LinkEvent::NoSubscriber(_) => {
                        self.failover.works();
                        Ok(())
                    }
                    LinkEvent::Refused(_, reason) | LinkEvent::HeldBack(_, reason) => {
                        tracing::debug!("a part of the Homie tree is refused: {reason}");
                        Ok(())
                    }
                    LinkEvent::Received(_) | LinkEvent::Subscribed | LinkEvent::Closed => Ok(()),
                },
                changed = self.inputs.snapshots.changed() => match changed {
                    Ok(()) => self.mark(),
                    Err(_) => return ServeEnd::Stopped, // the daemon ends
                },
                changed = self.inputs.controls.changed() => match changed {
                    Ok(()) => self.mark(),
                    Err(_) => return ServeEnd::Stopped,
                },
                () = until(due) => self.publish_changes(link),
                _ = &mut self.stopped => return ServeEnd::Stopped,
            };
            if let Err(reason) = result {
                return ServeEnd::Lost(reason.to_string().into());
            }
        }
    }

    /// The order is the convention's: `init`, what there is, its values, `ready`.
    fn begin(&mut self, link: &mut Link) -> Result<(), HomieError> {
        self.failover.up();
        self.is_up = true;
        self.description = None;
        link.subscribe(&self.tree.requests())?;
        self.publish_changes(link)
    }

    /// Something changed; it is published when its time has come.
    fn mark(&mut self) -> Result<(), HomieError> {
        self.due = Some(self.next);
        Ok(())
    }

    /// Tells what is other than the broker knows.
    fn publish_changes(&mut self, link: &mut Link) -> Result<(), HomieError> {
        let controls = self.inputs.controls.borrow_and_update().clone();
        let snapshot = self.inputs.snapshots.borrow_and_update().clone();
        let description = self.tree.describe(&controls)?;
        let values = self.tree.values(&snapshot, &controls);
        let anew = self.description.as_ref() != Some(&description);
        if anew {
            publish(link, self.tree.state(HomieDeviceStatus::Init))?;
            publish(link, description.clone())?;
            self.published.clear();
        }
        for (property, value) in &values {
            if self.published.get(property) != Some(value) {
                publish(link, self.tree.value(property, value))?;
            }
        }
        if anew {
            publish(link, self.tree.state(HomieDeviceStatus::Ready))?;
        }
        (self.description, self.published) = (Some(description), values);
        (self.due, self.next) = (None, Instant::now() + GAP);
        Ok(())
    }

    fn receive(&self, topic: &str, payload: &[u8], retained: bool) {
        if retained {
            // It would be obeyed again at every connection, long after it was meant.
            return tracing::debug!("{topic}: requests must not be retained");
        }
        match self
            .tree
            .receive(topic, payload, &self.inputs.controls.borrow())
        {
            // Nobody listening means that the daemon ends.
            Some(Ok(command)) => drop(self.inputs.commands.send(command)),
            Some(Err(refusal)) => tracing::debug!("{topic}: {refusal}"),
            None => {}
        }
    }

    async fn goodbye(self, mut link: Link) {
        if !self.is_up {
            return;
        }
        let goodbye = async {
            publish(&mut link, self.tree.state(HomieDeviceStatus::Disconnected))?;
            link.close()?;
            while !matches!(link.next().await, LinkEvent::Closed | LinkEvent::Lost(_)) {}
            Ok::<(), HomieError>(())
        };
        // If that is not enough the connection breaks off, and the broker publishes `lost`.
        let _ = timeout(GOODBYE_WITHIN, goodbye).await;
    }
}

fn publish(link: &mut Link, publish: Publish) -> Result<(), HomieError> {
    let publication = Publication {
        token: ReceiptToken::Extra(None),
        topic: publish.topic,
        payload: publish.payload,
        content: Content::Plain,
        // QoS 1 where the convention recommends 2: a value that comes twice is the same value.
        delivery: Delivery::Lasting,
    };
    Ok(link.send(publication)?)
}

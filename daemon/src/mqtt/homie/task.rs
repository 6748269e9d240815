//! The tree's task: one connection after the other; on each the whole tree, then what changes.

use std::time::Duration;

use homie5::{HomieDeviceStatus, client::Publish};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    Inputs,
    tree::{Tree, Values},
};
use crate::mqtt::{
    Delivery, Incoming,
    link::{Link, Lost, News},
    protocol::{Content, Publication, Token},
    route::Route,
    until,
};

/// Values are told so far apart at least.
const GAP: Duration = Duration::from_millis(250);
/// How long the goodbye may take.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// The task.
pub(super) struct Task {
    tree: Tree,
    route: Route,
    inputs: Inputs,
    stopped: oneshot::Receiver<()>,
    /// Whether the newest connection came about.
    is_up: bool,
    /// What the broker was told in this connection.
    description: Option<Publish>,
    told: Values,
    /// When values may be told again, if some changed.
    due: Option<Instant>,
    next: Instant,
}

enum End {
    Stopped,
    Lost(Lost),
}

impl Task {
    pub(super) fn new(
        tree: Tree,
        route: Route,
        inputs: Inputs,
        stopped: oneshot::Receiver<()>,
    ) -> Self {
        Self {
            tree,
            route,
            inputs,
            stopped,
            is_up: false,
            description: None,
            told: Values::new(),
            due: None,
            next: Instant::now(),
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let mut link = self.route.open();
            self.is_up = false;
            let lost = match self.serve(&mut link).await {
                End::Stopped => return self.goodbye(link).await,
                End::Lost(lost) => lost,
            };
            drop(link);
            if let Some(rest) = self.route.lost(&lost) {
                tokio::select! {
                    () = sleep(rest) => {}
                    _ = &mut self.stopped => return,
                }
            }
        }
    }

    async fn serve(&mut self, link: &mut Link) -> End {
        loop {
            let due = self.due.filter(|_| self.is_up);
            let said = tokio::select! {
                news = link.next() => match news {
                    News::Up => self.begin(link),
                    News::Lost(lost) => return End::Lost(lost),
                    News::Heard(Incoming::Message { topic, payload, retained }) => {
                        self.hear(&topic, &payload, retained);
                        Ok(())
                    }
                    News::Done(_) | News::Unheard(_) => {
                        self.route.works();
                        Ok(())
                    }
                    News::Refused(_, reason) | News::HeldBack(_, reason) => {
                        tracing::debug!("a part of the Homie tree is refused: {reason}");
                        Ok(())
                    }
                    News::Heard(_) | News::Subscribed | News::Closed => Ok(()),
                },
                changed = self.inputs.snapshots.changed() => match changed {
                    Ok(()) => self.mark(),
                    Err(_) => return End::Stopped, // the daemon ends
                },
                changed = self.inputs.controls.changed() => match changed {
                    Ok(()) => self.mark(),
                    Err(_) => return End::Stopped,
                },
                () = until(due) => self.tell(link),
                _ = &mut self.stopped => return End::Stopped,
            };
            if let Err(reason) = said {
                return End::Lost(reason.into());
            }
        }
    }

    /// The order is the convention's: `init`, what there is, its values, `ready`.
    fn begin(&mut self, link: &mut Link) -> Result<(), String> {
        self.route.up();
        self.is_up = true;
        self.description = None;
        link.subscribe(&self.tree.requests())?;
        self.tell(link)
    }

    /// Something changed; it is told when its time has come.
    fn mark(&mut self) -> Result<(), String> {
        self.due = Some(self.next);
        Ok(())
    }

    /// Tells what is other than the broker knows.
    fn tell(&mut self, link: &mut Link) -> Result<(), String> {
        let controls = self.inputs.controls.borrow_and_update().clone();
        let snapshot = self.inputs.snapshots.borrow_and_update().clone();
        let description = self.tree.describe(&controls).map_err(|e| e.to_string())?;
        let values = self.tree.values(&snapshot, &controls);
        let anew = self.description.as_ref() != Some(&description);
        if anew {
            say(link, self.tree.state(HomieDeviceStatus::Init))?;
            say(link, description.clone())?;
            self.told.clear();
        }
        for (property, value) in &values {
            if self.told.get(property) != Some(value) {
                say(link, self.tree.value(property, value))?;
            }
        }
        if anew {
            say(link, self.tree.state(HomieDeviceStatus::Ready))?;
        }
        (self.description, self.told) = (Some(description), values);
        (self.due, self.next) = (None, Instant::now() + GAP);
        Ok(())
    }

    fn hear(&self, topic: &str, payload: &[u8], retained: bool) {
        if retained {
            // It would be obeyed again at every connection, long after it was meant.
            return tracing::debug!("{topic}: requests must not be retained");
        }
        match self
            .tree
            .hear(topic, payload, &self.inputs.controls.borrow())
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
            say(&mut link, self.tree.state(HomieDeviceStatus::Disconnected))?;
            link.close()?;
            while !matches!(link.next().await, News::Closed | News::Lost(_)) {}
            Ok::<(), String>(())
        };
        // If that is not enough the connection breaks off, and the broker says `lost`.
        let _ = timeout(GOODBYE_WITHIN, goodbye).await;
    }
}

fn say(link: &mut Link, publish: Publish) -> Result<(), String> {
    link.send(Publication {
        token: Token::Extra(None),
        topic: publish.topic,
        payload: publish.payload,
        content: Content::Plain,
        // QoS 1 where the convention recommends 2: a value that comes twice is the same value.
        delivery: Delivery::Lasting,
    })
}

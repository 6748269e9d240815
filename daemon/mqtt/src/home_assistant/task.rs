//! The task between [`HomeAssistantProtocol`](super::HomeAssistantProtocol) and the MQTT client: passes messages both ways, and calls the
//! protocol when it is time.

mod refusals;
mod reports;
mod take_back;

use std::{collections::HashMap, time::Duration};

use moodring_base::{
    command::{CommandError, ControlName},
    config::ThemeName,
    control::Controls,
    snapshot::Snapshot,
};
use moodring_face::look::Look;
use tokio::{sync::watch, time::Instant};

use super::{
    diagnostics::Diagnostics,
    prepare::{Inputs, PreparedHomeAssistant},
};
use crate::{Incoming, until};
use refusals::Refusals;
use reports::{camera_changed, found, look_changed, taken};

/// How long after a command the controls are published, changed or not.
const ANSWER_AFTER: Duration = Duration::from_millis(250);
/// What a broker retained comes right after its receipt for the subscriptions; one that gives none is not waited for any longer.
const RETAINED_WITHIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// The task between protocol and client.
pub(super) struct Task {
    ready: PreparedHomeAssistant,
    inputs: Inputs,
    /// The same snapshots, for the emoji.
    looks: watch::Receiver<Snapshot>,
    /// The controls that were published last.
    known: Controls,
    /// Things whose command was given and is not answered yet.
    owed: Vec<ControlName>,
    /// When a refusal of a thing was published, and when it was logged.
    refusals: HashMap<ControlName, Refusals>,
    /// The figures that were published last.
    diagnostics: Option<Diagnostics>,
    health: String,
    /// The emoji that was published last, and its theme.
    emoji: Option<(Look, ThemeName)>,
    /// Former topics that the broker is to forget, by the number of the empty message.
    taking_back: HashMap<u32, String>,
    taken_back: Vec<String>,
    /// When what the broker retained is known.
    look_at: Option<Instant>,
    answer_at: Option<Instant>,
    announce_at: Option<Instant>,
    figures_at: Option<Instant>,
}

impl Task {
    pub(super) fn new(ready: PreparedHomeAssistant, inputs: Inputs) -> Self {
        let known = inputs.controls.borrow().clone();
        let looks = inputs.snapshots.clone();
        Self {
            ready,
            inputs,
            looks,
            known,
            owed: Vec::new(),
            refusals: HashMap::new(),
            diagnostics: None,
            health: String::new(),
            emoji: None,
            taking_back: HashMap::new(),
            taken_back: Vec::new(),
            look_at: None,
            answer_at: None,
            announce_at: None,
            figures_at: None,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                incoming = self.ready.receive.recv() => match incoming {
                    Some(incoming) => self.receive(incoming),
                    None => return, // the client ended
                },
                changed = self.inputs.controls.changed() => match changed {
                    Ok(()) => self.changed(),
                    Err(_) => return, // the daemon ends
                },
                changed = camera_changed(&mut self.inputs.snapshots, self.diagnostics) => match changed {
                    Ok(()) => self.publish_figures(),
                    Err(_) => return,
                },
                changed = look_changed(&mut self.looks, self.emoji) => match changed {
                    Ok(()) => self.publish_emoji(),
                    Err(_) => return,
                },
                () = found(&mut self.inputs.updates) => self.publish_update(),
                () = taken(&mut self.inputs.picture) => self.publish_picture(),
                () = until(self.look_at) => self.introduce(),
                () = until(self.answer_at) => self.changed(),
                () = until(self.announce_at) => {
                    self.announce_at = None;
                    let outgoing = self.ready.protocol.again(&self.known);
                    self.publish(outgoing);
                    self.ready.publish.introduced();
                }
                () = until(self.figures_at) => self.publish_figures(),
            }
        }
    }

    fn receive(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected => {
                self.ready.protocol.begin();
                self.taking_back.clear();
                (self.diagnostics, self.figures_at) = (None, None);
                self.health.clear();
                self.emoji = None;
                self.look_at = Some(Instant::now() + RETAINED_WITHIN.1);
            }
            Incoming::Subscribed => {
                let soon = Instant::now() + RETAINED_WITHIN.0;
                self.look_at = self.look_at.map(|at| at.min(soon));
            }
            Incoming::Confirmed(number) => self.forgotten(number),
            Incoming::Message {
                topic,
                payload,
                retained,
            } => self.read(&topic, &payload, retained),
        }
    }

    fn read(&mut self, topic: &str, payload: &[u8], retained: bool) {
        let controls = self.inputs.controls.borrow().clone();
        let effect = self
            .ready
            .protocol
            .receive(topic, payload, retained, &controls);
        self.publish(effect.outgoing);
        if effect.born {
            self.announce_at = Some(Instant::now() + self.ready.jitter);
        }
        if let Some((thing, refusal)) = effect.refused {
            self.refuse(thing, &refusal);
        }
        if let Some((thing, command)) = effect.command {
            tracing::debug!("{topic}: {command:?}");
            if self.inputs.commands.send(command).is_err() {
                return self.refuse(thing, &CommandError::TooMany);
            }
            if !self.owed.contains(&thing) {
                self.owed.push(thing);
            }
            self.answer_at.get_or_insert(Instant::now() + ANSWER_AFTER);
        }
    }

    /// What the broker retained is known: it gets everything, then the device is online, then what is outdated goes.
    fn introduce(&mut self) {
        self.look_at = None;
        self.known = self.inputs.controls.borrow_and_update().clone();
        let outgoing = self
            .ready
            .protocol
            .connected(&self.known, self.ready.memory.former());
        self.publish(outgoing);
        self.publish_figures();
        self.publish_update();
        self.publish_emoji();
        self.ready.publish.introduced();
        self.take_back();
    }

    /// Tells what changed, and answers what is owed.
    fn changed(&mut self) {
        let now = self.inputs.controls.borrow_and_update().clone();
        let mut outgoing = self.ready.protocol.changed(&self.known, &now);
        for thing in std::mem::take(&mut self.owed) {
            let answer = self.ready.protocol.answer(thing, &now);
            if !outgoing.contains(&answer) {
                outgoing.push(answer);
            }
        }
        (self.known, self.answer_at) = (now, None);
        if self.look_at.is_none() {
            self.publish(outgoing);
        }
        self.publish_emoji();
    }
}

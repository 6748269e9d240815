//! Decides what is published and answered, without I/O and clock: messages and controls go in, publications and
//! commands come out.

use std::collections::HashMap;

use moodring_base::{
    command::{self, Command, CommandError, ControlName},
    control::Controls,
    message::{Status, run_of_state},
};
use serde_json::Value;

use super::{
    Device,
    announced::Announcement,
    discovery::{Components, Kept, payload, read},
};
use crate::{Delivery, Outgoing};

/// Asks Home Assistant to let a device's entities go without forgetting them: another announcement has them.
const MIGRATE: &str = r#"{"migrate_discovery":true}"#;

/// The conversation with a home.
#[derive(Debug)]
pub struct HomeAssistantProtocol {
    device: Device,
    /// Whether the device is announced to Home Assistant.
    announces: bool,
    /// Whether requests are obeyed.
    obeys: bool,
    /// Former topics that are looked at before they are taken back.
    watched: Vec<String>,
    /// The components of the newest announcement, as far as they are known.
    announced: Components,
    newest: Value,
    /// What the broker retained for this connection's subscriptions.
    retained: HashMap<String, Vec<u8>>,
}

/// What follows from a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// To be published.
    pub outgoing: Vec<Outgoing>,
    /// To be done, and then answered with [`HomeAssistantProtocol::answer`].
    pub command: Option<(ControlName, Command)>,
    /// Why a request was refused.
    pub refused: Option<(ControlName, CommandError)>,
    /// Home Assistant started: announce again, after a while.
    pub born: bool,
}

impl HomeAssistantProtocol {
    /// A conversation that has not begun. `announces`: with Home Assistant's discovery; `obeys`: with requests. `former`: what
    /// may have to be taken back.
    pub fn new(device: Device, announces: bool, obeys: bool, former: &[Announcement]) -> Self {
        let watched = former.iter().flat_map(|former| {
            [
                &former.config_topic,
                &former.state_topic,
                &former.status_topic,
            ]
            .map(String::clone)
        });
        let own = [
            device.config_topic(),
            device.topics.state(),
            device.topics.status(),
        ];
        let mut watched: Vec<_> = watched
            .filter(|topic| !topic.is_empty() && !own.contains(topic))
            .collect();
        watched.sort();
        watched.dedup();
        Self {
            device,
            announces,
            obeys,
            watched,
            announced: Components::new(),
            newest: Value::Null,
            retained: HashMap::new(),
        }
    }

    /// The topics to listen to.
    pub fn subscriptions(&self) -> Vec<String> {
        // The announcement of a former run, too: what is in it and no more in ours has to be taken back.
        let mut topics = vec![self.device.config_topic()];
        if self.announces {
            topics.push(self.device.birth_topic());
        }
        if self.obeys {
            topics.push(self.device.topics.leaf("+/set"));
        }
        topics.extend(self.watched.iter().cloned());
        topics
    }

    /// There is a new connection; what the broker retained follows.
    pub fn begin(&mut self) {
        self.retained.clear();
    }

    /// What the broker retained is known: everything that a broker without a memory must know. `former`: what may have to be
    /// taken back.
    pub fn connected(&mut self, controls: &Controls, former: &[Announcement]) -> Vec<Outgoing> {
        let mut outgoing = self.migrate(former);
        if self.announces {
            outgoing.extend(self.announce(controls));
        } else if self
            .kept(&self.device.config_topic())
            .is_some_and(|kept| kept.unique_id == self.device.unique_id)
        {
            outgoing.push(lasting(self.device.config_topic(), Vec::new()));
        }
        outgoing.extend(self.states(controls, |_| true));
        outgoing
    }

    /// Home Assistant has the entities under another topic, or has another device's under this one: it is to let them go, and keep
    /// what it knows of them. What is announced here and vanished since is remembered.
    fn migrate(&mut self, former: &[Announcement]) -> Vec<Outgoing> {
        if !self.announces {
            return Vec::new();
        }
        let config = self.device.config_topic();
        let elsewhere = former
            .iter()
            .filter(|former| !self.is_online(former))
            .map(|former| &former.config_topic);
        let mut moved: Vec<_> = elsewhere
            .filter(|topic| {
                self.kept(topic)
                    .is_some_and(|kept| kept.unique_id == self.device.unique_id)
            })
            .cloned()
            .collect();
        match self.kept(&config) {
            Some(kept) if kept.unique_id == self.device.unique_id => {
                self.announced = kept.components
            }
            Some(_) => moved.push(config),
            None => {}
        }
        moved
            .into_iter()
            .map(|topic| once(topic, MIGRATE.into()))
            .collect()
    }

    fn kept(&self, config_topic: &str) -> Option<Kept> {
        read(self.retained.get(config_topic)?)
    }

    /// Which former topics are still ours to take back. Those that a living device uses are not, nor those of another device that
    /// took our name.
    pub fn leftovers(&self, former: &Announcement) -> Vec<String> {
        let config = self.kept(&former.config_topic);
        // Whoever is online under that name has it, also a copy of this device with the same identity.
        let is_online = self.is_online(former);
        let config_is_ours =
            !is_online && config.is_none_or(|kept| kept.unique_id == self.device.unique_id);
        let state = self.retained.get(&former.state_topic);
        let topics_are_ours = match state.and_then(|state| run_of_state(state)) {
            // The same name as now, such as when only the Homie tree was switched off.
            _ if former.state_topic == self.device.topics.state() => true,
            Some(run) if !former.run.is_empty() => run == former.run && !is_online,
            _ => !is_online,
        };
        let topics = former.topics().filter(|topic| {
            if **topic == former.config_topic {
                config_is_ours
            } else {
                topics_are_ours
            }
        });
        topics.cloned().collect()
    }

    /// Whether somebody else is online under a former name.
    fn is_online(&self, former: &Announcement) -> bool {
        let status = self.retained.get(&former.status_topic);
        former.state_topic != self.device.topics.state()
            && status.is_some_and(|status| status == Status::Online.name().as_bytes())
    }

    /// Whether the very run that had this former name is online: this device before its connection was cut, of which the broker does not
    /// know yet, or the original of which this one is a copy.
    pub fn is_undecided(&self, former: &Announcement) -> bool {
        let run = self.retained.get(&former.state_topic);
        self.is_online(former)
            && run.and_then(|state| run_of_state(state)) == Some(former.run.clone())
    }

    /// The announcement, if the device is announced.
    pub fn announce(&mut self, controls: &Controls) -> Vec<Outgoing> {
        if !self.announces {
            return Vec::new();
        }
        let announcement = payload(&self.device, controls, self.obeys, &self.announced);
        let text = announcement.to_string().into_bytes();
        self.announced = read(&text).map(|kept| kept.components).unwrap_or_default();
        self.newest = payload(&self.device, controls, self.obeys, &Components::new());
        vec![lasting(self.device.config_topic(), text)]
    }

    /// Home Assistant started: everything again.
    pub fn again(&mut self, controls: &Controls) -> Vec<Outgoing> {
        let mut outgoing = self.announce(controls);
        outgoing.extend(self.states(controls, |_| true));
        outgoing
    }

    /// The controls changed.
    pub fn changed(&mut self, before: &Controls, now: &Controls) -> Vec<Outgoing> {
        let mut outgoing = Vec::new();
        if self.newest != payload(&self.device, now, self.obeys, &Components::new()) {
            // Such as a camera that came: there is something else to choose from.
            outgoing = self.announce(now);
        }
        outgoing.extend(self.states(now, |thing| thing.value(before) != thing.value(now)));
        outgoing
    }

    /// A command was done: how the thing is set now.
    pub fn answer(&self, thing: ControlName, controls: &Controls) -> Outgoing {
        match thing.value(controls) {
            Some(value) => lasting(self.device.thing_topic(thing, "state"), value.into()),
            // Done and over: nothing that a later listener should take for how it is.
            None => once(self.device.thing_topic(thing, "state"), "asked".into()),
        }
    }

    /// Why a request changed nothing.
    pub fn error(&self, thing: ControlName, reason: &str) -> Outgoing {
        once(self.device.thing_topic(thing, "error"), reason.into())
    }

    /// A message came, `retained` if the broker had kept it.
    pub fn receive(
        &mut self,
        topic: &str,
        payload: &[u8],
        retained: bool,
        now: &Controls,
    ) -> Effect {
        if topic == self.device.config_topic()
            || self.watched.iter().any(|watched| watched == topic)
        {
            if retained {
                self.retained.insert(topic.to_owned(), payload.to_vec());
            }
            return Effect::default();
        }
        if self.announces && topic == self.device.birth_topic() {
            return Effect {
                // A retained one is about a start long ago; who starts later finds what the broker keeps of ours.
                born: !retained && payload == b"online",
                ..Effect::default()
            };
        }
        let Some(thing) = self.thing_of(topic) else {
            return Effect::default();
        };
        let refused = |refusal: CommandError| Effect {
            refused: Some((thing, refusal)),
            ..Effect::default()
        };
        if retained {
            // It would be obeyed again at every connection, long after it was meant.
            return refused(CommandError::Retained);
        }
        match command::parse(thing, payload, now) {
            Ok(command) => Effect {
                command: Some((thing, command)),
                ..Effect::default()
            },
            Err(refusal) => refused(refusal),
        }
    }

    fn thing_of(&self, topic: &str) -> Option<ControlName> {
        let of = |thing: &ControlName| self.device.thing_topic(*thing, "set") == topic;
        ControlName::ALL.into_iter().filter(|_| self.obeys).find(of)
    }

    fn states(&self, controls: &Controls, which: impl Fn(ControlName) -> bool) -> Vec<Outgoing> {
        let things = ControlName::ALL.into_iter();
        let lasting_ones = things.filter(|thing| thing.value(controls).is_some());
        lasting_ones
            .filter(|thing| which(*thing))
            .map(|thing| self.answer(thing, controls))
            .collect()
    }
}

/// To be kept by the broker.
pub(super) fn lasting(topic: String, payload: Vec<u8>) -> Outgoing {
    Outgoing {
        topic,
        payload,
        delivery: Delivery::Lasting,
    }
}

fn once(topic: String, payload: Vec<u8>) -> Outgoing {
    Outgoing {
        topic,
        payload,
        delivery: Delivery::Once,
    }
}

//! What is said and answered, without I/O and clock: messages and controls go in, publications and commands come out.

use serde_json::Value;

use super::{
    Device,
    discovery::{Components, components, payload},
};
use crate::{
    command::{self, Command, ControlName},
    control::Controls,
    mqtt::{Delivery, Outgoing},
};

/// The conversation with a home.
#[derive(Debug)]
pub struct HomeProtocol {
    device: Device,
    /// Whether Home Assistant is told.
    announces: bool,
    /// Whether requests are obeyed.
    obeys: bool,
    /// What the newest announcement tells of, as far as is known.
    announced: Components,
    newest: Value,
}

/// What follows from a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// To be published.
    pub say: Vec<Outgoing>,
    /// To be done, and then answered with [`HomeProtocol::answer`].
    pub command: Option<(ControlName, Command)>,
    /// Home Assistant started: it is to be told again, after a while.
    pub born: bool,
}

impl HomeProtocol {
    /// A conversation that has not begun. `announces`: with Home Assistant's discovery; `obeys`: with requests.
    pub fn new(device: Device, announces: bool, obeys: bool) -> Self {
        Self {
            device,
            announces,
            obeys,
            announced: Components::new(),
            newest: Value::Null,
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
        topics
    }

    /// There is a connection: everything that a broker without a memory must know.
    pub fn connected(&mut self, controls: &Controls) -> Vec<Outgoing> {
        let mut say = self.announce(controls);
        say.extend(self.states(controls, |_| true));
        say
    }

    /// The announcement, if Home Assistant is told.
    pub fn announce(&mut self, controls: &Controls) -> Vec<Outgoing> {
        if !self.announces {
            return Vec::new();
        }
        let announcement = payload(&self.device, controls, self.obeys, &self.announced);
        let text = announcement.to_string().into_bytes();
        self.announced = components(&text).unwrap_or_default();
        self.newest = payload(&self.device, controls, self.obeys, &Components::new());
        vec![lasting(self.device.config_topic(), text)]
    }

    /// The controls changed.
    pub fn changed(&mut self, before: &Controls, now: &Controls) -> Vec<Outgoing> {
        let mut say = Vec::new();
        if self.newest != payload(&self.device, now, self.obeys, &Components::new()) {
            // Such as a camera that came: there is something else to choose from.
            say = self.announce(now);
        }
        say.extend(self.states(now, |thing| thing.value(before) != thing.value(now)));
        say
    }

    /// A command was done: how the thing is set now.
    pub fn answer(&self, thing: ControlName, controls: &Controls) -> Outgoing {
        match thing.value(controls) {
            Some(value) => lasting(self.device.thing_topic(thing, "state"), value.into()),
            // Done and over: nothing that a later listener should take for how it is.
            None => once(self.device.thing_topic(thing, "state"), "asked".into()),
        }
    }

    /// A message came, `retained` if the broker had kept it.
    pub fn receive(
        &mut self,
        topic: &str,
        payload: &[u8],
        retained: bool,
        now: &Controls,
    ) -> Effect {
        if topic == self.device.config_topic() {
            return self.read_announcement(payload, retained, now);
        }
        if self.announces && topic == self.device.birth_topic() {
            return Effect {
                // One that was kept tells of a start long ago; who starts later finds what the broker keeps of ours.
                born: !retained && payload == b"online",
                ..Effect::default()
            };
        }
        let Some(thing) = self.thing_of(topic) else {
            return Effect::default();
        };
        let error = |reason: String| Effect {
            say: vec![once(self.device.thing_topic(thing, "error"), reason.into())],
            ..Effect::default()
        };
        if retained {
            // It would be obeyed again at every connection, long after it was meant.
            return error("requests must not be retained".into());
        }
        match command::parse(thing, payload, now) {
            Ok(command) => Effect {
                command: Some((thing, command)),
                ..Effect::default()
            },
            Err(refusal) => error(refusal.to_string()),
        }
    }

    /// An announcement that the broker had kept, ours of a former run: what vanished since is taken back.
    fn read_announcement(&mut self, payload: &[u8], retained: bool, now: &Controls) -> Effect {
        let Some(before) = components(payload).filter(|_| retained) else {
            return Effect::default();
        };
        if !self.announces {
            let nothing = lasting(self.device.config_topic(), Vec::new());
            return Effect {
                say: vec![nothing],
                ..Effect::default()
            };
        }
        if before.keys().all(|key| self.announced.contains_key(key)) {
            return Effect::default();
        }
        self.announced = before;
        Effect {
            say: self.announce(now),
            ..Effect::default()
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

//! The task between [`HomeAssistantProtocol`] and the MQTT client: passes messages both ways, and calls the protocol when it is
//! time.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use moodring_base::{
    command::{self, CommandError, ControlName},
    config::{MqttSettings, ThemeName},
    control::{self, Controls},
    message::{Identity, Release, json},
    snapshot::{BrokerState, Snapshot},
};
use moodring_display::{look_of, sticker};
use moodring_face::{look::Look, theme::Theme};
use moodring_store::{StoreState, notes::Notes};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::{
    AnnouncedTopics, Device, DeviceHealth, HomeAssistantProtocol, announced::Announcement,
    device::id_by_name, diagnostics::Diagnostics, protocol::lasting,
};
use crate::{
    Delivery, Incoming, IncomingReceiver, MqttError, Outgoing, Passthrough, Publisher, passthrough,
    until,
};

/// How long after a command the controls are published, changed or not.
const ANSWER_AFTER: Duration = Duration::from_millis(250);
/// After its start Home Assistant gets the announcement again, but not at once: it has much to do then, and from many devices.
const REBIRTH: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(4_500));
/// How often health and figures are published, if they changed.
const FIGURES_EVERY: Duration = Duration::from_secs(60);
/// What a broker retained comes right after its receipt for the subscriptions; one that gives none is not waited for any longer.
const RETAINED_WITHIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// The side of the emoji's picture in pixels.
const EMOJI_PX: u32 = 192;
/// So many refusals of one thing are published
const REFUSALS: u32 = 10;
/// in so long.
const REFUSALS_WITHIN: Duration = Duration::from_secs(1);
/// And written to the log once in so long.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// A home that waits for the client's start.
#[derive(Debug)]
pub struct PreparedHomeAssistant {
    protocol: HomeAssistantProtocol,
    device: Device,
    memory: AnnouncedTopics,
    publish: Publisher,
    receive: IncomingReceiver,
    jitter: Duration,
    /// Whether Home Assistant gets the emoji as a picture.
    shows_emoji: bool,
}

/// What a device says of itself beside its settings.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// It looks for newer versions.
    pub tells_updates: bool,
    /// Where others reach its page.
    pub page: Option<String>,
}

/// What the home shows and what it obeys with.
#[derive(Debug)]
pub struct Inputs {
    /// What the link to the broker does.
    pub broker: watch::Receiver<BrokerState>,
    /// How everything is set.
    pub controls: control::ControlsReceiver,
    /// Where requests go.
    pub commands: command::CommandSender,
    /// What the world looks like.
    pub snapshots: watch::Receiver<Snapshot>,
    /// What waits for the broker.
    pub store: watch::Receiver<StoreState>,
    /// When the run began.
    pub started: SystemTime,
    /// What is newer, if anybody looks.
    pub updates: Option<watch::Receiver<Option<Release>>>,
    /// The picture of the camera that somebody asked for last, as JPEG.
    pub picture: watch::Receiver<Option<Arc<[u8]>>>,
}

/// What goes through the client, and the home that is to be started once the client runs. In `notes` the device remembers its
/// announcement.
///
/// # Errors
/// [`MqttError`] if the settings' prefix is none.
pub fn prepare(
    settings: &MqttSettings,
    identity: &Identity,
    notes: &Notes,
    about: About,
) -> Result<(Passthrough, PreparedHomeAssistant), MqttError> {
    let mut memory = AnnouncedTopics::open(notes, &id_by_name(identity.device.as_str()));
    let device = Device {
        unique_id: memory.unique_id().to_owned(),
        tells_updates: about.tells_updates,
        page: about.page,
        ..Device::new(settings, identity)?
    };
    if settings.enabled {
        memory.announce(Announcement::of(&device, identity.run));
    }
    let protocol = HomeAssistantProtocol::new(
        device.clone(),
        settings.home_assistant.enabled,
        settings.commands,
        memory.former(),
    );
    let (passthrough, publish, receive) = passthrough(protocol.subscriptions());
    let spread = (REBIRTH.1 - REBIRTH.0).as_millis() as u64;
    let ready = PreparedHomeAssistant {
        protocol,
        device,
        memory,
        publish,
        receive,
        jitter: REBIRTH.0 + Duration::from_millis(identity.run.number() % spread),
        shows_emoji: settings.home_assistant.enabled,
    };
    Ok((passthrough, ready))
}

impl PreparedHomeAssistant {
    /// Starts it in the current tokio runtime.
    pub fn spawn(self, inputs: Inputs) -> HomeAssistant {
        let known = inputs.controls.borrow().clone();
        let looks = inputs.snapshots.clone();
        let home = Task {
            ready: self,
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
        };
        HomeAssistant(tokio::spawn(home.run()))
    }
}

/// A running home; it ends when it is dropped.
#[derive(Debug)]
pub struct HomeAssistant(JoinHandle<()>);

impl Drop for HomeAssistant {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What was published about refused requests for one thing.
struct Refusals {
    since: Instant,
    told: u32,
    logged: Option<Instant>,
}

struct Task {
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
    /// Former topics that the broker is to forget, by the number of the message that says so.
    taking_back: HashMap<u32, String>,
    taken_back: Vec<String>,
    /// When what the broker retained is known.
    look_at: Option<Instant>,
    answer_at: Option<Instant>,
    announce_at: Option<Instant>,
    figures_at: Option<Instant>,
}

impl Task {
    async fn run(mut self) {
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
                    Ok(()) => self.tell_figures(),
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
                    let say = self.ready.protocol.again(&self.known);
                    self.say(say);
                    self.ready.publish.introduced();
                }
                () = until(self.figures_at) => self.tell_figures(),
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
        let heard = self
            .ready
            .protocol
            .receive(topic, payload, retained, &controls);
        self.say(heard.say);
        if heard.born {
            self.announce_at = Some(Instant::now() + self.ready.jitter);
        }
        if let Some((thing, refusal)) = heard.refused {
            self.refuse(thing, &refusal);
        }
        if let Some((thing, command)) = heard.command {
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
        let say = self
            .ready
            .protocol
            .connected(&self.known, self.ready.memory.former());
        self.say(say);
        self.tell_figures();
        self.publish_update();
        self.publish_emoji();
        self.ready.publish.introduced();
        self.take_back();
    }

    /// A retained topic that gets nothing is forgotten by the broker; so Home Assistant forgets what was there.
    fn take_back(&mut self) {
        let mut others = Vec::new();
        for former in self.ready.memory.former() {
            if self.ready.protocol.is_undecided(former) {
                tracing::warn!(
                    "{} is online with the identity of this device: its topics stay until the next connection; if a card or a \
                     folder was copied, delete the store and its .device.json in the copy",
                    former.status_topic
                );
                continue;
            }
            let ours = self.ready.protocol.leftovers(former);
            others.extend(
                former
                    .topics()
                    .filter(|topic| !ours.contains(topic))
                    .cloned(),
            );
            for topic in ours {
                let number = self.taking_back.len() as u32;
                self.ready
                    .publish
                    .publish_confirmed(lasting(topic.clone(), Vec::new()), number);
                self.taking_back.insert(number, topic);
            }
        }
        if !self.taking_back.is_empty() {
            tracing::info!(
                "{} topics of a former announcement are taken back",
                self.taking_back.len()
            );
        }
        if !others.is_empty() {
            tracing::info!("another device has a former name of this one; its topics stay");
            self.ready.memory.forget(&others);
        }
    }

    /// The broker has a message that takes a topic back. When it has all of them they need not be remembered any longer.
    fn forgotten(&mut self, number: u32) {
        self.taken_back.extend(self.taking_back.remove(&number));
        if self.taking_back.is_empty() {
            let topics = std::mem::take(&mut self.taken_back);
            self.ready.memory.forget(&topics);
        }
    }

    /// Tells why nothing changes, and how it is: who asked shows what it asked for until then.
    fn refuse(&mut self, thing: ControlName, refusal: &CommandError) {
        let now = Instant::now();
        let refusals = self.refusals.entry(thing).or_insert(Refusals {
            since: now,
            told: 0,
            logged: None,
        });
        if now - refusals.since >= REFUSALS_WITHIN {
            (refusals.since, refusals.told) = (now, 0);
        }
        refusals.told += 1;
        if refusals.told > REFUSALS {
            return;
        }
        if refusals
            .logged
            .is_none_or(|logged| now - logged >= LOG_EVERY)
        {
            refusals.logged = Some(now);
            tracing::warn!("a request for {} is refused: {refusal}", thing.name());
        }
        let mut say = vec![self.ready.protocol.error(thing, &refusal.to_string())];
        if thing.value(&self.known).is_some() {
            say.push(self.ready.protocol.answer(thing, &self.known));
        }
        self.say(say);
    }

    /// Tells what changed, and answers what is owed.
    fn changed(&mut self) {
        let now = self.inputs.controls.borrow_and_update().clone();
        let mut say = self.ready.protocol.changed(&self.known, &now);
        for thing in std::mem::take(&mut self.owed) {
            let answer = self.ready.protocol.answer(thing, &now);
            if !say.contains(&answer) {
                say.push(answer);
            }
        }
        (self.known, self.answer_at) = (now, None);
        if self.look_at.is_none() {
            self.say(say);
        }
        self.publish_emoji();
    }

    /// Health, and figures of the pipeline, where they differ from what was published.
    fn tell_figures(&mut self) {
        if self.look_at.is_some() {
            return;
        }
        let mut say = Vec::new();
        let health = json(&DeviceHealth::read(self.inputs.started));
        if health != self.health {
            say.push(lasting(
                self.ready.device.health_topic(),
                health.clone().into_bytes(),
            ));
        }
        let now = Diagnostics::of(
            &self.inputs.snapshots.borrow_and_update(),
            &self.inputs.store.borrow(),
        );
        if self.diagnostics != Some(now) {
            say.push(lasting(
                self.ready.device.diagnostics_topic(),
                json(&now).into_bytes(),
            ));
        }
        (self.health, self.diagnostics) = (health, Some(now));
        self.figures_at = Some(Instant::now() + FIGURES_EVERY);
        self.say(say);
    }

    fn publish_update(&mut self) {
        if self.look_at.is_some() {
            return;
        }
        let newest = self
            .inputs
            .updates
            .as_mut()
            .map(|updates| updates.borrow_and_update().clone());
        if let Some(release) = newest.flatten() {
            let text = json(&release).into_bytes();
            self.say(vec![lasting(self.ready.device.update_topic(), text)]);
        }
    }

    /// The emoji of now, in the display's theme, if it is another one than before. The broker keeps it.
    fn publish_emoji(&mut self) {
        if self.look_at.is_some() || !self.ready.shows_emoji {
            return;
        }
        let look = look_of(&self.looks.borrow_and_update());
        let theme = self.known.theme;
        if self.emoji == Some((look, theme)) {
            return;
        }
        self.emoji = Some((look, theme));
        match sticker(look, EMOJI_PX, &theme.or(&Theme::CLASSIC)) {
            Ok(png) => self.say(vec![lasting(self.ready.device.emoji_topic(), png)]),
            Err(error) => tracing::debug!("no picture of the emoji: {error}"),
        }
    }

    /// The picture that somebody asked for. The broker does not keep it.
    fn publish_picture(&mut self) {
        let picture = self.inputs.picture.borrow_and_update().clone();
        if let (Some(jpeg), true) = (picture, self.ready.device.sends_pictures) {
            self.say(vec![Outgoing {
                topic: self.ready.device.picture_topic(),
                payload: jpeg.to_vec(),
                delivery: Delivery::Once,
            }]);
        }
    }

    /// While there is no connection nothing is said: all of it is said again with the next.
    fn say(&self, say: Vec<Outgoing>) {
        if *self.inputs.broker.borrow() != BrokerState::Online {
            return;
        }
        for outgoing in say {
            self.ready.publish.publish(outgoing);
        }
    }
}

/// Waits until the camera began to run or ended it, after what was told.
async fn camera_changed(
    snapshots: &mut watch::Receiver<Snapshot>,
    told: Option<Diagnostics>,
) -> Result<(), watch::error::RecvError> {
    let Some(told) = told else {
        return std::future::pending().await;
    };
    snapshots
        .wait_for(|snapshot| Diagnostics::camera_runs(snapshot) != told.has_figures())
        .await
        .map(drop)
}

/// Waits until there is another look than was published; for ever while none was.
async fn look_changed(
    snapshots: &mut watch::Receiver<Snapshot>,
    told: Option<(Look, ThemeName)>,
) -> Result<(), watch::error::RecvError> {
    let Some((told, _)) = told else {
        return std::future::pending().await;
    };
    snapshots
        .wait_for(|snapshot| look_of(snapshot) != told)
        .await
        .map(drop)
}

/// Waits until a picture was taken, or for ever.
async fn taken(picture: &mut watch::Receiver<Option<Arc<[u8]>>>) {
    if picture.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Waits until somebody looked for updates, or for ever.
async fn found(updates: &mut Option<watch::Receiver<Option<Release>>>) {
    if let Some(watch) = updates {
        if watch.changed().await.is_ok() {
            return;
        }
        // Nobody looks any more.
        *updates = None;
    }
    std::future::pending().await
}

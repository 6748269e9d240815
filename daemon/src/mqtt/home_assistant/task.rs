//! The task between [`HomeProtocol`] and the MQTT client: passes on what is heard and said, and keeps the times.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{AnnouncedTopics, Device, DeviceHealth, HomeProtocol, protocol::lasting};
use crate::{
    command::{self, ControlName},
    config::MqttSettings,
    control::{self, Controls},
    message::{Identity, json},
    mqtt::{Incoming, MqttError, Outgoing, Passthrough, passthrough, until},
    snapshot::BrokerState,
    update,
};

/// How long a command may take until how things are is told, changed or not.
const ANSWER_AFTER: Duration = Duration::from_millis(250);
/// Home Assistant is told again after its start, not at once: it has much to do then, and from many devices.
const REBIRTH: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(4_500));
/// How often health is told.
const HEALTH_EVERY: Duration = Duration::from_secs(30);

/// A home that waits for the client's start.
#[derive(Debug)]
pub struct PreparedHome {
    protocol: HomeProtocol,
    device: Device,
    former: Option<AnnouncedTopics>,
    publish: mpsc::UnboundedSender<Outgoing>,
    receive: mpsc::Receiver<Incoming>,
    jitter: Duration,
}

/// What goes through the client, and the home that is to be started once the client runs. `folder` is where the
/// device remembers its announcement; `None`: it does not. `tells_updates`: it looks for newer versions. `page`: where
/// others reach its page.
///
/// # Errors
/// [`MqttError`] if the settings' prefix is none.
pub fn prepare(
    settings: &MqttSettings,
    identity: &Identity,
    folder: Option<PathBuf>,
    tells_updates: bool,
    page: Option<String>,
) -> Result<(Passthrough, PreparedHome), MqttError> {
    let device = Device {
        tells_updates,
        page,
        ..Device::new(settings, identity)?
    };
    let protocol = HomeProtocol::new(
        device.clone(),
        settings.home_assistant.enabled,
        settings.commands,
    );
    let (passthrough, publish, receive) = passthrough(protocol.subscriptions());
    let spread = (REBIRTH.1 - REBIRTH.0).as_millis() as u64;
    let ready = PreparedHome {
        protocol,
        former: folder.and_then(|folder| former(&folder, &device)),
        device,
        publish,
        receive,
        jitter: REBIRTH.0 + Duration::from_millis(identity.run.number() % spread),
    };
    Ok((passthrough, ready))
}

/// What another name of this device left behind; from now on it is this name that does.
fn former(folder: &std::path::Path, device: &Device) -> Option<AnnouncedTopics> {
    let (before, now) = (AnnouncedTopics::load(folder), AnnouncedTopics::of(device));
    if let Err(error) = now.store(folder) {
        tracing::info!(
            "cannot note the announcement in {}: {error}; after a renaming, remove the old device by hand",
            folder.display()
        );
    }
    before.filter(|before| *before != now)
}

impl PreparedHome {
    /// Starts it in the current tokio runtime. `started` is when the run began; `updates` what is newer, if anybody looks.
    pub fn spawn(
        self,
        broker: watch::Receiver<BrokerState>,
        controls: control::ControlsReceiver,
        commands: command::CommandSender,
        started: SystemTime,
        updates: Option<update::ReleaseReceiver>,
    ) -> HomeAssistant {
        let known = controls.borrow().clone();
        let home = Task {
            ready: self,
            broker,
            known,
            controls,
            commands,
            started,
            updates,
            owed: Vec::new(),
            answer_at: None,
            announce_at: None,
            health_at: None,
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

struct Task {
    ready: PreparedHome,
    broker: watch::Receiver<BrokerState>,
    controls: control::ControlsReceiver,
    /// The controls that were told last.
    known: Controls,
    commands: command::CommandSender,
    started: SystemTime,
    updates: Option<update::ReleaseReceiver>,
    /// Things whose command was given and is not answered yet.
    owed: Vec<ControlName>,
    answer_at: Option<Instant>,
    announce_at: Option<Instant>,
    health_at: Option<Instant>,
}

impl Task {
    async fn run(mut self) {
        loop {
            tokio::select! {
                incoming = self.ready.receive.recv() => match incoming {
                    Some(incoming) => self.receive(incoming),
                    None => return, // the client ended
                },
                changed = self.controls.changed() => match changed {
                    Ok(()) => self.changed(),
                    Err(_) => return, // the daemon ends
                },
                () = found(&mut self.updates) => self.publish_update(),
                () = until(self.answer_at) => self.changed(),
                () = until(self.announce_at) => {
                    self.announce_at = None;
                    let say = self.ready.protocol.connected(&self.known);
                    self.say(say);
                }
                () = until(self.health_at) => self.publish_health(),
            }
        }
    }

    fn receive(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Connected => {
                self.known = self.controls.borrow_and_update().clone();
                let say = self.ready.protocol.connected(&self.known);
                self.say(say);
                self.forget_former_name();
                self.publish_health();
                self.publish_update();
            }
            Incoming::Message {
                topic,
                payload,
                retained,
            } => {
                let heard = self.ready.protocol.receive(
                    &topic,
                    &payload,
                    retained,
                    &self.controls.borrow(),
                );
                self.say(heard.say);
                if heard.born {
                    self.announce_at = Some(Instant::now() + self.ready.jitter);
                }
                if let Some((thing, command)) = heard.command {
                    tracing::debug!("{topic}: {command:?}");
                    // Nobody listening means that the daemon ends.
                    let _ = self.commands.send(command);
                    self.owed.push(thing);
                    self.answer_at = Some(Instant::now() + ANSWER_AFTER);
                }
            }
        }
    }

    /// Tells what changed, and answers what is owed.
    fn changed(&mut self) {
        let now = self.controls.borrow_and_update().clone();
        let mut say = self.ready.protocol.changed(&self.known, &now);
        for thing in std::mem::take(&mut self.owed) {
            let answer = self.ready.protocol.answer(thing, &now);
            if !say.contains(&answer) {
                say.push(answer);
            }
        }
        (self.known, self.answer_at) = (now, None);
        self.say(say);
    }

    fn publish_health(&mut self) {
        let text = json(&DeviceHealth::read(self.started)).into_bytes();
        self.say(vec![lasting(self.ready.device.health_topic(), text)]);
        self.health_at = Some(Instant::now() + HEALTH_EVERY);
    }

    fn publish_update(&mut self) {
        let newest = self
            .updates
            .as_mut()
            .map(|updates| updates.borrow_and_update().clone());
        if let Some(release) = newest.flatten() {
            let text = json(&release).into_bytes();
            self.say(vec![lasting(self.ready.device.update_topic(), text)]);
        }
    }

    /// A retained topic that gets nothing is forgotten by the broker; so Home Assistant forgets the old device.
    fn forget_former_name(&mut self) {
        if let Some(former) = &self.ready.former {
            tracing::info!(
                "taking the former announcement back: {}",
                former.config_topic
            );
            let topics = std::iter::once(&former.config_topic).chain(&former.retained);
            let empty: Vec<_> = topics
                .map(|topic| lasting(topic.clone(), Vec::new()))
                .collect();
            self.say(empty);
        }
    }

    /// While there is no connection nothing is said: all of it is said again with the next.
    fn say(&self, say: Vec<Outgoing>) {
        if *self.broker.borrow() != BrokerState::Online {
            return;
        }
        for outgoing in say {
            // Fails only if the client ended.
            let _ = self.ready.publish.send(outgoing);
        }
    }
}

/// Waits until somebody looked for updates, or for ever.
async fn found(updates: &mut Option<update::ReleaseReceiver>) {
    if let Some(watch) = updates {
        if watch.changed().await.is_ok() {
            return;
        }
        // Nobody looks any more.
        *updates = None;
    }
    std::future::pending().await
}

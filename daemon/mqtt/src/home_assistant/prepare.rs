//! Prepares the Home Assistant side from the settings and starts its task.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use moodring_base::{
    command,
    config::MqttSettings,
    control,
    message::{Identity, Release},
    snapshot::{BrokerState, Snapshot},
};
use moodring_store::{StoreState, notes::Notes};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    AnnouncedTopics, Device, HomeAssistantProtocol, announced::Announcement, device::id_by_name,
    task::Task,
};
use crate::{IncomingReceiver, MqttError, Passthrough, Publisher, passthrough};

/// After its start Home Assistant gets the announcement again, but not at once: it has much to do then, and from many devices.
const REBIRTH: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(4_500));

/// The Home Assistant side, ready to start once the MQTT client runs.
#[derive(Debug)]
pub struct PreparedHomeAssistant {
    pub(super) protocol: HomeAssistantProtocol,
    pub(super) device: Device,
    pub(super) memory: AnnouncedTopics,
    pub(super) publish: Publisher,
    pub(super) receive: IncomingReceiver,
    pub(super) jitter: Duration,
    /// Whether Home Assistant gets the emoji as a picture.
    pub(super) shows_emoji: bool,
}

/// What the announcement holds beside the settings.
#[derive(Clone, Debug, Default)]
pub struct DeviceFeatures {
    /// It looks for newer versions.
    pub tells_updates: bool,
    /// Where others reach its page.
    pub page: Option<String>,
}

/// What the task publishes, and where it sends commands.
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

/// The passage through the MQTT client, and the task that is to be started once the client runs. `notes` keep the announcement from run to
/// run.
///
/// # Errors
/// [`MqttError`] if the settings' prefix is none.
pub fn prepare(
    settings: &MqttSettings,
    identity: &Identity,
    notes: &Notes,
    about: DeviceFeatures,
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
        HomeAssistant(tokio::spawn(Task::new(self, inputs).run()))
    }
}

/// The running task; it ends when this is dropped.
#[derive(Debug)]
pub struct HomeAssistant(JoinHandle<()>);

impl Drop for HomeAssistant {
    fn drop(&mut self) {
        self.0.abort();
    }
}

//! Starts what publishes: the store, the event log that writes into it, the MQTT client, and the search for updates.

use moodring_base::{clock::Clock, config::Settings, message::Identity};
use moodring_mqtt::{self as mqtt, MqttHandle};
use moodring_store::{CopyPlan, Store, StoreLimits, StoreLocation, event_log, notes::Notes};
use moodring_vision::update::{self, UpdateThread};
use moodring_web as web;
use tokio::{sync::mpsc, task::JoinHandle};

use super::AppError;

/// The store, the event log, the MQTT client and the search for updates.
pub(super) struct Publishing {
    pub(super) store: Store,
    pub(super) event_log: JoinHandle<()>,
    pub(super) broker: MqttHandle,
    pub(super) updates: Option<UpdateThread>,
}

impl Publishing {
    /// Starts them. Also returns the prepared Home Assistant part, which starts once there is something to control.
    pub(super) fn start(
        settings: &Settings,
        identity: &Identity,
        clock: Clock,
        mut sources: event_log::EventLogInputs,
        notes: &Notes,
    ) -> Result<(Self, mqtt::home_assistant::PreparedHomeAssistant), AppError> {
        let place = StoreLocation::of(&settings.store.path);
        let updates = update::spawn(&settings.update, &settings.models, identity.run.number());
        let (extra, home_assistant) = mqtt::home_assistant::prepare(
            &settings.mqtt,
            identity,
            notes,
            mqtt::home_assistant::DeviceFeatures {
                tells_updates: updates.is_some(),
                page: web::page_url(&settings.web),
            },
        )?;
        let (bounds, copy) = (
            StoreLimits::of(&settings.store),
            CopyPlan::of(&settings.store),
        );
        let store = Store::open_with_copy(place, bounds, copy)?;
        let (faults_tx, faults) = mpsc::unbounded_channel();
        sources.broker_faults = Some(faults);
        let inputs = mqtt::Inputs {
            snapshots: sources.snapshots.clone(),
            store: store.clone(),
            extra: Some(extra),
            faults: Some(faults_tx),
        };
        let broker = broker(settings, identity, clock, inputs)?;
        let (events_of, wanted) = (&settings.events, broker.is_running());
        let event_log = event_log::spawn(
            events_of,
            identity.clone(),
            clock,
            sources,
            store.clone(),
            wanted,
        );
        let publishing = Self {
            store,
            event_log,
            broker,
            updates,
        };
        Ok((publishing, home_assistant))
    }
}

fn broker(
    settings: &Settings,
    identity: &Identity,
    clock: Clock,
    inputs: mqtt::Inputs,
) -> Result<MqttHandle, AppError> {
    let broker = mqtt::spawn(&settings.mqtt, identity.clone(), clock, inputs)?;
    if !broker.address().is_empty() {
        let (address, prefix, device) = (
            broker.address(),
            &settings.mqtt.prefix,
            identity.device.as_str(),
        );
        tracing::info!("events go to the broker {address} as {prefix}/{device}");
    }
    Ok(broker)
}

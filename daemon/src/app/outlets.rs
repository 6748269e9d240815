//! What goes out to others: the store that keeps it, the journal that writes into it, the broker that tells it.

use tokio::{sync::mpsc, task::JoinHandle};

use super::AppError;
use crate::{
    clock::Clock,
    config::Settings,
    journal,
    message::Identity,
    mqtt::{self, MqttHandle},
    notes::Notes,
    store::{Place, Store},
    update::{self, Updates},
    web,
};

/// Store, journal and broker, and whoever looks for updates.
pub(super) struct Outlets {
    pub(super) store: Store,
    pub(super) journal: JoinHandle<()>,
    pub(super) broker: MqttHandle,
    pub(super) updates: Option<Updates>,
}

impl Outlets {
    /// Starts them; gives back also what announces this device to Home Assistant, once there is something to control.
    pub(super) fn open(
        settings: &Settings,
        who: &Identity,
        clock: Clock,
        mut sources: journal::Sources,
        notes: &Notes,
    ) -> Result<(Self, mqtt::home::Ready), AppError> {
        let place = Place::of(&settings.store.path);
        let updates = update::spawn(&settings.update, &settings.models, who.run.number());
        let (extra, home) = mqtt::home::prepare(
            &settings.mqtt,
            who,
            notes,
            mqtt::home::About {
                tells_updates: updates.is_some(),
                page: web::page_url(&settings.web),
            },
        )?;
        let (bounds, copy) = (settings.store.bounds(), settings.store.copy_plan());
        let store = Store::open_with_copy(place, bounds, copy)?;
        let (faults, told) = mpsc::unbounded_channel();
        sources.faults = Some(told);
        let inputs = mqtt::Inputs {
            snapshots: sources.snapshots.clone(),
            store: store.clone(),
            extra: Some(extra),
            faults: Some(faults),
        };
        let broker = broker(settings, who, clock, inputs)?;
        let (events_of, wanted) = (&settings.events, broker.is_running());
        let journal = journal::spawn(
            events_of,
            who.clone(),
            clock,
            sources,
            store.clone(),
            wanted,
        );
        let outlets = Self {
            store,
            journal,
            broker,
            updates,
        };
        Ok((outlets, home))
    }
}

fn broker(
    settings: &Settings,
    who: &Identity,
    clock: Clock,
    inputs: mqtt::Inputs,
) -> Result<MqttHandle, AppError> {
    let broker = mqtt::spawn(&settings.mqtt, who.clone(), clock, inputs)?;
    if !broker.address().is_empty() {
        let (address, prefix, device) =
            (broker.address(), &settings.mqtt.prefix, who.device.as_str());
        tracing::info!("events go to the broker {address} as {prefix}/{device}");
    }
    Ok(broker)
}

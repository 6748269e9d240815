//! The device as the page shows and controls it.

use std::{path::PathBuf, time::SystemTime};

use moodring_base::{
    clock::Clock,
    command,
    config::Settings,
    control,
    message::{Identity, Moment},
    snapshot::{BrokerState, Snapshot},
    worker::Health,
};
use moodring_camera::CameraStatus;
use moodring_store::Store;
use tokio::sync::{Semaphore, watch};

use super::Inputs;
use crate::preview::Preview;

/// The state of the device.
pub(super) struct DeviceState {
    pub(super) settings: Settings,
    pub(super) identity: Identity,
    pub(super) clock: Clock,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    pub(super) camera: watch::Receiver<CameraStatus>,
    pub(super) broker: watch::Receiver<BrokerState>,
    pub(super) source: String,
    pub(super) file: Option<PathBuf>,
    pub(super) store: Store,
    pub(super) commands: command::CommandSender,
    pub(super) controls: control::ControlsReceiver,
    pub(super) preview: Preview,
    pub(super) health: watch::Receiver<Health>,
    /// One thing is tried at a time.
    pub(super) trials: Semaphore,
}

impl DeviceState {
    pub(super) fn new(settings: &Settings, inputs: Inputs) -> Self {
        Self {
            settings: settings.clone(),
            identity: inputs.identity,
            clock: inputs.clock,
            snapshots: inputs.snapshots,
            camera: inputs.camera,
            broker: inputs.broker,
            source: inputs.source,
            file: inputs.file,
            store: inputs.store,
            commands: inputs.commands.named("the page"),
            controls: inputs.controls,
            preview: inputs.preview,
            health: inputs.health,
            trials: Semaphore::new(1),
        }
    }

    /// Both clocks, now.
    pub(super) fn now(&self) -> Moment {
        Moment {
            wall: SystemTime::now(),
            run: self.clock.now(),
        }
    }
}

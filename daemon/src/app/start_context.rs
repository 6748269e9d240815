//! Connects each part to the others at the start: what a thread or task gets, and what becomes of a part that cannot start.

use std::{
    path::PathBuf,
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use moodring_base::{
    clock::Clock, command, config::Settings, message::Identity, shutdown::Shutdown,
    snapshot::Snapshot, worker::Supervisor,
};
use moodring_camera::{CameraStatus, Source, latest};
use moodring_core::event::Event;
use moodring_display::{Display, gpio};
use moodring_mqtt::{
    self as mqtt,
    home_assistant::{HomeAssistant, PreparedHomeAssistant},
};
use moodring_vision::{VisionPipeline, update::UpdateThread};
use moodring_web::{self as web, Web, preview::Preview};
use tokio::sync::{mpsc, watch};

use super::{
    AppError,
    controller::Controller,
    display_thread::DisplayThread,
    publishing::Publishing,
    vision_thread::{Calibrating, VisionThread},
    watchdog::Watchdog,
};
use crate::satellite;

/// What the parts share while they start.
pub(super) struct StartContext<'a> {
    pub(super) settings: &'a Settings,
    pub(super) identity: Identity,
    pub(super) clock: Clock,
    pub(super) source: Source,
    pub(super) newest: watch::Receiver<Snapshot>,
    pub(super) camera_status: watch::Receiver<CameraStatus>,
    pub(super) preview: Preview,
    pub(super) commands: command::CommandSender,
    pub(super) publishing: Publishing,
    pub(super) supervisor: Supervisor,
    pub(super) shutdown: Shutdown,
    pub(super) controller: &'a Controller,
}

/// What only the vision thread gets.
pub(super) struct VisionInputs {
    pub(super) stream: VisionPipeline,
    pub(super) reader: latest::FrameReader,
    pub(super) snapshots: watch::Sender<Snapshot>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) calibrations: watch::Sender<Calibrating>,
}

impl StartContext<'_> {
    pub(super) fn home_assistant(&self, ready: PreparedHomeAssistant) -> HomeAssistant {
        ready.spawn(mqtt::home_assistant::Inputs {
            broker: self.publishing.broker.state(),
            controls: self.controller.controls(),
            commands: self.commands.named("MQTT"),
            snapshots: self.newest.clone(),
            store: self.publishing.store.state(),
            started: SystemTime::now(),
            updates: self.publishing.updates.as_ref().map(UpdateThread::watch),
            picture: self.controller.stills().watch(),
        })
    }

    pub(super) fn homie(&self) -> Result<Option<mqtt::homie::HomieTask>, AppError> {
        let inputs = mqtt::homie::Inputs {
            snapshots: self.newest.clone(),
            controls: self.controller.controls(),
            commands: self.commands.named("Homie"),
        };
        let mut settings = self.settings.mqtt.clone();
        let address = self.publishing.broker.address();
        if address.is_empty() {
            return Ok(None);
        }
        if settings.url.trim().is_empty() {
            // Where the embedded broker is, or the one that was found in its place.
            settings.url = format!("mqtt://{address}");
        }
        Ok(mqtt::homie::spawn(&settings, &self.identity, inputs)?)
    }

    /// The daemon goes on without buttons.
    pub(super) fn buttons(&self) -> Option<JoinHandle<()>> {
        let (commands, shutdown) = (self.commands.clone(), self.shutdown.clone());
        let buttons = gpio::buttons::spawn(self.settings, commands, &self.supervisor, shutdown);
        buttons.unwrap_or_else(|error| {
            tracing::warn!("no buttons: {error}");
            None
        })
    }

    /// The daemon goes on without the page.
    pub(super) fn page(&self, file: Option<PathBuf>) -> Option<Web> {
        let inputs = web::Inputs {
            identity: self.identity.clone(),
            clock: self.clock,
            snapshots: self.newest.clone(),
            store: self.publishing.store.clone(),
            camera: self.camera_status.clone(),
            broker: self.publishing.broker.state(),
            source: self.source.to_string(),
            file,
            commands: self.commands.clone(),
            controls: self.controller.controls(),
            preview: self.preview.clone(),
            health: self.supervisor.health(),
        };
        web::spawn(self.settings, inputs).unwrap_or_else(|error| {
            tracing::warn!("{error}");
            None
        })
    }

    pub(super) fn vision(
        &self,
        inputs: VisionInputs,
        watchdog: &mut Watchdog,
    ) -> Result<JoinHandle<()>, AppError> {
        let thread = VisionThread {
            stream: inputs.stream,
            reader: inputs.reader,
            camera: self.camera_status.clone(),
            stills: self.controller.stills(),
            tap: self.preview.tap(),
            settings: self.settings.clone(),
            vision_controls: self.controller.vision_controls(),
            clock: self.clock,
            snapshots: inputs.snapshots,
            events: inputs.events,
            calibrations: inputs.calibrations,
            heartbeat: watchdog.register("vision", Duration::ZERO, self.clock.now()),
        };
        Ok(thread.spawn(&self.supervisor, self.shutdown.clone())?)
    }

    pub(super) fn satellites(&self) -> Result<Option<satellite::PortThread>, AppError> {
        let snapshots = self.newest.clone();
        Ok(satellite::spawn(
            &self.settings.satellite,
            snapshots,
            self.clock,
            &self.supervisor,
        )?)
    }

    /// `closed` becomes true when the user closes the display.
    pub(super) fn display(
        &self,
        display: Box<dyn Display + Send>,
        closed: watch::Sender<bool>,
        watchdog: &mut Watchdog,
    ) -> Result<JoinHandle<()>, AppError> {
        let thread = DisplayThread {
            display,
            rate_hz: self.settings.display.rate_hz(),
            snapshots: self.newest.clone(),
            broker: self.publishing.broker.state(),
            display_controls: self.controller.display_controls(),
            preview: self.preview.watch_until(),
            source: self.source.to_string(),
            device: self.identity.device.as_str().to_owned(),
            heartbeat: watchdog.register("display", Duration::ZERO, self.clock.now()),
            clock: self.clock,
        };
        Ok(thread.spawn(&self.supervisor, self.shutdown.clone(), closed)?)
    }
}

//! Starts everything in order and connects the parts.

use std::{
    path::PathBuf,
    str::FromStr,
    time::{Duration, SystemTime},
};

use moodring_base::{
    clock::{Clock, minute_of_day},
    command,
    config::{EngineKind, Settings},
    message::Identity,
    service,
    shutdown::Shutdown,
    snapshot::Snapshot,
    worker::{Health, Supervisor},
};
use moodring_camera::{CameraStatus, CameraThread, Source, SourceError, latest};
use moodring_display::{Display, gpio};
use moodring_mqtt::{self as mqtt, home_assistant::HomeAssistant};
use moodring_store::{changes::Changes, event_log, notes::Notes};
use moodring_vision::{VisionError, VisionPipeline, update::UpdateThread};
use moodring_web::{self as web, Web, preview::Preview};
use tokio::sync::{mpsc, watch};

use super::{
    AppError, camera_off,
    camera_sink::FrameForwarder,
    cameras::Cameras,
    controller::Controller,
    display_thread::DisplayThread,
    identity::identity,
    publishing::Publishing,
    shutdown::Workers,
    vision_thread::{Calibrating, VisionThread},
    watchdog::{Heartbeat, Watchdog},
};
use crate::satellite;

/// Everything that runs.
pub(super) struct App {
    pub(super) clock: Clock,
    pub(super) watchdog: Watchdog,
    /// Beats with every frame.
    pub(super) frames: Heartbeat,
    pub(super) camera: CameraThread,
    pub(super) camera_status: watch::Receiver<CameraStatus>,
    pub(super) newest: watch::Receiver<Snapshot>,
    pub(super) preview: Preview,
    pub(super) controller: Controller,
    pub(super) commands: command::CommandSender,
    pub(super) asked: command::CommandReceiver,
    pub(super) user_quit: watch::Receiver<bool>,
    /// How far a calibration is.
    pub(super) calibrating: watch::Receiver<Calibrating>,
    pub(super) home_assistant: HomeAssistant,
    pub(super) publishing: Publishing,
    identity: Identity,
    pub(super) workers: Workers,
    pub(super) health: watch::Receiver<Health>,
    /// Why it has to end, unless somebody asked for it.
    pub(super) failure: Option<AppError>,
}

/// What can be made from the settings before anything is opened.
pub(super) struct Prepared {
    source: Source,
    others: Vec<Source>,
    stream: VisionPipeline,
    identity: Identity,
}

impl Prepared {
    /// Checks all that a start would end with.
    ///
    /// # Errors
    /// [`AppError`] for the first setting that cannot work.
    pub(super) fn new(settings: &Settings) -> Result<Self, AppError> {
        let (source, others) = sources(settings)?;
        let identity = identity(&settings.device)?;
        mqtt::check(&settings.mqtt, &identity)?;
        let stream = nets(settings)?;
        Ok(Self {
            source,
            others,
            stream,
            identity,
        })
    }
}

/// What the parts share while they start.
struct StartContext<'a> {
    settings: &'a Settings,
    identity: Identity,
    clock: Clock,
    source: Source,
    newest: watch::Receiver<Snapshot>,
    camera_status: watch::Receiver<CameraStatus>,
    preview: Preview,
    commands: command::CommandSender,
    publishing: Publishing,
    supervisor: Supervisor,
    shutdown: Shutdown,
}

impl App {
    /// Starts all threads and tasks.
    ///
    /// # Errors
    /// [`AppError`] if a necessary part cannot start.
    pub(super) fn start(
        settings: &Settings,
        file: Option<PathBuf>,
        display: Box<dyn Display + Send>,
    ) -> Result<Self, AppError> {
        let clock = Clock::start();
        let Prepared {
            source,
            others,
            stream,
            identity,
        } = Prepared::new(settings)?;
        let notes = Notes::open(&settings.store, identity.device.as_str());
        let settings = &without_mqtt_if_id_is_taken(settings, &notes, identity.device.as_str());
        let (snapshots, newest) = watch::channel(Snapshot::default());
        let (events, event_inputs) = mpsc::unbounded_channel();
        let (supervisor, faults) = Supervisor::new();
        supervisor.observe_contained();
        let event_inputs = event_log::EventLogInputs {
            snapshots: newest.clone(),
            events: event_inputs,
            faults,
            broker_faults: None,
        };
        let (publishing, home_assistant) =
            Publishing::start(settings, &identity, clock, event_inputs, &notes)?;

        let (status, camera_status) = watch::channel(CameraStatus::default());
        let (writer, reader) = latest::frame_slot();
        let mut watchdog = Watchdog::from_environment();
        // A camera may be silent for its whole time limit before it counts as lost.
        let silence = settings.camera.longest_silence() * 2;
        let frames = watchdog.register("camera", silence, clock.now());
        let cameras = Cameras::new(source.clone(), others.clone());
        let camera = CameraThread::spawn(
            camera_off::control(&notes),
            source.clone(),
            others,
            settings.camera.clone(),
            clock,
            FrameForwarder::new(writer, status, frames.clone(), settings),
        )?;

        let preview = Preview::new(&settings.preview, clock);
        let shutdown = Shutdown::default();
        let renderer = preview.spawn(settings, &supervisor, shutdown.clone())?;
        let (has_display, minute) = (display.is_there(), minute_of_day());
        let controller = Controller::new(
            settings,
            camera.control(),
            cameras,
            preview.clone(),
            notes,
            has_display,
            minute,
        );
        let (commands, asked) = command::channel("a button");
        let context = StartContext {
            settings,
            identity,
            clock,
            source,
            newest,
            camera_status,
            preview,
            commands,
            publishing,
            supervisor,
            shutdown,
        };
        let home_assistant = context.home_assistant(home_assistant, &controller);
        let homie = context.homie(&controller)?;
        let (supervisor, shutdown) = (&context.supervisor, &context.shutdown);
        let (calibrations, calibrating) = watch::channel(None);
        let vision_thread = VisionThread {
            stream,
            reader,
            camera: context.camera_status.clone(),
            stills: controller.stills(),
            tap: context.preview.tap(),
            settings: settings.clone(),
            vision_controls: controller.vision_controls(),
            clock,
            snapshots,
            events,
            calibrations,
            heartbeat: watchdog.register("vision", Duration::ZERO, clock.now()),
        };
        let (closed, user_quit) = watch::channel(false);
        let heartbeat = watchdog.register("display", Duration::ZERO, clock.now());
        let workers = Workers {
            buttons: context.buttons(),
            vision_thread: vision_thread.spawn(supervisor, shutdown.clone())?,
            satellites: satellite::spawn(
                &settings.satellite,
                context.newest.clone(),
                clock,
                supervisor,
            )?,
            page: context.page(&controller, file),
            display: context
                .display_thread(&controller, display, heartbeat)
                .spawn(supervisor, shutdown.clone(), closed)?,
            renderer,
            homie,
            shutdown: shutdown.clone(),
        };
        Ok(Self {
            clock,
            watchdog,
            frames,
            camera,
            camera_status: context.camera_status,
            newest: context.newest,
            preview: context.preview,
            controller,
            commands: context.commands,
            asked,
            user_quit,
            calibrating,
            home_assistant,
            publishing: context.publishing,
            identity: context.identity,
            workers,
            health: context.supervisor.health(),
            failure: None,
        })
    }

    /// What changes from now on.
    pub(super) fn changes(&self) -> Changes {
        let identity = self.identity.clone();
        Changes::new(
            &self.publishing.store,
            self.newest.clone(),
            identity,
            self.clock,
        )
    }
}

impl StartContext<'_> {
    fn home_assistant(
        &self,
        ready: mqtt::home_assistant::PreparedHomeAssistant,
        controller: &Controller,
    ) -> HomeAssistant {
        ready.spawn(mqtt::home_assistant::Inputs {
            broker: self.publishing.broker.state(),
            controls: controller.controls(),
            commands: self.commands.named("MQTT"),
            snapshots: self.newest.clone(),
            store: self.publishing.store.state(),
            started: SystemTime::now(),
            updates: self.publishing.updates.as_ref().map(UpdateThread::watch),
            picture: controller.stills().watch(),
        })
    }

    fn homie(&self, controller: &Controller) -> Result<Option<mqtt::homie::HomieTask>, AppError> {
        let inputs = mqtt::homie::Inputs {
            snapshots: self.newest.clone(),
            controls: controller.controls(),
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
    fn buttons(&self) -> Option<std::thread::JoinHandle<()>> {
        let (commands, shutdown) = (self.commands.clone(), self.shutdown.clone());
        let buttons = gpio::buttons::spawn(self.settings, commands, &self.supervisor, shutdown);
        buttons.unwrap_or_else(|error| {
            tracing::warn!("no buttons: {error}");
            None
        })
    }

    /// The daemon goes on without the page.
    fn page(&self, controller: &Controller, file: Option<PathBuf>) -> Option<Web> {
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
            controls: controller.controls(),
            preview: self.preview.clone(),
            health: self.supervisor.health(),
        };
        web::spawn(self.settings, inputs).unwrap_or_else(|error| {
            tracing::warn!("{error}");
            None
        })
    }

    fn display_thread(
        &self,
        controller: &Controller,
        display: Box<dyn Display + Send>,
        heartbeat: Heartbeat,
    ) -> DisplayThread {
        DisplayThread {
            display,
            rate_hz: self.settings.display.rate_hz(),
            snapshots: self.newest.clone(),
            broker: self.publishing.broker.state(),
            display_controls: controller.display_controls(),
            preview: self.preview.watch_until(),
            source: self.source.to_string(),
            device: self.identity.device.as_str().to_owned(),
            heartbeat,
            clock: self.clock,
        }
    }
}

/// Two clients with one id disconnect each other for ever; so a second daemon with this id publishes nothing.
fn without_mqtt_if_id_is_taken(settings: &Settings, notes: &Notes, device: &str) -> Settings {
    let mut settings = settings.clone();
    if settings.mqtt.enabled && notes.is_taken_by(device) {
        tracing::warn!(
            "another moodring runs here as {device}: this one publishes nothing. Give it its own [device] id and [store] path"
        );
        settings.mqtt.enabled = false;
    }
    settings
}

/// The first source, and the others that a user may choose.
fn sources(settings: &Settings) -> Result<(Source, Vec<Source>), SourceError> {
    let others = settings.camera.next.iter().map(|next| next.parse());
    Ok((
        Source::from_str(&settings.camera.source)?,
        others.collect::<Result<_, _>>()?,
    ))
}

fn nets(settings: &Settings) -> Result<VisionPipeline, VisionError> {
    // Only ONNX engines build something first; ours is ready at once.
    let makes = settings.vision.engine != EngineKind::Int8;
    let _patience = makes.then(|| service::StartTimeout::while_it_lives("making the nets ready"));
    VisionPipeline::open(settings)
}

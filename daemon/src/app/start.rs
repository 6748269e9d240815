//! Starts everything in order and connects the parts.

use std::{path::PathBuf, str::FromStr};

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
use moodring_display::Display;
use moodring_mqtt::{self as mqtt, home_assistant::HomeAssistant};
use moodring_store::{changes::Changes, event_log, notes::Notes};
use moodring_vision::{VisionError, VisionPipeline};
use moodring_web::preview::Preview;
use tokio::sync::{mpsc, watch};

use super::{
    AppError, camera_off,
    camera_sink::FrameForwarder,
    cameras::Cameras,
    controller::Controller,
    identity::identity,
    publishing::Publishing,
    shutdown::Workers,
    start_context::{StartContext, VisionInputs},
    vision_thread::Calibrating,
    watchdog::{Heartbeat, Watchdog},
};

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

        let mut watchdog = Watchdog::from_environment();
        let cameras = Cameras::new(source.clone(), others.clone());
        let camera = StartedCamera::new(
            settings,
            (source.clone(), others),
            &notes,
            clock,
            &mut watchdog,
        )?;

        let preview = Preview::new(&settings.preview, clock);
        let shutdown = Shutdown::default();
        let renderer = preview.spawn(settings, &supervisor, shutdown.clone())?;
        let (has_display, minute) = (display.is_there(), minute_of_day());
        let controller = Controller::new(
            settings,
            camera.thread.control(),
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
            camera_status: camera.status,
            preview,
            commands,
            publishing,
            supervisor,
            shutdown,
            controller: &controller,
        };
        let (calibrations, calibrating) = watch::channel(None);
        let vision = VisionInputs {
            stream,
            reader: camera.reader,
            snapshots,
            events,
            calibrations,
        };
        let (closed, user_quit) = watch::channel(false);
        let workers = Workers {
            buttons: context.buttons(),
            vision: context.vision(vision, &mut watchdog)?,
            satellites: context.satellites()?,
            page: context.page(file),
            display: context.display(display, closed, &mut watchdog)?,
            renderer,
            homie: context.homie()?,
            shutdown: context.shutdown.clone(),
        };
        let home_assistant = context.home_assistant(home_assistant);
        let StartContext {
            identity,
            newest,
            camera_status,
            preview,
            commands,
            publishing,
            supervisor,
            ..
        } = context;
        Ok(Self {
            clock,
            watchdog,
            frames: camera.frames,
            camera: camera.thread,
            camera_status,
            newest,
            preview,
            controller,
            commands,
            asked,
            user_quit,
            calibrating,
            home_assistant,
            publishing,
            identity,
            workers,
            health: supervisor.health(),
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

/// The camera's thread, and what others get of it.
struct StartedCamera {
    thread: CameraThread,
    status: watch::Receiver<CameraStatus>,
    reader: latest::FrameReader,
    /// Beats with every frame.
    frames: Heartbeat,
}

impl StartedCamera {
    fn new(
        settings: &Settings,
        (source, others): (Source, Vec<Source>),
        notes: &Notes,
        clock: Clock,
        watchdog: &mut Watchdog,
    ) -> Result<Self, AppError> {
        let (status_tx, status) = watch::channel(CameraStatus::default());
        let (writer, reader) = latest::frame_slot();
        // A camera may be silent for its whole time limit before it counts as lost.
        let silence = settings.camera.longest_silence() * 2;
        let frames = watchdog.register("camera", silence, clock.now());
        let thread = CameraThread::spawn(
            camera_off::control(notes),
            source,
            others,
            settings.camera.clone(),
            clock,
            FrameForwarder::new(writer, status_tx, frames.clone(), settings),
        )?;
        Ok(Self {
            thread,
            status,
            reader,
            frames,
        })
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

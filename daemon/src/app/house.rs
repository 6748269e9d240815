//! The house, opened: who is started in which order, and what each of them is given.

use std::{
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::sync::{mpsc, watch};

use super::{
    AppError, StopFlag,
    cameras::Cameras,
    close::Rooms,
    desk::Desk,
    eyes::Eyes,
    guard::{Guard, Pulse},
    keep::{self, OffNote},
    outlets::Outlets,
    screen::Screen,
    sink::FrameSink,
    who::identity,
};
use crate::{
    camera::{CameraStatus, CameraThread, Source, SourceError},
    clock::{Clock, minute_of_day},
    command,
    config::{EngineKind, Settings},
    display::Display,
    gpio, journal, latest,
    message::Identity,
    mqtt::{self, home::Home},
    notes::Notes,
    preview::Preview,
    satellite, service,
    snapshot::Snapshot,
    update::Updates,
    vision::{Stream, VisionError},
    web::{self, Web},
};

/// Everything that runs, as the one who watches over it needs it.
pub(super) struct House {
    pub(super) clock: Clock,
    pub(super) guard: Guard,
    /// Beats with every frame.
    pub(super) frames: Pulse,
    pub(super) camera: CameraThread,
    pub(super) camera_status: watch::Receiver<CameraStatus>,
    pub(super) newest: watch::Receiver<Snapshot>,
    pub(super) preview: Preview,
    pub(super) desk: Desk,
    pub(super) commands: command::Sender,
    pub(super) asked: command::Receiver,
    pub(super) user_quit: watch::Receiver<bool>,
    pub(super) home: Home,
    pub(super) outlets: Outlets,
    pub(super) rooms: Rooms,
}

/// What can be made from the settings before anything is opened.
pub(super) struct Prepared {
    source: Source,
    others: Vec<Source>,
    stream: Stream,
    who: Identity,
}

impl Prepared {
    /// Checks all that a start would end with.
    ///
    /// # Errors
    /// [`AppError`] for the first setting that cannot work.
    pub(super) fn new(settings: &Settings) -> Result<Self, AppError> {
        let (source, others) = sources(settings)?;
        let who = identity(&settings.device)?;
        mqtt::check(&settings.mqtt, &who)?;
        let stream = nets(settings)?;
        Ok(Self {
            source,
            others,
            stream,
            who,
        })
    }
}

/// What several rooms are given.
struct Site<'a> {
    settings: &'a Settings,
    who: Identity,
    clock: Clock,
    source: Source,
    newest: watch::Receiver<Snapshot>,
    camera_status: watch::Receiver<CameraStatus>,
    preview: Preview,
    commands: command::Sender,
    outlets: Outlets,
}

impl House {
    /// Starts all rooms.
    ///
    /// # Errors
    /// [`AppError`] if one that is needed cannot start.
    pub(super) fn open(
        settings: &Settings,
        file: Option<PathBuf>,
        display: Box<dyn Display + Send>,
    ) -> Result<Self, AppError> {
        let clock = Clock::start();
        let Prepared {
            source,
            others,
            stream,
            who,
        } = Prepared::new(settings)?;
        let notes = Notes::open(&settings.store);
        let (snapshots, newest) = watch::channel(Snapshot::default());
        let (events, told) = mpsc::unbounded_channel();
        let told = journal::Sources {
            snapshots: newest.clone(),
            events: told,
            faults: None,
        };
        let (outlets, home) = Outlets::open(settings, &who, clock, told, &notes)?;

        let (status, camera_status) = watch::channel(CameraStatus::default());
        let (writer, reader) = latest::slot();
        let mut guard = Guard::of_service();
        // A camera may be silent for its whole time limit before it counts as lost.
        let silence = Duration::from_millis(settings.camera.timeout_ms) * 2;
        let frames = guard.watch("camera", silence, clock.now());
        let cameras = Cameras::new(source.clone(), others.clone());
        let camera = CameraThread::spawn(
            keep::control(&notes),
            source.clone(),
            others,
            settings.camera.clone(),
            clock,
            FrameSink::new(writer, status, frames.clone()),
        )?;

        let preview = Preview::new(&settings.preview, clock);
        let studio = preview.spawn(settings)?;
        let (has_display, minute) = (display.is_there(), minute_of_day());
        let desk = Desk::new(
            settings,
            camera.control(),
            cameras,
            preview.clone(),
            OffNote::new(notes),
            has_display,
            minute,
        );
        let (commands, asked) = command::channel("a button");
        let site = Site {
            settings,
            who,
            clock,
            source,
            newest,
            camera_status,
            preview,
            commands,
            outlets,
        };
        let home = site.home(home, &desk);
        let homie = site.homie(&desk)?;
        let stop = StopFlag::default();
        let eyes = Eyes {
            stream,
            reader,
            camera: site.camera_status.clone(),
            album: desk.album(),
            tap: site.preview.tap(),
            settings: settings.clone(),
            dials: desk.dials(),
            clock,
            snapshots,
            events,
            pulse: guard.watch("vision", Duration::ZERO, clock.now()),
        };
        let (closed, user_quit) = watch::channel(false);
        let pulse = guard.watch("display", Duration::ZERO, clock.now());
        let rooms = Rooms {
            buttons: site.buttons(&stop),
            eyes: eyes.spawn(Arc::clone(&stop))?,
            fleet: satellite::spawn(&settings.satellite, site.newest.clone(), clock)?,
            page: site.page(&desk, file),
            screen: site
                .screen(&desk, display, pulse)
                .spawn(Arc::clone(&stop), closed)?,
            studio,
            homie,
            stop,
        };
        Ok(Self {
            clock,
            guard,
            frames,
            camera,
            camera_status: site.camera_status,
            newest: site.newest,
            preview: site.preview,
            desk,
            commands: site.commands,
            asked,
            user_quit,
            home,
            outlets: site.outlets,
            rooms,
        })
    }
}

impl Site<'_> {
    fn home(&self, ready: mqtt::home::Ready, desk: &Desk) -> Home {
        ready.spawn(mqtt::home::Inputs {
            broker: self.outlets.broker.state(),
            controls: desk.controls(),
            commands: self.commands.named("MQTT"),
            snapshots: self.newest.clone(),
            store: self.outlets.store.state(),
            started: SystemTime::now(),
            updates: self.outlets.updates.as_ref().map(Updates::watch),
        })
    }

    fn homie(&self, desk: &Desk) -> Result<Option<mqtt::homie::Homie>, AppError> {
        let inputs = mqtt::homie::Inputs {
            snapshots: self.newest.clone(),
            controls: desk.controls(),
            commands: self.commands.named("Homie"),
        };
        let mut settings = self.settings.mqtt.clone();
        let address = self.outlets.broker.address();
        if address.is_empty() {
            return Ok(None);
        }
        if settings.url.trim().is_empty() {
            // Where the embedded broker is, or the one that was found in its place.
            settings.url = format!("mqtt://{address}");
        }
        Ok(mqtt::homie::spawn(&settings, &self.who, inputs)?)
    }

    /// Without its buttons it is still a daemon.
    fn buttons(&self, stop: &StopFlag) -> Option<std::thread::JoinHandle<()>> {
        let buttons = gpio::buttons::spawn(self.settings, self.commands.clone(), Arc::clone(stop));
        buttons.unwrap_or_else(|error| {
            tracing::warn!("no buttons: {error}");
            None
        })
    }

    /// Without its page it is still a daemon.
    fn page(&self, desk: &Desk, file: Option<PathBuf>) -> Option<Web> {
        let inputs = web::Inputs {
            who: self.who.clone(),
            clock: self.clock,
            snapshots: self.newest.clone(),
            store: self.outlets.store.clone(),
            camera: self.camera_status.clone(),
            broker: self.outlets.broker.state(),
            source: self.source.to_string(),
            file,
            commands: self.commands.clone(),
            controls: desk.controls(),
            preview: self.preview.clone(),
        };
        web::spawn(self.settings, inputs).unwrap_or_else(|error| {
            tracing::warn!("{error}");
            None
        })
    }

    fn screen(&self, desk: &Desk, display: Box<dyn Display + Send>, pulse: Pulse) -> Screen {
        Screen {
            display,
            rate_hz: self.settings.display.rate_hz(),
            snapshots: self.newest.clone(),
            broker: self.outlets.broker.state(),
            wish: desk.wish(),
            preview: self.preview.watch_until(),
            source: self.source.to_string(),
            device: self.who.device.as_str().to_owned(),
            pulse,
        }
    }
}

/// The first source, and those that may be switched to.
fn sources(settings: &Settings) -> Result<(Source, Vec<Source>), SourceError> {
    let others = settings.camera.next.iter().map(|next| next.parse());
    Ok((
        Source::from_str(&settings.camera.source)?,
        others.collect::<Result<_, _>>()?,
    ))
}

fn nets(settings: &Settings) -> Result<Stream, VisionError> {
    // Only ONNX engines make something first; ours is ready at once.
    let makes = settings.vision.engine != EngineKind::Int8;
    let _patience = makes.then(|| service::Patience::while_it_lives("making the nets ready"));
    Stream::open(settings)
}

//! `run`: threads and tasks, from start to graceful stop. Wires rooms together; decides nothing about faces.
//!
//! ```text
//! camera thread -> slot (newest wins) -> vision thread -> snapshot (newest wins) -> display thread
//!                                                                                -> satellites thread
//!                                                      -> events (none lost)     -> journal task -> store -> mqtt task
//!                                                                                -> web thread
//!                                                      -> events (none lost)     -> mqtt task
//!                       vision thread -> preview thread, while somebody watches -> web thread
//! buttons thread -> commands -> desk -> camera thread (on, off, which), vision thread (one picture, sensitivity, nets),
//!                                       display thread (on, off, brightness, theme); and what is set now as `Controls`
//! ```
//!
//! And `follow`: the same outputs, fed by a broker instead of a camera.

mod album;
mod cameras;
mod desk;
mod eyes;
mod follow;
mod guard;
mod keep;
mod screen;
mod sink;

pub use follow::follow;

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
};

use crate::{
    camera::{CameraError, CameraStatus, CameraThread, Source, SourceError},
    clock::{Clock, minute_of_day},
    command::{self, Command, Switch},
    config::{EngineKind, Settings},
    display::{Display, DisplayError},
    gpio, journal, latest,
    message::{DeviceName, Identity, NameError, RunId},
    mqtt::{self, MqttError},
    preview::Preview,
    satellite, service,
    snapshot::{CameraState, Snapshot},
    store::{Place, Store},
    update,
    vision::{Stream, VisionError},
    web,
};

/// Why the daemon could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The source's name is not one.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file source failed.
    #[error("{0}")]
    Camera(String),
    /// The nets.
    #[error(transparent)]
    Vision(#[from] VisionError),
    /// The display.
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// The broker.
    #[error(transparent)]
    Mqtt(#[from] MqttError),
    /// The device's id.
    #[error("`device.id` is `{id}`, but {reason}. Set `[device] id` to letters, digits, - and _")]
    Device {
        /// What was to be the id.
        id: String,
        /// Why it cannot be.
        reason: NameError,
    },
    /// The system gave no thread or no signal handler.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

impl From<CameraError> for AppError {
    fn from(error: CameraError) -> Self {
        Self::Camera(error.to_string())
    }
}

/// How often what time changes is looked at: night, and devices that came.
const TICK: Duration = Duration::from_secs(10);

/// Asks all threads to end; they look at it several times a second.
pub(crate) type StopFlag = Arc<AtomicBool>;

/// Runs until a signal, until the display is closed, or until a file source ends. `file` is where the settings came from.
///
/// # Errors
/// [`AppError`] if something cannot start, or if a file source fails.
pub async fn run(
    settings: &Settings,
    file: Option<PathBuf>,
    display: Box<dyn Display + Send>,
) -> Result<(), AppError> {
    // First of all: a stop that comes during the start is graceful too.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let clock = Clock::start();
    let source = Source::from_str(&settings.camera.source)?;
    let others = settings.camera.next.iter().map(|next| next.parse());
    let others = others.collect::<Result<Vec<Source>, SourceError>>()?;
    let stream = {
        // Only ONNX engines make something first; ours is ready at once.
        let makes = settings.vision.engine != EngineKind::Int8;
        let _patience = makes.then(|| service::Patience::while_it_lives("making the nets ready"));
        Stream::open(settings)?
    };
    let who = identity(&settings.device.id)?;

    let (snapshots, newest) = watch::channel(Snapshot::default());
    let (events, told) = mpsc::unbounded_channel();
    let place = Place::of(&settings.store.path);
    let updates = update::spawn(&settings.update, &settings.models, who.run.number());
    let (extra, home) = mqtt::home::prepare(
        &settings.mqtt,
        &who,
        place.folder(),
        updates.is_some(),
        web::page_url(&settings.web),
    )?;
    let store = Store::open_with_copy(place, settings.store.bounds(), settings.store.copy_plan())?;
    let inputs = mqtt::Inputs {
        snapshots: newest.clone(),
        store: store.clone(),
        extra: Some(extra),
    };
    let broker = mqtt::spawn(&settings.mqtt, who.clone(), clock, inputs)?;
    if !broker.address().is_empty() {
        tracing::info!(
            "events go to the broker {} as {}/{}",
            broker.address(),
            settings.mqtt.prefix,
            who.device.as_str()
        );
    }

    let sources = journal::Sources {
        snapshots: newest.clone(),
        events: told,
    };
    let (events_of, wanted) = (&settings.events, settings.mqtt.enabled);
    let journal = journal::spawn(
        events_of,
        who.clone(),
        clock,
        sources,
        store.clone(),
        wanted,
    );

    let stop = StopFlag::default();
    let (status, mut camera_status) = watch::channel(CameraStatus::default());
    let (writer, reader) = latest::slot();
    let mut guard = guard::Guard::of_service();
    // A camera may be silent for its whole time limit before it counts as lost.
    let silence = Duration::from_millis(settings.camera.timeout_ms) * 2;
    let frames = guard.watch("camera", silence, clock.now());
    let sink = sink::FrameSink::new(writer, status, frames.clone());
    let cameras = cameras::Cameras::new(source.clone(), others.clone());
    let mut camera = CameraThread::spawn(
        keep::OffNote::of(&settings.store).control(),
        source.clone(),
        others,
        settings.camera.clone(),
        clock,
        sink,
    )?;
    let preview = Preview::new(&settings.preview, clock);
    let studio = preview.spawn(settings)?;
    let mut desk = desk::Desk::new(
        settings,
        camera.control(),
        cameras,
        preview.clone(),
        display.is_there(),
        minute_of_day(),
    );
    let (commands, mut asked) = command::channel();
    let home = home.spawn(
        broker.state(),
        desk.controls(),
        commands.clone(),
        SystemTime::now(),
        updates.as_ref().map(update::Updates::watch),
    );
    let tree = mqtt::homie::Inputs {
        snapshots: newest.clone(),
        controls: desk.controls(),
        commands: commands.clone(),
    };
    let homie = mqtt::homie::spawn(&settings.mqtt, &who, tree)?;
    let buttons = gpio::buttons::spawn(settings, commands.clone(), Arc::clone(&stop));
    let buttons = buttons.unwrap_or_else(|error| {
        // Without its buttons it is still a daemon.
        tracing::warn!("no buttons: {error}");
        None
    });
    let eyes = eyes::Eyes {
        stream,
        reader,
        camera: camera_status.clone(),
        album: desk.album(),
        tap: preview.tap(),
        settings: settings.clone(),
        dials: desk.dials(),
        clock,
        snapshots,
        events,
        pulse: guard.watch("vision", Duration::ZERO, clock.now()),
    };
    let eyes = eyes.spawn(Arc::clone(&stop))?;
    let fleet = satellite::spawn(&settings.satellite, newest.clone(), clock)?;
    let page = web::Inputs {
        who: who.clone(),
        clock,
        snapshots: newest.clone(),
        store: store.clone(),
        camera: camera_status.clone(),
        broker: broker.state(),
        source: source.to_string(),
        file,
        commands: commands.clone(),
        controls: desk.controls(),
        preview: preview.clone(),
    };
    let page = web::spawn(settings, page).unwrap_or_else(|error| {
        // Without its page it is still a daemon.
        tracing::warn!("{error}");
        None
    });
    let screen = screen::Screen {
        display,
        rate_hz: settings.display.rate_hz(),
        snapshots: newest.clone(),
        broker: broker.state(),
        wish: desk.wish(),
        preview: preview.watch_until(),
        source: source.to_string(),
        device: who.device.as_str().to_owned(),
        pulse: guard.watch("display", Duration::ZERO, clock.now()),
    };
    let (closed, mut user_quit) = watch::channel(false);
    let screen = screen.spawn(Arc::clone(&stop), closed)?;

    let mut tick = tokio::time::interval(TICK);
    let mut seen = newest;
    let mut told = CameraState::Starting;
    loop {
        tokio::select! {
            // The channel stays open: this function holds one of its ends.
            Some(command) = asked.recv() => desk.obey(command, minute_of_day()),
            () = preview.expired() => desk.obey(Command::Preview(Switch::Off), minute_of_day()),
            _ = tick.tick() => desk.pass(minute_of_day()),
            _ = guard.due() => {
                if rests(&camera.status()) {
                    frames.beat();
                }
                guard.feed(clock.now());
            }
            // Ready is who has read a frame, or knows that there is none to read.
            Ok(now) = wait_for_other(&mut seen, told) => {
                if told == CameraState::Starting {
                    service::ready(&format!("camera {}", now.name()));
                } else {
                    service::status(&format!("camera {}", now.name()));
                }
                told = now;
            }
            _ = terminate.recv() => break tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => break tracing::info!("SIGINT: stopping"),
            Ok(_) = user_quit.wait_for(|quit| *quit) => break tracing::info!("closed at the terminal: stopping"),
            Ok(()) = camera_status.changed() => {
                if camera_status.borrow_and_update().state == CameraState::Ended {
                    break tracing::info!("the source came to its end: stopping");
                }
                desk.look_at_cameras(minute_of_day());
            }
        }
    }
    service::stopping();
    drop(commands);
    drop(home);
    drop(updates);

    // Upstream first: each room sees the end of what feeds it, and the broker hears everything that was told.
    camera.stop();
    let camera = camera.status();
    join(eyes, "vision");
    if let Some(studio) = studio {
        join(studio, "preview");
    }
    // Its last events are on the disk when it ends; a panic in it has been said by tokio.
    let _ = journal.await;
    // Those that say goodbye to somebody do so side by side: a stop is to take a second, not the sum of their waits.
    stop.store(true, Ordering::Relaxed);
    if let Some(page) = &page {
        page.begin_to_stop();
    }
    let homie = async {
        if let Some(homie) = homie {
            homie.stop().await;
        }
    };
    tokio::join!(homie, broker.stop());
    join(screen, "display");
    if let Some(page) = page {
        page.stop();
    }
    if let Some(buttons) = buttons {
        join(buttons, "buttons");
    }
    if let Some(fleet) = fleet {
        fleet.stop();
    }
    store.close();
    match camera {
        CameraStatus {
            frames: 0,
            trouble: Some(trouble),
            state: CameraState::Ended,
            ..
        } => Err(AppError::Camera(trouble)),
        _ => Ok(()),
    }
}

/// Whether no frame is due from the camera thread: only one that runs and is live promises them.
fn rests(camera: &CameraStatus) -> bool {
    camera.state != CameraState::Running || camera.info.as_ref().is_none_or(|info| !info.live)
}

/// Waits until the camera's state, as the outputs see it, is another than `told`.
async fn wait_for_other(
    seen: &mut watch::Receiver<Snapshot>,
    told: CameraState,
) -> Result<CameraState, watch::error::RecvError> {
    let other = seen.wait_for(|snapshot| snapshot.camera != told).await;
    other.map(|snapshot| snapshot.camera)
}

/// Waits for a thread; one that panicked is named.
fn join(thread: std::thread::JoinHandle<()>, name: &str) {
    if thread.join().is_err() {
        tracing::error!("the {name} thread panicked");
    }
}

/// This device and this run. An empty id is the host's name, made fit for a topic.
fn identity(id: &str) -> Result<Identity, AppError> {
    let id = if id.is_empty() {
        host_name()
    } else {
        id.to_owned()
    };
    let device = DeviceName::new(&id).map_err(|reason| AppError::Device { id, reason })?;
    Ok(Identity {
        device,
        run: RunId::random(),
    })
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let name: String = name
        .trim()
        .chars()
        .map(fit)
        .take(DeviceName::MAX_BYTES)
        .collect();
    if name.is_empty() {
        "moodring".into()
    } else {
        name
    }
}

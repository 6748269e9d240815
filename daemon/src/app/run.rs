//! `run`: starts the app, serves it until something asks it to stop, and shuts it down.

use std::{io::Write, path::PathBuf, sync::Arc, thread, time::Duration};

use moodring_base::{
    clock::minute_of_day,
    command::{Command, Switch},
    config::{Settings, SettingsSource, differences},
    service,
    snapshot::{CameraState, Snapshot},
    worker::given_up,
};
use moodring_camera::CameraStatus;
use moodring_display::Display;
use moodring_store::hooks;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot, watch},
};

use super::{
    AppError,
    controller::Controller,
    start::{App, Prepared},
    terminal::ControllingTerminal,
};

/// How often to look at what changes with time: the night, and devices that were plugged in.
const TICK_INTERVAL: Duration = Duration::from_secs(10);
/// Lines that a slow reader of `watch` may be behind.
const MAX_WAITING_LINES: usize = 256;

/// Runs until a signal, until the display is closed, or until a file source ends. `source` is where the settings came from.
///
/// # Errors
/// [`AppError`] if something cannot start, or if a file source fails.
pub async fn run(
    settings: &Settings,
    source: SettingsSource,
    display: Box<dyn Display + Send>,
) -> Result<(), AppError> {
    let terminal = ControllingTerminal::this();
    // First, so that a stop during the start is graceful too.
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let mut signals = Signals::new(terminal, terminate, interrupt)?;
    let mut app = App::start(settings, source.file.clone(), display)?;
    let hooks = hooks::spawn(&settings.hooks, app.changes());
    let mut settings = settings.clone();
    while app.serve(&mut signals).await == Next::Reload {
        app.reload(&mut settings, &source);
    }
    let ended = app.close().await;
    if let Some(hooks) = hooks {
        hooks.close().await;
    }
    ended
}

/// The start without its side effects: whether a daemon with these settings would run.
///
/// # Errors
/// [`AppError`] that a start would end with.
pub fn check(settings: &Settings) -> Result<(), AppError> {
    Prepared::new(settings).map(drop)
}

/// What other programs may send.
struct Signals {
    terminal: ControllingTerminal,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// They would end the program if nobody listened.
    _ignored: [Signal; 2],
}

impl Signals {
    fn new(
        terminal: ControllingTerminal,
        terminate: Signal,
        interrupt: Signal,
    ) -> std::io::Result<Self> {
        Ok(Self {
            terminal,
            terminate,
            interrupt,
            hangup: signal(SignalKind::hangup())?,
            _ignored: [
                signal(SignalKind::user_defined1())?,
                signal(SignalKind::user_defined2())?,
            ],
        })
    }
}

/// `watch` does not read its settings again on SIGHUP.
async fn until_the_end(app: &mut App, signals: &mut Signals) {
    while app.serve(signals).await == Next::Reload {}
}

/// Why [`App::serve`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    End,
    /// The settings are to be read again.
    Reload,
}

/// As [`run`], and each change is a line of JSON on standard output; ends also when nobody reads them any more.
///
/// # Errors
/// [`AppError`] if something cannot start, or if a file source fails.
pub async fn watch(
    settings: &Settings,
    file: Option<PathBuf>,
    display: Box<dyn Display + Send>,
) -> Result<(), AppError> {
    let terminal = ControllingTerminal::this();
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let mut signals = Signals::new(terminal, terminate, interrupt)?;
    let mut app = App::start(settings, file, display)?;
    let mut changes = app.changes();
    let (lines, mut printed) = printer()?;
    let print = async move {
        while let Some(line) = changes.next().await {
            if lines.send(line).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = until_the_end(&mut app, &mut signals) => {}
        () = print => {}
        ended = &mut printed => match ended {
            Ok(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                tracing::error!("the changes cannot be written: {error}: stopping");
                app.failure = Some(AppError::Output(error));
            }
            _ => tracing::info!("nobody reads the changes any more: stopping"),
        },
    }
    app.close().await
}

/// A thread that prints lines, so that a slow reader does not stop the daemon; and what rings when it cannot go on.
fn printer() -> Result<(mpsc::Sender<Arc<str>>, oneshot::Receiver<std::io::Error>), AppError> {
    let (lines, mut waiting) = mpsc::channel::<Arc<str>>(MAX_WAITING_LINES);
    let (ended, printed) = oneshot::channel();
    thread::Builder::new().name("lines".into()).spawn(move || {
        let mut out = std::io::stdout().lock();
        while let Some(line) = waiting.blocking_recv() {
            if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
                // Nobody waits for it while the daemon ends.
                let _ = ended.send(error);
                return;
            }
        }
    })?;
    Ok((lines, printed))
}

impl App {
    /// Takes over what can change while the daemon runs, and logs what cannot.
    fn reload(&mut self, settings: &mut Settings, source: &SettingsSource) {
        service::reloading();
        match source.load() {
            Ok(now) => {
                let changed = differences(settings, &now);
                self.controller.take_over(settings, &now, minute_of_day());
                let is_taken = |key: &String| Controller::TAKEN_OVER.contains(&key.as_str());
                let (taken, later): (Vec<_>, Vec<_>) = changed.into_iter().partition(is_taken);
                let list = |keys: &[String]| {
                    if keys.is_empty() {
                        "nothing".to_owned()
                    } else {
                        keys.join(", ")
                    }
                };
                tracing::info!(
                    "SIGHUP: took over {}; after a restart: {}",
                    list(&taken),
                    list(&later)
                );
                settings.display.brightness = now.display.brightness;
                settings.display.night_brightness = now.display.night_brightness;
                settings.display.theme = now.display.theme;
                settings.mood.sensitivity = now.mood.sensitivity;
            }
            Err(error) => tracing::warn!("SIGHUP: the settings stay as they were: {error}"),
        }
        let camera = self.newest.borrow().camera.name();
        service::ready(&format!("camera {camera}"));
    }

    /// Executes commands, feeds the watchdog and reports to systemd, until something asks it to end.
    async fn serve(&mut self, signals: &mut Signals) -> Next {
        let mut tick = tokio::time::interval(TICK_INTERVAL);
        let mut reported = CameraState::Starting;
        let end = |why: &str| {
            tracing::info!("{why}: stopping");
            Next::End
        };
        loop {
            tokio::select! {
                command = self.asked.recv() => self.controller.execute(command, minute_of_day()),
                Ok(()) = self.calibrating.changed() => {
                    let progress = *self.calibrating.borrow_and_update();
                    self.controller.calibrated(progress, minute_of_day());
                }
                () = until(self.controller.note_due()) => self.controller.write_note(),
                () = self.preview.expired() => self.controller.execute(Command::Preview(Switch::Off), minute_of_day()),
                _ = tick.tick() => self.controller.tick(minute_of_day()),
                _ = self.watchdog.due() => {
                    if rests(&self.camera.status()) {
                        self.frames.beat();
                    }
                    self.watchdog.feed(self.clock.now());
                }
                // The service is ready once it has read a frame, or knows that there is none to read.
                Ok(now) = wait_for_other(&mut self.newest, reported) => {
                    let status = format!("camera {}", now.name());
                    match reported {
                        CameraState::Starting => service::ready(&status),
                        _ => service::status(&status),
                    }
                    reported = now;
                }
                _ = signals.terminate.recv() => return end("SIGTERM"),
                _ = signals.interrupt.recv() => return end("SIGINT"),
                _ = signals.hangup.recv() => {
                    if signals.terminal.is_gone() {
                        return end("the terminal is gone");
                    }
                    return Next::Reload;
                }
                Ok(_) = self.user_quit.wait_for(|quit| *quit) => return end("closed at the terminal"),
                (name, reason) = given_up(&mut self.health) => {
                    self.failure = Some(AppError::Worker { name, reason });
                    tracing::error!("the {name} worker is given up: ending, to be started anew");
                    return Next::End;
                }
                // It ends only by a panic, or after this loop.
                _ = &mut self.publishing.event_log => {
                    self.failure = Some(AppError::Worker { name: "events", reason: "it panicked".into() });
                    tracing::error!("the event log is gone: ending, to be started anew");
                    return Next::End;
                }
                Ok(()) = self.camera_status.changed() => {
                    if self.camera_status.borrow_and_update().state == CameraState::Ended {
                        return end("the source came to its end");
                    }
                    self.controller.look_at_cameras(minute_of_day());
                }
            }
        }
    }
}

/// Waits until then, or for ever.
async fn until(instant: Option<std::time::Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

/// Whether no frame is due from the camera thread: only one that runs and is live promises them.
fn rests(camera: &CameraStatus) -> bool {
    camera.state != CameraState::Running || camera.info.as_ref().is_none_or(|info| !info.live)
}

/// Waits until the camera's state in the snapshots differs from `reported`.
async fn wait_for_other(
    seen: &mut watch::Receiver<Snapshot>,
    reported: CameraState,
) -> Result<CameraState, watch::error::RecvError> {
    let other = seen.wait_for(|snapshot| snapshot.camera != reported).await;
    other.map(|snapshot| snapshot.camera)
}

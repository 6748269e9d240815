//! `run`: starts the app, serves it until something asks it to stop, and shuts it down.

use std::{io::Write, path::PathBuf, sync::Arc, thread, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, oneshot, watch},
};

use super::{AppError, start::App};
use crate::{
    camera::CameraStatus,
    clock::minute_of_day,
    command::{Command, Switch},
    config::Settings,
    display::Display,
    hooks, service,
    snapshot::{CameraState, Snapshot},
    worker::given_up,
};

/// How often to look at what changes with time: the night, and devices that were plugged in.
const TICK: Duration = Duration::from_secs(10);
/// Lines that a slow reader of `watch` may be behind.
const LINES: usize = 256;

/// Runs until a signal, until the display is closed, or until a file source ends. `file` is where the settings came from.
///
/// # Errors
/// [`AppError`] if something cannot start, or if a file source fails.
pub async fn run(
    settings: &Settings,
    file: Option<PathBuf>,
    display: Box<dyn Display + Send>,
) -> Result<(), AppError> {
    // First, so that a stop during the start is graceful too.
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let mut app = App::start(settings, file, display)?;
    let hooks = hooks::spawn(&settings.hooks, app.changes());
    app.live(terminate, interrupt).await;
    if let Some(hooks) = hooks {
        hooks.abort();
    }
    app.close().await
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
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
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
        () = app.live(terminate, interrupt) => {}
        () = print => {}
        _ = &mut printed => tracing::info!("nobody reads the changes any more: stopping"),
    }
    app.close().await
}

/// A thread that prints lines, so that a slow reader does not stop the daemon; and what rings when it ends.
fn printer() -> Result<(mpsc::Sender<Arc<str>>, oneshot::Receiver<()>), AppError> {
    let (lines, mut waiting) = mpsc::channel::<Arc<str>>(LINES);
    let (ended, printed) = oneshot::channel();
    thread::Builder::new().name("lines".into()).spawn(move || {
        let mut out = std::io::stdout().lock();
        while let Some(line) = waiting.blocking_recv() {
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                break;
            }
        }
        drop(ended);
    })?;
    Ok((lines, printed))
}

impl App {
    /// Executes commands and reports the state to systemd until the app is to end.
    async fn live(&mut self, mut terminate: Signal, mut interrupt: Signal) {
        let mut tick = tokio::time::interval(TICK);
        let mut reported = CameraState::Starting;
        loop {
            tokio::select! {
                // The channel stays open: the app holds a sender.
                Some(command) = self.asked.recv() => self.controller.execute(command, minute_of_day()),
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
                    let word = format!("camera {}", now.name());
                    match reported {
                        CameraState::Starting => service::ready(&word),
                        _ => service::status(&word),
                    }
                    reported = now;
                }
                (name, reason) = given_up(&mut self.health) => {
                    self.failure = Some(AppError::Worker { name, reason });
                    return tracing::error!("the {name} worker is given up: ending, to be started anew");
                }
                // It ends only by a panic, or after this loop.
                _ = &mut self.publishing.event_log => {
                    self.failure = Some(AppError::Worker { name: "events", reason: "it panicked".into() });
                    return tracing::error!("the event log is gone: ending, to be started anew");
                }
                _ = terminate.recv() => return tracing::info!("SIGTERM: stopping"),
                _ = interrupt.recv() => return tracing::info!("SIGINT: stopping"),
                Ok(_) = self.user_quit.wait_for(|quit| *quit) => return tracing::info!("closed at the terminal: stopping"),
                Ok(()) = self.camera_status.changed() => {
                    if self.camera_status.borrow_and_update().state == CameraState::Ended {
                        return tracing::info!("the source came to its end: stopping");
                    }
                    self.controller.look_at_cameras(minute_of_day());
                }
            }
        }
    }
}

/// Whether the camera thread owes no frame: only a live source that runs owes frames.
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

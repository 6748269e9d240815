//! `run`: opens the house, lets it live until something says stop, and closes it.

use std::{path::PathBuf, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::{
    AppError,
    start::{App, Prepared},
};
use crate::{
    camera::CameraStatus,
    clock::minute_of_day,
    command::{Command, Switch},
    config::Settings,
    display::Display,
    service,
    snapshot::{CameraState, Snapshot},
};

/// How often what time changes is looked at: night, and devices that came.
const TICK: Duration = Duration::from_secs(10);

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
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let mut app = App::start(settings, file, display)?;
    app.live(terminate, interrupt).await;
    app.close().await
}

/// The start without its side effects: whether a daemon with these settings would run.
///
/// # Errors
/// [`AppError`] that a start would end with.
pub fn check(settings: &Settings) -> Result<(), AppError> {
    Prepared::new(settings).map(drop)
}

impl App {
    /// Does what is asked for and says how it goes, until it is to end.
    async fn live(&mut self, mut terminate: Signal, mut interrupt: Signal) {
        let mut tick = tokio::time::interval(TICK);
        let mut told = CameraState::Starting;
        loop {
            tokio::select! {
                command = self.asked.recv() => self.controller.execute(command, minute_of_day()),
                () = until(self.controller.note_due()) => self.controller.write_note(),
                () = self.preview.expired() => self.controller.execute(Command::Preview(Switch::Off), minute_of_day()),
                _ = tick.tick() => self.controller.tick(minute_of_day()),
                _ = self.watchdog.due() => {
                    if rests(&self.camera.status()) {
                        self.frames.beat();
                    }
                    self.watchdog.feed(self.clock.now());
                }
                // Ready is who has read a frame, or knows that there is none to read.
                Ok(now) = wait_for_other(&mut self.newest, told) => {
                    let word = format!("camera {}", now.name());
                    match told {
                        CameraState::Starting => service::ready(&word),
                        _ => service::status(&word),
                    }
                    told = now;
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

/// Waits until the camera's state, as the outputs see it, is another than `told`.
async fn wait_for_other(
    seen: &mut watch::Receiver<Snapshot>,
    told: CameraState,
) -> Result<CameraState, watch::error::RecvError> {
    let other = seen.wait_for(|snapshot| snapshot.camera != told).await;
    other.map(|snapshot| snapshot.camera)
}

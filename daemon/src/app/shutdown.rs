//! Stops everything in order, the source first, so that nothing published is lost.

use std::{thread::JoinHandle, time::Instant};

use moodring_base::{service, shutdown::Shutdown, snapshot::CameraState};
use moodring_camera::CameraStatus;
use moodring_mqtt::homie::HomieTask;
use moodring_web::Web;

use super::{AppError, join, start::App};
use crate::satellite::PortThread;

/// The threads and tasks that the shutdown waits for, beside the camera and what publishes.
pub(super) struct Workers {
    pub(super) shutdown: Shutdown,
    pub(super) vision: JoinHandle<()>,
    pub(super) display: JoinHandle<()>,
    pub(super) renderer: Option<JoinHandle<()>>,
    pub(super) buttons: Option<JoinHandle<()>>,
    pub(super) page: Option<Web>,
    pub(super) satellites: Option<PortThread>,
    pub(super) homie: Option<HomieTask>,
}

impl App {
    /// Stops everything within about two seconds.
    ///
    /// # Errors
    /// [`AppError::Camera`] if the source ended without a frame.
    pub(super) async fn close(mut self) -> Result<(), AppError> {
        service::stopping();
        self.controller.write_note();
        drop(self.commands);
        drop(self.home_assistant);
        drop(self.publishing.updates);

        // The source first: each part sees the end of its input, and the broker receives every event.
        let begin = Instant::now();
        let ended = |what| tracing::debug!("{what} ended after {} ms", begin.elapsed().as_millis());
        self.camera.stop();
        ended("camera");
        let camera = self.camera.status();
        let workers = self.workers;
        join(workers.vision, "vision");
        ended("vision");
        if let Some(renderer) = workers.renderer {
            join(renderer, "preview");
        }
        // The event log has written its last events when it ends; tokio has reported a panic in it.
        if !self.publishing.event_log.is_finished() {
            let _ = self.publishing.event_log.await;
        }
        ended("event log");
        // These wait for others to receive their last message, so they stop at the same time: one second, not the sum.
        workers.shutdown.begin();
        if let Some(page) = &workers.page {
            page.begin_to_stop();
        }
        let homie = async {
            if let Some(homie) = workers.homie {
                homie.stop().await;
            }
        };
        tokio::join!(homie, self.publishing.broker.stop());
        ended("broker");
        join(workers.display, "display");
        ended("display");
        if let Some(page) = workers.page {
            page.stop();
        }
        if let Some(buttons) = workers.buttons {
            join(buttons, "buttons");
        }
        if let Some(satellites) = workers.satellites {
            satellites.stop();
        }
        self.publishing.store.close();
        ended("store");
        match self.failure {
            Some(failure) => Err(failure),
            None => verdict(camera),
        }
    }
}

/// A source that ended by an error is a failure, however many frames it gave.
fn verdict(camera: CameraStatus) -> Result<(), AppError> {
    match camera {
        CameraStatus {
            trouble: Some(trouble),
            state: CameraState::Ended,
            ..
        } => Err(AppError::Camera(trouble)),
        _ => Ok(()),
    }
}

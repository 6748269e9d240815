//! The end of the house: rooms close one after the other, upstream first, and nothing that was told is lost.

use std::thread::JoinHandle;

use super::{AppError, join, start::App};
use crate::{
    camera::CameraStatus, mqtt::homie::HomieTask, satellite::PortThread, service,
    shutdown::Shutdown, snapshot::CameraState, web::Web,
};

/// Whom the end has to wait for, beside the camera and the outlets.
pub(super) struct Workers {
    pub(super) shutdown: Shutdown,
    pub(super) vision_thread: JoinHandle<()>,
    pub(super) screen: JoinHandle<()>,
    pub(super) renderer: Option<JoinHandle<()>>,
    pub(super) buttons: Option<JoinHandle<()>>,
    pub(super) page: Option<Web>,
    pub(super) satellites: Option<PortThread>,
    pub(super) homie: Option<HomieTask>,
}

impl App {
    /// Ends everything within about two seconds.
    ///
    /// # Errors
    /// [`AppError::Camera`] if the source came to its end without a frame.
    pub(super) async fn close(mut self) -> Result<(), AppError> {
        service::stopping();
        self.controller.write_note();
        drop(self.commands);
        drop(self.home);
        drop(self.publishing.updates);

        // Upstream first: each room sees the end of what feeds it, and the broker hears everything that was told.
        self.camera.stop();
        let camera = self.camera.status();
        let workers = self.workers;
        join(workers.vision_thread, "vision");
        if let Some(renderer) = workers.renderer {
            join(renderer, "preview");
        }
        // Its last events are on the disk when it ends; a panic in it has been said by tokio.
        if !self.publishing.event_log.is_finished() {
            let _ = self.publishing.event_log.await;
        }
        // Those that say goodbye to somebody do so side by side: a stop is to take a second, not the sum of their waits.
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
        join(workers.screen, "display");
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

//! The end of the house: rooms close one after the other, upstream first, and nothing that was told is lost.

use std::{sync::atomic::Ordering, thread::JoinHandle};

use super::{AppError, StopFlag, house::House, join};
use crate::{
    camera::CameraStatus, mqtt::homie::Homie, satellite::Fleet, service, snapshot::CameraState,
    web::Web,
};

/// Whom the end has to wait for, beside the camera and the outlets.
pub(super) struct Rooms {
    pub(super) stop: StopFlag,
    pub(super) eyes: JoinHandle<()>,
    pub(super) screen: JoinHandle<()>,
    pub(super) studio: Option<JoinHandle<()>>,
    pub(super) buttons: Option<JoinHandle<()>>,
    pub(super) page: Option<Web>,
    pub(super) fleet: Option<Fleet>,
    pub(super) homie: Option<Homie>,
}

impl House {
    /// Ends everything within about two seconds.
    ///
    /// # Errors
    /// [`AppError::Camera`] if the source came to its end without a frame.
    pub(super) async fn close(mut self) -> Result<(), AppError> {
        service::stopping();
        self.desk.write_note();
        drop(self.commands);
        drop(self.home);
        drop(self.outlets.updates);

        // Upstream first: each room sees the end of what feeds it, and the broker hears everything that was told.
        self.camera.stop();
        let camera = self.camera.status();
        let rooms = self.rooms;
        join(rooms.eyes, "vision");
        if let Some(studio) = rooms.studio {
            join(studio, "preview");
        }
        // Its last events are on the disk when it ends; a panic in it has been said by tokio.
        let _ = self.outlets.journal.await;
        // Those that say goodbye to somebody do so side by side: a stop is to take a second, not the sum of their waits.
        rooms.stop.store(true, Ordering::Relaxed);
        if let Some(page) = &rooms.page {
            page.begin_to_stop();
        }
        let homie = async {
            if let Some(homie) = rooms.homie {
                homie.stop().await;
            }
        };
        tokio::join!(homie, self.outlets.broker.stop());
        join(rooms.screen, "display");
        if let Some(page) = rooms.page {
            page.stop();
        }
        if let Some(buttons) = rooms.buttons {
            join(buttons, "buttons");
        }
        if let Some(fleet) = rooms.fleet {
            fleet.stop();
        }
        self.outlets.store.close();
        verdict(camera)
    }
}

/// A source that ended before its first frame is a failure.
fn verdict(camera: CameraStatus) -> Result<(), AppError> {
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

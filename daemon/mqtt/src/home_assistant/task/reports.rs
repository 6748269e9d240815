//! Publishes what the device reports of itself: health, figures, updates, the emoji, a picture that was asked for.

use std::{sync::Arc, time::Duration};

use moodring_base::{
    config::ThemeName,
    message::{Release, json},
    snapshot::{BrokerState, Snapshot},
};
use moodring_display::{look_of, sticker};
use moodring_face::{look::Look, theme::Theme};
use tokio::{sync::watch, time::Instant};

use super::Task;
use crate::{
    Delivery, Outgoing,
    home_assistant::{DeviceHealth, diagnostics::Diagnostics, protocol::lasting},
};

/// How often health and figures are published, if they changed.
const FIGURES_EVERY: Duration = Duration::from_secs(60);
/// The side of the emoji's picture in pixels.
const EMOJI_PX: u32 = 192;

impl Task {
    /// Health, and figures of the pipeline, where they differ from what was published.
    pub(super) fn publish_figures(&mut self) {
        if self.look_at.is_some() {
            return;
        }
        let mut outgoing = Vec::new();
        let health = json(&DeviceHealth::read(self.inputs.started));
        if health != self.health {
            outgoing.push(lasting(
                self.ready.device.health_topic(),
                health.clone().into_bytes(),
            ));
        }
        let now = Diagnostics::of(
            &self.inputs.snapshots.borrow_and_update(),
            &self.inputs.store.borrow(),
        );
        if self.diagnostics != Some(now) {
            outgoing.push(lasting(
                self.ready.device.diagnostics_topic(),
                json(&now).into_bytes(),
            ));
        }
        (self.health, self.diagnostics) = (health, Some(now));
        self.figures_at = Some(Instant::now() + FIGURES_EVERY);
        self.publish(outgoing);
    }

    pub(super) fn publish_update(&mut self) {
        if self.look_at.is_some() {
            return;
        }
        let newest = self
            .inputs
            .updates
            .as_mut()
            .map(|updates| updates.borrow_and_update().clone());
        if let Some(release) = newest.flatten() {
            let text = json(&release).into_bytes();
            self.publish(vec![lasting(self.ready.device.update_topic(), text)]);
        }
    }

    /// The emoji of now, in the display's theme, if it is another one than before. The broker keeps it.
    pub(super) fn publish_emoji(&mut self) {
        if self.look_at.is_some() || !self.ready.shows_emoji {
            return;
        }
        let look = look_of(&self.looks.borrow_and_update());
        let theme = self.known.theme;
        if self.emoji == Some((look, theme)) {
            return;
        }
        self.emoji = Some((look, theme));
        match sticker(look, EMOJI_PX, &theme.or(&Theme::CLASSIC)) {
            Ok(png) => self.publish(vec![lasting(self.ready.device.emoji_topic(), png)]),
            Err(error) => tracing::debug!("no picture of the emoji: {error}"),
        }
    }

    /// The picture that somebody asked for. The broker does not keep it.
    pub(super) fn publish_picture(&mut self) {
        let picture = self.inputs.picture.borrow_and_update().clone();
        if let (Some(jpeg), true) = (picture, self.ready.device.sends_pictures) {
            self.publish(vec![Outgoing {
                topic: self.ready.device.picture_topic(),
                payload: jpeg.to_vec(),
                delivery: Delivery::Once,
            }]);
        }
    }

    /// Publishes nothing while there is no connection: the next one publishes everything anew.
    pub(super) fn publish(&self, outgoing: Vec<Outgoing>) {
        if *self.inputs.broker.borrow() != BrokerState::Online {
            return;
        }
        for outgoing in outgoing {
            self.ready.publish.publish(outgoing);
        }
    }
}

/// Waits until the camera starts or stops running, compared with what was published.
pub(super) async fn camera_changed(
    snapshots: &mut watch::Receiver<Snapshot>,
    published: Option<Diagnostics>,
) -> Result<(), watch::error::RecvError> {
    let Some(published) = published else {
        return std::future::pending().await;
    };
    snapshots
        .wait_for(|snapshot| Diagnostics::camera_runs(snapshot) != published.has_figures())
        .await
        .map(drop)
}

/// Waits until there is another look than was published; for ever while none was.
pub(super) async fn look_changed(
    snapshots: &mut watch::Receiver<Snapshot>,
    published: Option<(Look, ThemeName)>,
) -> Result<(), watch::error::RecvError> {
    let Some((published, _)) = published else {
        return std::future::pending().await;
    };
    snapshots
        .wait_for(|snapshot| look_of(snapshot) != published)
        .await
        .map(drop)
}

/// Waits until a picture was taken, or for ever.
pub(super) async fn taken(picture: &mut watch::Receiver<Option<Arc<[u8]>>>) {
    if picture.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Waits until somebody looked for updates, or for ever.
pub(super) async fn found(updates: &mut Option<watch::Receiver<Option<Release>>>) {
    if let Some(watch) = updates {
        if watch.changed().await.is_ok() {
            return;
        }
        // Nobody looks any more.
        *updates = None;
    }
    std::future::pending().await
}

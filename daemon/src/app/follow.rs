//! `follow`: shows another device's mood here. It has a broker instead of a camera, and the same outputs.

use std::time::Duration;

use moodring_base::{
    clock::Clock,
    config::Settings,
    message::{RunId, Status, read_state, read_status},
    service,
    shutdown::Shutdown,
    snapshot::{BrokerState, CameraState, Snapshot},
    worker::{Supervisor, given_up},
};
use moodring_display::{Display, DisplayControls};
use moodring_mqtt::{Subscriber, SubscriberEvent, SubscriberOptions};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{AppError, display_thread::DisplayThread, join, watchdog::Watchdog};
use crate::satellite;

/// Shows the mood of the device whose topics are `root`/state and `root`/status, until a signal or until the display
/// is closed.
///
/// # Errors
/// [`AppError`] if something cannot start.
pub async fn follow(
    settings: &Settings,
    root: &str,
    display: Box<dyn Display + Send>,
) -> Result<(), AppError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let topics = vec![format!("{root}/state"), format!("{root}/status")];
    let mut reader = Subscriber::spawn(
        &settings.mqtt,
        SubscriberOptions {
            topics,
            seed: RunId::random().number(),
            keeps_session: false,
        },
    )?;
    tracing::info!("following {root} at the broker {}", reader.address());

    let (snapshots, newest) = watch::channel(Snapshot::default());
    let (broker, broker_state) = watch::channel(BrokerState::Connecting);
    let shutdown = Shutdown::default();
    let (supervisor, mut faults) = Supervisor::new();
    let mut health = supervisor.health();
    let clock = Clock::start();
    let mut watchdog = Watchdog::from_environment();
    let display_thread = DisplayThread {
        display,
        rate_hz: settings.display.rate_hz(),
        snapshots: newest.clone(),
        broker: broker_state,
        // There is no command channel here: the other device decides what is shown.
        display_controls: watch::channel(DisplayControls::new(&settings.display)).1,
        preview: watch::channel(None).1,
        source: root.to_owned(),
        device: root.rsplit('/').next().unwrap_or_default().to_owned(),
        heartbeat: watchdog.register("display", Duration::ZERO, clock.now()),
        clock,
    };
    let (closed, mut user_quit) = watch::channel(false);
    let display_thread = display_thread.spawn(&supervisor, shutdown.clone(), closed)?;
    let satellites = satellite::spawn(&settings.satellite, newest, clock, &supervisor)?;
    service::ready(&format!("following {root}"));

    let mut device = RemoteDevice::default();
    loop {
        tokio::select! {
            Some(event) = reader.next() => {
                if let Some(state) = device.receive(event) {
                    broker.send_replace(state);
                }
                snapshots.send_replace(device.seen());
            }
            // They are in the log; nobody listens to this device's events.
            Some(_) = faults.recv() => {}
            (name, reason) = given_up(&mut health) => return Err(AppError::Worker { name, reason }),
            _ = watchdog.due() => watchdog.feed(clock.now()),
            _ = terminate.recv() => break tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => break tracing::info!("SIGINT: stopping"),
            Ok(_) = user_quit.wait_for(|quit| *quit) => break tracing::info!("closed at the terminal: stopping"),
        }
    }
    service::stopping();
    shutdown.begin();
    join(display_thread, "display");
    if let Some(satellites) = satellites {
        satellites.stop();
    }
    Ok(())
}

/// What this device knows about the other one.
#[derive(Debug, Default)]
struct RemoteDevice {
    /// The last state that it published.
    state: Option<Snapshot>,
    /// Its last status; a device that published none counts as alive.
    status: Option<Status>,
    /// Whether the broker was lost after a connection.
    broker_lost: bool,
}

impl RemoteDevice {
    /// Handles an event of the subscriber; returns the broker's new state if the event changes it.
    fn receive(&mut self, event: SubscriberEvent) -> Option<BrokerState> {
        match event {
            SubscriberEvent::Online => {
                self.broker_lost = false;
                Some(BrokerState::Online)
            }
            SubscriberEvent::Away => {
                // The broker sends retained messages again when it is back; until then they may be outdated.
                *self = Self {
                    broker_lost: true,
                    ..Self::default()
                };
                Some(BrokerState::Connecting)
            }
            SubscriberEvent::Message { topic, payload } => {
                self.read(&topic, &payload);
                None
            }
        }
    }

    fn read(&mut self, topic: &str, payload: &[u8]) {
        if topic.ends_with("/status") {
            self.status = read_status(payload);
            if let Some(status) = self.status {
                tracing::info!("{topic}: {}", status.name());
            }
            return;
        }
        match read_state(payload) {
            Ok(snapshot) => self.state = Some(snapshot),
            // The last good state stays on the display.
            Err(error) => tracing::warn!("cannot read {topic}: {error}"),
        }
    }

    /// The snapshot to show.
    fn seen(&self) -> Snapshot {
        let gone = matches!(self.status, Some(Status::Stopped | Status::Offline));
        match &self.state {
            Some(state) if !gone => state.clone(),
            _ if gone || self.broker_lost => Snapshot {
                camera: CameraState::Away,
                ..Snapshot::default()
            },
            _ => Snapshot::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::{expression::Expression, mood::Mood};

    use super::*;

    const HAPPY: &[u8] = br#"{"schema":1,"mood":"happy","confidence":0.9}"#;

    fn message(leaf: &str, payload: &[u8]) -> SubscriberEvent {
        SubscriberEvent::Message {
            topic: format!("moodring/hall/{leaf}"),
            payload: payload.to_vec(),
        }
    }

    /// The mood and the camera's state after these events.
    fn after(events: &[SubscriberEvent]) -> (Mood, CameraState) {
        let mut device = RemoteDevice::default();
        for event in events {
            device.receive(event.clone());
        }
        let seen = device.seen();
        (seen.mood.mood(), seen.camera)
    }

    #[test]
    fn a_state_is_shown_with_or_without_a_status() {
        let shown = (Mood::Showing(Expression::Happy), CameraState::Elsewhere);
        assert_eq!(
            after(&[SubscriberEvent::Online, message("state", HAPPY)]),
            shown
        );
        let online = message("status", b"online");
        assert_eq!(
            after(&[
                SubscriberEvent::Online,
                message("state", HAPPY),
                online.clone()
            ]),
            shown
        );
        let broken = message("state", b"{");
        assert_eq!(
            after(&[
                SubscriberEvent::Online,
                message("state", HAPPY),
                broken,
                online
            ]),
            shown
        );
    }

    #[test]
    fn a_device_that_is_gone_is_away_even_if_its_last_state_was_kept() {
        let away = (Mood::Nobody, CameraState::Away);
        for status in [b"offline".as_slice(), b"stopped"] {
            let gone = message("status", status);
            assert_eq!(
                after(&[
                    SubscriberEvent::Online,
                    gone.clone(),
                    message("state", HAPPY)
                ]),
                away
            );
            assert_eq!(
                after(&[SubscriberEvent::Online, message("state", HAPPY), gone]),
                away
            );
        }
    }

    #[test]
    fn a_broker_that_is_gone_takes_the_mood_along() {
        let starting = (Mood::Nobody, CameraState::Starting);
        assert_eq!(after(&[]), starting);
        assert_eq!(after(&[SubscriberEvent::Online]), starting);
        let away = (Mood::Nobody, CameraState::Away);
        assert_eq!(after(&[SubscriberEvent::Away]), away);
        assert_eq!(
            after(&[
                SubscriberEvent::Online,
                message("state", HAPPY),
                SubscriberEvent::Away
            ]),
            away
        );
    }
}

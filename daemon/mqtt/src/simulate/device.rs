//! One made-up device: the real client, a mood that changes at its rate.

use std::time::Duration;

use moodring_base::{
    clock::Clock,
    config::{EventSettings, MqttSettings},
    message::{DeviceName, Identity, RunId},
    snapshot::{BrokerState, CameraState, Snapshot},
};
use moodring_core::{
    event::{Event, EventKind},
    expression::Expression,
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_store::{
    Store, StoreLimits, StoreLocation,
    event_log::{self, EventLogInputs},
};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

use crate as mqtt;
use crate::Inputs;

use super::{CONNECT_WITHIN, DELIVER_WITHIN, SimulateError};

/// The result of one device.
#[derive(Clone, Copy, Debug)]
pub(super) struct DeviceOutcome {
    /// Events that it published.
    pub(super) events: u64,
    /// How many of those the broker has not confirmed.
    pub(super) unacked: u64,
}

/// Runs until `end`; returns the result.
///
/// # Errors
/// [`SimulateError`] if a setting cannot work or the system gives no thread.
pub(super) async fn live(
    settings: &MqttSettings,
    number: u32,
    rate_hz: f32,
    end: Instant,
) -> Result<DeviceOutcome, SimulateError> {
    let device = DeviceName::new(&format!("sim-{number:05}"));
    // Letters, a dash and digits.
    let device = device.expect("such a name is always one");
    let identity = Identity::new(device, RunId::random());
    let clock = Clock::start();
    let (snapshots, newest) = watch::channel(Snapshot::default());
    let (events, faults_rx) = mpsc::unbounded_channel();
    let store = Store::open(StoreLocation::Memory, StoreLimits::default())?;
    let inputs = Inputs {
        snapshots: newest.clone(),
        store: store.clone(),
        extra: None,
        faults: None,
    };
    let client = mqtt::spawn(settings, identity.clone(), clock, inputs)?;
    let sources = EventLogInputs {
        snapshots: newest,
        events: faults_rx,
        broker_faults: None,
        faults: mpsc::unbounded_channel().1,
    };
    // At the requested rate; a real scene would be limited.
    let pace = EventSettings {
        gap_ms: 0,
        summary_s: 0,
        ..EventSettings::default()
    };
    let event_log_task = event_log::spawn(&pace, identity, clock, sources, store.clone(), true);
    let mut state = client.state();
    let online = state.wait_for(|state| *state == BrokerState::Online);
    // Without a broker it goes on: that is what the client is for.
    let _ = timeout(CONNECT_WITHIN, online).await;

    snapshots.send_modify(|s| s.camera = CameraState::Running);
    let period = Duration::from_secs_f32(1.0 / rate_hz);
    // Spread over the period, or all would publish at once.
    let first = Instant::now() + period.mul_f32((number % 97) as f32 / 97.0);
    let mut tick = interval_at(first, period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut from = Mood::Nobody;
    for turn in number as usize.. {
        if tick.tick().await >= end {
            break;
        }
        let now = clock.now();
        let to = Mood::Showing(Expression::ALL[turn * 3 % Expression::COUNT]);
        let event = changed(from, to, now);
        from = to;
        snapshots.send_modify(|s| show(s, to, now));
        if events.send(event).is_err() {
            break; // The event log ended.
        }
    }
    drop(events);
    if let Err(error) = event_log_task.await {
        tracing::error!("a journal failed: {error}");
    }
    // A real device keeps waiting events as long as it must, over restarts too; this one has no disk.
    let mut kept = store.state();
    let _ = timeout(DELIVER_WITHIN, kept.wait_for(|state| state.waiting == 0)).await;
    client.stop().await;
    // The last receipts are counted.
    let _ = store.flush().await;
    let state = store.state().borrow().clone();
    store.close();
    Ok(DeviceOutcome {
        events: state.written.map_or(0, |(_, seq)| seq),
        unacked: state.waiting,
    })
}

fn changed(from: Mood, to: Mood, now: Millis) -> Event {
    Event {
        time: now,
        track: Some(TrackId(1)),
        kind: EventKind::Changed {
            from,
            to,
            confidence: 0.9,
            lasted_ms: 500,
        },
    }
}

fn show(snapshot: &mut Snapshot, mood: Mood, now: Millis) {
    snapshot.time = now;
    snapshot.camera = CameraState::Running;
    snapshot.people_count = 1;
    snapshot.mood = MoodState::new(mood, 0.9, TrackId(1), now);
}

//! `demo`: runs the display as if people stood before it, without a camera: for a shop window, or to try a display.

use std::time::Duration;

use moodring_base::{
    clock::Clock,
    config::Settings,
    shutdown::Shutdown,
    snapshot::{BrokerState, CameraState, Snapshot},
    worker::{Supervisor, given_up},
};
use moodring_core::{
    expression::Expression,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_display::{Display, DisplayControls};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{AppError, display_thread::DisplayThread, join, watchdog::Watchdog};
use crate::satellite;

/// How long each mood stays.
const MOOD_DURATION: Duration = Duration::from_secs(4);

/// Shows every mood, one after the other and again, until a signal or until the display is closed.
///
/// # Errors
/// [`AppError`] if something cannot start.
pub async fn demo(settings: &Settings, display: Box<dyn Display + Send>) -> Result<(), AppError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (snapshots, newest) = watch::channel(Snapshot::default());
    let (shutdown, clock) = (Shutdown::default(), Clock::start());
    let (supervisor, mut faults) = Supervisor::new();
    let mut health = supervisor.health();
    let display_thread = DisplayThread {
        display,
        rate_hz: settings.display.rate_hz(),
        snapshots: newest.clone(),
        broker: watch::channel(BrokerState::Off).1,
        display_controls: watch::channel(DisplayControls::new(&settings.display)).1,
        preview: watch::channel(None).1,
        source: "demo".into(),
        device: "demo".into(),
        heartbeat: Watchdog::from_environment().register("display", Duration::ZERO, clock.now()),
        clock,
    };
    let (closed, mut user_quit) = watch::channel(false);
    let display_thread = display_thread.spawn(&supervisor, shutdown.clone(), closed)?;
    let satellites = satellite::spawn(&settings.satellite, newest, clock, &supervisor)?;
    let mut turn = tokio::time::interval(MOOD_DURATION);
    let mut moods = moods().into_iter().cycle();
    loop {
        tokio::select! {
            _ = turn.tick() => {
                let mood = moods.next().unwrap_or(Mood::Nobody);
                snapshots.send_replace(scene(mood, clock.now()));
            }
            // They are in the log.
            Some(_) = faults.recv() => {}
            (name, reason) = given_up(&mut health) => return Err(AppError::Worker { name, reason }),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Ok(_) = user_quit.wait_for(|quit| *quit) => break,
        }
    }
    shutdown.begin();
    join(display_thread, "display");
    if let Some(satellites) = satellites {
        satellites.stop();
    }
    Ok(())
}

/// Every mood that a display can show.
fn moods() -> Vec<Mood> {
    // For a shop window: it begins with a smile, and no two that look alike follow each other.
    let order = [
        Expression::Happy,
        Expression::Surprise,
        Expression::Neutral,
        Expression::Sad,
        Expression::Disgust,
        Expression::Fear,
        Expression::Angry,
    ];
    let shown = order.into_iter().map(Mood::Showing);
    shown.chain([Mood::Uncertain, Mood::Nobody]).collect()
}

/// The world with this mood in it. No camera runs, so its sign is not shown.
fn scene(mood: Mood, now: moodring_core::frame::Millis) -> Snapshot {
    Snapshot {
        mood: MoodState::new(mood, 0.9, TrackId(1), now),
        camera: CameraState::Elsewhere,
        people_count: usize::from(mood != Mood::Nobody),
        ..Snapshot::default()
    }
}

#[cfg(test)]
mod tests {
    use moodring_core::frame::Millis;

    use super::*;

    #[test]
    fn a_round_shows_every_mood_once_and_each_with_its_own_face() {
        let moods = moods();
        assert_eq!(moods.len(), Expression::COUNT + 2);
        for (i, mood) in moods.iter().enumerate() {
            assert!(!moods[..i].contains(mood));
            let scene = scene(*mood, Millis(5));
            assert_eq!(scene.mood.mood(), *mood);
        }
    }
}

//! `show --display spi`: shows expressions on the display of the settings, animated, until a key or a signal ends it.

use std::{path::Path, thread, time::Duration};

use moodring_base::{
    clock::{self, Clock},
    config::{DisplayKind, Overrides},
    exit::Exit,
    snapshot::{BrokerState, CameraState, Snapshot},
};
use moodring_core::{
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_display::{self as display, Display, LogLines, View};
use moodring_face::look::Look;

use super::{Failure, quiet_settings};

/// How long a tour shows each look.
const LOOK_DURATION: Duration = Duration::from_secs(2);

/// Shows these looks one after the other; a single one stays until the program is stopped.
pub(super) fn show_on_display(
    config: Option<&Path>,
    kind: &str,
    looks: &[Look],
) -> Result<Exit, Failure> {
    let flags = Overrides::default().set("display.kind", Some(kind));
    let settings = quiet_settings(config, &flags)?;
    if !matches!(
        settings.display.kind,
        DisplayKind::Spi | DisplayKind::Screen
    ) {
        let text = "`--display` takes spi or screen; without it the terminal is drawn on, and --png writes a file";
        return Err(Failure::new(Exit::Usage, text));
    }
    let mut display =
        display::open(&settings, false, &LogLines::default()).map_err(Failure::output)?;
    let period = Duration::from_secs_f32(1.0 / settings.display.rate_hz());
    // At most 60 a second.
    let frames = (LOOK_DURATION.as_secs_f32() / period.as_secs_f32()) as u32;
    let clock = Clock::start();
    let scenes: Vec<_> = looks.iter().filter_map(|look| scene(*look)).collect();
    if let [only] = &scenes[..] {
        loop {
            frame(display.as_mut(), only, clock, period)?;
        }
    }
    for scene in &scenes {
        for _ in 0..frames.max(1) {
            frame(display.as_mut(), scene, clock, period)?;
        }
    }
    Ok(Exit::Done)
}

fn frame(
    display: &mut dyn Display,
    scene: &Snapshot,
    clock: Clock,
    period: Duration,
) -> Result<(), Failure> {
    let view = View {
        snapshot: scene,
        broker: BrokerState::Off,
        source: "show",
        device: "show",
        preview: false,
        now: clock.now(),
        minute: clock::minute_of_day(),
    };
    display.show(&view).map_err(Failure::output)?;
    thread::sleep(period);
    Ok(())
}

/// The snapshot for which a display shows this look; `None` for looks that no snapshot leads to.
fn scene(look: Look) -> Option<Snapshot> {
    // No camera runs here, so its sign is not shown.
    let (mood, camera) = match look {
        Look::Mood(mood) => (mood, CameraState::Starting),
        Look::CameraOff => (Mood::Nobody, CameraState::Off),
        Look::Starting | Look::Fault(_) => return None,
    };
    Some(Snapshot {
        mood: MoodState::new(mood, 1.0, TrackId(1), Millis(0)),
        camera,
        ..Snapshot::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tour_has_every_mood_and_the_camera_that_is_off() {
        let scenes: Vec<_> = Look::ALL.into_iter().filter_map(scene).collect();
        assert_eq!(scenes.len(), Look::ALL.len() - 2);
        let off = scenes.iter().filter(|s| s.camera == CameraState::Off);
        assert_eq!(off.count(), 1);
    }

    #[test]
    fn the_error_of_a_display_that_is_not_there_names_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("m.toml");
        std::fs::write(
            &config,
            "[panel]\nbus = \"/dev/absent0.0\"\nreset = \"none\"\n",
        )
        .unwrap();
        let failed = show_on_display(Some(&config), "spi", &Look::ALL).unwrap_err();
        assert!(failed.text.contains("dtparam=spi=on"), "{}", failed.text);
        let wrong = show_on_display(Some(&config), "png", &Look::ALL).unwrap_err();
        assert!(wrong.text.contains("--png"), "{}", wrong.text);
    }
}

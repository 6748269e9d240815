//! Satellites at serial ports: a real satellite at the other end of a pseudo terminal, unplugged and plugged in again.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use moodring::satellite::{self, PortThread};
use moodring_base::{
    clock::Clock,
    config::{SatellitePort, SatelliteSettings},
    snapshot::{CameraState, Snapshot},
    worker::Supervisor,
};
use moodring_core::{
    expression::Expression,
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_link::{
    frame::encode,
    message::{ShownFace, ShownLook, ToSatellite},
};
use moodring_satellite::{panel::Panel, satellite::Satellite};
use serialport::{SerialPort, TTYPort};
use tempfile::TempDir;
use tokio::sync::watch;

/// Long enough for anything that is not stuck.
const LIMIT: Duration = Duration::from_secs(30);
const PANEL: Panel = Panel {
    width_px: 48,
    height_px: 48,
    ..Panel::ST7789_SQUARE
};

/// Longer than any change takes, and two breaths: at multiples of it all faces are at the same moment of theirs.
const STEP_MS: u64 = 8_400;

/// A board on a desk: its satellite with a time of its own, and the far end of its cable.
struct Board {
    cable: TTYPort,
    satellite: Satellite,
    now: Millis,
}

impl Board {
    /// Plugs a new board in: `port` becomes the way to it.
    fn plug(port: &Path) -> Self {
        let (mut cable, near) = TTYPort::pair().expect("it works here");
        cable
            .set_timeout(Duration::from_millis(100))
            .expect("it works here");
        // It may be there from an earlier board.
        let _ = fs::remove_file(port);
        symlink(near.name().expect("it works here"), port).expect("it works here");
        Self {
            cable,
            satellite: Satellite::new(PANEL, Millis(0)),
            now: Millis(0),
        }
    }

    /// Lives until its display shows this message.
    fn until_it_shows(&mut self, wanted: &ToSatellite) {
        let end = Instant::now() + LIMIT;
        let mut bytes = [0; 256];
        loop {
            assert!(Instant::now() < end, "it never shows {wanted:?}");
            match self.cable.read(&mut bytes) {
                Ok(count) => self.satellite.receive(&bytes[..count], self.now),
                // Nothing came, or the daemon has not opened the port yet.
                Err(_) => {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                }
            }
            while let Some(reply) = self.satellite.reply() {
                self.cable.write_all(&reply).expect("it works here");
            }
            // The next moment at which all is at rest. Time passes only when something was received: nobody falls asleep.
            let before = self.now;
            self.now = Millis(self.now.0 + STEP_MS);
            if pixels(&mut self.satellite, self.now) == shown(wanted, before, self.now) {
                return;
            }
        }
    }
}

/// The display of a satellite that received this message and nothing else.
fn shown(message: &ToSatellite, received_at: Millis, now: Millis) -> Vec<u8> {
    let mut satellite = Satellite::new(PANEL, received_at);
    satellite.receive(&encode(message), received_at);
    pixels(&mut satellite, now)
}

fn pixels(satellite: &mut Satellite, now: Millis) -> Vec<u8> {
    let (mut buffer, mut pixels) = (vec![0; 48 * 48 * 2], Vec::new());
    if let Some(picture) = satellite.picture(now) {
        picture.bands(&mut buffer, |band| pixels.extend_from_slice(band.bytes()));
    }
    pixels
}

/// A daemon's part: snapshots, and the thread with the ports.
fn daemon(port: &Path) -> (watch::Sender<Snapshot>, PortThread) {
    let (snapshots_tx, snapshots) = watch::channel(showing(Mood::Nobody));
    let settings = SatelliteSettings {
        port: SatellitePort::Path(port.to_str().expect("it works here").into()),
        ..SatelliteSettings::default()
    };
    let (supervisor, _faults) = Supervisor::new();
    let fleet =
        satellite::spawn(&settings, snapshots, Clock::start(), &supervisor).expect("it works here");
    (snapshots_tx, fleet.expect("a port is named"))
}

fn showing(mood: Mood) -> Snapshot {
    Snapshot {
        mood: MoodState::new(mood, 1.0, TrackId(1), Millis(0)),
        camera: CameraState::Running,
        ..Snapshot::default()
    }
}

fn face(shown: ShownLook) -> ToSatellite {
    ToSatellite::Show(ShownFace::plain(shown))
}

#[test]
fn a_satellite_shows_the_newest_mood_and_survives_unplug_and_replug() {
    let desk = TempDir::new().expect("it works here");
    let port: PathBuf = desk.path().join("ttyACM0");
    let (snapshots_tx, fleet) = daemon(&port);
    // Plugged in after the start.
    let mut board = Board::plug(&port);
    snapshots_tx.send_replace(showing(Mood::Showing(Expression::Happy)));
    board.until_it_shows(&face(ShownLook::Happy));
    for expression in [Expression::Angry, Expression::Fear, Expression::Sad] {
        snapshots_tx.send_replace(showing(Mood::Showing(expression)));
    }
    board.until_it_shows(&face(ShownLook::Sad));

    // Unplugged: the device goes, and the mood changes meanwhile.
    drop(board);
    fs::remove_file(&port).expect("it works here");
    snapshots_tx.send_replace(showing(Mood::Showing(Expression::Surprise)));
    let mut board = Board::plug(&port);
    board.until_it_shows(&face(ShownLook::Surprise));

    let lost = Snapshot {
        camera: CameraState::Lost,
        ..showing(Mood::Nobody)
    };
    snapshots_tx.send_replace(lost);
    board.until_it_shows(&ToSatellite::Fault { code: 1 });
    fleet.stop();
}

#[test]
fn a_stop_does_not_wait_for_a_satellite_that_is_not_there_or_does_not_read() {
    let desk = TempDir::new().expect("it works here");
    let port = desk.path().join("ttyACM0");
    let (_snapshots_tx, fleet) = daemon(&port);
    let begin = Instant::now();
    fleet.stop();
    let _silent = Board::plug(&port);
    let (snapshots_tx, fleet) = daemon(&port);
    for expression in Expression::ALL.into_iter().cycle().take(50) {
        snapshots_tx.send_replace(showing(Mood::Showing(expression)));
    }
    fleet.stop();
    assert!(begin.elapsed() < LIMIT);
}

//! Tries new settings before they are saved: opens the camera, draws on the display, connects to the broker.

use std::{
    thread,
    time::{Duration, Instant},
};

use moodring_base::{
    clock::{self, Clock},
    config::{CameraSettings, DisplayKind, Settings},
    snapshot::{BrokerState, Snapshot},
};
use moodring_camera::{self as camera, Source};
use moodring_core::{
    expression::Expression,
    frame::Millis,
    mood::{Mood, MoodState},
    track::TrackId,
};
use moodring_display::{
    Display, View, screen,
    spi::{self, check::Problem},
};
use moodring_mqtt::{self as mqtt, AttemptError, Password};

use super::{Broker, NO_DISPLAY, SAME_DISPLAY, SCREEN, sentence::Sentence};

/// How long the test picture stays on the display.
const SHOWN: Duration = Duration::from_secs(3);

/// The result of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeResult {
    /// Whether it works.
    pub ok: bool,
    /// What was found.
    pub finding: Sentence,
    /// The way to mend it; empty if it works.
    pub mend: Sentence,
}

impl ProbeResult {
    /// It works.
    pub fn good(finding: impl Into<Sentence>) -> Self {
        Self {
            ok: true,
            finding: finding.into(),
            mend: Sentence::default(),
        }
    }

    /// It does not work.
    pub fn bad(finding: impl Into<Sentence>, mend: impl Into<Sentence>) -> Self {
        Self {
            ok: false,
            finding: finding.into(),
            mend: mend.into(),
        }
    }
}

/// Opens a camera that is not in use and waits for its first frame, at most for the settings' time limit. Of an address it
/// reports no more than whether pictures come from there: who tries addresses must not learn what else runs in the network.
pub fn camera(name: &str, settings: &CameraSettings) -> ProbeResult {
    let tried = open(name, settings);
    if tried.ok || super::address(name).is_none() {
        return tried;
    }
    ProbeResult::bad("trial.nopicture", "trial.nopicture.mend")
}

fn open(name: &str, settings: &CameraSettings) -> ProbeResult {
    let source: Source = match name.parse() {
        Ok(source) => source,
        Err(error) => return ProbeResult::bad(Sentence::plain(error), "trial.list"),
    };
    let failed = |error: camera::CameraError| {
        let finding = Sentence::of("trial.camera", &[("reason", &error)]);
        ProbeResult::bad(finding, "trial.camera.mend")
    };
    let opened = camera::open(&source, settings, Clock::start());
    let mut camera = match opened {
        Ok(camera) => camera,
        Err(error) => return failed(error),
    };
    // A first picture that is broken is no reason to give up.
    let end = Instant::now() + Duration::from_millis(settings.timeout_ms);
    loop {
        let trouble = match camera.next_frame() {
            Ok(frame) => {
                let (width, height) = (frame.width_px(), frame.height_px());
                let name = &camera.info().name;
                return ProbeResult::good(pictures("trial.pictures", name, (width, height)));
            }
            Err(error) => error,
        };
        if !matches!(trouble, camera::CameraError::Bad { .. }) || Instant::now() > end {
            return failed(trouble);
        }
    }
}

/// A sentence about a camera's pictures.
pub fn pictures(key: &'static str, name: &str, (width, height): (u32, u32)) -> Sentence {
    let values: [(_, &dyn ToString); 3] = [("name", &name), ("width", &width), ("height", &height)];
    Sentence::of(key, &values)
}

/// A display's trial that failed.
fn dark(reason: &dyn ToString, mend: impl Into<Sentence>) -> ProbeResult {
    ProbeResult::bad(Sentence::of("trial.display", &[("reason", reason)]), mend)
}

/// Draws a face for some seconds on the display with this name.
pub fn display(name: &str, settings: &Settings) -> ProbeResult {
    let mut settings = settings.clone();
    match name {
        NO_DISPLAY => {
            return ProbeResult::good("trial.page");
        }
        SAME_DISPLAY | SCREEN if in_use(name, settings.display.kind) => {
            return ProbeResult::good("trial.used");
        }
        SAME_DISPLAY => {}
        SCREEN => return screen(&mut settings),
        board => (settings.display.kind, settings.display.board) = (DisplayKind::Spi, board.into()),
    }
    for check in spi::check::check(&settings) {
        if let Err(Problem { text, mend }) = check.found {
            return dark(&format!("{}: {text}", check.part), Sentence::plain(mend));
        }
    }
    let opened = spi::open(&settings.display, &settings.panel);
    let shown = opened.and_then(|mut display| show(display.as_mut()));
    match shown {
        Ok(()) => ProbeResult::good("trial.seen"),
        Err(error) => dark(&error, "trial.wires.mend"),
    }
}

/// Whether this answer means the display that is in use and that a trial would disturb.
fn in_use(answer: &str, kind: DisplayKind) -> bool {
    match answer {
        SCREEN => kind == DisplayKind::Screen,
        _ => kind != DisplayKind::Spi,
    }
}

fn screen(settings: &mut Settings) -> ProbeResult {
    settings.display.kind = DisplayKind::Screen;
    if let Err(Problem { text, mend }) = screen::check(&settings.display).found {
        return dark(&text, Sentence::plain(mend));
    }
    let mut display = screen::open(&settings.display, &settings.panel);
    match show(display.as_mut()) {
        Ok(()) => ProbeResult::good("trial.seen"),
        Err(error) => dark(&error, "trial.screen.mend"),
    }
}

fn show(display: &mut dyn Display) -> Result<(), moodring_display::DisplayError> {
    let snapshot = Snapshot {
        mood: MoodState::new(Mood::Showing(Expression::Happy), 1.0, TrackId(1), Millis(0)),
        ..Snapshot::default()
    };
    let view = View {
        snapshot: &snapshot,
        broker: BrokerState::Off,
        source: "set-up",
        device: "set-up",
        preview: false,
        now: Millis(0),
        minute: clock::minute_of_day(),
    };
    let clock = Clock::start();
    let end = Instant::now() + SHOWN;
    while Instant::now() < end {
        display.show(&view.at(clock.now()))?;
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Connects to a broker and disconnects; `running` is the state of the daemon's own connection.
pub async fn broker(answer: &Broker, settings: &Settings, running: BrokerState) -> ProbeResult {
    if !answer.enabled {
        return ProbeResult::good("trial.unpublished");
    }
    let mut wanted = settings.mqtt.clone();
    (wanted.enabled, wanted.url, wanted.user) = (true, answer.url.clone(), answer.user.clone());
    let embedded = wanted.url.is_empty();
    if embedded && settings.mqtt.enabled && settings.mqtt.url.is_empty() {
        return match running {
            BrokerState::Online => ProbeResult::good("trial.embedded"),
            _ => ProbeResult::bad("trial.embedded.not", "trial.log.mend"),
        };
    }
    if embedded {
        return match std::net::TcpListener::bind(&wanted.listen) {
            Ok(_) => {
                let free = Sentence::of("trial.free", &[("address", &wanted.listen)]);
                ProbeResult::good(free)
            }
            Err(error) => {
                let values: [(_, &dyn ToString); 2] =
                    [("address", &wanted.listen), ("reason", &error)];
                ProbeResult::bad(Sentence::of("trial.taken", &values), "trial.taken.mend")
            }
        };
    }
    // The stored password goes only where it was stored for.
    let password = match answer.password.as_str() {
        "" if answer.keeps_secret_of(&settings.mqtt) => Password::Stored,
        given => {
            wanted.password_file.clear();
            Password::Given(given)
        }
    };
    match mqtt::test_connection(&wanted, password).await {
        Ok(address) => {
            let accepted = Sentence::of("trial.accepted", &[("address", &address)]);
            ProbeResult::good(accepted)
        }
        Err(AttemptError::Refused(reason)) => {
            let refused = Sentence::of("trial.refused", &[("reason", &reason)]);
            ProbeResult::bad(refused, "trial.refused.mend")
        }
        Err(AttemptError::Silent(reason)) => {
            tracing::info!("the broker's trial: {reason}");
            ProbeResult::bad("trial.silent", "trial.silent.mend")
        }
    }
}

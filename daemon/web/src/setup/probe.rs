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
use serde::Serialize;

use super::{Broker, NO_DISPLAY, SAME_DISPLAY, SCREEN};

/// What is said after a test picture.
const SEEN: &str = "a happy face was drawn for three seconds; was it there?";
/// How long the test picture stays on the display.
const SHOWN: Duration = Duration::from_secs(3);

/// The result of a try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeResult {
    /// Whether it works.
    pub ok: bool,
    /// What was found.
    pub says: String,
    /// The way to mend it; empty if it works.
    pub mend: String,
}

impl ProbeResult {
    /// It works.
    pub fn good(says: impl ToString) -> Self {
        Self {
            ok: true,
            says: says.to_string(),
            mend: String::new(),
        }
    }

    /// It does not work.
    pub fn bad(says: impl ToString, mend: impl ToString) -> Self {
        Self {
            ok: false,
            says: says.to_string(),
            mend: mend.to_string(),
        }
    }
}

/// Opens a camera that is not in use and waits for its first frame, at most for the settings' time limit. Of an address it
/// says no more than whether pictures come from there: who tries addresses must not learn what else runs in the network.
pub fn camera(name: &str, settings: &CameraSettings) -> ProbeResult {
    let tried = open(name, settings);
    if tried.ok || super::address(name).is_none() {
        return tried;
    }
    ProbeResult::bad(
        "no picture came from this address in time",
        "open it in a browser or a player on this machine: it must show the picture itself. A login goes before the host: \
         http://user:password@HOST/PATH",
    )
}

fn open(name: &str, settings: &CameraSettings) -> ProbeResult {
    let source: Source = match name.parse() {
        Ok(source) => source,
        Err(error) => return ProbeResult::bad(error, "take one of the list"),
    };
    let mend = "check that it is plugged in and that no other program uses it (`moodring doctor` shows more)";
    let opened = camera::open(&source, settings, Clock::start());
    let mut camera = match opened {
        Ok(camera) => camera,
        Err(error) => return ProbeResult::bad(error, mend),
    };
    // A first picture that is broken is no reason to give up.
    let end = Instant::now() + Duration::from_millis(settings.timeout_ms);
    loop {
        let trouble = match camera.next_frame() {
            Ok(frame) => {
                let (width, height) = (frame.width_px(), frame.height_px());
                let name = &camera.info().name;
                return ProbeResult::good(format!(
                    "{name} gives pictures of {width}x{height} pixels"
                ));
            }
            Err(error) => error,
        };
        if !matches!(trouble, camera::CameraError::Bad { .. }) || Instant::now() > end {
            return ProbeResult::bad(trouble, mend);
        }
    }
}

/// Draws a face for some seconds on the display with this name.
pub fn display(name: &str, settings: &Settings) -> ProbeResult {
    let mut settings = settings.clone();
    match name {
        NO_DISPLAY => {
            return ProbeResult::good("there is nothing to try: the face is on this page");
        }
        SAME_DISPLAY | SCREEN if in_use(name, settings.display.kind) => {
            return ProbeResult::good("this display is in use already: look at it");
        }
        SAME_DISPLAY => {}
        SCREEN => return screen(&mut settings),
        board => (settings.display.kind, settings.display.board) = (DisplayKind::Spi, board.into()),
    }
    for check in spi::check::check(&settings) {
        if let Err(Problem { text, mend }) = check.found {
            return ProbeResult::bad(format!("{}: {text}", check.part), mend);
        }
    }
    let mend = "look at its wires (deploy/wiring.md), and whether another program uses it";
    let opened = spi::open(&settings.display, &settings.panel);
    let shown = opened.and_then(|mut display| show(display.as_mut()));
    match shown {
        Ok(()) => ProbeResult::good(SEEN),
        Err(error) => ProbeResult::bad(error, mend),
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
        return ProbeResult::bad(text, mend);
    }
    let mut display = screen::open(&settings.display, &settings.panel);
    match show(display.as_mut()) {
        Ok(()) => ProbeResult::good(SEEN),
        Err(error) => ProbeResult::bad(
            error,
            "end the desktop or whatever else is on the screen: one program at a time may have it",
        ),
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
        return ProbeResult::good("nothing is published, so there is nothing to try");
    }
    let mut wanted = settings.mqtt.clone();
    (wanted.enabled, wanted.url, wanted.user) = (true, answer.url.clone(), answer.user.clone());
    let embedded = wanted.url.is_empty();
    if embedded && settings.mqtt.enabled && settings.mqtt.url.is_empty() {
        return match running {
            BrokerState::Online => ProbeResult::good("the embedded broker runs"),
            _ => ProbeResult::bad(
                "the embedded broker does not run",
                "look into the log: `journalctl -u moodring`",
            ),
        };
    }
    if embedded {
        return match std::net::TcpListener::bind(&wanted.listen) {
            Ok(_) => {
                ProbeResult::good(format!("{} is free for the embedded broker", wanted.listen))
            }
            Err(error) => ProbeResult::bad(
                format!("{}: {error}", wanted.listen),
                "if a broker runs there, give its address: mqtt://127.0.0.1:1883",
            ),
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
        Ok(address) => ProbeResult::good(format!("{address} accepts us")),
        Err(AttemptError::Refused(reason)) => {
            ProbeResult::bad(reason, "look at address, user and password")
        }
        Err(AttemptError::Silent(reason)) => {
            tracing::info!("the broker's trial: {reason}");
            ProbeResult::bad(
                "no broker answered there",
                "see whether it runs, whether the address is right, and whether a firewall stands between; what happened \
                 stands in the log (`journalctl -u moodring`)",
            )
        }
    }
}

//! What systemd is told: ready, stopping, a line of status, and that all still goes round. Without systemd: nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service has begun its work.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// What `systemctl status` shows.
pub fn status(status: &str) {
    notify(&[NotifyState::Status(status)]);
}

/// The settings are read again; [`ready`] follows.
pub fn reloading() {
    notify(&[
        NotifyState::Reloading,
        NotifyState::Status("reading the settings again"),
    ]);
}

/// The service is about to end.
pub fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// All threads go round; only who has seen that may say so.
pub fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// While it lives, systemd goes on waiting for [`ready`]: something is being made that takes minutes, and only once.
#[derive(Debug)]
pub struct StartTimeout {
    /// The asking thread ends when this is gone.
    _alive: std::sync::mpsc::Sender<()>,
}

impl StartTimeout {
    /// Asks for more time again and again, with this line of status, for half an hour at most; then the unit's own limit
    /// counts again, so that what never ends is ended.
    pub fn while_it_lives(status: &str) -> Self {
        let (_alive, ended) = std::sync::mpsc::channel();
        self::status(status);
        ask_for_more();
        let asking = move || {
            for _ in 1..LONGEST.as_secs() / ASK_EVERY.as_secs() {
                let gone = std::sync::mpsc::RecvTimeoutError::Disconnected;
                if ended.recv_timeout(ASK_EVERY) == Err(gone) {
                    return;
                }
                ask_for_more();
            }
        };
        let spawned = std::thread::Builder::new()
            .name("patience".into())
            .spawn(asking);
        if let Err(error) = spawned {
            tracing::warn!("systemd is not asked for more time: {error}");
        }
        Self { _alive }
    }
}

/// Twice the time to the next asking: a slow machine is late at times.
fn ask_for_more() {
    let time_us = 2 * ASK_EVERY.as_micros() as u32;
    notify(&[NotifyState::ExtendTimeoutUsec(time_us)]);
}

/// How long the service waits for what it makes at its start.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// How often it asks for more time.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// How long the watchdog waits for [`alive`] before it ends the service; `None`: nobody waits.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Whether standard error goes to systemd's journal, so that whoever reads it sees times and levels anyway.
pub fn in_journal() -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    // A child of a service inherits the variable, but may have its standard error elsewhere.
    let own = std::fs::metadata("/proc/self/fd/2");
    own.is_ok_and(|own| stream == format!("{}:{}", own.dev(), own.ino()))
}

/// A systemd that does not listen is no reason to end.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd was not told: {error}");
    }
}

//! Reports to systemd: ready, stopping, a line of status, and alive. Does nothing without systemd.

use std::time::Duration;

use sd_notify::NotifyState;

/// Reports that the service is ready.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Sets the line that `systemctl status` shows.
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

/// Feeds the watchdog. Call it only after checking that all threads make progress.
pub fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// While it lives, systemd's start timeout is extended: something is being built that takes minutes, and only once.
#[derive(Debug)]
pub struct StartTimeout {
    /// When this is dropped, the thread that extends the timeout ends.
    _alive: std::sync::mpsc::Sender<()>,
}

impl StartTimeout {
    /// Extends the timeout again and again, with this line of status, for half an hour at most. After that the unit's
    /// own limit counts again, so that a start that hangs is ended.
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

/// Twice the time until the next extension: a slow machine is late at times.
fn ask_for_more() {
    let time_us = 2 * ASK_EVERY.as_micros() as u32;
    notify(&[NotifyState::ExtendTimeoutUsec(time_us)]);
}

/// The longest time by which the start may be extended.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// How often the timeout is extended.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// How long the watchdog waits for [`alive`] before it ends the service; `None` without a watchdog.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Whether standard error goes to systemd's journal, which adds times and levels.
pub fn in_journal() -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    // A child of a service inherits the variable, but its standard error may go elsewhere.
    let own = std::fs::metadata("/proc/self/fd/2");
    own.is_ok_and(|own| stream == format!("{}:{}", own.dev(), own.ino()))
}

/// An error of systemd's socket is no reason to end.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd cannot be reached: {error}");
    }
}

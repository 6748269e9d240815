//! What systemd is told: ready, stopping, a line of status, and that all still goes round. Without systemd: nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service has begun its work.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// What `systemctl status` shows.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// The service is about to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// All threads go round; only who has seen that may say so.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

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
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!("systemd was not told: {error}");
    }
}

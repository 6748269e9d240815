//! Where logs go: systemd's journal, standard error, or the last lines of the live view.

use std::io::IsTerminal;

use moodring_base::service;
use tracing_subscriber::{
    EnvFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Crates that log requests as they are sent, with the secrets of their addresses and heads. Nobody can ask for that.
const SILENT_LOGS: [&str; 2] = ["ureq=off", "ureq_proto=off"];

/// Parts that were modules of one crate, and the crates that they are now: filters in people's settings name the former.
const FORMER_TARGETS: [(&str, &str); 8] = [
    ("moodring::camera", "moodring_camera"),
    ("moodring::vision", "moodring_vision"),
    ("moodring::display", "moodring_display"),
    ("moodring::store", "moodring_store"),
    ("moodring::event_log", "moodring_store::event_log"),
    ("moodring::mqtt", "moodring_mqtt"),
    ("moodring::web", "moodring_web"),
    ("moodring::config", "moodring_base::config"),
];

/// The filter with the names of today.
fn by_crate(level: &str) -> String {
    let rename = |text: String, (former, now): &(&str, &str)| text.replace(former, now);
    FORMER_TARGETS.iter().fold(level.to_owned(), rename)
}

/// The settings' filter, with the chatter of other crates off. A broken filter is reported and becomes `info`.
fn filter(level: &str) -> EnvFilter {
    let quiet = moodring_mqtt::QUIET_LOGS.join(",");
    let silent = SILENT_LOGS.join(",");
    let level = by_crate(level);
    // A later directive for the same crate counts.
    EnvFilter::try_new(format!("{quiet},{level},{silent}")).unwrap_or_else(|error| {
        eprintln!("moodring: log.level `{level}` is not a filter ({error}); taking `info`");
        EnvFilter::new(format!("{quiet},info,{silent}"))
    })
}

/// Logs to standard error; where systemd keeps standard error in its journal, to the journal itself, with levels.
pub fn to_stderr(level: &str) {
    // If the journal cannot be reached, standard error is left, which systemd reads too.
    if service::in_journal()
        && let Ok(journal) = tracing_journald::layer()
    {
        let registry = tracing_subscriber::registry().with(filter(level));
        let _ = registry.with(journal).try_init();
        return;
    }
    // A second call, as in tests, changes nothing.
    let colours = std::io::stderr().is_terminal();
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .try_init();
}

/// Logs to `writer`, short and without colours.
pub fn to_writer<W>(level: &str, writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let short = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_ansi(false)
        .with_target(false);
    let _ = short.without_time().with_writer(writer).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_of_one_crate_still_work() {
        assert_eq!(
            by_crate("info,moodring::mqtt=debug,moodring::camera::http=trace,moodring=warn"),
            "info,moodring_mqtt=debug,moodring_camera::http=trace,moodring=warn"
        );
    }
}

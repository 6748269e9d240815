//! Where logs go: systemd's journal, standard error, or the last lines of the live view.

use std::io::IsTerminal;

use tracing_subscriber::{
    EnvFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::service;

/// Crates that log requests as they are sent, with the secrets of their addresses and heads. Nobody can ask for that.
const SILENT_LOGS: [&str; 2] = ["ureq=off", "ureq_proto=off"];

/// The settings' filter, with the chatter of other crates off. A broken filter is reported and becomes `info`.
fn filter(level: &str) -> EnvFilter {
    let quiet = crate::mqtt::QUIET_LOGS.join(",");
    let silent = SILENT_LOGS.join(",");
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

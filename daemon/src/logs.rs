//! Where logs go: systemd's journal, standard error, or the last lines of the live view.

use std::io::IsTerminal;

use moodring_base::service;
use tracing_subscriber::{
    EnvFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Crates that log requests as they are sent, with the secrets of their addresses and heads. Nobody can ask for that.
const SILENT_LOGS: [&str; 2] = ["ureq=off", "ureq_proto=off"];

/// Parts that were modules of one crate, and the crates that they are now: filters in people's settings name the former.
const FORMER_TARGETS: [(&str, &str); 27] = [
    ("moodring::camera", "moodring_camera"),
    ("moodring::latest", "moodring_camera::latest"),
    ("moodring::photo", "moodring_camera::photo"),
    ("moodring::scaled_jpeg", "moodring_camera::scaled_jpeg"),
    ("moodring::vision", "moodring_vision"),
    ("moodring::bundle", "moodring_vision::bundle"),
    ("moodring::onnx", "moodring_vision::onnx"),
    ("moodring::pack", "moodring_vision::pack"),
    ("moodring::update", "moodring_vision::update"),
    ("moodring::display", "moodring_display"),
    ("moodring::gpio", "moodring_display::gpio"),
    ("moodring::store", "moodring_store"),
    ("moodring::changes", "moodring_store::changes"),
    ("moodring::event_log", "moodring_store::event_log"),
    ("moodring::hooks", "moodring_store::hooks"),
    ("moodring::notes", "moodring_store::notes"),
    ("moodring::mqtt", "moodring_mqtt"),
    ("moodring::simulate", "moodring_mqtt::simulate"),
    ("moodring::web", "moodring_web"),
    ("moodring::preview", "moodring_web::preview"),
    ("moodring::setup", "moodring_web::setup"),
    ("moodring::config", "moodring_base::config"),
    ("moodring::command", "moodring_base::command"),
    ("moodring::control", "moodring_base::control"),
    ("moodring::process_limits", "moodring_base::process_limits"),
    ("moodring::service", "moodring_base::service"),
    ("moodring::worker", "moodring_base::worker"),
];

/// The filter with the names of today.
fn by_crate(level: &str) -> String {
    let renamed = |directive: &str| {
        let end = directive.find(['=', '[']).unwrap_or(directive.len());
        let (target, rest) = directive.split_at(end);
        let now = FORMER_TARGETS.iter().find_map(|(former, now)| {
            let inner = target.trim().strip_prefix(former)?;
            (inner.is_empty() || inner.starts_with("::")).then(|| format!("{now}{inner}{rest}"))
        });
        now.unwrap_or_else(|| directive.to_owned())
    };
    let directives: Vec<_> = level.split(',').map(renamed).collect();
    directives.join(",")
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
        // `moodring::commands` is no `command`, and the program's own modules are where they were.
        for (former, now) in [
            (
                "off,moodring::hooks=trace",
                "off,moodring_store::hooks=trace",
            ),
            ("moodring::setup", "moodring_web::setup"),
            ("moodring::commands=info", "moodring::commands=info"),
            ("moodring::app::run=debug", "moodring::app::run=debug"),
            (
                "moodring::camera[frame]=debug",
                "moodring_camera[frame]=debug",
            ),
        ] {
            assert_eq!(by_crate(former), now);
        }
    }
}

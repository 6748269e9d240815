//! `simulate`: many made-up devices at a broker; checks that all of their events arrive.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use moodring_base::{config::load, exit::Exit, message::json};
use moodring_mqtt::simulate::{self, Report, SimulationPlan};

use super::Failure;
use crate::cli::SimulateArgs;
use crate::commands::stdout::out;

/// Runs it and prints the result.
pub(super) fn simulate(args: &SimulateArgs) -> Result<Exit, Failure> {
    let (mut settings, _) = load(args.config.config.as_deref(), &args.overrides())?;
    if settings.mqtt.url.trim().is_empty() {
        // This machine's broker, whoever started it: many clients must not start one each.
        settings.mqtt.url = format!("mqtt://{}", settings.mqtt.listen.trim());
    }
    // Of a few devices each may log what keeps it from the broker; of thousands it would be a flood.
    crate::logs::to_stderr(if args.devices <= 20 { "warn" } else { "error" });
    let plan = SimulationPlan {
        devices: if args.listen { 0 } else { args.devices },
        rate_hz: args.rate,
        time: Duration::from_secs(args.seconds),
        check: args.check,
        keeps_session: args.session,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::output)?;
    let bar = bar(args);
    let ran = runtime.block_on(simulate::run(&settings.mqtt, &plan, &bar));
    bar.finish_and_clear();
    // Its connections are closed; `| head` may end it now.
    sigpipe::reset();
    let report = ran.map_err(|error| Failure::new(error.exit(), error))?;
    if args.json {
        out!("{}", json(&report));
    } else {
        print(&report, &plan);
    }
    let listened = plan.check || plan.devices == 0;
    Ok(if listened && !report.is_complete() {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

fn bar(args: &SimulateArgs) -> ProgressBar {
    if args.json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s");
    let bar = ProgressBar::new(args.seconds);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print(report: &Report, plan: &SimulationPlan) {
    let received = report.received;
    if plan.devices > 0 {
        out!(
            "{} devices published {} events, {} confirmed by the broker",
            report.devices,
            report.sent,
            report.acked
        );
    }
    if plan.check || plan.devices == 0 {
        out!(
            "received {} events of {} runs: {} missing, {} never received, {} twice, {} late, {} unreadable",
            received.first_time(),
            received.runs,
            received.missing,
            report.not_received,
            received.duplicates,
            received.late,
            received.unreadable
        );
    }
    if let Some(latency) = report.latency_ms {
        out!(
            "latency: p50 {} ms, p99 {} ms, longest {} ms",
            latency.p50,
            latency.p99,
            latency.max
        );
    }
    if let Some(kib) = report.memory_kib {
        out!("memory of this process: {} MiB at most", kib / 1024);
    }
}

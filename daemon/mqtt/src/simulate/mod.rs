//! Many devices in one process: the real MQTT client with made-up moods, and a subscriber that looks for gaps.
//!
//! For load tests of brokers. No camera is used.

mod device;
mod gap_check;
mod latency;

use std::{
    io, process,
    time::{Duration, SystemTime},
};

use indicatif::ProgressBar;
use moodring_base::{config::MqttSettings, exit::Exit, message::RunId};
use serde::Serialize;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

pub use gap_check::{DeliveryCounts, GapCheck};
pub use latency::Latency;

use crate::{MqttError, Subscriber, SubscriberEvent, SubscriberOptions};

/// New connections a second; all at once would be a flood that brokers cut off.
const STARTS_PER_SECOND: u32 = 200;
/// How long devices may take to connect.
const CONNECT_WITHIN: Duration = Duration::from_secs(60);
/// How long a device goes on after its last event until the broker has confirmed all.
const DELIVER_WITHIN: Duration = Duration::from_secs(120);
/// How long to go on receiving after the last device ended, if events are missing.
const LINGER: Duration = Duration::from_secs(30);

/// What to simulate.
#[derive(Clone, Debug)]
pub struct SimulationPlan {
    /// How many devices; 0: only receive.
    pub devices: u32,
    /// Events a second of each device, above 0.
    pub rate_hz: f32,
    /// For how long.
    pub time: Duration,
    /// Whether to receive, too.
    pub check: bool,
    /// Whether the broker keeps messages while the subscriber is disconnected.
    pub keeps_session: bool,
}

/// The result.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Devices that ran.
    pub devices: u32,
    /// Events that they published.
    pub sent: u64,
    /// Of those, how many the broker confirmed.
    pub acked: u64,
    /// What the subscriber received.
    #[serde(flatten)]
    pub received: DeliveryCounts,
    /// Published and never received, beside the gaps: such as all of a device's events.
    #[serde(rename = "unheard")]
    pub not_received: u64,
    /// From the event's time to its arrival, in milliseconds; `null` without a subscriber.
    pub latency_ms: Option<Latency>,
    /// The most memory that this process used, in KiB; `null` where the kernel does not report it.
    pub memory_kib: Option<u64>,
}

impl Report {
    /// Whether every event arrived.
    pub const fn is_complete(&self) -> bool {
        self.received.missing == 0 && self.not_received == 0
    }
}

/// Why the devices cannot run. A broker that is away is waited for.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A setting cannot work.
    #[error(transparent)]
    Mqtt(#[from] MqttError),
    /// Each device's store has a thread.
    #[error(
        "the system gives no thread to a device: {0}. Take fewer devices, or raise `ulimit -u`"
    )]
    Thread(#[from] io::Error),
}

impl SimulateError {
    /// The exit code that goes with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Mqtt(error) => error.exit(),
            Self::Thread(_) => Exit::Output,
        }
    }
}

/// Runs it all. `bar` counts the seconds.
///
/// # Errors
/// [`SimulateError`] if a setting cannot work or the system has no room for so many.
pub async fn run(
    settings: &MqttSettings,
    plan: &SimulationPlan,
    bar: &ProgressBar,
) -> Result<Report, SimulateError> {
    let seed = RunId::random().number();
    let mut check = GapCheck::new(plan.devices > 0);
    let mut subscriber = None;
    let listening = SubscriberOptions {
        topics: vec![format!("{}/+/event", settings.prefix)],
        seed,
        keeps_session: plan.keeps_session,
    };
    let listens = plan.check || plan.devices == 0;
    if listens {
        let mut listener = Subscriber::spawn(settings, listening.clone())?;
        // Before any device connects: every later run must begin with 1.
        let up = timeout(CONNECT_WITHIN, online(&mut listener)).await;
        if up.is_err() {
            tracing::warn!("no connection to {} yet", listener.address());
        }
        subscriber = Some(listener);
    }
    let mut devices = JoinSet::new();
    let begin = Instant::now();
    let ramp = Duration::from_secs_f32(plan.devices as f32 / STARTS_PER_SECOND as f32);
    let end = begin + ramp + plan.time;
    for number in 0..plan.devices {
        let start = begin + ramp.mul_f32(number as f32 / plan.devices as f32);
        let settings = MqttSettings {
            url: begin_with(&settings.url, number as usize),
            ..settings.clone()
        };
        let rate_hz = plan.rate_hz;
        devices.spawn(async move {
            sleep_until(start).await;
            device::live(&settings, number, rate_hz, end).await
        });
    }
    let mut report = Report {
        devices: plan.devices,
        ..Report::default()
    };
    let mut latency = latency::LatencySamples::default();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut deadline = end;
    let mut silent_since = None;
    loop {
        tokio::select! {
            Some(received) = next(&mut subscriber) => {
                if let SubscriberEvent::Message { payload, .. } = received
                    && let Some(message) = check.receive(&payload)
                {
                    latency.add(SystemTime::now(), message.time);
                }
            }
            Some(sent) = devices.join_next() => match sent {
                Ok(Ok(message)) => {
                    report.sent += message.events;
                    report.acked += message.events.saturating_sub(message.unacked);
                }
                Ok(Err(error)) => return Err(error),
                Err(error) => tracing::error!("a device failed: {error}"),
            },
            _ = second.tick() => bar.set_position(begin.elapsed().as_secs()),
            () = sleep_until(deadline) => {
                if devices.is_empty() {
                    let all = subscriber.is_none() || check.tally().first_time() >= report.sent;
                    if all || Instant::now() > *silent_since.get_or_insert(deadline) + LINGER {
                        break;
                    }
                }
                // Other tasks need time on this thread, too.
                deadline = Instant::now() + Duration::from_millis(200);
            }
        }
    }
    report.received = check.tally();
    if plan.keeps_session
        && let Some(subscriber) = subscriber.take()
    {
        subscriber.forget(settings, &listening).await?;
    }
    if listens {
        report.not_received = report
            .sent
            .saturating_sub(report.received.first_time() + report.received.missing);
        report.latency_ms = latency.percentiles();
    }
    report.memory_kib = memory_kib(process::id());
    Ok(report)
}

/// Each device begins with another one of several brokers, as one would spread them over a cluster.
fn begin_with(urls: &str, number: usize) -> String {
    let named = urls
        .split([',', ' ', '\t', '\n'])
        .filter(|url| !url.is_empty());
    let mut urls: Vec<&str> = named.collect();
    let first = number % urls.len().max(1);
    urls.rotate_left(first);
    urls.join(",")
}

async fn online(subscriber: &mut Subscriber) {
    while !matches!(subscriber.next().await, Some(SubscriberEvent::Online)) {}
    // Nothing reports when the broker has the subscription.
    sleep(Duration::from_millis(500)).await;
}

async fn next(subscriber: &mut Option<Subscriber>) -> Option<SubscriberEvent> {
    match subscriber {
        Some(subscriber) => subscriber.next().await,
        None => std::future::pending().await,
    }
}

/// The most memory that a process had in RAM.
fn memory_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_spread_over_the_brokers() {
        let urls = "mqtt://a, mqtt://b,mqtt://c";
        assert_eq!(begin_with(urls, 0), "mqtt://a,mqtt://b,mqtt://c");
        assert_eq!(begin_with(urls, 4), "mqtt://b,mqtt://c,mqtt://a");
        assert_eq!(begin_with("mqtt://a", 7), "mqtt://a");
        assert_eq!(begin_with("", 7), "");
    }
}

//! The Homie 5 tree, if it is switched on: `homie/5/<id>/...`, for openHAB and other controllers that know the
//! convention.
//!
//! It has its own connection, because a connection has only one will, and Homie needs that for `$state`. The broker
//! retains the values, and each new connection publishes them again; nothing here is an event that could be lost.

mod task;
mod tree;

use homie5::HomieDomain;
use moodring_base::{
    command, config::MqttSettings, control, message::Identity, snapshot::Snapshot,
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use super::{MqttError, backoff::Backoff, connect_options::Will, failover::Failover, settings};
use task::Task;
use tree::HomieTree;

/// What the tree shows and where its requests go.
#[derive(Debug)]
pub struct Inputs {
    /// What is seen.
    pub snapshots: watch::Receiver<Snapshot>,
    /// How everything is set.
    pub controls: control::ControlsReceiver,
    /// Who does what is asked for.
    pub commands: command::CommandSender,
}

/// The running tree.
#[derive(Debug)]
pub struct HomieTask {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts it in the current tokio runtime, if the settings want it. A broker that is away is no error.
///
/// # Errors
/// [`MqttError`] if a setting cannot work.
pub fn spawn(
    settings: &MqttSettings,
    identity: &Identity,
    inputs: Inputs,
) -> Result<Option<HomieTask>, MqttError> {
    if !(settings.enabled && settings.homie.enabled) {
        return Ok(None);
    }
    let name = identity.device.as_str();
    let domain = domain(&settings.homie.domain)?;
    let (tree, will) = HomieTree::new(name, domain, settings.commands);
    let client_id = format!("moodring-homie-{name}");
    let mut candidates =
        settings::subscriber_options(settings, &client_id, settings::session(settings))?;
    for connect_options in &mut candidates {
        connect_options.will = Some(Will {
            topic: will.topic.clone(),
            payload: will.message.clone(),
        });
    }
    let (stop, stopped) = oneshot::channel();
    // The events' client logs as warnings what is wrong with the broker.
    let failover = Failover::new(candidates, Backoff::new(identity.run.number()), None);
    let task = tokio::spawn(Task::new(tree, failover, inputs, stopped).run());
    Ok(Some(HomieTask { stop, task }))
}

/// Every topic that the broker may keep of the tree; none if the settings switch it off.
///
/// # Errors
/// [`MqttError`] if a setting cannot work.
pub(super) fn retained_topics(
    settings: &MqttSettings,
    identity: &Identity,
) -> Result<Vec<String>, MqttError> {
    if !settings.homie.enabled {
        return Ok(Vec::new());
    }
    let domain = domain(&settings.homie.domain)?;
    let (tree, _) = HomieTree::new(identity.device.as_str(), domain, settings.commands);
    Ok(tree.retained_topics())
}

/// Checks what [`spawn`] checks, and starts nothing.
pub(super) fn check(settings: &MqttSettings) -> Result<(), MqttError> {
    match settings.homie.enabled {
        true => domain(&settings.homie.domain).map(drop),
        false => Ok(()),
    }
}

fn domain(text: &str) -> Result<HomieDomain, MqttError> {
    let domain = HomieDomain::try_from(text.to_owned());
    domain.map_err(|_| MqttError::HomieDomain(text.to_owned()))
}

impl HomieTask {
    /// Says `disconnected` and ends, within a second.
    pub async fn stop(self) {
        // Both fail only if the task is gone already.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }

    /// Ends as a killed process does: without a goodbye.
    #[cfg(test)]
    pub(super) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// A message as the tree takes it, for the fuzz targets.
pub(super) fn receive(topic: &str, payload: &[u8], controls: &control::Controls) {
    let (tree, _) = HomieTree::new("hall", HomieDomain::Default, true);
    let asked = tree.requests();
    // Foreign topics are ours by chance only, so each payload comes on one of ours too.
    let ours = asked.get(payload.len() % asked.len().max(1));
    for topic in std::iter::once(topic).chain(ours.map(String::as_str)) {
        _ = tree.receive(topic, payload, controls);
    }
}

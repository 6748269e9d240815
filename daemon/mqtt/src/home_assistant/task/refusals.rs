//! Answers requests that are refused: why nothing changes, published ten times a second at most and logged once a minute.

use std::time::Duration;

use moodring_base::command::{CommandError, ControlName};
use tokio::time::Instant;

use super::Task;

/// So many refusals of one thing are published
const REFUSALS: u32 = 10;
/// in so long.
const REFUSALS_WITHIN: Duration = Duration::from_secs(1);
/// And written to the log once in so long.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// What was published about refused requests for one thing.
pub(super) struct Refusals {
    since: Instant,
    published: u32,
    logged: Option<Instant>,
}

impl Task {
    /// Tells why nothing changes, and how it is: who asked shows what it asked for until then.
    pub(super) fn refuse(&mut self, thing: ControlName, refusal: &CommandError) {
        let now = Instant::now();
        let refusals = self.refusals.entry(thing).or_insert(Refusals {
            since: now,
            published: 0,
            logged: None,
        });
        if now - refusals.since >= REFUSALS_WITHIN {
            (refusals.since, refusals.published) = (now, 0);
        }
        refusals.published += 1;
        if refusals.published > REFUSALS {
            return;
        }
        if refusals
            .logged
            .is_none_or(|logged| now - logged >= LOG_EVERY)
        {
            refusals.logged = Some(now);
            tracing::warn!("a request for {} is refused: {refusal}", thing.name());
        }
        let mut outgoing = vec![self.ready.protocol.error(thing, &refusal.to_string())];
        if thing.value(&self.known).is_some() {
            outgoing.push(self.ready.protocol.answer(thing, &self.known));
        }
        self.publish(outgoing);
    }
}

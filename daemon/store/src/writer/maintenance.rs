//! What the writer does beside its work: looks whether file and clock are as before, deletes what is old or was asked to go, renews the copy.

use std::time::{Duration, Instant, SystemTime};

use super::{FILE_CHECK_INTERVAL, Writer, reading, unix_ms};
use crate::{copy::Copier, database::Change, file, history, storage::RETRY};

/// So many minutes of the history are dated anew when the clock is set: a month.
const MAX_REDATED_MINUTES: usize = 44_640;

impl Writer {
    pub(super) fn forget(&mut self) {
        match self.storage.database.forget() {
            Ok(dropped) => {
                self.dropped += dropped;
                self.forgotten_to = self.next_id - 1;
                if dropped > 0 {
                    tracing::info!(
                        "{dropped} events that waited for the broker were deleted with the history; a `dropped` event says so"
                    );
                }
            }
            Err(error) => tracing::warn!("the history could not be deleted: {error}"),
        }
        self.storage.was_shortened();
        // What is deleted is deleted everywhere: in what was set aside, in a file that cannot be used now, in the copy.
        if let Some(path) = self.storage.path() {
            file::remove_aside(path, None);
        }
        self.storage.forget_later();
        self.forgotten = true;
        self.minutes.clear();
        self.renew_forgotten();
        self.publish();
    }

    /// The copy without what was deleted, as soon as there is a whole store to make it from.
    fn renew_forgotten(&mut self) {
        if self.forgotten && self.storage.trouble().is_none() {
            self.forgotten = false;
            self.renew_copy(|_, _| true);
        }
    }

    /// Whether the file is still there and the clock still goes evenly, now and then.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        if self
            .looked
            .is_none_or(|looked| now - looked >= FILE_CHECK_INTERVAL)
        {
            self.looked = Some(now);
            self.look_at_clock();
            self.look_at_file();
        }
    }

    /// A file that vanished is replaced by a new one at once.
    pub(super) fn look_at_file(&mut self) {
        if let Some(problem) = self.storage.gone() {
            self.replaced += 1;
            self.replaced_because = Some(problem.to_string());
            self.fail(problem);
            self.next_id = self.next_id.max(self.storage.database.counts.newest + 1);
            self.publish();
        }
    }

    /// If the clock was set, what this run wrote is dated anew: its age is the time that passed, not what the clock shows.
    pub(super) fn look_at_clock(&mut self) {
        let now = reading();
        let set_by = self.clock.look(now);
        if set_by == 0 {
            return;
        }
        tracing::info!(
            "the clock was set by {} s: nothing is deleted for its age within the next hour",
            set_by / 1_000
        );
        let before = now.wall_ms.saturating_sub(set_by);
        let is_before = |time: i64| time.abs_diff(before) < time.abs_diff(now.wall_ms);
        for change in &mut self.changes {
            match change {
                Change::Append(_, draft) if is_before(draft.time_ms) => {
                    draft.time_ms = draft.time_ms.saturating_add(set_by);
                }
                Change::Moods(spans) => {
                    for span in spans
                        .iter_mut()
                        .filter(|span| is_before(span.minute.saturating_mul(60_000)))
                    {
                        span.minute = span.minute.saturating_add(history::minutes_of(set_by));
                    }
                }
                _ => {}
            }
        }
        while self.minutes.len() > MAX_REDATED_MINUTES {
            self.minutes.pop_first();
        }
        let (first_id, minutes) = (self.first_id, std::mem::take(&mut self.minutes));
        let connection = &mut self.storage.database.connection;
        if let Err(error) = history::redate(connection, first_id, &minutes, set_by) {
            tracing::warn!("the store keeps the dates of the wrong clock: {error}");
        }
        let shift = history::minutes_of(set_by);
        self.minutes = minutes
            .into_iter()
            .map(|minute| minute.saturating_add(shift))
            .collect();
    }

    /// What is done once a minute: history that is too old, and another try of a disk that failed.
    pub(super) fn keep_house(&mut self) {
        let now = Instant::now();
        let due = |last: Option<Instant>| last.is_none_or(|last| now - last >= RETRY);
        if !due(self.cleaned) {
            return;
        }
        self.cleaned = Some(now);
        if self.storage.go_back(false) {
            self.next_id = self.next_id.max(self.storage.database.counts.newest + 1);
        }
        self.renew_forgotten();
        if self.clock.is_plausible() {
            self.expire();
        }
        self.renew_copy(Copier::is_due);
        self.publish();
    }

    /// What is too old goes; only while the clock can be relied on.
    fn expire(&mut self) {
        let limits = self.storage.limits(self.limits);
        match self.storage.database.expire(limits, unix_ms()) {
            Ok(dropped) => self.dropped += dropped,
            Err(error) => self.fail(error.into()),
        }
        let age = Duration::from_millis(self.limits.history_ms.unsigned_abs());
        if let (Some(path), Some(before)) =
            (self.storage.path(), SystemTime::now().checked_sub(age))
        {
            file::remove_aside(path, Some(before));
        }
    }

    /// Renews the copy, if there is one to keep and `wanted` is true; not while rows are missing here.
    pub(super) fn renew_copy(&mut self, wanted: impl Fn(&Copier, Option<Instant>) -> bool) {
        let whole = self.storage.trouble().is_none();
        if let Some(copier) = &mut self.copier
            && whole
            && wanted(copier, self.committed)
        {
            copier.renew(&self.storage.database.connection);
        }
    }
}

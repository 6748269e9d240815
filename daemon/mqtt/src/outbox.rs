//! A window of the oldest rows of the store's outbox: those that are on their way to the broker, and the next ones. No
//! I/O, no time.
//!
//! [`OutboxWindow::fill`] adds rows in their order, [`OutboxWindow::take`] sends one, and the broker's receipt (PUBACK) removes it:
//! [`OutboxWindow::acked`]. When the connection breaks, [`OutboxWindow::rewind`] empties the window; the next connection fetches
//! the rows anew, since the store keeps every row without a receipt.

use std::collections::VecDeque;

use moodring_store::OutboxRow;

/// A row's [`OutboxRow::id`].
pub type EntryId = i64;

#[derive(Debug)]
struct WindowEntry {
    row: OutboxRow,
    sent: bool,
    /// The broker did not take it; it counts as sent until it is offered again.
    refused: bool,
}

/// The window.
#[derive(Debug)]
pub struct OutboxWindow {
    /// In order: some sent, then some that wait.
    entries: VecDeque<WindowEntry>,
    /// The newest row that was fetched in this connection.
    last: EntryId,
    in_flight: usize,
    /// A fetch is under way.
    asked: bool,
    /// Rows up to this one were deleted.
    forgotten_to: EntryId,
}

/// What to fetch from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// Rows after this one,
    pub after: EntryId,
    /// at most so many.
    pub limit: usize,
    /// The newest row that the store had when this was asked.
    pub newest: EntryId,
}

impl OutboxWindow {
    /// Mosquitto takes 20 unanswered messages of a client by default.
    pub const IN_FLIGHT: usize = 20;

    /// An empty window with so many rows in flight at most.
    pub const fn new(in_flight: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            last: 0,
            in_flight,
            asked: false,
            forgotten_to: 0,
        }
    }

    /// The rows to fetch from the store, whose newest row is `newest`. `None` until the last request was answered by [`OutboxWindow::fill`].
    pub fn want(&mut self, newest: EntryId) -> Option<FetchRequest> {
        let room = (2 * self.in_flight).saturating_sub(self.entries.len());
        if self.asked || newest <= self.last || room < self.in_flight {
            return None;
        }
        self.asked = true;
        Some(FetchRequest {
            after: self.last,
            limit: room,
            newest,
        })
    }

    /// The store's answer.
    pub fn fill(&mut self, want: FetchRequest, rows: Vec<OutboxRow>) {
        self.asked = false;
        if rows.len() < want.limit {
            // That was all: what was delivered long ago is not asked for again.
            self.last = self.last.max(want.newest);
        }
        for row in rows {
            self.last = self.last.max(row.id);
            if row.id <= self.forgotten_to {
                // It was deleted while the store's answer was on its way.
                continue;
            }
            // Nothing twice, when the store was looked at from its beginning again.
            if !self.entries.iter().any(|entry| entry.row.id == row.id) {
                self.entries.push_back(WindowEntry {
                    row,
                    sent: false,
                    refused: false,
                });
            }
        }
    }

    /// Searches the store from its first row again: rows may have come back from memory, or a row that was set aside may pass now.
    pub fn look_again(&mut self) {
        self.last = 0;
    }

    /// Rows up to this one were deleted in the store: only what is on its way to the broker at this moment still goes there.
    pub fn forget(&mut self, up_to: EntryId) {
        self.forgotten_to = up_to;
        self.entries
            .retain(|entry| entry.row.id > up_to || (entry.sent && !entry.refused));
    }

    /// The oldest that waits, marked as sent; `None` if there is none or enough are in flight.
    pub fn take(&mut self) -> Option<&OutboxRow> {
        let sent = self.entries.iter().filter(|entry| entry.sent).count();
        // A probe is offered again while others of the window wait for its answer.
        let first_is_free = self.entries.front().is_some_and(|entry| !entry.sent);
        if sent >= self.in_flight && !first_is_free {
            return None;
        }
        let entry = self.entries.iter_mut().find(|entry| !entry.sent)?;
        entry.sent = true;
        Some(&entry.row)
    }

    /// The broker has it. True if it had been sent; a receipt for anything else changes nothing.
    pub fn acked(&mut self, id: EntryId) -> bool {
        let sent = |entry: &WindowEntry| entry.sent && !entry.refused && entry.row.id == id;
        match self.entries.iter().position(sent) {
            Some(place) => self.entries.remove(place).is_some(),
            None => false,
        }
    }

    /// The broker does not take it, now. It keeps its place in the window, so that others go on but not for ever.
    pub fn refused(&mut self, id: EntryId) {
        let mut entries = self.entries.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.row.id == id) {
            entry.refused = true;
        }
    }

    /// What was refused may be taken again.
    pub fn offer_again(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.refused) {
            (entry.sent, entry.refused) = (false, false);
        }
    }

    /// The oldest of what was refused may be taken again, before anything else.
    /// False if there is none.
    pub fn offer_first_again(&mut self) -> bool {
        let first = self.entries.iter_mut().find(|entry| entry.refused);
        first.is_some_and(|entry| {
            (entry.sent, entry.refused) = (false, false);
            true
        })
    }

    /// The connection cannot carry it: it leaves the window, so that later rows are not blocked; the next connection fetches it again.
    pub fn set_aside(&mut self, id: EntryId) {
        self.entries.retain(|entry| entry.row.id != id);
    }

    /// The connection broke: everything without a receipt is fetched again, in its order.
    pub fn rewind(&mut self) {
        self.entries.clear();
        self.last = 0;
        self.asked = false;
    }

    /// Whether everything up to the store's newest row has been sent and answered.
    pub fn is_done(&self, newest: EntryId) -> bool {
        self.entries.iter().all(|entry| entry.refused) && !self.asked && newest <= self.last
    }

    /// Whether everything up to the store's newest row has been sent.
    pub fn is_sent(&self, newest: EntryId) -> bool {
        !self.asked && newest <= self.last && self.entries.iter().all(|entry| entry.sent)
    }
}

#[cfg(test)]
mod tests;

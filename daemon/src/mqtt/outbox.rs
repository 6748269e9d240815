//! The part of the store's outbox that is on its way: a window of its oldest rows. No I/O, no time.
//!
//! Rows come in as data in their order, leave it only by the broker's receipt (PUBACK), and are forgotten when the
//! connection breaks: the next one fetches them anew, since the store still has what has no receipt.

use std::collections::VecDeque;

use crate::store::Row;

/// A row's [`Row::id`].
pub type EntryId = i64;

#[derive(Debug)]
struct Entry {
    row: Row,
    sent: bool,
    /// The broker did not take it; it counts as sent until it is offered again.
    refused: bool,
}

/// The window.
#[derive(Debug)]
pub struct Outbox {
    /// In order: some sent, then some that wait.
    entries: VecDeque<Entry>,
    /// The newest row that was fetched in this connection.
    last: EntryId,
    in_flight: usize,
    /// A fetch is under way.
    asked: bool,
}

/// What to fetch from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Rows after this one,
    pub after: EntryId,
    /// at most so many.
    pub limit: usize,
    /// The newest row that the store had when this was asked.
    pub newest: EntryId,
}

impl Outbox {
    /// Mosquitto takes 20 unanswered messages of a client by default.
    pub const IN_FLIGHT: usize = 20;

    /// An empty window with so many rows in flight at most.
    pub const fn new(in_flight: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            last: 0,
            in_flight,
            asked: false,
        }
    }

    /// What to fetch now that the store's newest row is this one. To be answered by [`Outbox::fill`] before it says
    /// more.
    pub fn want(&mut self, newest: EntryId) -> Option<Want> {
        let room = (2 * self.in_flight).saturating_sub(self.entries.len());
        if self.asked || newest <= self.last || room < self.in_flight {
            return None;
        }
        self.asked = true;
        Some(Want {
            after: self.last,
            limit: room,
            newest,
        })
    }

    /// The store's answer.
    pub fn fill(&mut self, want: Want, rows: Vec<Row>) {
        self.asked = false;
        if rows.len() < want.limit {
            // That was all: what was delivered long ago is not asked for again.
            self.last = self.last.max(want.newest);
        }
        for row in rows {
            self.last = self.last.max(row.id);
            // Nothing twice, when the store was looked at from its beginning again.
            if !self.entries.iter().any(|entry| entry.row.id == row.id) {
                self.entries.push_back(Entry {
                    row,
                    sent: false,
                    refused: false,
                });
            }
        }
    }

    /// The store came back from memory to its disk, where older rows may be.
    pub fn look_again(&mut self) {
        self.last = 0;
    }

    /// The oldest that waits, marked as sent; `None` if there is none or enough are in flight.
    pub fn take(&mut self) -> Option<&Row> {
        let sent = self.entries.iter().filter(|entry| entry.sent).count();
        if sent >= self.in_flight {
            return None;
        }
        let entry = self.entries.iter_mut().find(|entry| !entry.sent)?;
        entry.sent = true;
        Some(&entry.row)
    }

    /// The broker has it. True if it had been sent; a receipt for anything else changes nothing.
    pub fn acked(&mut self, id: EntryId) -> bool {
        let sent = |entry: &Entry| entry.sent && !entry.refused && entry.row.id == id;
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
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// The store, in short: rows that wait.
    #[derive(Default)]
    struct Shelf {
        rows: BTreeMap<EntryId, Row>,
        newest: EntryId,
    }

    impl Shelf {
        fn push(&mut self) {
            self.newest += 1;
            let row = Row {
                id: self.newest,
                device: "hall".into(),
                payload: Vec::new(),
            };
            self.rows.insert(row.id, row);
        }

        fn feed(&self, outbox: &mut Outbox) {
            while let Some(want) = outbox.want(self.newest) {
                let after = self.rows.range(want.after + 1..);
                let rows = after.map(|(_, row)| row.clone()).take(want.limit);
                outbox.fill(want, rows.collect());
            }
        }

        fn acked(&mut self, outbox: &mut Outbox, id: EntryId) {
            if outbox.acked(id) {
                self.rows.remove(&id);
            }
        }
    }

    fn send_all(outbox: &mut Outbox) -> Vec<EntryId> {
        std::iter::from_fn(|| outbox.take().map(|row| row.id)).collect()
    }

    #[test]
    fn so_many_in_flight_and_the_next_with_each_receipt() {
        let (mut shelf, mut outbox) = (Shelf::default(), Outbox::new(3));
        (0..5).for_each(|_| shelf.push());
        shelf.feed(&mut outbox);
        assert_eq!(send_all(&mut outbox), [1, 2, 3]);
        shelf.acked(&mut outbox, 2);
        assert_eq!(send_all(&mut outbox), [4]);
        assert!(!outbox.is_sent(shelf.newest));
        shelf.acked(&mut outbox, 1);
        assert_eq!(send_all(&mut outbox), [5]);
        assert!(outbox.is_sent(shelf.newest) && !outbox.is_done(shelf.newest));
        for id in [3, 4, 5, 5, 77] {
            shelf.acked(&mut outbox, id);
        }
        assert!(outbox.is_done(shelf.newest) && shelf.rows.is_empty());
    }

    #[test]
    fn what_was_not_sent_cannot_be_confirmed() {
        let (mut shelf, mut outbox) = (Shelf::default(), Outbox::new(1));
        (0..2).for_each(|_| shelf.push());
        shelf.feed(&mut outbox);
        assert_eq!(send_all(&mut outbox), [1]);
        assert!(!outbox.acked(2));
    }

    #[test]
    fn after_a_break_all_without_receipt_go_again_in_order() {
        let (mut shelf, mut outbox) = (Shelf::default(), Outbox::new(3));
        (0..3).for_each(|_| shelf.push());
        shelf.feed(&mut outbox);
        send_all(&mut outbox);
        shelf.acked(&mut outbox, 2);
        outbox.rewind();
        shelf.feed(&mut outbox);
        assert_eq!(send_all(&mut outbox), [1, 3]);
    }

    #[test]
    fn old_rows_that_turn_up_are_sent_and_none_twice() {
        let (mut shelf, mut outbox) = (Shelf::default(), Outbox::new(3));
        shelf.newest = 10;
        shelf.push();
        shelf.feed(&mut outbox);
        assert_eq!(send_all(&mut outbox), [11]);
        let older = Row {
            id: 4,
            ..shelf.rows[&11].clone()
        };
        shelf.rows.insert(4, older);
        shelf.feed(&mut outbox);
        assert!(send_all(&mut outbox).is_empty());
        outbox.look_again();
        shelf.feed(&mut outbox);
        assert_eq!(send_all(&mut outbox), [4]);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Push,
        Send,
        /// A receipt for the n-th of those sent in this connection.
        Ack(usize),
        Break,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => Just(Step::Push),
            4 => Just(Step::Send),
            2 => (0..8_usize).prop_map(Step::Ack),
            1 => Just(Step::Break),
        ];
        proptest::collection::vec(step, 0..300)
    }

    proptest! {
        /// Whatever happens, a receiver sees every event, and for the first time in order.
        #[test]
        fn nothing_is_lost_or_overtaken(steps in steps()) {
            let (mut shelf, mut outbox) = (Shelf::default(), Outbox::new(3));
            let (mut seen, mut sent) = (Vec::new(), Vec::new());
            let mut send = |shelf: &Shelf, outbox: &mut Outbox, sent: &mut Vec<EntryId>| {
                shelf.feed(outbox);
                let Some(row) = outbox.take() else { return false };
                sent.push(row.id);
                if !seen.contains(&row.id) {
                    seen.push(row.id);
                }
                true
            };
            for step in steps {
                match step {
                    Step::Push => shelf.push(),
                    Step::Send => drop(send(&shelf, &mut outbox, &mut sent)),
                    Step::Ack(n) => if let Some(&id) = sent.get(n) { shelf.acked(&mut outbox, id) },
                    Step::Break => {
                        outbox.rewind();
                        sent.clear();
                    }
                }
                prop_assert!(outbox.entries.len() <= 6);
            }
            while send(&shelf, &mut outbox, &mut sent) || !sent.is_empty() {
                sent.drain(..).for_each(|id| shelf.acked(&mut outbox, id));
            }
            prop_assert!(outbox.is_done(shelf.newest) && shelf.rows.is_empty());
            prop_assert_eq!(seen, (1..=shelf.newest).collect::<Vec<_>>());
        }
    }
}

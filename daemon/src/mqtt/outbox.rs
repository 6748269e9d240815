//! Events that wait for the broker's receipt (PUBACK). In memory, bounded; no I/O, no time.
//!
//! The border of a durable one: [`Outbox::push`] before anything is sent, [`Outbox::take`] in order, [`Outbox::acked`]
//! is the only way an event leaves as delivered, [`Outbox::rewind`] after a broken connection.

use std::collections::VecDeque;

/// An event's place in the outbox, never reused in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(u64);

#[derive(Debug)]
struct Entry {
    id: EntryId,
    payload: Vec<u8>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Sent,
    /// Its receipt came before that of an older one.
    Acked,
}

/// A queue of payloads: oldest first, each kept until its receipt.
#[derive(Debug)]
pub struct Outbox {
    /// In order: some entries sent or acked, then entries that wait.
    entries: VecDeque<Entry>,
    /// How many at the front are not waiting.
    started: usize,
    next_id: u64,
    dropped: u64,
    limits: Limits,
}

/// How much an outbox holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Entries kept; above that the oldest that waits is given up.
    pub kept: usize,
    /// Entries between the oldest without a receipt and the newest sent.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Mosquitto takes 20 unanswered messages of a client by default.
        Self {
            kept: 1_000,
            in_flight: 20,
        }
    }
}

impl Outbox {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            entries: VecDeque::new(),
            started: 0,
            next_id: 0,
            dropped: 0,
            limits,
        }
    }

    /// Takes a payload. If the outbox is full, the oldest that waits goes and is counted.
    pub fn push(&mut self, payload: Vec<u8>) {
        let id = EntryId(self.next_id);
        self.next_id += 1;
        self.entries.push_back(Entry {
            id,
            payload,
            phase: Phase::Waiting,
        });
        if self.entries.len() > self.limits.kept && self.started < self.entries.len() {
            // What is on its way stays: dropping it would not un-send it.
            self.entries.remove(self.started);
            self.dropped += 1;
        }
    }

    /// The oldest that waits, marked as sent; `None` if there is none or enough are in flight.
    pub fn take(&mut self) -> Option<(EntryId, &[u8])> {
        if self.started >= self.limits.in_flight {
            return None;
        }
        let entry = self.entries.get_mut(self.started)?;
        entry.phase = Phase::Sent;
        self.started += 1;
        Some((entry.id, &entry.payload))
    }

    /// The broker has it. A receipt for something unknown or not sent changes nothing.
    pub fn acked(&mut self, id: EntryId) {
        let sent = self.entries.range_mut(..self.started);
        if let Some(entry) = sent.into_iter().find(|e| e.id == id) {
            entry.phase = Phase::Acked;
        }
        while self
            .entries
            .front()
            .is_some_and(|e| e.phase == Phase::Acked)
        {
            self.entries.pop_front();
            self.started -= 1;
        }
    }

    /// The connection broke: everything without a receipt waits again, in its old order.
    pub fn rewind(&mut self) {
        self.entries.retain(|e| e.phase != Phase::Acked);
        for entry in self.entries.range_mut(..) {
            entry.phase = Phase::Waiting;
        }
        self.started = 0;
    }

    /// How many have no receipt.
    pub fn undelivered(&self) -> usize {
        let pending = |e: &&Entry| e.phase != Phase::Acked;
        self.entries.iter().filter(pending).count()
    }

    /// Whether an event waits to be sent.
    pub fn is_waiting(&self) -> bool {
        self.started < self.entries.len()
    }

    /// How many were given up.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(n: u8, limits: Limits) -> Outbox {
        let mut outbox = Outbox::new(limits);
        (0..n).for_each(|i| outbox.push(vec![i]));
        outbox
    }

    fn send_all(outbox: &mut Outbox) -> (Vec<EntryId>, Vec<u8>) {
        let mut sent = (Vec::new(), Vec::new());
        while let Some((id, payload)) = outbox.take() {
            sent.0.push(id);
            sent.1.push(payload[0]);
        }
        sent
    }

    const SMALL: Limits = Limits {
        kept: 5,
        in_flight: 3,
    };

    #[test]
    fn the_window_moves_with_the_oldest_receipt() {
        let mut outbox = filled(5, SMALL);
        let (ids, sent) = send_all(&mut outbox);
        assert_eq!(sent, [0, 1, 2]);
        outbox.acked(ids[1]);
        assert!(outbox.take().is_none(), "0 has no receipt yet");
        outbox.acked(ids[0]);
        assert_eq!(send_all(&mut outbox).1, [3, 4]);
        assert!(!outbox.is_waiting());
        assert_eq!(outbox.undelivered(), 3);
    }

    #[test]
    fn after_a_break_all_without_receipt_go_again_in_order() {
        let mut outbox = filled(5, SMALL);
        let (ids, _) = send_all(&mut outbox);
        outbox.acked(ids[1]);
        outbox.rewind();
        assert_eq!(send_all(&mut outbox).1, [0, 2, 3]);
        outbox.acked(ids[1]);
        assert_eq!(outbox.entries.len(), 4, "a receipt twice changes nothing");
    }

    #[test]
    fn a_full_one_gives_up_the_oldest_that_waits_and_counts() {
        let mut outbox = filled(8, SMALL);
        assert_eq!(outbox.dropped(), 3);
        let (ids, sent) = send_all(&mut outbox);
        assert_eq!(sent, [3, 4, 5]);
        outbox.push(vec![8]);
        assert_eq!(outbox.dropped(), 4, "6 went: 3, 4, 5 are on their way");
        ids.iter().for_each(|&id| outbox.acked(id));
        assert_eq!(send_all(&mut outbox).1, [7, 8]);
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
        /// Whatever happens, a receiver sees every event that was not given up, first sight in order.
        #[test]
        fn nothing_is_lost_or_overtaken(steps in steps()) {
            let mut outbox = Outbox::new(SMALL);
            let (mut pushed, mut seen) = (0_u16, Vec::new());
            let mut sent = Vec::new();
            let mut send = |outbox: &mut Outbox, sent: &mut Vec<EntryId>| {
                let Some((id, payload)) = outbox.take() else { return };
                sent.push(id);
                let number = u16::from_le_bytes([payload[0], payload[1]]);
                if !seen.contains(&number) {
                    seen.push(number);
                }
            };
            for step in steps {
                match step {
                    Step::Push => {
                        outbox.push(pushed.to_le_bytes().to_vec());
                        pushed += 1;
                    }
                    Step::Send => send(&mut outbox, &mut sent),
                    Step::Ack(n) => if let Some(&id) = sent.get(n) { outbox.acked(id) },
                    Step::Break => {
                        outbox.rewind();
                        sent.clear();
                    }
                }
                prop_assert!(outbox.entries.len() <= SMALL.kept);
            }
            while outbox.undelivered() > 0 {
                send(&mut outbox, &mut sent);
                sent.drain(..).for_each(|id| outbox.acked(id));
                outbox.rewind();
            }
            prop_assert!(seen.is_sorted());
            // Given up may also be one that was seen before a break and had to go again.
            prop_assert!(seen.len() as u64 + outbox.dropped() >= u64::from(pushed));
        }
    }
}

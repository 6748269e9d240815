//! Rows are sent, confirmed and cut off in every order: none is lost, none overtakes another.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The store, in short: rows that wait.
#[derive(Default)]
struct FakeStore {
    rows: BTreeMap<EntryId, OutboxRow>,
    newest: EntryId,
}

impl FakeStore {
    fn push(&mut self) {
        self.newest += 1;
        let row = OutboxRow {
            id: self.newest,
            device: "hall".into(),
            payload: Vec::new(),
        };
        self.rows.insert(row.id, row);
    }

    fn feed(&self, outbox: &mut OutboxWindow) {
        while let Some(want) = outbox.want(self.newest) {
            let after = self.rows.range(want.after + 1..);
            let rows = after.map(|(_, row)| row.clone()).take(want.limit);
            outbox.fill(want, rows.collect());
        }
    }

    fn acked(&mut self, outbox: &mut OutboxWindow, id: EntryId) {
        if outbox.acked(id) {
            self.rows.remove(&id);
        }
    }
}

fn send_all(outbox: &mut OutboxWindow) -> Vec<EntryId> {
    std::iter::from_fn(|| outbox.take().map(|row| row.id)).collect()
}

#[test]
fn so_many_in_flight_and_the_next_with_each_receipt() {
    let (mut store, mut outbox) = (FakeStore::default(), OutboxWindow::new(3));
    (0..5).for_each(|_| store.push());
    store.feed(&mut outbox);
    assert_eq!(send_all(&mut outbox), [1, 2, 3]);
    store.acked(&mut outbox, 2);
    assert_eq!(send_all(&mut outbox), [4]);
    assert!(!outbox.is_sent(store.newest));
    store.acked(&mut outbox, 1);
    assert_eq!(send_all(&mut outbox), [5]);
    assert!(outbox.is_sent(store.newest) && !outbox.is_done(store.newest));
    for id in [3, 4, 5, 5, 77] {
        store.acked(&mut outbox, id);
    }
    assert!(outbox.is_done(store.newest) && store.rows.is_empty());
}

#[test]
fn what_was_not_sent_cannot_be_confirmed() {
    let (mut store, mut outbox) = (FakeStore::default(), OutboxWindow::new(1));
    (0..2).for_each(|_| store.push());
    store.feed(&mut outbox);
    assert_eq!(send_all(&mut outbox), [1]);
    assert!(!outbox.acked(2));
}

#[test]
fn after_a_break_all_without_receipt_go_again_in_order() {
    let (mut store, mut outbox) = (FakeStore::default(), OutboxWindow::new(3));
    (0..3).for_each(|_| store.push());
    store.feed(&mut outbox);
    send_all(&mut outbox);
    store.acked(&mut outbox, 2);
    outbox.rewind();
    store.feed(&mut outbox);
    assert_eq!(send_all(&mut outbox), [1, 3]);
}

#[test]
fn old_rows_that_turn_up_are_sent_and_none_twice() {
    let (mut store, mut outbox) = (FakeStore::default(), OutboxWindow::new(3));
    store.newest = 10;
    store.push();
    store.feed(&mut outbox);
    assert_eq!(send_all(&mut outbox), [11]);
    let older = OutboxRow {
        id: 4,
        ..store.rows[&11].clone()
    };
    store.rows.insert(4, older);
    store.feed(&mut outbox);
    assert!(send_all(&mut outbox).is_empty());
    outbox.look_again();
    store.feed(&mut outbox);
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
        let (mut store, mut outbox) = (FakeStore::default(), OutboxWindow::new(3));
        let (mut seen, mut sent) = (Vec::new(), Vec::new());
        let mut send = |store: &FakeStore, outbox: &mut OutboxWindow, sent: &mut Vec<EntryId>| {
            store.feed(outbox);
            let Some(row) = outbox.take() else { return false };
            sent.push(row.id);
            if !seen.contains(&row.id) {
                seen.push(row.id);
            }
            true
        };
        for step in steps {
            match step {
                Step::Push => store.push(),
                Step::Send => drop(send(&store, &mut outbox, &mut sent)),
                Step::Ack(n) => if let Some(&id) = sent.get(n) { store.acked(&mut outbox, id) },
                Step::Break => {
                    outbox.rewind();
                    sent.clear();
                }
            }
            prop_assert!(outbox.entries.len() <= 6);
        }
        while send(&store, &mut outbox, &mut sent) || !sent.is_empty() {
            sent.drain(..).for_each(|id| store.acked(&mut outbox, id));
        }
        prop_assert!(outbox.is_done(store.newest) && store.rows.is_empty());
        prop_assert_eq!(seen, (1..=store.newest).collect::<Vec<_>>());
    }
}

#[test]
fn what_was_deleted_in_the_store_is_not_offered_again() {
    let (mut store, mut outbox) = (FakeStore::default(), OutboxWindow::new(2));
    (0..4).for_each(|_| store.push());
    store.feed(&mut outbox);
    assert_eq!(send_all(&mut outbox), [1, 2]);
    outbox.refused(1);
    // The store answered before the deletion, and the answer comes after it.
    store.push();
    let late = FetchRequest {
        after: 4,
        limit: 2,
        newest: 5,
    };
    let row = store.rows[&5].clone();
    store.rows.clear();
    outbox.forget(5);
    outbox.fill(late, vec![row]);
    outbox.offer_again();
    assert!(
        send_all(&mut outbox).is_empty(),
        "2 is on its way, the others are gone"
    );
    assert!(outbox.acked(2));
    store.push();
    store.feed(&mut outbox);
    assert_eq!(send_all(&mut outbox), [6]);
}

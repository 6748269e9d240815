//! Which message comes next: the state, then `online`, then events in their order, at last `stopped`.

use moodring_base::message::{Moment, StateMessage, Status, json};
use moodring_core::frame::Millis;

use super::{INTRODUCTION_MS, LinkState, Protocol, PublishedState, StopPhase, urgent_part};
use crate::publication::{Content, Delivery, Publication, ReceiptToken, write};

impl Protocol {
    /// The next message to publish; `None` if there is none now. To be called until then.
    pub fn poll(&mut self, now: Moment) -> Option<Publication> {
        match self.link {
            LinkState::Down => return None,
            // The state comes before `online`, which promises that the state is current.
            LinkState::Fresh => {
                self.link =
                    LinkState::Introducing(Millis(now.run.0.saturating_add(INTRODUCTION_MS)));
                // Without a state there is nothing that `online` could promise; it comes with the next poll.
                return self.poll_state(now).or_else(|| self.poll(now));
            }
            LinkState::Introducing(until)
                if until > now.run && !self.introduced && self.stop == StopPhase::No =>
            {
                return self.poll_state(now);
            }
            LinkState::Introducing(_) => {
                self.link = LinkState::Up;
                return Some(self.status(Status::Online));
            }
            LinkState::Up => {}
        }
        if self.retry_at.is_some_and(|at| at <= now.run) {
            self.retry_at = None;
            self.outbox.offer_again();
        }
        let may_take = self
            .audience
            .may_take(now.run, self.pace.patience_ms, &mut self.outbox);
        if let Some(row) = may_take.then(|| self.outbox.take()).flatten() {
            let (payload, content) = write(self.format, row.payload.clone());
            return Some(Publication {
                token: ReceiptToken::Event(row.id),
                topic: self.topics.event_of(&row.device),
                payload,
                content,
                delivery: Delivery::Once,
            });
        }
        match self.stop {
            StopPhase::No => self.poll_state(now),
            StopPhase::Asked
                if self.audience.is_alone() || self.outbox.is_sent(self.store.newest) =>
            {
                self.stop = StopPhase::Sent;
                Some(self.status(Status::Stopped))
            }
            StopPhase::Asked | StopPhase::Sent | StopPhase::Known => None,
        }
    }

    /// When [`Protocol::poll`] will have something without anything coming in; `None` for never.
    pub fn wake(&self) -> Option<Millis> {
        let introduced = match self.link {
            LinkState::Down => return None,
            LinkState::Fresh => Some(Millis(0)),
            LinkState::Introducing(_) if self.introduced => Some(Millis(0)),
            LinkState::Introducing(until) => Some(until),
            LinkState::Up => None,
        };
        if self.stop != StopPhase::No {
            return introduced.map(|_| Millis(0));
        }
        let state = match self.state.under_way {
            true => None,
            false => self.state_due(),
        };
        let probe = self.audience.wake();
        [state, self.retry_at, probe, introduced]
            .into_iter()
            .flatten()
            .min()
    }

    fn status(&self, status: Status) -> Publication {
        Publication {
            token: ReceiptToken::Status(status),
            topic: self.topics.status(),
            payload: status.name().into(),
            content: Content::Plain,
            delivery: Delivery::Lasting,
        }
    }

    fn state_due(&self) -> Option<Millis> {
        let snapshot = self.snapshot.as_ref()?;
        let Some((last, published)) = self.state.last else {
            return Some(Millis(0));
        };
        let wait = if urgent_part(snapshot) == published {
            self.pace.interval_ms
        } else {
            self.pace.gap_ms
        };
        Some(Millis(last.0.saturating_add(wait)))
    }

    fn poll_state(&mut self, now: Moment) -> Option<Publication> {
        if self.state.under_way || self.state_due()? > now.run {
            return None;
        }
        let snapshot = self.snapshot.as_ref()?;
        let message = StateMessage::new(&self.identity, now, snapshot, &self.store);
        self.state = PublishedState {
            last: Some((now.run, urgent_part(snapshot))),
            under_way: true,
        };
        let (payload, content) = write(self.format, json(&message).into_bytes());
        Some(Publication {
            token: ReceiptToken::State,
            topic: self.topics.state(),
            payload,
            content,
            delivery: Delivery::Newest,
        })
    }
}

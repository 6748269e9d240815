//! The requests to the store's thread.

use std::sync::mpsc;

use tokio::sync::oneshot;

use super::{
    EventDraft, OutboxRow,
    history::{Cursor, MoodBucket, MoodSpan, PastEvent},
};

/// One request; those that have an `answer` see everything that was asked for before.
#[derive(Debug)]
pub(super) enum Request {
    Append(EventDraft),
    Delivered(i64),
    ReportedDropped(u64),
    Moods(Vec<MoodSpan>),
    Rows {
        after: i64,
        limit: usize,
        answer: oneshot::Sender<Vec<OutboxRow>>,
    },
    MoodHistory {
        from_s: i64,
        to_s: i64,
        bucket_s: i64,
        answer: oneshot::Sender<Vec<MoodBucket>>,
    },
    EventHistory {
        from_s: i64,
        to_s: i64,
        before: Option<Cursor>,
        limit: usize,
        answer: oneshot::Sender<Vec<PastEvent>>,
    },
    Forget(oneshot::Sender<()>),
    Close(mpsc::Sender<()>),
}

//! What a store holds, as states and pages report it.

/// What the store holds, after its last commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreState {
    /// Events that wait for the broker's receipt.
    pub waiting: u64,
    /// The newest row's `OutboxRow::id` of the store; 0 for none. When it grows there is something to fetch.
    pub newest: i64,
    /// Run and number of the newest event that was written by this process.
    pub written: Option<(u64, u64)>,
    /// Events given up since this process began, because the outbox was full or they were too old.
    pub dropped: u64,
    /// Of those and earlier ones, how many no `dropped` event has reported yet.
    pub unreported: u64,
    /// Rows up to this one were deleted with the history, also those that waited; 0 if none.
    pub forgotten_to: i64,
    /// Whether the outbox has hardly room for more.
    pub full: bool,
    /// Whether nothing of it outlives the process, as the settings want it or because there is no folder.
    pub in_memory: bool,
    /// Why it works in memory though it has a file, if it does.
    pub trouble: Option<String>,
    /// How often the file was gone and a new one was written, and why the last time.
    pub replaced: u64,
    /// See [`Self::replaced`].
    pub replaced_because: Option<String>,
}

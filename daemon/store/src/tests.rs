//! The store alone: bounds, damage, disks that fail. tests/tests/durable.rs kills the whole daemon.

use std::{fs, path::Path};

use moodring_core::{expression::Expression, mood::Mood};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{
    database::{Change, Database},
    *,
};

const NOW_MS: i64 = 1_795_000_000_000;

fn draft(seq: u64) -> EventDraft {
    EventDraft {
        device: "hall".into(),
        run: u64::MAX - 1,
        seq,
        time_ms: NOW_MS,
        class: EventClass::Event,
        kind: "appeared",
        payload: format!("{{\"seq\":{seq}}}").into_bytes(),
        wanted: true,
    }
}

fn append(ids: impl IntoIterator<Item = i64>) -> Vec<Change> {
    ids.into_iter()
        .map(|id| Change::Append(id, draft(id as u64)))
        .collect()
}

fn ids(database: &Database) -> Vec<i64> {
    let rows = database.rows(0, usize::MAX).unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

fn small() -> StoreLimits {
    StoreLimits {
        waiting: 5,
        ..StoreLimits::default()
    }
}

#[test]
fn rows_come_in_order_until_they_are_delivered_and_are_history_then() {
    let mut database = file::memory().unwrap();
    let limits = StoreLimits::default();
    database.commit(&append(1..=3), limits).unwrap();
    let rows = database.rows(1, 5).unwrap();
    assert_eq!(rows[0].payload, draft(2).payload);
    assert_eq!((rows.len(), rows[0].device.as_str()), (2, "hall"));
    let receipts = [
        Change::Delivered(2),
        Change::Delivered(2),
        Change::Delivered(9),
    ];
    database.commit(&receipts, limits).unwrap();
    assert_eq!(ids(&database), [1, 3]);
    assert_eq!(database.counts.waiting, 2);
    let second = NOW_MS / 1_000;
    let past =
        history::events(&database.connection, (second, second + 1), None, 10, NOW_MS).unwrap();
    let delivered: Vec<bool> = past.iter().map(|event| event.delivered).collect();
    assert_eq!(delivered, [false, true, false], "newest first");
}

#[test]
fn above_the_bound_telemetry_goes_first_then_the_oldest() {
    let mut database = file::memory().unwrap();
    let mut changes = append(1..=5);
    let Change::Append(_, third) = &mut changes[2] else {
        unreachable!()
    };
    third.class = EventClass::Telemetry;
    assert_eq!(database.commit(&changes, small()).unwrap(), 0);
    assert_eq!(database.commit(&append([6]), small()).unwrap(), 1);
    assert_eq!(ids(&database), [1, 2, 4, 5, 6]);
    assert_eq!(database.commit(&append([7, 8]), small()).unwrap(), 2);
    assert_eq!(ids(&database), [4, 5, 6, 7, 8]);
    assert_eq!(database.counts.unreported, 3);
    database
        .commit(&[Change::DroppedReported(2)], small())
        .unwrap();
    assert_eq!(database.counts.unreported, 1);
    let few_bytes = StoreLimits {
        waiting_bytes: 20,
        ..small()
    };
    assert_eq!(database.commit(&[], few_bytes).unwrap(), 3);
    assert_eq!((ids(&database), database.counts.bytes), (vec![7, 8], 18));
}

/// Rows with these ages in days, in their order; negative ones lie in the future.
fn aged(database: &mut Database, ages: &[i64]) {
    let mut changes = append(1..=ages.len() as i64);
    for (change, age) in changes.iter_mut().zip(ages) {
        let Change::Append(_, draft) = change else {
            unreachable!()
        };
        draft.time_ms = NOW_MS - age * DAY_MS;
    }
    database.commit(&changes, StoreLimits::default()).unwrap();
}

#[test]
fn what_is_too_old_goes_by_its_date_and_its_place_in_the_order() {
    const NEVER_SET: i64 = NOW_MS / DAY_MS;
    for (ages, left) in [
        (&[NEVER_SET, 31, 0][..], &[3][..]),
        (&[40, 35, 31, 29, 0], &[4, 5]),
        (&[0, NEVER_SET, 60, 0], &[1, 2, 3, 4]), // dated by a clock that was behind
        (&[40, -3_650, 31, 0], &[4]),            // by one that was ahead, long ago
        (&[0, -3_650, 0], &[1, 2, 3]),
        (&[-3_650, NEVER_SET], &[1, 2]),
    ] {
        let mut database = file::memory().unwrap();
        aged(&mut database, ages);
        let gone = ages.len() - left.len();
        let dropped = database.expire(StoreLimits::default(), NOW_MS).unwrap();
        assert_eq!(
            (ids(&database), dropped),
            (left.to_vec(), gone as u64),
            "{ages:?}"
        );
        assert_eq!(
            (database.counts.waiting, database.counts.unreported),
            (left.len() as u64, gone as u64)
        );
    }
}

#[test]
fn when_the_clock_is_set_what_this_run_wrote_is_dated_anew() {
    let mut database = file::memory().unwrap();
    aged(&mut database, &[0, 60, 60]);
    let minute = (NOW_MS - 60 * DAY_MS) / 60_000;
    let span = |minute, ms| MoodSpan {
        minute,
        mood: Mood::Nobody,
        ms,
    };
    let moods = Change::Moods(vec![
        span(minute, 1_000),
        span(minute + 1, 2_000),
        span(7, 500),
    ]);
    database.commit(&[moods], StoreLimits::default()).unwrap();
    let minutes = [minute, minute + 1].into();
    history::redate(&mut database.connection, 2, &minutes, 60 * DAY_MS).unwrap();
    let all = history::events(
        &database.connection,
        (NOW_MS / 1_000, i64::MAX),
        None,
        9,
        NOW_MS,
    )
    .unwrap();
    assert_eq!(all.len(), 3);
    assert!(
        all.iter()
            .all(|event| event.time_ms == NOW_MS && !event.ahead)
    );
    let moods = history::moods(&database.connection, 0, i64::MAX, 60).unwrap();
    let starts: Vec<_> = moods.iter().map(|bucket| bucket.start_s / 60).collect();
    assert_eq!(starts, [7, NOW_MS / 60_000, NOW_MS / 60_000 + 1]);
    history::redate(&mut database.connection, 3, &[].into(), 3_650 * DAY_MS).unwrap();
    let ahead = history::events(&database.connection, (0, i64::MAX), None, 9, NOW_MS).unwrap();
    assert_eq!(
        ahead.iter().filter(|event| event.ahead).count(),
        1,
        "and marked"
    );
}

#[test]
fn moods_add_up_by_bucket_and_can_be_forgotten() {
    let mut database = file::memory().unwrap();
    let minute = NOW_MS / 60_000;
    let span = |minute, mood, ms| MoodSpan { minute, mood, ms };
    let happy = Mood::Showing(Expression::Happy);
    let spans = vec![
        span(minute, happy, 40_000),
        span(minute, Mood::Nobody, 20_000),
        span(minute + 1, happy, 1_500),
        span(minute + 5, happy, 60_000),
    ];
    let events_rx = Change::Moods(spans);
    database
        .commit(&[events_rx], StoreLimits::default())
        .unwrap();
    let start = minute * 60;
    let found = history::moods(&database.connection, start, start + 360, 300).unwrap();
    let short: Vec<_> = found
        .iter()
        .map(|b| (b.start_s - start, b.mood.as_str(), b.seconds))
        .collect();
    assert_eq!(
        short,
        [
            (0, "happy", 41.5),
            (0, "nobody", 20.0),
            (300, "happy", 60.0)
        ]
    );
    database
        .commit(&append([1]), StoreLimits::default())
        .unwrap();
    history::expire(&database.connection, NOW_MS + 1, NOW_MS + 1).unwrap();
    assert_eq!(
        ids(&database),
        [1],
        "its age alone does not take what waits"
    );
    assert_eq!(database.forget().unwrap(), 1);
    let left = history::moods(&database.connection, 0, i64::MAX, 60).unwrap();
    assert!(left.is_empty() && ids(&database).is_empty());
    assert_eq!(
        (database.counts.waiting, database.counts.unreported),
        (0, 1)
    );
    history::expire(&database.connection, NOW_MS + 1, NOW_MS + 1).unwrap();
    assert!(ids(&database).is_empty());
}

/// A file with so many waiting rows, closed as a killed process leaves it: with its log.
fn killed(folder: &Path, rows: i64) -> std::path::PathBuf {
    let (live, dead) = (folder.join("live.db"), folder.join("dead.db"));
    let mut database = file::open(&live).unwrap();
    for id in 1..=rows {
        let changes = append([id]);
        database.commit(&changes, StoreLimits::default()).unwrap();
    }
    fs::copy(&live, &dead).unwrap();
    fs::copy(folder.join("live.db-wal"), folder.join("dead.db-wal")).unwrap();
    dead
}

#[test]
fn what_was_committed_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let path = killed(folder.path(), 20);
    let database = file::open_or_begin_anew(&path).unwrap();
    assert_eq!(ids(&database), (1..=20).collect::<Vec<_>>());
    assert_eq!((database.counts.waiting, database.counts.newest), (20, 20));
}

#[test]
fn one_file_belongs_to_one_process() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("deep/down/moodring.db");
    let _first = file::open(&path).unwrap();
    let second = file::open(&path).err().unwrap().to_string();
    assert!(second.contains("another moodring"), "{second}");
}

#[test]
fn other_programs_files_are_set_aside_not_changed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    for (n, bytes) in [&b"I am a letter to my aunt, and longer than a hundred bytes. "[..]; 2]
        .iter()
        .enumerate()
    {
        let text = bytes.repeat(20);
        fs::write(&path, &text).unwrap();
        let mut database = file::open_or_begin_anew(&path).unwrap();
        database
            .commit(&append([1]), StoreLimits::default())
            .unwrap();
        drop(database);
        let aside = folder.path().join(format!("moodring.db.damaged-{}", n + 1));
        assert_eq!(fs::read(aside).unwrap(), text);
    }
}

#[test]
fn stores_of_other_programs_and_later_versions_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    for (make, expected) in [
        (
            "CREATE TABLE songs (name TEXT); INSERT INTO songs VALUES ('Lola')",
            "another program",
        ),
        (
            "PRAGMA journal_mode = WAL; CREATE TABLE songs (name TEXT)",
            "another program",
        ),
        (
            "PRAGMA application_id = 1; CREATE TABLE events (x)",
            "another program",
        ),
        (
            "PRAGMA application_id = 0x6d6f6f64; PRAGMA user_version = 2; CREATE TABLE new (x)",
            "later moodring",
        ),
    ] {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(make).unwrap();
        drop(connection);
        let before = fs::read(&path).unwrap();
        let refused = file::open_or_begin_anew(&path).err().unwrap().to_string();
        assert!(refused.contains(expected), "{make}: {refused}");
        assert_eq!(fs::read(&path).unwrap(), before, "{make}");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "{make}: nothing beside it"
        );
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn files_belong_to_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = folder.path().join("new/moodring.db");
    let mut database = file::open(&path).unwrap();
    database
        .commit(&append([1]), StoreLimits::default())
        .unwrap();
    assert_eq!(
        (mode(&path), mode(&folder.path().join("new"))),
        (0o600, 0o700)
    );
    assert_eq!(mode(&folder.path().join("new/moodring.db-wal")), 0o600);
    drop(database);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(file::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600, "one of an older version");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// A torn page, a cut file, a bad sector: never a panic, never a row that was not written, never a wrong order.
    #[test]
    fn any_damage_leaves_a_store_that_works(
        log in any::<bool>(),
        place in 0.0..1.0_f64,
        damage in prop_oneof![
            Just(None),
            proptest::collection::vec(any::<u8>(), 1..4_096).prop_map(Some),
        ],
    ) {
        let folder = TempDir::new().unwrap();
        let path = killed(folder.path(), 12);
        let victim = if log { folder.path().join("dead.db-wal") } else { path.clone() };
        let mut bytes = fs::read(&victim).unwrap();
        let at = (place * bytes.len() as f64) as usize;
        let cut_log = log && damage.is_none();
        match damage {
            None => bytes.truncate(at),
            Some(noise) => bytes.iter_mut().skip(at).zip(noise).for_each(|(b, n)| *b = n),
        }
        fs::write(&victim, bytes).unwrap();
        let mut database = file::open_or_begin_anew(&path).unwrap();
        let left = ids(&database);
        prop_assert!(left.is_sorted() && left.iter().all(|id| (1..=12).contains(id)), "{left:?}");
        if cut_log {
            // Commits are in the log in their order: what is left is what came first.
            prop_assert_eq!(&left, &(1..=left.len() as i64).collect::<Vec<_>>());
        }
        database.commit(&append([100]), StoreLimits::default()).unwrap();
        prop_assert_eq!(ids(&database).last().copied(), Some(100));
    }
}

/// SQLite's own error for a full disk, in the middle of a run: nothing is lost, not by going to memory and not on the way
/// back.
#[test]
fn a_full_disk_is_gone_around_and_taken_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    let limits = StoreLimits::default();
    let mut storage = storage::FileOrMemory::open(StoreLocation::File(path.clone())).unwrap();
    storage.database.commit(&append(1..=9), limits).unwrap();
    storage
        .database
        .commit(&[Change::Delivered(1)], limits)
        .unwrap();
    storage
        .database
        .connection
        .pragma_update(None, "max_page_count", 1)
        .unwrap();
    let many = append(10..=400);
    let error = storage.database.commit(&many, limits).unwrap_err();
    storage.fail(error.into()).unwrap();
    assert_eq!(storage.trouble(), Some("the disk is full"));
    storage.database.commit(&many, limits).unwrap();
    assert_eq!(ids(&storage.database), (2..=400).collect::<Vec<_>>());
    let receipts: Vec<_> = (2..=5).map(Change::Delivered).collect();
    storage.database.commit(&receipts, limits).unwrap();
    assert!(!storage.go_back(false), "not before its time");
    assert!(storage.go_back(true));
    assert_eq!(storage.trouble(), None);
    drop(storage);
    let database = file::open(&path).unwrap();
    assert_eq!(ids(&database), (6..=400).collect::<Vec<_>>());
    let second = NOW_MS / 1_000;
    let all = history::events(
        &database.connection,
        (second, second + 1),
        None,
        1_000,
        NOW_MS,
    )
    .unwrap();
    assert_eq!(all.len(), 400, "what was delivered is history");
}

/// Damage that is noticed only while it runs: what can be read goes on.
#[test]
fn damage_in_the_middle_of_a_run_begins_a_new_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    let mut storage = storage::FileOrMemory::open(StoreLocation::File(path.clone())).unwrap();
    let limits = StoreLimits::default();
    storage.database.commit(&append(1..=9), limits).unwrap();
    storage
        .fail(file::FileProblem::Damaged("a bad sector".into()))
        .unwrap();
    assert_eq!((storage.trouble(), ids(&storage.database).len()), (None, 9));
    assert!(folder.path().join("moodring.db.damaged-1").exists());
}

fn open(path: &Path, limits: StoreLimits) -> Store {
    Store::open(StoreLocation::File(path.to_owned()), limits).unwrap()
}

async fn waiting(store: &Store) -> Vec<i64> {
    let rows = store.rows(0, 1_000).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn rows_are_told_of_only_when_they_are_on_the_disk_and_survive() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    let store = open(&path, StoreLimits::default());
    let mut state = store.state();
    let mut events_rx = store.subscribe_events();
    (1..=50).for_each(|seq| store.append(draft(seq)));
    let all = |s: &StoreState| s.written == Some((u64::MAX - 1, 50));
    assert_eq!(state.wait_for(all).await.unwrap().waiting, 50);
    assert_eq!(&*events_rx.recv().await.unwrap(), r#"{"seq":1}"#);
    (1..=10).for_each(|id| store.delivered(id));
    store.close();
    store.append(draft(51));
    assert_eq!(store.flush().await, Err(StoreClosed));
    let store = open(&path, StoreLimits::default());
    assert_eq!(waiting(&store).await, (11..=50).collect::<Vec<_>>());
    store.append(draft(1));
    assert_eq!(waiting(&store).await.last(), Some(&51));
    store.close();
}

#[tokio::test]
async fn without_a_usable_disk_it_goes_on_in_memory_and_says_so() {
    let folder = TempDir::new().unwrap();
    // A file where the folder should be.
    fs::write(folder.path().join("state"), "").unwrap();
    let path = folder.path().join("state/moodring.db");
    let store = open(&path, small());
    assert!(store.state().borrow().trouble.is_some());
    (1..=7).for_each(|seq| store.append(draft(seq)));
    assert_eq!(waiting(&store).await.len(), 5);
    assert_eq!(store.state().borrow().dropped, 2);
    // The disk is mended: what is in memory goes there, at the latest at the end.
    fs::remove_file(folder.path().join("state")).unwrap();
    store.close();
    let store = open(&path, small());
    assert_eq!(waiting(&store).await.len(), 5);
    assert_eq!(store.state().borrow().unreported, 2);
    store.close();
}

#[tokio::test]
async fn a_store_in_ram_is_brought_back_from_its_copy() {
    let folder = TempDir::new().unwrap();
    let (ram, disk) = (folder.path().join("ram"), folder.path().join("disk"));
    let (path, copy) = (ram.join("moodring.db"), disk.join("moodring.db"));
    let open = |every_s| {
        let plan = CopyPlan {
            path: copy.clone(),
            every: std::time::Duration::from_secs(every_s),
        };
        Store::open_with_copy(
            StoreLocation::File(path.clone()),
            StoreLimits::default(),
            Some(plan),
        )
        .unwrap()
    };
    let store = open(3600);
    (1..=5).for_each(|seq| store.append(draft(seq)));
    store.flush().await.unwrap();
    assert!(!copy.exists(), "not before its time");
    store.close();
    // The machine was switched off and on.
    fs::remove_dir_all(&ram).unwrap();
    let store = open(3600);
    assert_eq!(waiting(&store).await, [1, 2, 3, 4, 5]);
    (1..=5).for_each(|id| store.delivered(id));
    store.append(draft(6));
    store.flush().await.unwrap();
    // What is forgotten is forgotten in the copy at once, with what waits.
    store.forget().await.unwrap();
    let kept = file::open(&copy).unwrap();
    assert!(ids(&kept).is_empty());
    let events = history::events(&kept.connection, (0, i64::MAX), None, 9, NOW_MS).unwrap();
    assert!(events.is_empty());
    assert_eq!(kept.counts.unreported, 1);
    drop(kept);
    // A file that is there wins: the daemon alone was restarted.
    store.append(draft(7));
    store.close();
    let store = open(3600);
    assert_eq!(waiting(&store).await, [7]);
    store.close();
    // A damaged copy is set aside as a damaged store is.
    fs::remove_dir_all(&ram).unwrap();
    fs::write(&copy, "no store").unwrap();
    let store = open(3600);
    assert!(waiting(&store).await.is_empty() && store.state().borrow().trouble.is_none());
    store.close();
}

#[tokio::test]
async fn a_copy_that_cannot_be_written_stops_nothing() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("disk"), "").unwrap();
    let plan = CopyPlan {
        path: folder.path().join("disk/moodring.db"),
        every: std::time::Duration::ZERO,
    };
    let place = StoreLocation::File(folder.path().join("ram/moodring.db"));
    let store = Store::open_with_copy(place, StoreLimits::default(), Some(plan)).unwrap();
    store.append(draft(1));
    assert_eq!(waiting(&store).await, [1]);
    store.close();
}

#[tokio::test]
async fn a_store_that_vanishes_is_noticed_and_begun_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    let other = folder.path().join("other.db");
    for (vanish, expected) in [
        (
            (|path: &Path, _: &Path| fs::remove_file(path).unwrap()) as fn(&Path, &Path),
            "deleted",
        ),
        (
            |path, other| fs::rename(other, path).unwrap(),
            "another file",
        ),
        (
            |path, _| {
                fs::OpenOptions::new()
                    .write(true)
                    .truncate(true)
                    .open(path)
                    .map(drop)
                    .unwrap()
            },
            "cut short",
        ),
    ] {
        let _ = fs::remove_file(&path);
        drop(file::open(&other).unwrap());
        let store = open(&path, StoreLimits::default());
        (1..=3).for_each(|seq| store.append(draft(seq)));
        store.flush().await.unwrap();
        vanish(&path, &other);
        store.flush().await.unwrap();
        let state = store.state().borrow().clone();
        assert_eq!((state.replaced, state.trouble), (1, None), "{expected}");
        assert!(state.replaced_because.unwrap().contains(expected));
        store.append(draft(4));
        let ids = waiting(&store).await;
        assert_eq!(ids.last(), Some(&4), "{expected}");
        store.close();
        let store = open(&path, StoreLimits::default());
        assert_eq!(waiting(&store).await, ids, "{expected}: it is on the disk");
        store.close();
    }
}

#[tokio::test]
async fn deletion_takes_what_waits_for_the_broker_and_counts_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    let store = open(&path, StoreLimits::default());
    (1..=4).for_each(|seq| store.append(draft(seq)));
    store.delivered(1);
    store.flush().await.unwrap();
    store.forget().await.unwrap();
    let state = store.state().borrow().clone();
    assert_eq!(
        (
            state.waiting,
            state.dropped,
            state.unreported,
            state.forgotten_to
        ),
        (0, 3, 3, 4)
    );
    // A receipt that comes late changes nothing, and what follows is kept.
    store.delivered(2);
    store.append(draft(5));
    assert_eq!(waiting(&store).await, [5]);
    assert_eq!(store.events(0, i64::MAX, None, 9).await.unwrap().len(), 1);
    store.close();
    let bytes = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        !text.contains("\"seq\":3") && text.contains("\"seq\":5"),
        "in the file"
    );
    let store = open(&path, StoreLimits::default());
    assert_eq!(
        store.state().borrow().unreported,
        3,
        "it is still to be told"
    );
    store.close();
}

#[tokio::test]
async fn what_is_no_file_is_no_store_and_stays_as_it_is() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    moodring_tests::files::named_pipe(&pipe);
    for path in [pipe.as_path(), folder.path()] {
        let before = fs::metadata(path).unwrap().permissions();
        let store = open(path, StoreLimits::default());
        store.append(draft(1));
        assert_eq!(waiting(&store).await.len(), 1, "in memory");
        let trouble = store.state().borrow().trouble.clone().unwrap();
        assert!(trouble.contains("not a file"), "{trouble}");
        store.close();
        assert_eq!(fs::metadata(path).unwrap().permissions(), before);
    }
}

#[tokio::test]
async fn deletion_removes_every_copy() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("moodring.db");
    let damaged = ["damaged-1", "damaged-1-wal", "damaged-12"];
    let at = |ending: &str| folder.path().join(format!("moodring.db.{ending}"));
    for ending in damaged {
        fs::write(at(ending), "old history").unwrap();
    }
    fs::write(folder.path().join("other.db.damaged-1"), "another's").unwrap();
    let store = open(&path, StoreLimits::default());
    store.forget().await.unwrap();
    store.flush().await.unwrap();
    assert_eq!(
        store.state().borrow().replaced,
        0,
        "a shorter file is our own doing"
    );
    store.close();
    assert!(damaged.iter().all(|ending| !at(ending).exists()));
    assert!(folder.path().join("other.db.damaged-1").exists());
}

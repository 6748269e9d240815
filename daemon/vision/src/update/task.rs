//! The thread that looks for updates: a while after the start, then every few hours. The shutdown does not wait for it.

use std::{
    path::Path,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use moodring_base::config::{ModelSettings, UpdateSettings, UpdateSource};
use tokio::sync::watch;

use super::{Index, Release, UpdateError, apt, index::INDEX_BYTES};
use crate::bundle::{SIGNATURE_BYTES, TrustedKey, fetch::Fetcher};

/// The newest result; `None` before the first look.
pub type ReleaseReceiver = watch::Receiver<Option<Release>>;

/// How long fetching an index may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);
/// The first look waits: after its start a machine has other work, and perhaps no network yet.
const FIRST_CHECK_DELAY: Duration = Duration::from_secs(20);
/// A random delay, so that not all devices ask at once after a power cut.
const MAX_JITTER: Duration = Duration::from_secs(600);

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub struct UpdateThread {
    _alive: Sender<()>,
    newest: ReleaseReceiver,
}

impl UpdateThread {
    /// The last result.
    pub fn watch(&self) -> ReleaseReceiver {
        self.newest.clone()
    }
}

/// Starts the thread, if the settings want it. `spread` is a number that differs between devices.
pub fn spawn(update: &UpdateSettings, models: &ModelSettings, spread: u64) -> Option<UpdateThread> {
    let source = update.source()?;
    let (newest_tx, newest) = watch::channel(None);
    let (_alive, ended) = channel();
    let (models, every) = (models.clone(), Duration::from_secs(update.hours * 3600));
    let mut wait = FIRST_CHECK_DELAY;
    if matches!(source, UpdateSource::Index(_)) {
        wait += Duration::from_secs(spread % MAX_JITTER.as_secs());
    }
    let looking = move || {
        let mut advised = None;
        while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            wait = every;
            match look(&source, &models) {
                Ok(release) => {
                    let advice = release.advice();
                    if advice != advised {
                        if let Some(advice) = &advice {
                            tracing::info!("{advice}");
                        }
                        advised = advice;
                    }
                    newest_tx.send_replace(Some(release));
                }
                Err(error) => tracing::warn!("cannot look for updates: {error}"),
            }
        }
    };
    let spawned = thread::Builder::new().name("update".into()).spawn(looking);
    if let Err(error) = spawned {
        tracing::warn!("nobody looks for updates: {error}");
        return None;
    }
    Some(UpdateThread { _alive, newest })
}

/// Looks once.
///
/// # Errors
/// [`UpdateError`].
pub fn look(source: &UpdateSource, models: &ModelSettings) -> Result<Release, UpdateError> {
    match source {
        UpdateSource::Apt => apt::look(Path::new(apt::APT_CACHE)),
        UpdateSource::Index(url) => {
            let key = TrustedKey::choose(None, &models.public_key)?;
            let fetcher = Fetcher::new(FETCH_TIMEOUT).map_err(UpdateError::Certificates)?;
            Ok(indexed(&fetcher, url, &key)?.against(models))
        }
    }
}

/// A signed index.
fn indexed(fetcher: &Fetcher, url: &str, key: &TrustedKey) -> Result<Index, UpdateError> {
    let signature = fetcher.fetch(&format!("{url}.minisig"), SIGNATURE_BYTES, |_, _| ())?;
    let bytes = fetcher.fetch(url, INDEX_BYTES, |_, _| ())?;
    key.check(&bytes, &signature)?;
    Index::parse(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::tests::{
        Maker,
        fetch::{Server, ok},
    };

    #[test]
    fn an_index_is_believed_only_with_its_makers_signature() {
        let maker = Maker::new();
        let index = br#"{"schema":1,"program":"99.0"}"#;
        let (good, bad) = (maker.sign(index), Maker::new().sign(index));
        let server = Server::new(move |path| match path {
            "/good.json" | "/bad.json" => ok(index),
            "/good.json.minisig" => ok(&good),
            _ => ok(&bad),
        });
        let fetcher = server.fetcher(FETCH_TIMEOUT);
        let read = |path: &str| indexed(&fetcher, &server.url(path), &maker.key());
        assert_eq!(read("/good.json").unwrap().program.to_string(), "99.0.0");
        assert!(matches!(read("/bad.json"), Err(UpdateError::Signed(_))));
    }

    #[test]
    fn no_thread_starts_without_a_source() {
        let models = ModelSettings::default();
        assert!(spawn(&UpdateSettings::default(), &models, 0).is_none());
        let asked = UpdateSettings {
            source: "apt".into(),
            ..UpdateSettings::default()
        };
        let updates = spawn(&asked, &models, 0).unwrap();
        assert_eq!(*updates.watch().borrow(), None);
    }
}

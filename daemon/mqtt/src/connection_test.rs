//! Opens one connection to a broker to see whether it works. Publishes nothing.

use std::time::Duration;

use moodring_base::config::MqttSettings;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::{
    backoff::Backoff,
    connect_options::{ConnectOptions, SessionKind},
    failover::Failover,
    link::{Disconnect, LinkEvent, VersionHint},
    settings,
};

/// The most time that a test from the set-up may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(6);
/// The same at the start of the daemon.
const STARTUP_TEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Which password a trial may send.
#[derive(Clone, Copy)]
pub enum Password<'a> {
    /// The stored one: only to the address that it was stored for.
    Stored,
    /// This one, and no other.
    Given(&'a str),
}

/// Why a trial failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptError {
    /// The settings do not allow it, or a broker answered and refused: the text is for everybody.
    Refused(String),
    /// No broker answered. What happened is for the log alone: it would reveal which ports are open.
    Silent(String),
}

/// Connects to the first broker of the settings; its address. A failure without a broker's answer takes always the same
/// time, whatever is at the address.
///
/// # Errors
/// [`AttemptError`].
pub async fn test_connection(
    settings: &MqttSettings,
    password: Password<'_>,
) -> Result<String, AttemptError> {
    // A name of its own: the daemon's link, if it is to the same broker, stays.
    let id = format!("moodring-try-{}", std::process::id());
    let refused = |e: &dyn ToString| AttemptError::Refused(e.to_string());
    let candidates =
        settings::subscriber_options(settings, &id, SessionKind::Clean).map_err(|e| refused(&e))?;
    let mut connect_options = candidates
        .into_iter()
        .next()
        .ok_or_else(|| refused(&"no broker is named"))?;
    if let Password::Given(password) = password {
        let login = (settings.user.clone(), password.to_owned());
        connect_options.login = Some(login).filter(|(user, _)| !user.is_empty());
    }
    let address = connect_options.broker.to_string();
    let mut failover = Failover::new(vec![connect_options], Backoff::new(0), None);
    let end = Instant::now() + TEST_TIMEOUT;
    let answered = timeout_at(end, connect(&mut failover)).await;
    let lost = match answered {
        Ok(Ok(())) => return Ok(address),
        Ok(Err(lost)) => lost,
        Err(_) => "no answer in time".to_owned().into(),
    };
    let reason = format!("{address}: {}", lost.reason);
    if lost.hint == VersionHint::Spoken {
        return Err(AttemptError::Refused(reason));
    }
    sleep_until(end).await;
    Err(AttemptError::Silent(reason))
}

/// Whether a broker accepts our CONNECT, within [`STARTUP_TEST_TIMEOUT`]. The client id is not the daemon's, so no other connection ends.
pub(super) async fn accepts_login(connect_options: ConnectOptions) -> Result<(), String> {
    let connect_options = ConnectOptions {
        client_id: format!("moodring-try-{}", std::process::id()),
        will: None,
        session: SessionKind::Clean,
        ..connect_options
    };
    let mut failover = Failover::new(vec![connect_options], Backoff::new(0), None);
    let answered = timeout(STARTUP_TEST_TIMEOUT, connect(&mut failover)).await;
    let answered = answered.unwrap_or_else(|_| Err("no answer in time".to_owned().into()));
    answered.map_err(|lost| lost.reason)
}

/// By the first version of MQTT that the broker speaks.
async fn connect(failover: &mut Failover) -> Result<(), Disconnect> {
    loop {
        let mut link = failover.open();
        match link.next().await {
            LinkEvent::Up => {
                // It hears at once that nobody is there any more; if not, it notices.
                let _ = link.close();
                let _ = timeout(Duration::from_millis(300), link.next()).await;
                return Ok(());
            }
            LinkEvent::Lost(lost) => {
                if failover.lost(&lost).is_some() {
                    return Err(lost);
                }
                // By another version, at once.
            }
            _ => return Err("it says something before it lets us in".to_owned().into()),
        }
    }
}

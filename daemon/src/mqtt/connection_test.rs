//! One connection to a broker, to see whether it would work. Publishes nothing.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    backoff::Backoff,
    connect_options::{ConnectOptions, SessionKind},
    failover::Failover,
    link::LinkEvent,
    settings,
};
use crate::config::MqttSettings;

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(6);
/// And at the start of the daemon.
const SOON: Duration = Duration::from_secs(2);

/// Connects to the first broker of the settings with this password, else with the settings' own; its address.
///
/// # Errors
/// The cause, for people.
pub async fn test_connection(
    settings: &MqttSettings,
    password: Option<&str>,
) -> Result<String, String> {
    // A name of its own: the daemon's link, if it is to the same broker, stays.
    let id = format!("moodring-try-{}", std::process::id());
    let ways = settings::reader(settings, &id, SessionKind::Clean).map_err(|e| e.to_string())?;
    let mut way = ways.into_iter().next().ok_or("no broker is named")?;
    if let Some(password) = password {
        way.login = Some((settings.user.clone(), password.to_owned()));
    }
    let address = way.broker.to_string();
    let mut failover = Failover::new(vec![way], Backoff::new(0), None);
    let answered = timeout(WITHIN, connect(&mut failover)).await;
    let answered = answered.unwrap_or_else(|_| Err("no answer in time".into()));
    answered
        .map(|()| address.clone())
        .map_err(|reason| format!("{address}: {reason}"))
}

/// Whether a broker lets us in, for who starts and cannot wait for long. The name is not the daemon's: it ends no connection.
pub(super) async fn lets_in(way: ConnectOptions) -> Result<(), String> {
    let way = ConnectOptions {
        client_id: format!("moodring-try-{}", std::process::id()),
        will: None,
        session: SessionKind::Clean,
        ..way
    };
    let mut failover = Failover::new(vec![way], Backoff::new(0), None);
    let answered = timeout(SOON, connect(&mut failover)).await;
    answered.unwrap_or_else(|_| Err("no answer in time".into()))
}

/// By the first version of MQTT that the broker speaks.
async fn connect(failover: &mut Failover) -> Result<(), String> {
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
                    return Err(lost.reason);
                }
                // By another version, at once.
            }
            _ => return Err("it says something before it lets us in".into()),
        }
    }
}

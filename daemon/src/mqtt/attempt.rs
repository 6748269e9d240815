//! One connection to a broker, to see whether it would work. Publishes nothing.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    link::{Link, News},
    settings,
};
use crate::config::MqttSettings;

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(6);

/// Connects to the first broker of the settings with this password, else with the settings' own; its address.
///
/// # Errors
/// The cause, for people.
pub async fn attempt(settings: &MqttSettings, password: Option<&str>) -> Result<String, String> {
    // A name of its own: the daemon's link, if it is to the same broker, stays.
    let id = format!("moodring-try-{}", std::process::id());
    let ways = settings::reader(settings, &id, false).map_err(|e| e.to_string())?;
    let mut way = ways.into_iter().next().ok_or("no broker is named")?;
    if let Some(password) = password {
        way.options.set_credentials(&settings.user, password);
    }
    let address = way.broker.to_string();
    let mut link = Link::open(way.options);
    let answered = timeout(WITHIN, link.next()).await;
    let said = match answered {
        Ok(News::Up) => Ok(()),
        Ok(News::Lost(reason)) => Err(reason),
        Ok(_) => Err("it says something before it lets us in".into()),
        Err(_) => Err("no answer in time".into()),
    };
    if said.is_ok() {
        // It hears at once that nobody is there any more; if not, it notices.
        let _ = link.close();
        let _ = timeout(Duration::from_millis(300), link.next()).await;
    }
    said.map(|()| address.clone())
        .map_err(|reason| format!("{address}: {reason}"))
}

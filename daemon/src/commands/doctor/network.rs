//! Checks the broker, and the address where newer versions are announced.

use std::{
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use moodring_base::config::{Settings, UpdateSource};

use super::{Finding, bad};

/// How long a broker may take to answer.
const BROKER_TIMEOUT: Duration = Duration::from_secs(3);

/// Whether the settings' broker answers, or our own could start.
pub(super) fn broker(settings: &Settings) -> Finding {
    let mqtt = &settings.mqtt;
    if !mqtt.enabled {
        return Finding::Note("switched off by [mqtt] enabled = false".into());
    }
    if mqtt.url.is_empty() {
        return match std::net::TcpListener::bind(&mqtt.listen) {
            Ok(_) => Finding::Good(format!("{} is free for the embedded one", mqtt.listen)),
            Err(error) => bad(
                format!("{}: {error}", mqtt.listen),
                format!(
                    "if a broker runs there, use it: [mqtt] url = \"mqtt://{}\"; else choose another `listen`",
                    mqtt.listen
                ),
            ),
        };
    }
    let url = match moodring_mqtt::url::parse_all(&mqtt.url) {
        // The first broker is the preferred one.
        Ok(mut all) => all.swap_remove(0),
        Err(error) => return bad(error, "correct [mqtt] url"),
    };
    let address = url.to_string();
    let reached = (url.host.as_str(), url.port)
        .to_socket_addrs()
        .and_then(|mut all| {
            let first = all.next().ok_or(std::io::ErrorKind::NotFound)?;
            TcpStream::connect_timeout(&first, BROKER_TIMEOUT)
        });
    match reached {
        Ok(_) => Finding::Good(format!("{address} answers")),
        Err(error) => bad(
            format!("{address}: {error}"),
            "is it running, is the name right, does a firewall stand between? (`systemctl status mosquitto`)",
        ),
    }
}

/// Whether there is a newer version, if the settings ask for that.
pub(super) fn update(source: &UpdateSource, settings: &Settings) -> Finding {
    match moodring_vision::update::look(source, &settings.models) {
        Ok(release) => match release.advice() {
            Some(advice) => Finding::Note(advice),
            None => Finding::Good(format!("{} is the newest", release.installed_version)),
        },
        Err(error) => bad(error, "correct [update] source, or set it to \"off\""),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn found(change: impl FnOnce(&mut Settings)) -> Finding {
        let mut settings = Settings::default();
        change(&mut settings);
        broker(&settings)
    }

    /// What is wrong, and its mending line.
    fn wrong(finding: Finding) -> (String, String) {
        match finding {
            Finding::Bad(text, mend) => (text, mend),
            Finding::Good(text) | Finding::Note(text) => panic!("not wrong: {text}"),
        }
    }

    #[test]
    fn a_broker_that_is_away_is_distinguished_from_one_that_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = format!("mqtt://{address}");
        let there = found(|s| s.mqtt.url = url.clone());
        assert!(matches!(there, Finding::Good(text) if text.contains("answers")));
        drop(listener);
        let (text, mend) = wrong(found(|s| s.mqtt.url = url));
        assert!(text.contains(&address.to_string()), "{text}");
        assert!(mend.contains("systemctl status mosquitto"), "{mend}");
        let (_, mend) = wrong(found(|s| s.mqtt.url = "mqtt://no.such.host.invalid".into()));
        assert!(mend.contains("is the name right"), "{mend}");
        let (_, mend) = wrong(found(|s| s.mqtt.url = "http://x".into()));
        assert!(mend.contains("[mqtt] url"), "{mend}");
    }

    #[test]
    fn a_taken_port_is_offered_as_the_broker() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (_, mend) = wrong(found(|s| s.mqtt.listen = address.clone()));
        assert!(
            mend.contains(&format!("url = \"mqtt://{address}\"")),
            "{mend}"
        );
        assert!(matches!(
            found(|s| s.mqtt.enabled = false),
            Finding::Note(_)
        ));
    }

    #[test]
    fn a_search_for_updates_without_a_key_is_reported() {
        if option_env!("MOODRING_PUBLIC_KEY").is_some() {
            return;
        }
        let source = UpdateSource::Index("https://localhost:9/index.json".into());
        let (text, mend) = wrong(update(&source, &Settings::default()));
        assert!(text.contains("public key"), "{text}");
        assert!(mend.contains("[update] source"), "{mend}");
    }
}

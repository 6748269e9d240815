//! TLS and WebSockets against a real mosquitto, with certificates made for each test.

use std::{fs, path::PathBuf};

use moodring_base::{
    config::MqttSettings,
    message::{DeviceName, Identity, RunId},
    snapshot::BrokerState::Online,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::harness::{Mosquitto, TestDaemon, free_port, is_installed, within};
use crate::{
    connect_options::Version,
    link::{Link, LinkEvent},
    settings::CheckedSettings,
};

/// An authority, and certificates signed by it, as files.
struct Authority {
    dir: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Without names of their own, issuer and subject have the same, which OpenSSL takes for self-signed.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).unwrap();
        fs::write(dir.path().join("ca.pem"), own.pem()).unwrap();
        Self {
            dir,
            issuer: Issuer::new(params, key),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn ca(&self) -> String {
        self.file("ca.pem").to_str().unwrap().to_owned()
    }

    /// Writes `NAME.pem` and `NAME.key` for a host.
    fn issue_certificate(&self, name: &str, host: &str, until_year: i32) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until_year, 1, 1);
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(self.file(&format!("{name}.pem")), signed.pem()).unwrap();
        fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// A mosquitto with the certificate of this name.
    async fn mosquitto(&self, name: &str, more: &str) -> Mosquitto {
        let path = |ending: &str| self.file(&format!("{name}.{ending}")).display().to_string();
        let access = format!(
            "allow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\n{more}",
            self.ca(),
            path("pem"),
            path("key"),
        );
        Mosquitto::start_with(&self.dir, free_port(), &access).await
    }
}

/// What comes of one attempt by each version, which is the same.
async fn attempt(settings: MqttSettings) -> Result<(), String> {
    let by_5 = attempt_by(&settings, Version::V5).await;
    let by_3 = attempt_by(&settings, Version::V3).await;
    assert_eq!(by_5.is_ok(), by_3.is_ok(), "{by_5:?}, {by_3:?}");
    by_5.and(by_3)
}

async fn attempt_by(settings: &MqttSettings, version: Version) -> Result<(), String> {
    attempt_at(settings, version, None).await
}

/// At this address of the broker's name, if one is given.
async fn attempt_at(
    settings: &MqttSettings,
    version: Version,
    address: Option<std::net::SocketAddr>,
) -> Result<(), String> {
    let identity = Identity::new(DeviceName::new("hall").unwrap(), RunId::new(1));
    let mut plan = CheckedSettings::new(settings, &identity).map_err(|error| error.to_string())?;
    let connect_options = plan.brokers.swap_remove(0).at(address);
    let mut link = Link::open(&connect_options, version, false);
    loop {
        match within("an answer", link.next()).await {
            LinkEvent::Up => return Ok(()),
            LinkEvent::Lost(lost) => return Err(lost.reason),
            _ => {}
        }
    }
}

fn settings(broker: &Mosquitto, ca_file: &str) -> MqttSettings {
    MqttSettings {
        url: format!("mqtts://localhost:{}", broker.port),
        ca_file: ca_file.to_owned(),
        ..MqttSettings::default()
    }
}

#[tokio::test]
async fn a_broker_with_a_good_certificate_gets_everything() {
    if !is_installed() {
        return;
    }
    let authority = Authority::new();
    authority.issue_certificate("good", "localhost", 2100);
    let broker = authority.mosquitto("good", "").await;
    let daemon = TestDaemon::start_with(settings(&broker, &authority.ca()));
    daemon.wait_until(Online).await;
    daemon.tell_appeared(1);
    // It ends only when the broker has the event and the goodbye.
    within("a stop", daemon.stop()).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said() {
    if !is_installed() {
        return;
    }
    let (authority, other) = (Authority::new(), Authority::new());
    authority.issue_certificate("good", "localhost", 2100);
    authority.issue_certificate("old", "localhost", 2021);
    authority.issue_certificate("else", "other.example", 2100);
    for (certificate, ca_file, reason) in [
        ("good", other.ca(), "ca_file"),
        ("good", String::new(), "ca_file"),
        ("old", authority.ca(), "expired"),
        ("else", authority.ca(), "another host name"),
    ] {
        let broker = authority.mosquitto(certificate, "").await;
        let refused = attempt(settings(&broker, &ca_file)).await.unwrap_err();
        assert!(refused.contains(reason), "{certificate}: {refused}");
    }
    let plain = Mosquitto::start(&other.dir, free_port()).await;
    let refused = attempt(settings(&plain, &authority.ca())).await;
    assert!(refused.is_err(), "no TLS, no connection");
}

#[tokio::test]
async fn a_device_shows_its_own_certificate() {
    if !is_installed() {
        return;
    }
    let (authority, other) = (Authority::new(), Authority::new());
    authority.issue_certificate("good", "localhost", 2100);
    authority.issue_certificate("device", "hall", 2100);
    other.issue_certificate("device", "hall", 2100);
    let broker = authority
        .mosquitto("good", "require_certificate true\n")
        .await;
    let with = |from: &Authority| MqttSettings {
        cert_file: from.file("device.pem").to_str().unwrap().into(),
        key_file: from.file("device.key").to_str().unwrap().into(),
        ..settings(&broker, &authority.ca())
    };
    assert_eq!(attempt(with(&authority)).await, Ok(()));
    let nobody = attempt(settings(&broker, &authority.ca()))
        .await
        .unwrap_err();
    assert!(nobody.contains("cert_file"), "{nobody}");
    assert!(attempt(with(&other)).await.is_err());
    // A key that belongs to another certificate, or none: an error at the start, without what is in the file.
    let mut mixed = with(&authority);
    mixed.key_file = authority.file("good.key").to_str().unwrap().into();
    let error = attempt(mixed.clone()).await.unwrap_err();
    assert!(error.contains("cert_file"), "{error}");
    mixed.key_file = authority.ca();
    let error = attempt(mixed).await.unwrap_err();
    assert!(
        error.contains("key_file") && !error.contains("MII"),
        "{error}"
    );
}

#[tokio::test]
async fn a_websocket_works_too() {
    if !is_installed() {
        return;
    }
    let dir = TempDir::new().unwrap();
    // Mosquitto 2.0.11 does not start with WebSockets alone.
    let also = || format!("listener {} 127.0.0.1\n", free_port());
    let access = format!("protocol websockets\nallow_anonymous true\n{}", also());
    let broker = Mosquitto::start_with(&dir, free_port(), &access).await;
    let web = MqttSettings {
        url: format!("ws://127.0.0.1:{}/mqtt", broker.port),
        ..MqttSettings::default()
    };
    assert_eq!(attempt(web).await, Ok(()));
    let authority = Authority::new();
    authority.issue_certificate("good", "localhost", 2100);
    let broker = authority
        .mosquitto("good", &format!("protocol websockets\n{}", also()))
        .await;
    let secure = |ca_file: String| MqttSettings {
        url: format!("wss://localhost:{}", broker.port),
        ca_file,
        ..MqttSettings::default()
    };
    assert_eq!(attempt(secure(authority.ca())).await, Ok(()));
    let refused = attempt(secure(Authority::new().ca())).await.unwrap_err();
    assert!(refused.contains("ca_file"), "{refused}");
}

/// The name of `.invalid` cannot be looked up, so whoever gets in did it by the address, and with a certificate for the name.
#[tokio::test]
async fn another_address_of_a_name_is_used_and_the_certificate_is_for_the_name() {
    if !is_installed() {
        return;
    }
    let authority = Authority::new();
    authority.issue_certificate("good", "broker.invalid", 2100);
    authority.issue_certificate("else", "127.0.0.1", 2100);
    let also = format!("listener {} 127.0.0.1\n", free_port());
    let web = format!("protocol websockets\n{also}");
    for (scheme, more) in [("mqtts", ""), ("wss", web.as_str())] {
        for (certificate, fine) in [("good", true), ("else", false)] {
            let broker = authority.mosquitto(certificate, more).await;
            let settings = MqttSettings {
                url: format!("{scheme}://broker.invalid:{}", broker.port),
                ca_file: authority.ca(),
                ..MqttSettings::default()
            };
            let address = Some(([127, 0, 0, 1], broker.port).into());
            for version in [Version::V5, Version::V3] {
                let by_address = attempt_at(&settings, version, address).await;
                assert_eq!(
                    by_address.is_ok(),
                    fine,
                    "{scheme} {certificate}: {by_address:?}"
                );
                if let Err(reason) = by_address {
                    assert!(reason.contains("another host name"), "{reason}");
                }
            }
        }
    }
}

/// Who serves many names at one address goes by the header Host.
#[tokio::test]
async fn a_websocket_to_an_address_asks_for_the_name() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for version in [Version::V5, Version::V3] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                assert!(stream.read_buf(&mut head).await.unwrap() > 0);
            }
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n").await;
            String::from_utf8(head).unwrap()
        });
        let settings = MqttSettings {
            url: format!("ws://broker.invalid:{}/my/path", address.port()),
            ..MqttSettings::default()
        };
        assert!(attempt_at(&settings, version, Some(address)).await.is_err());
        let head = within("a request", server)
            .await
            .unwrap()
            .to_ascii_lowercase();
        let host = format!("\r\nhost: broker.invalid:{}\r\n", address.port());
        assert!(
            head.starts_with("get /my/path ") && head.contains(&host),
            "{head}"
        );
        assert_eq!(head.matches("\r\nhost:").count(), 1, "{head}");
    }
}

/// As `openssl req -x509` makes it: its own authority. Home brokers have such a one.
#[tokio::test]
async fn the_usual_self_signed_certificate_works_when_it_is_pinned() {
    if !is_installed() {
        return;
    }
    let (dir, key) = (TempDir::new().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::new(vec!["broker".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(file("own.pem"), own.pem()).unwrap();
    fs::write(file("own.key"), key.serialize_pem()).unwrap();
    let access = format!(
        "allow_anonymous true\ncertfile {}\nkeyfile {}\n",
        file("own.pem"),
        file("own.key")
    );
    let broker = Mosquitto::start_with(&dir, free_port(), &access).await;
    let digest = ring::digest::digest(&ring::digest::SHA256, own.der());
    let fingerprint: Vec<_> = digest.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    let by_file = settings(&broker, &file("own.pem"));
    let by_fingerprint = MqttSettings {
        fingerprint: fingerprint.join(":"),
        ..settings(&broker, "")
    };
    for pinned in [by_file, by_fingerprint] {
        assert_eq!(attempt(pinned).await, Ok(()));
    }
    let other = MqttSettings {
        fingerprint: "0f".repeat(32),
        ..settings(&broker, "")
    };
    for refused in [other, settings(&broker, "")] {
        let reason = attempt(refused).await.unwrap_err();
        assert!(
            reason.contains("ca_file") && !reason.contains("CaUsed"),
            "{reason}"
        );
    }
}

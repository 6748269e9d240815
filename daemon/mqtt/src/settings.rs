//! Checks `[mqtt]` and turns it into the types that the client needs.

use std::{
    env, fs,
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use moodring_base::{
    config::{MqttSettings, MqttVersion},
    message::{Identity, Status},
};

use super::{
    MqttError, broker,
    connect_options::{ConnectOptions, SessionKind, Will},
    connection_test,
    protocol::StateLimits,
    tls,
    topic::Topics,
    url::{self, BrokerAddress, Scheme},
};

/// States a second at most: one per 200 ms.
const GAP_MS: u64 = 200;

/// Settings that can work. Not `Debug`: it holds the password.
pub(super) struct CheckedSettings {
    pub(super) topics: Topics,
    pub(super) pace: StateLimits,
    /// In the order in which they are tried; none if no broker could be had.
    pub(super) brokers: Vec<ConnectOptions>,
    /// The embedded broker, if it is the one. Held only for its end: dropping it closes its port.
    pub(super) embedded: Option<broker::Broker>,
}

/// Settings that can work, before anything is opened.
pub(super) struct Draft {
    topics: Topics,
    pace: StateLimits,
    login: Option<(String, String)>,
    brokers: Vec<ConnectOptions>,
    /// Where the embedded broker is to listen, if no other is named.
    listen: Option<SocketAddr>,
}

impl Draft {
    /// Checks the settings and the files that they name.
    ///
    /// # Errors
    /// [`MqttError`] for the first setting that cannot work.
    pub(super) fn read(settings: &MqttSettings, identity: &Identity) -> Result<Self, MqttError> {
        let topics = Topics::new(&settings.prefix, &identity.device)?;
        let pace = pace(settings)?;
        let login = login(settings)?;
        let (addresses, listen) = if settings.url.trim().is_empty() {
            if settings.version == MqttVersion::V5 {
                return Err(MqttError::EmbeddedVersion);
            }
            let listen = broker::address(&settings.listen, login.as_ref())?;
            (vec![address_of(listen)], Some(listen))
        } else {
            (url::parse_all(&settings.url)?, None)
        };
        // The same name in each run: a broker then drops what is left of a killed run, and sends its will, at once.
        let client_id = format!("moodring-{}", identity.device.as_str());
        let session = session(settings);
        let mut brokers = connect_options(settings, addresses, login.clone(), &client_id, session)?;
        for connect_options in &mut brokers {
            connect_options.will = Some(Will {
                topic: topics.status(),
                payload: Status::Offline.name().into(),
            });
        }
        Ok(Self {
            topics,
            pace,
            login,
            brokers,
            listen,
        })
    }

    /// Starts the embedded broker where it is wanted. A port that is in use is no reason to end: the broker that is there will
    /// do, else another port, else none.
    ///
    /// # Errors
    /// [`MqttError::NoBroker`] if this program has none.
    pub(super) fn open(mut self) -> Result<CheckedSettings, MqttError> {
        let embedded = match self.listen {
            Some(listen) => self.start(listen)?,
            None => None,
        };
        Ok(CheckedSettings {
            topics: self.topics,
            pace: self.pace,
            brokers: self.brokers,
            embedded,
        })
    }

    fn start(&mut self, listen: SocketAddr) -> Result<Option<broker::Broker>, MqttError> {
        let any_port = SocketAddr::new(listen.ip(), 0);
        let mut started = broker::Broker::start(listen, self.login.clone());
        if matches!(started, Err(MqttError::PortInUse { .. })) {
            if self.is_taken_in() {
                tracing::info!(
                    "a broker answers at {listen} already: using that one, and starting none"
                );
                return Ok(None);
            }
            started = broker::Broker::start(any_port, self.login.clone());
            if let Ok(broker) = &started {
                tracing::warn!(
                    "the port of {listen} is in use by something that does not take us: the embedded broker is at {} instead. \
                     Set [mqtt] listen to a free port, or url to your broker",
                    broker.address()
                );
            }
        }
        match started {
            Ok(broker) => {
                for connect_options in &mut self.brokers {
                    connect_options.broker = address_of(broker.address());
                    if connect_options.version == MqttVersion::Auto {
                        // rumqttd speaks one version on a port, and ours speaks this one.
                        connect_options.version = MqttVersion::V3;
                    }
                }
                Ok(Some(broker))
            }
            Err(MqttError::NoBroker) => Err(MqttError::NoBroker),
            Err(error) => {
                tracing::warn!("{error}. Going on without a broker");
                self.brokers.clear();
                Ok(None)
            }
        }
    }

    /// Whether a broker that is there already lets us in.
    fn is_taken_in(&self) -> bool {
        let Some(connect_options) = self.brokers.first().cloned() else {
            return false;
        };
        // In a thread of its own: this one may have a runtime that must not be waited in.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .ok()?;
            runtime
                .block_on(connection_test::accepts_login(connect_options))
                .ok()
        });
        thread.join().is_ok_and(|answer| answer.is_some())
    }
}

impl CheckedSettings {
    /// Checks the settings and, where no broker is named, starts the embedded one.
    ///
    /// # Errors
    /// [`MqttError`] for the first setting that cannot work.
    pub(super) fn new(settings: &MqttSettings, identity: &Identity) -> Result<Self, MqttError> {
        Draft::read(settings, identity)?.open()
    }
}

/// Checks everything that `CheckedSettings::new` checks, and opens nothing.
///
/// # Errors
/// [`MqttError`] for the first setting that cannot work.
pub fn check(settings: &MqttSettings, identity: &Identity) -> Result<(), MqttError> {
    if !settings.enabled {
        return Ok(());
    }
    Draft::read(settings, identity)?;
    super::homie::check(settings)
}

/// Where this machine reaches what listens there.
fn address_of(listen: SocketAddr) -> BrokerAddress {
    BrokerAddress {
        scheme: Scheme::Tcp,
        host: bracketed(reachable(listen.ip())),
        port: listen.port(),
        path: String::new(),
    }
}

/// What a client needs that only reads, for each broker in the order in which they are tried; at least one. An empty
/// `url` means the broker of this machine, whoever started it.
///
/// # Errors
/// [`MqttError`] for the first setting that cannot work.
pub(super) fn subscriber_options(
    settings: &MqttSettings,
    client_id: &str,
    session: SessionKind,
) -> Result<Vec<ConnectOptions>, MqttError> {
    let brokers = match settings.url.trim() {
        "" => vec![url::parse(&format!("mqtt://{}", settings.listen.trim()))?],
        named => url::parse_all(named)?,
    };
    connect_options(settings, brokers, login(settings)?, client_id, session)
}

/// What the broker keeps for a client that obeys commands.
pub(super) fn session(settings: &MqttSettings) -> SessionKind {
    match settings.session_s {
        0 => SessionKind::Clean,
        seconds => SessionKind::Brief(Duration::from_secs(seconds.into())),
    }
}

/// The options of each connection; those of all brokers are the same but for the address.
fn connect_options(
    settings: &MqttSettings,
    brokers: Vec<BrokerAddress>,
    login: Option<(String, String)>,
    client_id: &str,
    session: SessionKind,
) -> Result<Vec<ConnectOptions>, MqttError> {
    // rumqttc takes no less for MQTT 5.
    if settings.keep_alive_s < 5 {
        return Err(MqttError::KeepAlive(settings.keep_alive_s));
    }
    // Files that are named are checked even if no broker needs them now.
    let named = [
        &settings.ca_file,
        &settings.fingerprint,
        &settings.cert_file,
        &settings.key_file,
    ];
    let is_secure = brokers.iter().any(|broker| broker.scheme.is_secure());
    let tls = if is_secure || named.iter().any(|file| !file.is_empty()) {
        Some(tls::config(settings)?)
    } else {
        None
    };
    let connect_options = |broker: BrokerAddress| ConnectOptions {
        broker,
        address: None,
        version: settings.version,
        client_id: client_id.to_owned(),
        login: login.clone(),
        tls: tls.clone(),
        keep_alive: Duration::from_secs(settings.keep_alive_s.into()),
        will: None,
        session,
    };
    Ok(brokers.into_iter().map(connect_options).collect())
}

/// Where this machine reaches what listens on an address.
fn reachable(ip: std::net::IpAddr) -> std::net::IpAddr {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    match ip {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    }
}

fn bracketed(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(v4) => v4.to_string(),
        std::net::IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

fn pace(settings: &MqttSettings) -> Result<StateLimits, MqttError> {
    let interval_s = settings.interval_s;
    // NaN is in no range.
    if !(0.2..=86_400.0).contains(&interval_s) {
        return Err(MqttError::Interval(interval_s));
    }
    Ok(StateLimits {
        interval_ms: (f64::from(interval_s) * 1_000.0).round() as u64,
        gap_ms: GAP_MS,
        patience_ms: u64::from(settings.wait_for_subscriber_s) * 1_000,
    })
}

fn login(settings: &MqttSettings) -> Result<Option<(String, String)>, MqttError> {
    login_with(
        settings,
        env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
    )
}

/// The name of the systemd credential that holds the password: `LoadCredential=mqtt-password:FILE` in the unit.
const CREDENTIAL: &str = "mqtt-password";

fn login_with(
    settings: &MqttSettings,
    credentials: Option<PathBuf>,
) -> Result<Option<(String, String)>, MqttError> {
    let credential = credentials.map(|folder| folder.join(CREDENTIAL));
    match (settings.user.as_str(), settings.password_file.as_str()) {
        ("", "") => Ok(None),
        ("", _) => Err(MqttError::User),
        (user, "") => {
            let password = match credential.filter(|file| file.exists()) {
                Some(file) => read_password(&file)?,
                None => String::new(),
            };
            Ok(Some((user.to_owned(), password)))
        }
        (user, file) => Ok(Some((user.to_owned(), read_password(Path::new(file))?))),
    }
}

/// The longest password file read: MQTT's limit for a password.
const MAX_PASSWORD_BYTES: u64 = 65_535;

fn read_password(path: &Path) -> Result<String, MqttError> {
    let fail = |reason: String| MqttError::Password {
        path: path.to_owned(),
        reason,
    };
    let mut text = String::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_PASSWORD_BYTES).read_to_string(&mut text))
        .map_err(|error| fail(error.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_owned()),
        _ => Err(fail("its first line is empty".to_owned())),
    }
}

#[cfg(test)]
mod tests;

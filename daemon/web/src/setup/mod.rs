//! First steps: turns a person's answers into settings. Everything is checked before the file is written.
//!
//! | file | what it does |
//! |---|---|
//! | `edit` | changes keys of a TOML text and leaves the rest, comments included |
//! | `file` | replaces the file in one step and keeps the old one |
//! | [`probe`] | tries a camera, a display, a broker |
//! | [`sentence`] | what a trial found, in English and by the keys of the table of texts |
//!
//! Knows no HTTP. It accepts no command line and no file as a camera: those may be set only by those who can edit the
//! file.

mod edit;
mod file;
pub mod probe;
pub mod sentence;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use moodring_base::{
    config::{ConfigError, Location, MqttSettings, Settings, board::BOARDS},
    message::DeviceName,
};
use moodring_camera::{Source, address::HttpAddress};
use moodring_mqtt::url;
use serde::Deserialize;
use toml::Value;

use self::file::Access;

/// What may be answered for the display, besides the name of a board.
pub const NO_DISPLAY: &str = "none";
/// A screen that the kernel knows, full screen.
pub const SCREEN: &str = "screen";
/// Leaves the settings of the display as they are.
pub const SAME_DISPLAY: &str = "as it is";

/// The answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Where the device stands.
    pub place: Location,
    /// Whether people are informed.
    pub acknowledged: bool,
    /// Who is responsible for it.
    pub responsible: String,
    /// What people can do who do not want to be seen.
    pub way_out: String,
    /// The device's name; empty: the host's.
    pub device: String,
    /// One of the sources that were offered, or the address of a camera in the network.
    pub camera: String,
    /// [`NO_DISPLAY`], [`SAME_DISPLAY`], [`SCREEN`] or a board.
    pub display: String,
    /// The link to a broker.
    pub broker: Broker,
}

/// The part about the broker.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Whether to publish.
    pub enabled: bool,
    /// Its address; empty: the embedded one.
    pub url: String,
    /// The user's name; empty: none.
    pub user: String,
    /// The password; empty: unchanged.
    pub password: String,
}

impl Broker {
    /// Whether this is the broker and the user that the stored password is for.
    pub(crate) fn keeps_secret_of(&self, settings: &MqttSettings) -> bool {
        self.url.trim() == settings.url.trim() && self.user == settings.user
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            enabled: true,
            url: String::new(),
            user: String::new(),
            password: String::new(),
        }
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An answer that is not possible.
    #[error("{0}")]
    Answer(String),
    /// The resulting settings would not work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file cannot be read, or is not TOML.
    #[error("cannot read {path}: {reason}. Mend or remove it first")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The file cannot be written; the text is in here, for the user to write.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
        /// The whole text.
        text: String,
    },
}

impl SetupError {
    fn unread(path: &Path, reason: impl ToString) -> Self {
        Self::Read {
            path: path.into(),
            reason: reason.to_string(),
        }
    }

    fn unwritten(path: &Path, text: &str, reason: &std::io::Error) -> Self {
        Self::Write {
            path: path.into(),
            reason: reason.to_string(),
            text: text.into(),
        }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The settings' file.
    pub file: PathBuf,
    /// The one before, if there was one.
    pub before: Option<PathBuf>,
}

/// Writes the answers into the file. `cameras` are the sources that were offered, `running` the link as it is now.
///
/// # Errors
/// [`SetupError`]; the file is as it was then.
pub fn save(
    path: &Path,
    answers: &Answers,
    cameras: &[String],
    running: &MqttSettings,
) -> Result<Saved, SetupError> {
    let (old, settings) = current(path)?;
    let mut keys = keys(answers, cameras, &settings)?;
    let own = path.with_file_name(PASSWORD_FILE);
    let secret = secret(&answers.broker, &[&settings.mqtt, running])?;
    match secret {
        Secret::New(_) => {
            let text = own.to_str().ok_or_else(|| {
                SetupError::Answer("the settings' folder has a name that is not UTF-8".into())
            })?;
            keys.push(("mqtt", "password_file", text.into()));
        }
        Secret::Drop if !settings.mqtt.password_file.is_empty() => {
            keys.push(("mqtt", "password_file", "".into()));
        }
        Secret::Keep | Secret::Drop => {}
    }
    let text = changed(path, old.as_deref(), &keys)?;
    let unwritten = |reason| SetupError::unwritten(path, &text, &reason);
    if let Secret::New(password) = secret {
        file::replace(&own, &format!("{password}\n"), Access::Secret).map_err(unwritten)?;
    }
    let access = match address(&answers.camera) {
        Some(address) if address.login().is_some() => Access::NotOthers,
        _ => Access::AsBefore,
    };
    let before = file::replace(path, &text, access).map_err(unwritten)?;
    if matches!(secret, Secret::Drop) && Path::new(&settings.mqtt.password_file) == own {
        // Nobody reads it any more; one that is not there is as good.
        let _ = std::fs::remove_file(&own);
    }
    Ok(Saved {
        file: path.into(),
        before,
    })
}

/// Sets one key in the file and leaves the rest; the file need not be there yet.
///
/// # Errors
/// [`SetupError`]; the file is as it was then.
pub fn set_key(
    path: &Path,
    section: &'static str,
    key: &'static str,
    value: &str,
) -> Result<Saved, SetupError> {
    let (old, _) = current(path)?;
    let text = changed(path, old.as_deref(), &[(section, key, value.into())])?;
    let before = file::replace(path, &text, Access::AsBefore);
    Ok(Saved {
        before: before.map_err(|reason| SetupError::unwritten(path, &text, &reason))?,
        file: path.into(),
    })
}

/// The file's text, if there is one, and the settings that it means.
fn current(path: &Path) -> Result<(Option<String>, Settings), SetupError> {
    let old = file::read(path).map_err(|e| SetupError::unread(path, e.to_string()))?;
    let settings = match &old {
        Some(text) => toml::from_str(text).map_err(|e| SetupError::unread(path, e.message()))?,
        None => Settings::default(),
    };
    Ok((old, settings))
}

/// The text with these keys set, if the settings that it means can work.
fn changed(path: &Path, old: Option<&str>, keys: &[Key]) -> Result<String, SetupError> {
    let text = edit::set(old.unwrap_or_default(), keys);
    let text = text.map_err(|e| SetupError::unread(path, e))?;
    let changed: Settings =
        toml::from_str(&text).map_err(|e| SetupError::unread(path, e.message()))?;
    changed.validate()?;
    Ok(text)
}

/// The file of the broker's password, beside the settings.
const PASSWORD_FILE: &str = "mqtt-password";

/// What becomes of the broker's password.
enum Secret<'a> {
    New(&'a str),
    /// The address and the user are those that it was stored for.
    Keep,
    /// It was stored for another broker, and must not be sent to this one.
    Drop,
}

fn secret<'a>(answer: &'a Broker, stored_for: &[&MqttSettings]) -> Result<Secret<'a>, SetupError> {
    let refuse = |text: &str| Err(SetupError::Answer(text.into()));
    if !answer.password.is_empty() {
        if answer.user.is_empty() {
            return refuse("the broker: a password needs a user");
        }
        if answer.password.contains(['\n', '\r', '\0']) {
            return refuse("the broker: a password is one line");
        }
        return Ok(Secret::New(&answer.password));
    }
    if answer.user.is_empty() {
        // A password without a user is refused at the start.
        return Ok(Secret::Drop);
    }
    if stored_for
        .iter()
        .any(|settings| answer.keeps_secret_of(settings))
    {
        return Ok(Secret::Keep);
    }
    if has_credential() {
        return refuse(
            "the broker: the password that systemd gives (LoadCredential=mqtt-password) is for the broker before; \
             type this one's",
        );
    }
    Ok(Secret::Drop)
}

/// Whether systemd hands a password to the daemon.
fn has_credential() -> bool {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    folder.is_some_and(|folder| Path::new(&folder).join(PASSWORD_FILE).exists())
}

type Key = (&'static str, &'static str, Value);

/// The address of a camera in the network, if the answer is one.
pub fn address(camera: &str) -> Option<HttpAddress> {
    match camera.parse() {
        Ok(Source::Http(address) | Source::Rtsp(address)) => Some(address),
        _ => None,
    }
}

/// The keys to set: only those that differ from the present settings.
fn keys(answers: &Answers, cameras: &[String], now: &Settings) -> Result<Vec<Key>, SetupError> {
    answers.place.validate()?;
    let refuse = |text: &str| Err(SetupError::Answer(text.into()));
    if !answers.acknowledged {
        return refuse(
            "first confirm that people are informed: hang up the notice where they see it",
        );
    }
    if let Err(reason) = DeviceName::new(&answers.device)
        && !answers.device.is_empty()
    {
        return refuse(&format!("the device's name: {reason}"));
    }
    let camera = &answers.camera;
    if *camera != now.camera.source && !cameras.contains(camera) && address(camera).is_none() {
        return refuse(
            "the camera: take one of the list, or an address that begins with http://, https://, rtsp:// or rtsps://; \
             commands and files are set in the file",
        );
    }
    let broker = &answers.broker;
    if !broker.url.is_empty() {
        url::parse_all(&broker.url).map_err(|e| SetupError::Answer(format!("the broker: {e}")))?;
    }
    let place = toml::Value::try_from(answers.place);
    let place = place.map_err(|e| SetupError::Answer(e.to_string()))?;
    let mut keys: Vec<Key> = vec![
        ("", "place", place),
        ("notice", "acknowledged", true.into()),
        ("notice", "responsible", answers.responsible.as_str().into()),
        ("notice", "way_out", answers.way_out.as_str().into()),
        ("device", "id", answers.device.as_str().into()),
        ("camera", "source", camera.as_str().into()),
        ("mqtt", "enabled", broker.enabled.into()),
        ("mqtt", "url", broker.url.as_str().into()),
        ("mqtt", "user", broker.user.as_str().into()),
    ];
    keys.extend(display(&answers.display)?);
    let table = toml::Table::try_from(now).map_err(|e| SetupError::Answer(e.to_string()))?;
    let same = |(section, key, value): &Key| {
        let part = match *section {
            "" => Some(&table),
            section => table.get(section).and_then(Value::as_table),
        };
        part.and_then(|part| part.get(*key)) == Some(value)
    };
    keys.retain(|key| !same(key));
    Ok(keys)
}

fn display(answer: &str) -> Result<Vec<Key>, SetupError> {
    match answer {
        SAME_DISPLAY => Ok(Vec::new()),
        kind @ (NO_DISPLAY | SCREEN) => Ok(vec![("display", "kind", kind.into())]),
        board if BOARDS.iter().any(|known| known.name == board) => Ok(vec![
            ("display", "kind", "spi".into()),
            ("display", "board", board.into()),
        ]),
        _ => Err(SetupError::Answer(
            "the display: take one of the list; others are set in the file".into(),
        )),
    }
}

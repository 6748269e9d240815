//! Loads the settings from all places in order, and names key and place of an error.

use std::path::{Path, PathBuf};

use figment::{
    Figment,
    error::{Actual, Kind},
    providers::{Format, Serialized, Toml},
    value::Value,
};
use serde::Serialize;

use super::{ConfigError, Settings, environment::Environment, panel::BOARD};

/// Where to look for a configuration file when none is named.
const USUAL_PLACES: [&str; 2] = ["moodring.toml", "/etc/moodring/moodring.toml"];

/// Values from the command line; they override everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides(Vec<(&'static str, Value)>);

impl Overrides {
    /// Sets a dotted key if the flag was given.
    #[must_use]
    pub fn set<T: Serialize>(mut self, key: &'static str, value: Option<T>) -> Self {
        if let Some(value) = value.and_then(|v| Value::serialize(v).ok()) {
            self.0.push((key, value));
        }
        self
    }
}

/// Loads the settings: defaults, `file` (or the first usual place that exists), environment, flags; then checks every
/// range. Also returns the file that was read.
///
/// # Errors
/// [`ConfigError`] that names the key, its place and what would work.
pub fn load(
    file: Option<&Path>,
    flags: &Overrides,
) -> Result<(Settings, Option<PathBuf>), ConfigError> {
    let file = match file {
        Some(path) => Some(path.to_owned()),
        None => USUAL_PLACES
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file()),
    };
    let mut figment = Figment::from(Serialized::defaults(Settings::default()));
    if let Some(path) = &file {
        let read = |e: std::io::Error| ConfigError::Read {
            path: path.clone(),
            reason: e.to_string(),
        };
        let text = std::fs::read(path).map_err(read)?;
        let text = String::from_utf8(text).map_err(|_| ConfigError::Read {
            path: path.clone(),
            reason: "it is not UTF-8 text".into(),
        })?;
        figment = figment.merge(Toml::string(&text));
    }
    figment = figment.merge(Environment::of_process()?);
    for (key, value) in &flags.0 {
        figment = figment.merge(Serialized::default(key, value));
    }
    let settings: Settings = figment
        .extract()
        .map_err(|error| explain(error, file.as_deref()))?;
    settings.validate()?;
    Ok((settings, file))
}

/// Where settings came from, to read them again while the daemon runs.
#[derive(Clone, Debug, Default)]
pub struct SettingsSource {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// The command line's.
    pub flags: Overrides,
}

impl SettingsSource {
    /// Reads them again.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&self) -> Result<Settings, ConfigError> {
        load(self.file.as_deref(), &self.flags).map(|(settings, _)| settings)
    }
}

/// The keys whose values differ, such as `mqtt.url`.
pub fn differences(before: &Settings, now: &Settings) -> Vec<String> {
    let table = |settings| toml::Table::try_from(settings).unwrap_or_default();
    let mut keys = Vec::new();
    compare(&table(before), &table(now), "", &mut keys);
    keys
}

fn compare(before: &toml::Table, now: &toml::Table, path: &str, keys: &mut Vec<String>) {
    let mut all: Vec<_> = before.keys().chain(now.keys()).collect();
    all.sort();
    all.dedup();
    for key in all {
        let name = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (before.get(key), now.get(key)) {
            (Some(toml::Value::Table(before)), Some(toml::Value::Table(now))) => {
                compare(before, now, &name, keys)
            }
            (before, now) if before != now => keys.push(name),
            _ => {}
        }
    }
}

/// figment's error as a text that names the key, its place and the way out.
fn explain(error: figment::Error, file: Option<&Path>) -> ConfigError {
    let name = error
        .metadata
        .as_ref()
        .map(|m| m.name.to_string())
        .unwrap_or_default();
    let place = if name.contains("TOML") {
        file.map_or_else(
            || "the configuration".into(),
            |path| path.display().to_string(),
        )
    } else if name.contains("environment") {
        "the environment (MOODRING_...)".into()
    } else {
        "the command line".into()
    };
    let mut path = error.path.clone();
    match error.kind {
        Kind::UnknownField(key, known) => {
            // figment repeats the unknown key at the end of some paths.
            if path.last() != Some(&key) {
                path.push(key.clone());
            }
            ConfigError::UnknownKey {
                key: path.join("."),
                place,
                hint: match suggestion(&key, known) {
                    none if none.is_empty() => ".".into(),
                    hint => hint,
                },
            }
        }
        Kind::UnknownVariant(name, known) => ConfigError::Value {
            key: quoted(&path),
            place,
            reason: format!(
                "`{name}` is not one of {}{}",
                known.join(", "),
                suggestion(&name, known)
            ),
        },
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            ConfigError::Value {
                key: quoted(&path),
                place,
                reason: format!(
                    "found {}, but it must be {}{}",
                    describe_found(&found),
                    describe_type(&wanted),
                    or_board(&path)
                ),
            }
        }
        other => ConfigError::Value {
            key: quoted(&path),
            place,
            reason: with_hint(other.to_string()),
        },
    }
}

/// TOML's own text, and the way out where it has none.
fn with_hint(reason: String) -> String {
    if reason.contains("duplicate key") {
        let end = reason.trim_end();
        format!("{end}. A section or a key may stand once: join the two")
    } else {
        reason
    }
}

/// What was found, as it is written in a settings file.
fn describe_found(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => format!("`{value}`"),
        Actual::Unsigned(value) => format!("`{value}`"),
        Actual::Signed(value) => format!("`{value}`"),
        // `1e99` as it was written, not as a hundred digits.
        Actual::Float(value) => format!("`{value:?}`"),
        Actual::Str(value) => format!("the text {value:?}"),
        Actual::Seq => "a list".into(),
        Actual::Map => "a section".into(),
        other => other.to_string(),
    }
}

/// A type of Rust, as figment names what it wants, described for people who write settings; other texts as they are.
fn describe_type(wanted: &str) -> &str {
    match wanted {
        "f32" | "f64" => "a number, such as 0.5",
        "u8" => "a whole number from 0 to 255, without quotes",
        "u16" => "a whole number from 0 to 65535, without quotes",
        "u32" | "u64" | "usize" => "a whole number from 0 on, without quotes",
        "i8" | "i16" | "i32" | "i64" => "a whole number, without quotes",
        "a boolean" | "bool" => "true or false, without quotes",
        "a string" | "path string" => "a text in quotes",
        "a sequence" => "a list, such as [\"one\", \"two\"]",
        other => other,
    }
}

/// The other way out of a key that may leave its value to the board.
fn or_board(path: &[String]) -> &'static str {
    let defaults = Value::serialize(Settings::default());
    let default = defaults.ok().and_then(|all| all.find(&path.join(".")));
    match default.as_ref().and_then(Value::as_str) {
        Some(BOARD) => ", or \"board\"",
        _ => "",
    }
}

/// `` `a.b` `` and a space, or nothing.
fn quoted(path: &[String]) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("`{}` ", path.join("."))
    }
}

/// `; did you mean ...?` for the most similar known name, if one is near.
fn suggestion(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|k| (strsim::jaro_winkler(name, k), k))
        .filter(|(similar, _)| *similar > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.map(|(_, k)| format!("; did you mean `{k}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Settings, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path), &Overrides::default())
            .map(|(s, _)| s)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn a_wrong_key_gets_a_suggestion_and_its_place() {
        let error = load_text("[camera]\nwidht = 3\n").unwrap_err();
        assert!(
            error.contains("camera.widht") && error.contains("did you mean `width`?"),
            "{error}"
        );
        assert!(error.contains("m.toml"), "{error}");
        let error = load_text("[camrea]\n").unwrap_err();
        assert!(error.contains("did you mean `camera`?"), "{error}");
    }

    #[test]
    fn the_error_of_a_wrong_type_range_or_text_names_the_key() {
        let error = load_text("[camera]\nwidth = \"wide\"\n").unwrap_err();
        assert!(
            error.contains("camera.width") && error.contains("wide"),
            "{error}"
        );
        let error = load_text("[camera]\nwidth = -3\n").unwrap_err();
        assert!(error.contains("camera.width"), "{error}");
        let error = load_text("[camera]\nrate = 1000.0\n").unwrap_err();
        assert!(
            error.contains("camera.rate") && error.contains("240"),
            "{error}"
        );
        let error = load_text("[mood]\nwho = \"largset\"\n").unwrap_err();
        assert!(error.contains("did you mean `largest`?"), "{error}");
        assert!(load_text("[camera\n").is_err());
    }

    #[test]
    fn no_error_names_a_type_of_rust() {
        let all = toml::Table::try_from(Settings::default()).unwrap();
        let mut seen = 0;
        for (section, keys) in &all {
            let Some(keys) = keys.as_table() else {
                continue;
            };
            for (key, value) in keys {
                let wrong = if value.is_str() { "7" } else { "\"x\"" };
                // Some take both, such as a version.
                let Err(error) = load_text(&format!("[{section}]\n{key} = {wrong}\n")) else {
                    continue;
                };
                seen += 1;
                // Some are refused for what follows from them at another key.
                assert!(error.contains(&format!("`{section}.")), "{error}");
                let rust = [
                    "f32", "f64", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "boolean",
                    "sequence", "::",
                ];
                let parts: Vec<_> = error
                    .split(|c: char| !c.is_alphanumeric() && c != ':')
                    .collect();
                assert!(!rust.iter().any(|name| parts.contains(name)), "{error}");
            }
        }
        assert!(seen > 60, "only {seen} keys were tried");
    }

    #[test]
    fn a_version_of_mqtt_is_a_text_or_a_number() {
        use crate::config::MqttVersion::{Auto, V3, V5};
        let version = |text: &str| {
            let settings = load_text(&format!("[mqtt]\nversion = {text}\n"))?;
            Ok::<_, String>(settings.mqtt.version)
        };
        for (text, means) in [
            ("\"auto\"", Auto),
            ("\"5\"", V5),
            ("5", V5),
            ("\"3.1.1\"", V3),
        ] {
            assert_eq!(version(text), Ok(means), "{text}");
        }
        let error = version("4").unwrap_err();
        for part in ["mqtt.version", "auto", "3.1.1"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn work_and_education_are_refused_with_the_reason() {
        for place in ["workplace", "education"] {
            let error = load_text(&format!("place = \"{place}\"\n")).unwrap_err();
            assert!(error.contains("Art. 5") && error.contains(place), "{error}");
        }
        assert!(load_text("place = \"research\"\n").is_ok());
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m.toml");
        std::fs::write(&path, "[camera]\nsource = \"a.png\"\nwidth = 320\n").unwrap();
        let flags = Overrides::default()
            .set("camera.source", Some("synthetic"))
            .set("camera.rate", None::<f32>);
        let (settings, read) = load(Some(&path), &flags).unwrap();
        assert_eq!(
            (settings.camera.source.as_str(), settings.camera.width),
            ("synthetic", 320)
        );
        assert_eq!(read, Some(path));
    }

    #[test]
    fn what_differs_is_named_by_its_key() {
        let before = Settings::default();
        let mut now = before.clone();
        now.mqtt.home_assistant.prefix = "ha".into();
        now.mood.sensitivity = 70;
        assert_eq!(
            differences(&before, &now),
            ["mood.sensitivity", "mqtt.home_assistant.prefix"]
        );
    }

    #[test]
    fn the_error_of_a_missing_file_names_how_to_write_one() {
        let error = load(
            Some(Path::new("/nonexistent/m.toml")),
            &Overrides::default(),
        )
        .unwrap_err();
        assert!(error.to_string().contains("moodring config >"));
    }
}

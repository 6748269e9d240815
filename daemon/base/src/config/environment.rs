//! Settings from the environment: `MOODRING_SECTION__KEY`, and `MOODRING_PLACE`.

use figment::{
    Error, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::{ConfigError, Settings, panel::BOARD};

const PREFIX: &str = "MOODRING_";

/// The variables that are settings. A key that takes text gets the text as it is, whatever number it looks like.
pub(super) struct Environment(Vec<(String, String)>);

impl Environment {
    /// Those of these variables that are settings.
    ///
    /// # Errors
    /// [`ConfigError::Underscore`] for one that was meant as a setting and would be ignored.
    pub(super) fn of(
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Vec::new();
        for (name, text) in variables {
            let Some(key) = name.strip_prefix(PREFIX) else {
                continue;
            };
            let key = key.to_ascii_lowercase();
            // Others, such as MOODRING_KERNEL, are no settings.
            if key == "place" || key.contains("__") {
                settings.push((key.replace("__", "."), text));
            } else if let Some(meant) = meant(&key) {
                return Err(ConfigError::Underscore { name, meant });
            }
        }
        Ok(Self(settings))
    }

    /// Those of this process.
    ///
    /// # Errors
    /// As [`Environment::of`].
    pub(super) fn of_process() -> Result<Self, ConfigError> {
        // What is not UTF-8 is no setting.
        let text = |(name, text): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, text.into_string().ok()?))
        };
        Self::of(std::env::vars_os().filter_map(text))
    }
}

/// The variable that was meant by one with a single underscore after the section: `mqtt_url` is `MOODRING_MQTT__URL`.
fn meant(key: &str) -> Option<String> {
    let known = toml::Table::try_from(Settings::default()).ok()?;
    let mut names = Vec::new();
    list(&known, "", &mut names);
    // A section's name alone, as `MOODRING_LOG=debug`.
    if known.get(key).is_some_and(toml::Value::is_table) {
        let first = names
            .iter()
            .find(|name| name.split('.').next() == Some(key))?;
        return Some(variable(first));
    }
    let plain = |name: &String| name.replace('.', "_") == key;
    let name = names.into_iter().find(plain)?;
    Some(variable(&name))
}

/// The variable of a key: `mqtt.url` is `MOODRING_MQTT__URL`.
fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "__").to_ascii_uppercase())
}

fn list(table: &toml::Table, path: &str, names: &mut Vec<String>) {
    for (key, value) in table {
        let name = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            toml::Value::Table(inner) => list(inner, &name, names),
            _ => names.push(name),
        }
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("`MOODRING_` environment variable(s)")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let defaults = Value::serialize(Settings::default())?;
        let mut dict = Dict::new();
        for (key, text) in &self.0 {
            let default = defaults.find_ref(key).and_then(Value::as_str);
            let value = match default {
                // The text "board" stands for a value that may be of any kind.
                Some(default) if default != BOARD => Value::from(text.clone()),
                _ => any_value(text),
            };
            let nested = figment::util::nest(key, value);
            if let Value::Dict(_, inner) = nested {
                dict = merge(dict, inner);
            }
        }
        Ok(Profile::Default.collect(dict))
    }
}

/// The same reading as figment's own, which takes what looks like a number for one; and numbers of base 16, as the file has
/// them.
fn any_value(text: &str) -> Value {
    let hexadecimal = text
        .strip_prefix("0x")
        .and_then(|digits| u64::from_str_radix(digits, 16).ok());
    match hexadecimal {
        Some(number) => Value::from(number),
        None => text.parse().unwrap_or_else(|_| Value::from(text)),
    }
}

fn merge(mut one: Dict, other: Dict) -> Dict {
    for (key, value) in other {
        let merged = match (one.remove(&key), value) {
            (Some(Value::Dict(tag, inner)), Value::Dict(_, more)) => {
                Value::Dict(tag, merge(inner, more))
            }
            (_, value) => value,
        };
        one.insert(key, merged);
    }
    one
}

#[cfg(test)]
mod tests {
    use figment::{Figment, providers::Serialized};

    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let owned = variables
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let environment = Environment::of(owned).map_err(|error| error.to_string())?;
        let figment = Figment::from(Serialized::defaults(Settings::default())).merge(environment);
        figment.extract().map_err(|error| error.to_string())
    }

    #[test]
    fn text_stays_text_and_numbers_are_numbers() {
        let settings = load(&[
            ("MOODRING_DEVICE__ID", "12"),
            ("MOODRING_DEVICE__NAME", "true"),
            ("MOODRING_MQTT__VERSION", "5"),
            ("MOODRING_MQTT__USER", "[1]"),
            ("MOODRING_MQTT__HOME_ASSISTANT__PREFIX", "1e3"),
            ("MOODRING_CAMERA__WIDTH", "320"),
            ("MOODRING_MQTT__ENABLED", "false"),
            ("MOODRING_CAMERA__NEXT", "[\"rpicam\"]"),
            ("MOODRING_KERNEL", "scalar"),
            ("PATH", "/bin"),
        ])
        .unwrap();
        assert_eq!(
            (settings.device.id.as_str(), settings.device.name.as_str()),
            ("12", "true")
        );
        assert_eq!(
            (settings.mqtt.user.as_str(), settings.camera.width),
            ("[1]", 320)
        );
        assert_eq!(settings.mqtt.home_assistant.prefix, "1e3");
        assert!(!settings.mqtt.enabled);
        assert_eq!(settings.camera.next, ["rpicam"]);
    }

    /// It was ignored without a word.
    #[test]
    fn a_sections_name_alone_is_refused_with_a_key_of_it() {
        let error = load(&[("MOODRING_LOG", "debug")]).unwrap_err();
        assert!(error.contains("MOODRING_LOG__LEVEL"), "{error}");
        let error = load(&[("MOODRING_WEB", "off")]).unwrap_err();
        assert!(error.contains("MOODRING_WEB__"), "{error}");
        assert!(load(&[("MOODRING_KERNEL", "scalar"), ("MOODRING_BIN", "x")]).is_ok());
    }

    /// They became text, and pins lines that no board has.
    #[test]
    fn what_differs_from_the_board_is_as_in_the_file() {
        let text = |section: &str, key: &str, value: &str| {
            let name = format!("MOODRING_{section}__{key}").to_ascii_uppercase();
            let by_variable = load(&[(&name, value)]).map_err(|e| format!("{name}: {e}"));
            let file = format!("[{section}]\n{key} = {value}\n");
            assert_eq!(
                by_variable.unwrap(),
                toml::from_str(&file).unwrap(),
                "{file}"
            );
        };
        for (key, value) in [
            ("rotation", "90"),
            ("speed_mhz", "40"),
            ("speed_mhz", "12.5"),
            ("address", "0x3d"),
            ("mirror", "true"),
            ("invert", "false"),
            ("width", "128"),
            ("mode", "3"),
            ("dc", "25"),
            ("contrast", "9"),
        ] {
            text("panel", key, value);
        }
        text("buttons", "camera", "5");
        text("light", "pins", "[17, 27, 22]");
        text("outputs", "happy", "17");
        let settings = load(&[
            ("MOODRING_PANEL__CONTROLLER", "ili9341"),
            ("MOODRING_PANEL__BUS", "/dev/spidev1.2"),
            ("MOODRING_PANEL__DC", "PY.01"),
            ("MOODRING_PANEL__RESET", "none"),
            ("MOODRING_PANEL__WIDTH", "board"),
        ]);
        let board = settings.unwrap().panel.board("st7789-240x320").unwrap();
        assert_eq!(
            (board.bus.as_ref(), board.dc.to_string()),
            ("/dev/spidev1.2", "PY.01".into())
        );
    }

    #[test]
    fn one_underscore_is_named_as_the_mistake_it_is() {
        for (name, meant) in [
            ("MOODRING_MQTT_URL", "MOODRING_MQTT__URL"),
            (
                "MOODRING_MQTT_HOME_ASSISTANT_ENABLED",
                "MOODRING_MQTT__HOME_ASSISTANT__ENABLED",
            ),
        ] {
            let error = load(&[(name, "x")]).unwrap_err();
            assert!(error.contains(name) && error.contains(meant), "{error}");
        }
    }
}

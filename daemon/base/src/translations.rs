//! The texts that people read, in five languages, from the one table (`translations.json`) that the page uses, too.

use std::{collections::HashMap, sync::LazyLock};

use moodring_core::mood::Mood;
use serde::{Deserialize, Serialize};

/// The table: key, language, text.
const TABLE: &str = include_str!("translations.json");

static TRANSLATIONS: LazyLock<HashMap<String, HashMap<String, String>>> = LazyLock::new(|| {
    // A test reads it; a table that were broken would leave the keys.
    serde_json::from_str(TABLE).unwrap_or_default()
});

/// A language of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Italian.
    It,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::En, Self::De, Self::Fr, Self::Es, Self::It];

    /// As tags begin with it (ISO 639-1).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::It => "it",
        }
    }

    /// The language that a tag such as `de-CH` means, if the table has it.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let first = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(first))
    }

    /// What a browser's `Accept-Language` likes best of those that the table has: by weight, then by order (RFC 9110, 12.5.4).
    pub fn from_accepted(header: &str) -> Self {
        let mut best = (0.0, Self::default());
        for part in header.split(',') {
            let mut parameters = part.split(';');
            let language = Self::from_tag(parameters.next().unwrap_or_default());
            let weight = parameters.find_map(|text| text.trim().strip_prefix("q="));
            let weight = weight.map_or(1.0, |text| text.trim().parse().unwrap_or(0.0));
            // NaN is more than nothing, too.
            if let Some(language) = language
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// The text of a key; English where the language has none, the key where the table has none.
pub fn text(language: Language, key: &str) -> &str {
    let texts = TRANSLATIONS.get(key);
    let text = texts.and_then(|texts| texts.get(language.tag()).or_else(|| texts.get("en")));
    text.map_or(key, String::as_str)
}

/// A mood's label.
pub fn mood(language: Language, mood: Mood) -> &'static str {
    let texts = TRANSLATIONS.get(&format!("mood.{}", mood.name()));
    let text = texts.and_then(|texts| texts.get(language.tag()));
    text.map_or(mood.name(), String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> = text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_text_stands_in_every_language_with_the_same_placeholders() {
        assert!(TRANSLATIONS.len() > 80, "{}", TRANSLATIONS.len());
        for (key, texts) in TRANSLATIONS.iter() {
            assert_eq!(texts.len(), Language::ALL.len(), "{key}");
            for language in Language::ALL {
                let text = texts.get(language.tag()).map_or("", String::as_str);
                assert!(!text.is_empty(), "{key} has no text in {}", language.tag());
                assert_eq!(placeholders(text), placeholders(&texts["en"]), "{key}");
            }
        }
    }

    fn is_drawable(text: &str) -> bool {
        text.chars().all(|c| u32::from(c) < 256)
    }

    #[test]
    fn every_mood_has_a_label_that_displays_can_draw() {
        let moods = moodring_core::expression::Expression::ALL.map(Mood::Showing);
        for language in Language::ALL {
            for known in moods.into_iter().chain([Mood::Uncertain, Mood::Nobody]) {
                let label = mood(language, known);
                assert!(is_drawable(label), "{label}");
                assert!(
                    language == Language::En || label != "uncertain",
                    "{language:?}"
                );
            }
            for key in ["mood.off", "mood.starting", "mood.lost", "mood.away"] {
                let label = text(language, key);
                assert!(is_drawable(label) && label != key, "{language:?}: {label}");
            }
        }
    }

    #[test]
    fn browsers_get_the_language_that_they_weigh_most() {
        for (header, language) in [
            ("de-CH,de;q=0.9,en;q=0.8", Language::De),
            ("nl, fr;q=0.5, en;q=0.2", Language::Fr),
            ("de;q=0.1,fr;q=0.9", Language::Fr),
            ("fr;q=0,de;q=0.5", Language::De),
            ("pt,es;q=0.3,de;q=0.7", Language::De),
            ("de;q=x,it;q=0.1", Language::It),
            ("nl, fr;q=0.5, en", Language::En),
            ("pt-BR", Language::En),
            ("", Language::En),
            ("IT", Language::It),
            ("de; q=0.5, it ;q=0.5", Language::De),
            ("de;q=x, es;q=0.001", Language::Es),
            ("de;q=0", Language::En),
        ] {
            assert_eq!(Language::from_accepted(header), language, "{header}");
        }
    }

    /// The module for MagicMirror, which takes its texts from here, too.
    const MODULE: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../deploy/magicmirror/MMM-moodring"
    );

    /// `MOODRING_BLESS=1` writes them anew.
    #[test]
    fn the_module_for_magicmirror_has_the_texts_of_the_page() {
        let parts = ["mood.", "live.people.", "mirror."];
        for language in Language::ALL {
            let texts: std::collections::BTreeMap<_, _> = TRANSLATIONS
                .iter()
                .filter(|(key, _)| parts.iter().any(|part| key.starts_with(part)))
                .map(|(key, texts)| (key, &texts[language.tag()]))
                .collect();
            let wanted = serde_json::to_string_pretty(&texts).unwrap() + "\n";
            let path = format!("{MODULE}/translations/{}.json", language.tag());
            if std::env::var_os("MOODRING_BLESS").is_some() {
                std::fs::write(&path, &wanted).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap();
            assert!(kept == wanted, "{path} is not the page's table");
        }
    }

    /// Everything that may ask for a text: the page, the daemon and the module for MagicMirror, but for this file.
    fn askers() -> String {
        let mut folders = vec![
            concat!(env!("CARGO_MANIFEST_DIR"), "/..").into(),
            MODULE.into(),
        ];
        let mut texts = String::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
                let path = entry.unwrap().path();
                let kind = path.extension().and_then(|kind| kind.to_str());
                match kind {
                    _ if path.is_dir() => folders.push(path),
                    Some("html" | "js" | "rs") if !path.ends_with("src/translations.rs") => {
                        texts += &std::fs::read_to_string(path).unwrap();
                    }
                    _ => {}
                }
            }
        }
        texts
    }

    fn base(key: &str) -> &str {
        let one = key.strip_suffix(".one");
        one.or_else(|| key.strip_suffix(".other")).unwrap_or(key)
    }

    #[test]
    fn every_text_that_is_used_is_there_and_every_one_that_is_there_is_used() {
        let texts = askers();
        let families: Vec<&str> = texts
            .split("t(`")
            .skip(1)
            .filter_map(|rest| rest.split_once("${"))
            .map(|(family, _)| family)
            .filter(|family| family.ends_with('.'))
            .collect();
        assert!(families.contains(&"mood.") && families.contains(&"stage."));
        let known: Vec<&str> = TRANSLATIONS.keys().map(|key| base(key)).collect();
        for key in &known {
            let written = ['\'', '"'].map(|quote| format!("{quote}{key}{quote}"));
            let is_asked = families.iter().any(|family| key.starts_with(family))
                || written.iter().any(|written| texts.contains(written));
            assert!(is_asked, "nobody asks for {key}");
        }
        let first = |key: &str| key.split('.').next().map(str::to_owned);
        let roots: Vec<String> = known.iter().filter_map(|key| first(key)).collect();
        let is_key = |text: &&str| {
            let parts: Vec<&str> = text.split('.').collect();
            let plain =
                |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
            parts.len() > 1 && parts.iter().all(plain)
        };
        for asked in texts.split(['\'', '"']).filter(is_key) {
            let is_root = first(asked).is_some_and(|root| roots.contains(&root));
            // Files' names and methods look like keys.
            let other = asked.ends_with(".csv")
                || !texts.contains(&format!("'{asked}'"))
                    && !texts.contains(&format!("-t=\"{asked}\""));
            assert!(
                !is_root || other || known.contains(&asked),
                "{asked} is not in the table"
            );
        }
    }
}

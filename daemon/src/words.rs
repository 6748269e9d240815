//! The words that people read, in five languages, out of the one table that the page takes its words from, too.

use std::{collections::HashMap, sync::LazyLock};

use moodring_core::mood::Mood;
use serde::{Deserialize, Serialize};

/// The table: key, language, text.
const TABLE: &str = include_str!("web/page/words.json");

static WORDS: LazyLock<HashMap<String, HashMap<String, String>>> = LazyLock::new(|| {
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
    let texts = WORDS.get(key);
    let text = texts.and_then(|texts| texts.get(language.tag()).or_else(|| texts.get("en")));
    text.map_or(key, String::as_str)
}

/// A mood's word.
pub fn mood(language: Language, mood: Mood) -> &'static str {
    let texts = WORDS.get(&format!("mood.{}", mood.name()));
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
        assert!(WORDS.len() > 80, "{}", WORDS.len());
        for (key, texts) in WORDS.iter() {
            assert_eq!(texts.len(), Language::ALL.len(), "{key}");
            for language in Language::ALL {
                let text = texts.get(language.tag()).map_or("", String::as_str);
                assert!(!text.is_empty(), "{key} has no text in {}", language.tag());
                assert_eq!(placeholders(text), placeholders(&texts["en"]), "{key}");
            }
        }
    }

    #[test]
    fn every_mood_has_a_word_that_displays_can_draw() {
        let moods = moodring_core::expression::Expression::ALL.map(Mood::Showing);
        for language in Language::ALL {
            for known in moods.into_iter().chain([Mood::Uncertain, Mood::Nobody]) {
                let word = mood(language, known);
                assert!(word.chars().all(|c| u32::from(c) < 256), "{word}");
                assert!(
                    language == Language::En || word != "uncertain",
                    "{language:?}"
                );
            }
        }
    }

    #[test]
    fn browsers_get_the_first_language_that_is_there() {
        for (header, language) in [
            ("de-CH,de;q=0.9,en;q=0.8", Language::De),
            ("nl, fr;q=0.5, en;q=0.2", Language::Fr),
            ("de;q=0.1,fr;q=0.9", Language::Fr),
            ("fr;q=0,de;q=0.5", Language::De),
            ("pt,es;q=0.3,de;q=0.7", Language::De),
            ("de;q=x,it;q=0.1", Language::It),
            ("pt-BR", Language::En),
            ("", Language::En),
            ("IT", Language::It),
        ] {
            assert_eq!(Language::from_accepted(header), language, "{header}");
        }
    }

    #[test]
    fn what_the_page_asks_for_stands_in_the_table() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/page");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.ends_with(".html") && !name.ends_with(".js") {
                continue;
            }
            let page = std::fs::read_to_string(&path).unwrap();
            let keys = page
                .split("data-t=\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            let asked = page
                .split(" t('")
                .chain(page.split("(t('"))
                .chain(page.split("{t('"));
            let asked = asked.skip(1).filter_map(|rest| rest.split('\'').next());
            let asked = asked.filter(|key| key.contains('.') && !key.contains(char::is_whitespace));
            for key in keys.chain(asked) {
                let other = format!("{key}.other");
                assert!(
                    WORDS.contains_key(key) || WORDS.contains_key(&other),
                    "{name}: {key}"
                );
            }
        }
    }
}

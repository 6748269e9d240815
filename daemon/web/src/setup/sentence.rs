//! A sentence of a trial: in English for programs and the log, and by its key of the table of texts for the page, which
//! shows it in the reader's language. What the system reports itself (`reason`) stays as it is.

use std::collections::BTreeMap;

use moodring_base::translations::{self, Language};
use serde::Serialize;

/// The sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// In English.
    pub text: String,
    /// Its key, for the page; none for a sentence that is not in the table.
    pub translation: Option<TranslationKey>,
}

/// A text of the table, and what is filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TranslationKey {
    /// The text's key.
    pub key: &'static str,
    /// The placeholders' values.
    pub values: BTreeMap<&'static str, String>,
}

impl Sentence {
    /// A text of the table.
    pub fn of(key: &'static str, values: &[(&'static str, &dyn ToString)]) -> Self {
        let values: BTreeMap<_, _> = values
            .iter()
            .map(|(name, value)| (*name, value.to_string()))
            .collect();
        let filled = values.iter().fold(
            translations::text(Language::En, key).to_owned(),
            |text, (name, value)| text.replace(&format!("{{{name}}}"), value),
        );
        Self {
            text: filled,
            translation: Some(TranslationKey { key, values }),
        }
    }

    /// What the system, a driver or a check reports.
    pub fn plain(text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            translation: None,
        }
    }
}

impl From<&'static str> for Sentence {
    /// A text of the table without placeholders, by its key.
    fn from(key: &'static str) -> Self {
        Self::of(key, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_english_and_has_its_key_for_other_languages() {
        let sentence = Sentence::of(
            "trial.pictures",
            &[("name", &"cam"), ("width", &640), ("height", &480)],
        );
        assert_eq!(sentence.text, "cam gives pictures of 640x480 pixels");
        let translation = sentence.translation.unwrap();
        assert_eq!(
            (translation.key, translation.values["width"].as_str()),
            ("trial.pictures", "640")
        );
        assert!(Sentence::plain("x").translation.is_none());
        assert_eq!(Sentence::from("trial.list").text, "take one of the list");
    }
}

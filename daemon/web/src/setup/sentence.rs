//! A sentence of a trial: in English for programs and the log, and by its key of the table of words for the page, which says it in the
//! reader's language. What the system says itself (`reason`) stays as it is.

use std::collections::BTreeMap;

use moodring_base::words::{self, Language};
use serde::Serialize;

/// The sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence {
    /// In English.
    pub text: String,
    /// As the page may say it; none for a sentence that no table has.
    pub word: Option<Word>,
}

/// A text of the table, and what is filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
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
            words::text(Language::En, key).to_owned(),
            |text, (name, value)| text.replace(&format!("{{{name}}}"), value),
        );
        Self {
            text: filled,
            word: Some(Word { key, values }),
        }
    }

    /// What the system, a driver or a check says.
    pub fn plain(text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            word: None,
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
    fn a_sentence_is_english_and_knows_how_it_is_said_elsewhere() {
        let said = Sentence::of(
            "trial.pictures",
            &[("name", &"cam"), ("width", &640), ("height", &480)],
        );
        assert_eq!(said.text, "cam gives pictures of 640x480 pixels");
        let word = said.word.unwrap();
        assert_eq!(
            (word.key, word.values["width"].as_str()),
            ("trial.pictures", "640")
        );
        assert!(Sentence::plain("x").word.is_none());
        assert_eq!(Sentence::from("trial.list").text, "take one of the list");
    }
}

//! `[outputs]`: GPIO lines that are on while a mood is shown.

use moodring_core::{expression::Expression, mood::Mood};
use serde::{Deserialize, Serialize};

use super::pin::Pin;

/// A line for each mood, or none. Moods may share one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputSettings {
    /// On while somebody shows anger; and so on.
    pub angry: Pin,
    /// Disgust.
    pub disgust: Pin,
    /// Fear.
    pub fear: Pin,
    /// Happiness.
    pub happy: Pin,
    /// Sadness.
    pub sad: Pin,
    /// Surprise.
    pub surprise: Pin,
    /// No expression.
    pub neutral: Pin,
    /// A face whose expression is not clear.
    pub uncertain: Pin,
    /// Nobody in view, while the camera runs.
    pub nobody: Pin,
    /// Whether a line is at 0 V while it is on.
    pub active_low: bool,
}

impl OutputSettings {
    /// Each line that is named, once, with the moods that it is on for.
    pub fn lines(&self) -> Vec<(Pin, Vec<Mood>)> {
        let expressions = Expression::ALL.map(Mood::Showing);
        let moods = expressions
            .into_iter()
            .chain([Mood::Uncertain, Mood::Nobody]);
        let mut lines: Vec<(Pin, Vec<Mood>)> = Vec::new();
        for (pin, mood) in moods.map(|mood| (self.pin(mood), mood)) {
            match lines.iter_mut().find(|(known, _)| known == pin) {
                Some((_, moods)) => moods.push(mood),
                None if pin.is_some() => lines.push((pin.clone(), vec![mood])),
                None => {}
            }
        }
        lines
    }

    fn pin(&self, mood: Mood) -> &Pin {
        match mood {
            Mood::Nobody => &self.nobody,
            Mood::Uncertain => &self.uncertain,
            Mood::Showing(expression) => match expression {
                Expression::Angry => &self.angry,
                Expression::Disgust => &self.disgust,
                Expression::Fear => &self.fear,
                Expression::Happy => &self.happy,
                Expression::Sad => &self.sad,
                Expression::Surprise => &self.surprise,
                Expression::Neutral => &self.neutral,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_stands_once_with_its_moods() {
        let text =
            "happy = 17\nsurprise = \"GPIO17\"\nsad = 27\nnobody = \"PP.04\"\nfear = \"none\"\n";
        let settings: OutputSettings = toml::from_str(text).unwrap();
        assert_eq!(
            settings.lines(),
            [
                (
                    Pin::Gpio(17),
                    vec![
                        Mood::Showing(Expression::Happy),
                        Mood::Showing(Expression::Surprise)
                    ]
                ),
                (Pin::Gpio(27), vec![Mood::Showing(Expression::Sad)]),
                (Pin::Line("PP.04".into()), vec![Mood::Nobody]),
            ]
        );
        assert_eq!(OutputSettings::default().lines(), []);
    }

    #[test]
    fn every_mood_has_a_key_of_its_name() {
        let expressions = Expression::ALL.map(Mood::Showing);
        for mood in expressions
            .into_iter()
            .chain([Mood::Uncertain, Mood::Nobody])
        {
            let settings: OutputSettings = toml::from_str(&format!("{} = 5", mood.name())).unwrap();
            assert_eq!(settings.lines(), [(Pin::Gpio(5), vec![mood])]);
        }
    }
}

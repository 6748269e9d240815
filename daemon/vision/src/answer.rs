//! Chooses which outputs of a classifier are read and how their values become an answer, by the notes in the file.
//! The same for every engine. Runs no net.

use moodring_base::config::Labels;
use moodring_core::{
    classify::Answer,
    detect::NetError,
    expression::Expression,
    pose::{CropPose, POSE_VALUES, ROLL_TRUST},
};

/// FER+'s classes: our seven, then contempt.
const FERPLUS_CLASSES: usize = Expression::COUNT + 1;
/// The least probability whose logarithm is taken.
#[cfg(any(test, feature = "tract", feature = "ort"))]
const LEAST: f32 = 1e-9;
/// The least probability at which an expression is named, unless the file has its own.
const CERTAIN: f32 = 0.45;

/// How a classifier's outputs become an answer, by the notes of its file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recipe {
    expressions: Expressions,
    /// The pose output and the length of its roll vector from which it is believed.
    pose: Option<(usize, f32)>,
    face: Option<usize>,
    thresholds: Thresholds,
}

/// How the expressions' logits are made.
#[derive(Clone, Debug, PartialEq)]
enum Expressions {
    /// An output's logits, divided by a temperature.
    Logits(Calibrated),
    /// An output's probabilities, whose logarithms are logits.
    #[cfg(any(test, feature = "tract", feature = "ort"))]
    Probabilities(usize),
    /// The geometric mean of two answers: half of the one's calibrated logits and half of the other's.
    Mean([Calibrated; 2]),
}

/// An output and its calibration temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Calibrated {
    output: usize,
    temperature: f32,
}

/// The thresholds of a classifier, from the notes of its file; each is a probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// The least at which an expression is named.
    pub certain: f32,
    /// The least at which a crop is a human face; 0 if the net has no such output.
    pub face: f32,
}

/// The notes that are read.
const NOTES: [&str; 9] = [
    "outputs",
    "temperature",
    "temperature.ferplus",
    "temperature.blend",
    "certain",
    "certain.ferplus",
    "certain.blend",
    "face.threshold",
    "pose.roll_trust",
];

/// A classifier's outputs and notes, whatever the file's form.
pub(super) struct File {
    notes: Vec<(&'static str, String)>,
    /// How many values each output has.
    lengths: Vec<usize>,
}

impl Recipe {
    /// The recipe of one of our files, for these labels.
    ///
    /// Outputs are found by the note `outputs`, a list of names; a file without it has FER2013's logits first and of the
    /// others FER+'s where it has eight values. `blend` is an output of its own, or else the geometric mean of the two
    /// answers, or else the only one.
    ///
    /// # Errors
    /// What is wrong with the file, for its user.
    pub(super) fn new(file: &File, labels: Labels) -> Result<Self, String> {
        if file.lengths.first() != Some(&Expression::COUNT) {
            return Err("a classifier's first output has 7 values".into());
        }
        let fer2013 = file.calibrated(0, "temperature")?;
        let ferplus = file.output("ferplus", FERPLUS_CLASSES);
        let ferplus = ferplus.map(|at| file.calibrated(at, "temperature.ferplus"));
        let ferplus = ferplus.transpose()?;
        let blend = file.output("blend", Expression::COUNT);
        let (expressions, certain) = match (labels, ferplus, blend) {
            (Labels::Fer2013, ..) => (Expressions::Logits(fer2013), "certain"),
            (Labels::Ferplus, Some(ferplus), _) => {
                (Expressions::Logits(ferplus), "certain.ferplus")
            }
            (Labels::Ferplus, None, _) => {
                return Err(
                    "it has no answer by FER+'s labels; set vision.labels = \"blend\"".into(),
                );
            }
            (Labels::Blend, _, Some(at)) => {
                let blend = file.calibrated(at, "temperature.blend")?;
                (Expressions::Logits(blend), "certain.blend")
            }
            (Labels::Blend, Some(ferplus), None) => {
                (Expressions::Mean([fer2013, ferplus]), "certain.blend")
            }
            (Labels::Blend, None, None) => (Expressions::Logits(fer2013), "certain"),
        };
        let face = file.output("face", 1);
        let trust = file.number("pose.roll_trust", ROLL_TRUST, 0.0..=1.0)?;
        let pose = file.output("pose", POSE_VALUES).map(|at| (at, trust));
        let thresholds = Thresholds {
            certain: file.number(certain, CERTAIN, 0.15..=0.99)?,
            face: match face {
                Some(_) => file.number("face.threshold", 0.0, 0.0..=0.999)?,
                None => 0.0,
            },
        };
        Ok(Self {
            expressions,
            pose,
            face,
            thresholds,
        })
    }

    /// The recipe of a net that is not ours: its first output holds logits or probabilities in FER2013's order.
    #[cfg(any(test, feature = "tract", feature = "ort"))]
    pub(super) fn foreign(are_probabilities: bool) -> Self {
        let logits = Calibrated {
            output: 0,
            temperature: 1.0,
        };
        Self {
            expressions: if are_probabilities {
                Expressions::Probabilities(0)
            } else {
                Expressions::Logits(logits)
            },
            pose: None,
            face: None,
            thresholds: Thresholds {
                certain: CERTAIN,
                face: 0.0,
            },
        }
    }

    pub(super) const fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The answer of a pass. `read` fills its slice with the first values of an output; `false` if it has fewer.
    ///
    /// # Errors
    /// [`NetError::Shape`] if an output is too short.
    pub(super) fn answer(
        &self,
        read: impl Fn(usize, &mut [f32]) -> bool,
    ) -> Result<Answer, NetError> {
        let logits = |c: &Calibrated| -> Result<[f32; Expression::COUNT], NetError> {
            Ok(array(&read, c.output)?.map(|logit: f32| logit / c.temperature))
        };
        let logits = match &self.expressions {
            Expressions::Logits(one) => logits(one)?,
            #[cfg(any(test, feature = "tract", feature = "ort"))]
            Expressions::Probabilities(output) => {
                array(&read, *output)?.map(|p: f32| p.max(LEAST).ln())
            }
            Expressions::Mean([first, second]) => {
                let (first, second) = (logits(first)?, logits(second)?);
                std::array::from_fn(|i| 0.5 * first[i] + 0.5 * second[i])
            }
        };
        let pose = match self.pose {
            Some((output, trust)) => CropPose::decode(&array(&read, output)?, trust),
            None => None,
        };
        let face = match self.face {
            Some(output) => Some(array::<1>(&read, output)?[0]),
            None => None,
        };
        Ok(Answer { logits, pose, face })
    }
}

fn array<const N: usize>(
    read: &impl Fn(usize, &mut [f32]) -> bool,
    output: usize,
) -> Result<[f32; N], NetError> {
    let mut values = [0.0; N];
    if read(output, &mut values) {
        Ok(values)
    } else {
        Err(NetError::Shape)
    }
}

impl File {
    /// A file whose notes `note` finds by name; [`Self::with_outputs`] adds the outputs.
    pub(super) fn new<'t>(note: impl Fn(&str) -> Option<&'t str>) -> Self {
        let notes = NOTES.into_iter();
        let notes = notes.filter_map(|name| Some((name, note(name)?.to_owned())));
        Self {
            notes: notes.collect(),
            lengths: Vec::new(),
        }
    }

    /// The file with the number of values of each output.
    pub(super) fn with_outputs(mut self, lengths: impl IntoIterator<Item = usize>) -> Self {
        self.lengths = lengths.into_iter().collect();
        self
    }

    fn note(&self, name: &str) -> Option<&str> {
        let found = self.notes.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.as_str())
    }

    /// The output of this name and length. Without a list of names only FER+'s is recognized, by its length.
    fn output(&self, name: &str, length: usize) -> Option<usize> {
        let at = match self.note("outputs") {
            Some(names) => names.split(',').position(|known| known.trim() == name),
            None if name == "ferplus" => self.lengths.iter().position(|&n| n == length),
            None => None,
        };
        at.filter(|&at| self.lengths.get(at) == Some(&length))
    }

    fn calibrated(&self, output: usize, note: &str) -> Result<Calibrated, String> {
        let temperature = self.number(note, 1.0, 0.05..=20.0)?;
        Ok(Calibrated {
            output,
            temperature,
        })
    }

    /// A note's number, if it is in this range; `default` if there is no such note.
    fn number(
        &self,
        note: &str,
        default: f32,
        range: std::ops::RangeInclusive<f32>,
    ) -> Result<f32, String> {
        let Some(text) = self.note(note) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            format!("its {note} is {text}, not {least} to {most}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: (&str, &str) = ("outputs", "logits,ferplus,maps,blend,pose,face");
    const LENGTHS: [usize; 6] = [7, 8, 252, 7, 13, 1];

    fn recipe(lengths: &[usize], notes: &[(&str, &str)], labels: Labels) -> Result<Recipe, String> {
        let file = File::new(|name| {
            let found = notes.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| *text)
        });
        Recipe::new(&file.with_outputs(lengths.iter().copied()), labels)
    }

    /// Output `i`'s values are `10 i, 10 i + 1, ...`.
    fn answer(recipe: &Recipe, lengths: &[usize]) -> Answer {
        let read = |output: usize, values: &mut [f32]| {
            for (i, value) in values.iter_mut().enumerate() {
                *value = (10 * output + i) as f32;
            }
            lengths.get(output).is_some_and(|&n| n >= values.len())
        };
        recipe.answer(read).unwrap()
    }

    #[test]
    fn outputs_are_found_by_name_whatever_their_lengths() {
        let notes = [
            NAMES,
            ("temperature", "2"),
            ("temperature.ferplus", "0.5"),
            ("temperature.blend", "4"),
            ("certain.blend", "0.4"),
            ("face.threshold", "0.7"),
        ];
        let of = |labels| recipe(&LENGTHS, &notes, labels).unwrap();
        let (fer2013, ferplus, blend) =
            (of(Labels::Fer2013), of(Labels::Ferplus), of(Labels::Blend));
        assert_eq!(answer(&fer2013, &LENGTHS).logits[1], 0.5);
        assert_eq!(answer(&ferplus, &LENGTHS).logits[1], 22.0);
        let blended = answer(&blend, &LENGTHS);
        assert_eq!(blended.logits[1], 31.0 / 4.0);
        assert_eq!(blended.face, Some(50.0));
        assert!(blended.pose.is_some());
        let thresholds = |certain| Thresholds { certain, face: 0.7 };
        assert_eq!(blend.thresholds(), thresholds(0.4));
        assert_eq!(ferplus.thresholds(), thresholds(0.45));
    }

    #[test]
    fn older_files_blend_both_answers_and_have_nothing_else() {
        let lengths = [7, 252, 8];
        let notes = [("temperature", "2"), ("temperature.ferplus", "0.5")];
        let of = |labels| recipe(&lengths, &notes, labels).unwrap();
        let blended = answer(&of(Labels::Blend), &lengths);
        // Half of 3 / 2 and half of 23 / 0.5.
        assert_eq!(blended.logits[3], 0.75 + 23.0);
        assert_eq!((blended.pose, blended.face), (None, None));
        assert_eq!(of(Labels::Blend).thresholds().face, 0.0);
        let one = recipe(&[7], &[], Labels::Blend).unwrap();
        assert_eq!(answer(&one, &[7]).logits[3], 3.0);
        let error = recipe(&[7], &[], Labels::Ferplus).unwrap_err();
        assert!(error.contains("blend"), "{error}");
    }

    #[test]
    fn notes_that_make_no_sense_are_named() {
        let error =
            |note, text| recipe(&LENGTHS, &[NAMES, (note, text)], Labels::Blend).unwrap_err();
        for (note, text) in [
            ("temperature.blend", "0"),
            ("temperature", "warm"),
            ("certain.blend", "NaN"),
            ("face.threshold", "1"),
            ("pose.roll_trust", "2"),
        ] {
            let message = error(note, text);
            assert!(
                message.contains(note) && message.contains(text),
                "{message}"
            );
        }
        assert!(recipe(&[8], &[], Labels::Blend).is_err());
        // A list of names that does not fit the outputs: what does not fit is not there.
        let odd = [("outputs", "logits,face,pose")];
        let odd = recipe(&[7, 3], &odd, Labels::Blend).unwrap();
        assert_eq!((odd.face, odd.pose), (None, None));
    }

    #[test]
    fn probabilities_become_logits_and_a_short_output_is_an_error() {
        let foreign = Recipe::foreign(true);
        let read = |_: usize, values: &mut [f32]| {
            values.fill(0.0);
            values[3] = 1.0;
            true
        };
        let logits = foreign.answer(read).unwrap().logits;
        assert_eq!((logits[3], logits[0]), (0.0, LEAST.ln()));
        assert_eq!(foreign.answer(|_, _| false), Err(NetError::Shape));
    }
}

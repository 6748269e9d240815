//! GPIO lines that are on while a mood is shown.

use moodring_base::{config::Settings, snapshot::Snapshot};
use moodring_core::mood::Mood;

use super::{
    Display,
    beside::{Output, OutputKind, WithOutput},
    spi::{
        backlight::{ActiveLow, DigitalOutput},
        interface::InterfaceError,
    },
};
use crate::gpio::{Chips, OutputLine};

/// The mood whose lines are on. None while the camera does not run: nobody knows then.
fn shown(snapshot: &Snapshot, _display_is_on: bool) -> Option<Mood> {
    let seeing = snapshot.camera.is_seeing();
    seeing.then(|| snapshot.mood.mood())
}

/// Adds the lines of the settings to the display, if there are any.
pub(super) fn with(
    display: Box<dyn Display + Send>,
    settings: &Settings,
) -> Box<dyn Display + Send> {
    if settings.outputs.lines().is_empty() {
        return display;
    }
    let settings = settings.clone();
    let kind = OutputKind {
        name: "the outputs",
        state: shown,
        off: None,
    };
    let open = Box::new(move || open(&settings));
    Box::new(WithOutput::new(display, kind, open))
}

fn open(settings: &Settings) -> Result<Box<dyn Output<Option<Mood>>>, InterfaceError> {
    let (chips, active_low) = (Chips::of_this_machine(), settings.outputs.active_low);
    let failed = |error: crate::gpio::GpioError| InterfaceError(error.to_string());
    let mut lines: Vec<(DigitalOutput, Vec<Mood>)> = Vec::new();
    for (pin, moods) in settings.outputs.lines() {
        let place = chips
            .place(&pin, &settings.panel.gpio_chip)
            .map_err(failed)?;
        let none = || InterfaceError(format!("there is no line {pin}"));
        // Off from the first moment: a motor hangs on it.
        let line = OutputLine::open(&pin, &place.ok_or_else(none)?, active_low).map_err(failed)?;
        let line: DigitalOutput = match active_low {
            true => Box::new(ActiveLow(line)),
            false => Box::new(line),
        };
        lines.push((line, moods));
    }
    Ok(Box::new(MoodLines(lines)))
}

/// Lines, each with the moods that it is on for.
struct MoodLines(Vec<(DigitalOutput, Vec<Mood>)>);

impl Output<Option<Mood>> for MoodLines {
    /// What goes off does so before what goes on: the two directions of a motor are never on together.
    fn set(&mut self, state: Option<Mood>) -> Result<(), InterfaceError> {
        let is_on = |moods: &[Mood]| state.is_some_and(|mood| moods.contains(&mood));
        for wanted in [false, true] {
            for (line, _) in self
                .0
                .iter_mut()
                .filter(|(_, moods)| is_on(moods) == wanted)
            {
                line.set_state(wanted.into())
                    .map_err(|error| InterfaceError(error.to_string()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use embedded_hal::digital::{ErrorType, OutputPin};
    use moodring_core::{expression::Expression, frame::Millis, mood::MoodState, track::TrackId};

    use super::*;
    use crate::gpio::LineError;
    use moodring_base::snapshot::CameraState;

    type Levels = Arc<Mutex<Vec<(u8, bool)>>>;

    /// A line that notes its levels.
    struct Noted(u8, Levels);

    impl ErrorType for Noted {
        type Error = LineError;
    }

    impl OutputPin for Noted {
        fn set_low(&mut self) -> Result<(), LineError> {
            self.1.lock().unwrap().push((self.0, false));
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), LineError> {
            self.1.lock().unwrap().push((self.0, true));
            Ok(())
        }
    }

    const HAPPY: Mood = Mood::Showing(Expression::Happy);
    const SAD: Mood = Mood::Showing(Expression::Sad);

    /// Each state in turn, and the levels that it sets, in order.
    fn levels(active_low: bool, states: &[Option<Mood>]) -> Vec<Vec<(u8, bool)>> {
        let levels = Levels::default();
        let line = |number| -> DigitalOutput {
            let line = Noted(number, Arc::clone(&levels));
            match active_low {
                true => Box::new(ActiveLow(line)),
                false => Box::new(line),
            }
        };
        let mut lines = MoodLines(vec![
            (line(1), vec![HAPPY, Mood::Uncertain]),
            (line(2), vec![SAD]),
        ]);
        let set = |state: &Option<Mood>| {
            lines.set(*state).unwrap();
            std::mem::take(&mut *levels.lock().unwrap())
        };
        states.iter().map(set).collect()
    }

    #[test]
    fn a_line_is_on_for_each_of_its_moods_and_off_goes_before_on() {
        let states = [
            Some(HAPPY),
            Some(SAD),
            Some(Mood::Uncertain),
            Some(Mood::Nobody),
            None,
        ];
        let off = vec![(1, false), (2, false)];
        assert_eq!(
            levels(false, &states),
            [
                vec![(2, false), (1, true)],
                vec![(1, false), (2, true)],
                vec![(2, false), (1, true)],
                off.clone(),
                off,
            ]
        );
        assert_eq!(levels(true, &[Some(SAD)]), [vec![(1, true), (2, false)]]);
    }

    #[test]
    fn without_a_camera_no_line_is_on_and_a_dark_display_changes_nothing() {
        let mut snapshot = Snapshot {
            mood: MoodState::new(HAPPY, 0.9, TrackId(1), Millis(0)),
            ..Snapshot::default()
        };
        for (camera, mood) in [
            (CameraState::Running, Some(HAPPY)),
            (CameraState::Elsewhere, Some(HAPPY)),
            (CameraState::Off, None),
            (CameraState::Lost, None),
            (CameraState::Starting, None),
            (CameraState::Away, None),
        ] {
            snapshot.camera = camera;
            for display_is_on in [true, false] {
                assert_eq!(shown(&snapshot, display_is_on), mood, "{camera:?}");
            }
        }
    }
}

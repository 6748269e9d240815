//! What hangs beside a display and follows the mood: a light, GPIO lines. A failure of it is not a failure of the display.

use moodring_base::snapshot::Snapshot;
use moodring_core::frame::Millis;

use super::{
    Display, DisplayControls, DisplayError, View,
    spi::{interface::InterfaceError, panel_retry::PanelRetry},
};

/// A thing that shows states of one kind, such as colours.
pub(super) trait Output<S>: Send {
    /// Shows this state.
    ///
    /// # Errors
    /// [`InterfaceError`] if it could not be shown.
    fn set(&mut self, state: S) -> Result<(), InterfaceError>;
}

/// Opens it, also again after a failure.
pub(super) type OutputOpener<S> =
    Box<dyn FnMut() -> Result<Box<dyn Output<S>>, InterfaceError> + Send>;

/// What kind of output it is.
#[derive(Clone, Copy)]
pub(super) struct OutputKind<S> {
    /// Its name in the log.
    pub(super) name: &'static str,
    /// The state for what is seen, while the display is on or off.
    pub(super) state: fn(&Snapshot, bool) -> S,
    /// The state at the end.
    pub(super) off: S,
}

/// A display with an output beside it.
pub(super) struct WithOutput<S: Copy + PartialEq + Send> {
    display: Box<dyn Display + Send>,
    kind: OutputKind<S>,
    open: OutputOpener<S>,
    output: Option<Box<dyn Output<S>>>,
    shown: Option<S>,
    retry: PanelRetry,
    on: bool,
}

impl<S: Copy + PartialEq + Send> WithOutput<S> {
    pub(super) fn new(
        display: Box<dyn Display + Send>,
        kind: OutputKind<S>,
        open: OutputOpener<S>,
    ) -> Self {
        Self {
            display,
            kind,
            open,
            output: None,
            shown: None,
            retry: PanelRetry::default(),
            on: true,
        }
    }

    fn follow(&mut self, state: S, now: Millis) {
        if self.shown == Some(state) || self.retry.rests(now) {
            return;
        }
        match self.try_state(state) {
            Ok(()) => {
                self.shown = Some(state);
                self.retry.end();
            }
            Err(error) => {
                (self.output, self.shown) = (None, None);
                if self.retry.fail(now) {
                    tracing::warn!("{}: {error}", self.kind.name);
                }
            }
        }
    }

    fn try_state(&mut self, state: S) -> Result<(), InterfaceError> {
        let output = match &mut self.output {
            Some(output) => output,
            None => self.output.insert((self.open)()?),
        };
        output.set(state)
    }
}

impl<S: Copy + PartialEq + Send> Display for WithOutput<S> {
    fn name(&self) -> &str {
        self.display.name()
    }

    fn show(&mut self, view: &View<'_>) -> Result<(), DisplayError> {
        self.follow((self.kind.state)(view.snapshot, self.on), view.now);
        self.display.show(view)
    }

    fn set(&mut self, controls: DisplayControls) {
        self.on = controls.on;
        self.display.set(controls);
    }

    fn wants_quit(&mut self) -> bool {
        self.display.wants_quit()
    }
}

impl<S: Copy + PartialEq + Send> Drop for WithOutput<S> {
    /// Off at the end; a failure has no receiver here.
    fn drop(&mut self) {
        if let Some(output) = &mut self.output {
            let _ = output.set(self.kind.off);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{super::NullDisplay, *};

    #[derive(Clone, Default)]
    struct Recorded(Arc<Mutex<Vec<u8>>>);

    impl Output<u8> for Recorded {
        fn set(&mut self, state: u8) -> Result<(), InterfaceError> {
            self.0.lock().unwrap().push(state);
            Ok(())
        }
    }

    #[test]
    fn it_follows_once_it_can_be_opened_and_is_off_at_the_end() {
        let noted = Recorded::default();
        let (output, mut tries) = (noted.clone(), 0);
        let open = move || {
            tries += 1;
            match tries {
                1 => Err(InterfaceError("not there yet".into())),
                _ => Ok(Box::new(output.clone()) as Box<dyn Output<u8>>),
            }
        };
        let kind = OutputKind {
            name: "the number",
            state: |_, on| on.into(),
            off: 0,
        };
        let mut beside = WithOutput::new(Box::new(NullDisplay), kind, Box::new(open));
        for (ms, state) in [(0, 1), (100, 1), (600, 1), (700, 1), (800, 2)] {
            beside.follow(state, Millis(ms));
        }
        drop(beside);
        assert_eq!(*noted.0.lock().unwrap(), [1, 2, 0]);
    }
}

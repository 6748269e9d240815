//! A display that shows nothing: for services and for machines without a display.

use super::{Display, DisplayControls, DisplayError, View};

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullDisplay;

impl Display for NullDisplay {
    fn name(&self) -> &str {
        "none"
    }

    fn show(&mut self, _: &View<'_>) -> Result<(), DisplayError> {
        Ok(())
    }

    fn set(&mut self, _: DisplayControls) {}

    fn is_there(&self) -> bool {
        false
    }
}

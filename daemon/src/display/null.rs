//! A display that shows nothing: for services and for machines without one.

use super::{Display, DisplayError, View, Wish};

/// Nothing, done completely.
#[derive(Clone, Copy, Debug, Default)]
pub struct Null;

impl Display for Null {
    fn name(&self) -> &str {
        "none"
    }

    fn show(&mut self, _: &View<'_>) -> Result<(), DisplayError> {
        Ok(())
    }

    fn set(&mut self, _: Wish) {}

    fn is_there(&self) -> bool {
        false
    }
}

//! A crop to scores. Runs no net itself: the engine is behind [`ClassifyNet`].

use crate::{detect::NetError, expression::Expression};

/// Width and height of the upright grey face that the classifier sees, in pixels.
pub const CROP_PX: usize = 48;

/// An upright grey face, row by row.
pub type Crop = [u8; CROP_PX * CROP_PX];

/// An expression classifier's net behind whatever engine runs it.
pub trait ClassifyNet {
    /// One forward pass: a logit for each expression, already divided by the net's calibration temperature.
    ///
    /// # Errors
    /// [`NetError`] if the engine fails or its output has another shape.
    fn run(&mut self, crop: &Crop) -> Result<[f32; Expression::COUNT], NetError>;
}

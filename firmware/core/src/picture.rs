//! What the pipeline asks of a picture: an overview for the detector, a face's crop, a few means for the motion watch. A
//! [`Frame`] has all its pixels and gives them; a picture that is still coded may decode no more than it is asked for.

use crate::{
    align,
    classify::Crop,
    frame::{Frame, Millis},
    geometry::Similarity,
};

/// A picture, perhaps not decoded yet. All places are in pixels of the whole picture.
pub trait Picture {
    /// When it was taken.
    fn time(&self) -> Millis;

    /// Width and height of the whole picture in pixels.
    fn size_px(&self) -> (u32, u32);

    /// The whole picture in little detail, for [`crate::motion`]: of one stream always by the same way.
    fn thumbnail(&mut self) -> Frame<'_>;

    /// The whole picture, perhaps smaller, but no smaller than the detector sees it.
    fn overview(&mut self) -> Frame<'_>;

    /// Cuts what the transform from the crop to the picture shows; see [`align::cut`].
    fn cut(&mut self, from_crop: &Similarity, crop: &mut Crop);
}

impl Picture for &Frame<'_> {
    fn time(&self) -> Millis {
        Frame::time(self)
    }

    fn size_px(&self) -> (u32, u32) {
        (self.width_px(), self.height_px())
    }

    fn thumbnail(&mut self) -> Frame<'_> {
        **self
    }

    fn overview(&mut self) -> Frame<'_> {
        **self
    }

    fn cut(&mut self, from_crop: &Similarity, crop: &mut Crop) {
        align::cut(self, from_crop, crop);
    }
}

impl<P: Picture> Picture for &mut P {
    fn time(&self) -> Millis {
        P::time(self)
    }

    fn size_px(&self) -> (u32, u32) {
        P::size_px(self)
    }

    fn thumbnail(&mut self) -> Frame<'_> {
        P::thumbnail(self)
    }

    fn overview(&mut self) -> Frame<'_> {
        P::overview(self)
    }

    fn cut(&mut self, from_crop: &Similarity, crop: &mut Crop) {
        P::cut(self, from_crop, crop);
    }
}

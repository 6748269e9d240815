//! Class activation maps: where in a face's crop the classifier looked, and their overlay on a photo.

use image::RgbImage;
use moodring_core::{
    classify::CROP_PX,
    expression::Expression,
    geometry::{Point, Similarity},
};

/// Cells a side of a map.
pub(super) const MAP_CELLS: usize = 6;
/// The values of all maps: a real per cell and expression, expressions fastest.
pub(super) const MAP_VALUES: usize = MAP_CELLS * MAP_CELLS * Expression::COUNT;

/// The opacity of the strongest heat, 0 to 1.
const OPACITY: f32 = 0.6;
/// Width of the crop's outline in crop pixels, so that it scales with the face ...
const OUTLINE_PX: f32 = 0.5;
/// ... and in the photo's pixels at least, so that it has no gaps, turned or not: more than half a pixel's diagonal on each side.
const LEAST_OUTLINE_PX: f32 = 1.5;

/// What each cell of the crop contributed to one expression against the others, in logits, row by row.
///
/// The net's last feature map times its head's weights (Zhou et al., *Learning Deep Features for Discriminative
/// Localization*, CVPR 2016), minus the mean over the expressions, which changes no score. A cell covers 8x8 pixels of
/// the crop, but it depends on a wider surrounding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassMap([[f32; MAP_CELLS]; MAP_CELLS]);

impl ClassMap {
    /// The map of one expression, from the net's values.
    pub fn new(values: &[f32; MAP_VALUES], expression: Expression) -> Self {
        let cell = |row: usize, column: usize| {
            let at = (row * MAP_CELLS + column) * Expression::COUNT;
            let all = &values[at..at + Expression::COUNT];
            all[expression as usize] - all.iter().sum::<f32>() / Expression::COUNT as f32
        };
        Self(std::array::from_fn(|row| {
            std::array::from_fn(|column| cell(row, column))
        }))
    }

    /// The cells in logits, row by row.
    pub fn cells(&self) -> &[[f32; MAP_CELLS]; MAP_CELLS] {
        &self.0
    }

    /// Heat at a point of the crop, 0 to 1: the evidence for the expression, bilinear between the cells' centres,
    /// relative to the strongest cell. 0 everywhere if there is no evidence.
    pub fn heat(&self, at: Point) -> f32 {
        let largest = self.0.iter().flatten().fold(0.0_f32, |a, &b| a.max(b));
        if largest <= 0.0 {
            return 0.0;
        }
        let last = (MAP_CELLS - 1) as f32;
        // The cell before the point, the cell after it, and the share of the latter.
        let place = |px: f32| {
            let at = (px * MAP_CELLS as f32 / CROP_PX as f32 - 0.5).clamp(0.0, last);
            let before = at as usize;
            (before, (before + 1).min(MAP_CELLS - 1), at.fract())
        };
        let ((left, right, along), (above, below, down)) = (place(at.x), place(at.y));
        let blend = |row: &[f32; MAP_CELLS]| row[left] + (row[right] - row[left]) * along;
        let (above, below) = (blend(&self.0[above]), blend(&self.0[below]));
        ((above + (below - above) * down) / largest).clamp(0.0, 1.0)
    }
}

/// Lays a face's map over the photo, where and turned as the crop was by its transform to the photo, with the crop's
/// outline.
pub fn overlay(photo: &mut RgbImage, from_crop: &Similarity, map: &ClassMap) {
    let transform = from_crop.inverse().unwrap_or(Similarity::IDENTITY);
    let side = CROP_PX as f32;
    let scale = from_crop.a.hypot(from_crop.b).max(f32::MIN_POSITIVE);
    let outline = OUTLINE_PX.max(LEAST_OUTLINE_PX / scale);
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let at = transform.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
        let to_edge = at.x.min(at.y).min(side - at.x).min(side - at.y);
        if to_edge < 0.0 {
            continue;
        }
        let (colour, share) = if to_edge < outline {
            ([255.0; 3], 0.8)
        } else {
            let heat = map.heat(at);
            // From yellow to red.
            ([255.0, 220.0 * (1.0 - heat), 0.0], OPACITY * heat)
        };
        for (value, wanted) in pixel.0.iter_mut().zip(colour) {
            // Between two values of 0 to 255.
            *value = (f32::from(*value) + (wanted - f32::from(*value)) * share).round() as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The map of happy is 1 in one cell; everything else is 0.
    fn one_cell(row: usize, column: usize) -> ClassMap {
        let mut values = [0.0; MAP_VALUES];
        values[(row * MAP_CELLS + column) * Expression::COUNT + Expression::Happy as usize] = 7.0;
        ClassMap::new(&values, Expression::Happy)
    }

    #[test]
    fn what_all_expressions_share_is_no_evidence() {
        let map = ClassMap::new(&[3.0; MAP_VALUES], Expression::Sad);
        assert_eq!(map.cells(), &[[0.0; MAP_CELLS]; MAP_CELLS]);
        assert_eq!(map.heat(Point::new(24.0, 24.0)), 0.0);
        assert_eq!(one_cell(1, 2).cells()[1][2], 6.0);
    }

    #[test]
    fn heat_is_one_at_the_strongest_cell_and_fades_to_its_neighbours() {
        let map = one_cell(4, 1);
        assert_eq!(map.heat(Point::new(12.0, 36.0)), 1.0);
        assert_eq!(map.heat(Point::new(16.0, 36.0)), 0.5);
        assert_eq!(map.heat(Point::new(20.0, 36.0)), 0.0);
        assert_eq!(map.heat(Point::new(36.0, 12.0)), 0.0);
    }

    /// Round the outline of a small or turned face each look from the middle meets it.
    #[test]
    fn the_outline_has_no_gaps_however_small_or_turned_the_face_is() {
        for side in [6.0_f32, 20.0, 48.0, 150.0] {
            for turn in [0.0_f32, 0.3, 0.8] {
                let scale = side / CROP_PX as f32;
                let (sine, cosine) = turn.sin_cos();
                let (a, b) = (scale * cosine, scale * sine);
                // Its middle lies in the middle of the photo.
                let half = CROP_PX as f32 / 2.0;
                let from_crop = Similarity {
                    a,
                    b,
                    tx: 150.3 - (a - b) * half,
                    ty: 150.7 - (a + b) * half,
                };
                let mut photo = RgbImage::from_pixel(300, 300, image::Rgb([0; 3]));
                overlay(&mut photo, &from_crop, &one_cell(4, 1));
                for step in 0..720 {
                    let angle = step as f32 * std::f32::consts::TAU / 720.0;
                    let meets = (0..300).any(|i| {
                        let far = i as f32 * 0.5;
                        let (x, y) = (150.3 + far * angle.cos(), 150.7 + far * angle.sin());
                        x < 300.0 && y < 300.0 && photo.get_pixel(x as u32, y as u32).0[2] > 150
                    });
                    assert!(meets, "{side} px turned by {turn}: a gap at {angle}");
                }
            }
        }
    }

    #[test]
    fn the_overlay_lies_where_the_crop_was_taken() {
        // The crop is the photo's square from (100, 50), three times as large.
        let from_crop = Similarity {
            a: 3.0,
            b: 0.0,
            tx: 100.0,
            ty: 50.0,
        };
        let grey = image::Rgb([100; 3]);
        let mut photo = RgbImage::from_pixel(300, 220, grey);
        overlay(&mut photo, &from_crop, &one_cell(4, 1));
        assert_eq!(photo.get_pixel(50, 100), &grey, "outside");
        assert_eq!(photo.get_pixel(200, 80), &grey, "inside, cold");
        let [r, g, b] = photo.get_pixel(136, 158).0;
        assert!(r > 180 && g < 60 && b < 60, "hot: {r} {g} {b}");
    }
}

//! Places faces and text on a screen, as rectangles. Draws nothing.

use core::ops::Range;

use embedded_graphics::{
    prelude::{Point, Size},
    primitives::Rectangle,
};
use heapless::Vec;

use crate::{
    picture::{MAX_FACES, MAX_LINES, Picture, ScreenShape},
    raster::oval::square_root,
    text::{Fit, Font, Loss},
    theme::Shades,
};

/// A place for each face, the one who counts first.
pub(crate) type Tiles = Vec<Rectangle, MAX_FACES>;

/// Rectangles that cover a screen without an overlap.
pub type Regions = Vec<Rectangle, MAX_REGIONS>;

/// Pieces of one screen: a test holds all layouts against it.
const MAX_REGIONS: usize = 48;

/// The places of a picture.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) tiles: Tiles,
    /// Where the lines go, and in which font.
    pub(crate) text: Option<(Rectangle, Font)>,
}

impl Layout {
    pub(crate) fn of(area: Rectangle, picture: &Picture<'_>, shades: Shades) -> Self {
        let count = picture.faces.len().min(MAX_FACES);
        let available = match picture.shape {
            ScreenShape::Square => area,
            ScreenShape::Round if picture.lines.is_empty() => area,
            ScreenShape::Round => within_circle(area),
        };
        let lines = picture.lines;
        let is_round = picture.shape == ScreenShape::Round;
        let bottom = match lines {
            [] => None,
            _ if is_round && count > 0 => at_the_bottom(area, lines, shades),
            _ => None,
        };
        // The rows of round glass that faces may have; without, all is a rectangle.
        let high_px = match lines {
            [] => is_round.then_some(area.size.width.min(area.size.height)),
            _ => bottom.as_ref().map(|placed| placed.faces.size.height),
        };
        let placed = match picture.shape {
            _ if lines.is_empty() || bottom.is_some() => bottom,
            // Beside the face a row is short: where letters are lost there, beneath it they may not be.
            ScreenShape::Square if is_wide(available) => match beside(available, lines, shades) {
                Some(placed) if placed.fit.loss == Loss::Nothing => Some(placed),
                beside => {
                    let both = [beside, beneath(available, lines, shades)]
                        .into_iter()
                        .flatten();
                    both.min_by_key(|placed| placed.fit.loss)
                }
            },
            _ => beneath(available, lines, shades),
        };
        let faces = placed.as_ref().map_or(available, |placed| placed.faces);
        let text = placed.map(|placed| (placed.text, placed.fit.font));
        let tiles = match high_px {
            Some(high_px) if count > 1 => round_tiles(area, high_px, count),
            _ => tiles(faces, count),
        };
        Self { tiles, text }
    }
}

fn is_wide(area: Rectangle) -> bool {
    2 * area.size.width >= 3 * area.size.height
}

/// A part of the circle inside `area` that is narrow enough at its bottom for text and small faces. Above is one
/// round head, whose corners hold nothing.
fn within_circle(area: Rectangle) -> Rectangle {
    let side = area.size.width.min(area.size.height);
    let size = Size::new(side * 64 / 100, side * 82 / 100);
    let middle = Rectangle::with_center(area.center(), size);
    Rectangle::new(middle.top_left - Size::new(0, side * 3 / 100), size)
}

/// Where faces and text go, and how the lines go into their place.
struct Placed {
    faces: Rectangle,
    text: Rectangle,
    fit: Fit,
}

/// One face at the top of round glass, and text at its bottom, where each line fits between the glass's edges. The head
/// touches the glass at the top, so its corners hold nothing. `None` if the face were less than two thirds as high as the
/// glass.
fn at_the_bottom(area: Rectangle, lines: &[&str], shades: Shades) -> Option<Placed> {
    let side = area.size.width.min(area.size.height);
    let bounds = Rectangle::with_center(area.center(), Size::new_equal(side));
    let choices = (1..=lines.len().min(MAX_LINES)).rev();
    let choices = choices.flat_map(|count| Font::all(shades).map(move |font| (count, font)));
    for (count, font) in choices {
        let Some(bottom) = lowest(side, &lines[..count], font) else {
            continue;
        };
        let rows = count as u32;
        let Some(face_px) = bottom.checked_sub(font.height_px() * rows + 1) else {
            continue;
        };
        if 3 * face_px >= 2 * side {
            let place = Size::new(side, bottom - face_px);
            return Some(Placed {
                faces: Rectangle::new(bounds.top_left, Size::new(side, face_px)),
                text: Rectangle::new(bounds.top_left + Size::new(0, face_px), place),
                fit: Fit {
                    font,
                    rows,
                    loss: Loss::Nothing,
                },
            });
        }
    }
    None
}

/// How far down a block of lines may reach on round glass, so that its last lines too lie within; `None` if one is longer
/// than the glass is wide.
fn lowest(side: u32, lines: &[&str], font: Font) -> Option<u32> {
    let radius = side / 2;
    let below = (0..lines.len() as u32).rev();
    let mut ends = lines.iter().zip(below).map(|(line, below)| {
        // A pixel to each side, so that no letter touches the edge.
        let half = font.width_px(line) / 2 + 1;
        let rest = (radius * radius).checked_sub(half * half)?;
        Some(radius + square_root(rest) + below * font.height_px())
    });
    ends.try_fold(side, |lowest, end| Some(lowest.min(end?)))
}

/// Text to the right of the faces.
fn beside(area: Rectangle, lines: &[&str], shades: Shades) -> Option<Placed> {
    let Size { width, height } = area.size;
    let text_px = (width - height).min(width / 2);
    let left = Size::new(width - text_px, 0);
    Some(Placed {
        faces: Rectangle::new(area.top_left, Size::new(width - text_px, height)),
        text: Rectangle::new(area.top_left + left, Size::new(text_px, height)),
        fit: Fit::of(lines, Size::new(text_px, height / 2), shades)?,
    })
}

/// Text under the faces, as many lines as leave them two thirds; rather fewer lines than cut ones.
fn beneath(area: Rectangle, lines: &[&str], shades: Shades) -> Option<Placed> {
    let Size { width, height } = area.size;
    let counts = (1..=lines.len().min(MAX_LINES)).rev();
    let fits =
        counts.filter_map(|count| Fit::of(&lines[..count], Size::new(width, height / 3), shades));
    let fit = fits
        .clone()
        .find(|fit| fit.loss == Loss::Nothing)
        .or_else(|| fits.clone().next())?;
    let text_px = fit.height_px() + 2;
    let above = Size::new(0, height - text_px);
    Some(Placed {
        faces: Rectangle::new(area.top_left, Size::new(width, height - text_px)),
        text: Rectangle::new(area.top_left + above, Size::new(width, text_px)),
        fit,
    })
}

/// The first face large, the others in a row beneath it, or in a column beside it where the area is wide.
fn tiles(area: Rectangle, count: usize) -> Tiles {
    let Size { width, height } = area.size;
    let mut tiles = Tiles::new();
    // As long as the faces' number allows, so it always fits.
    let mut put = |x: u32, y: u32, w: u32, h: u32| {
        let tile = Rectangle::new(area.top_left + Size::new(x, y), Size::new(w, h));
        let _full = tiles.push(tile);
    };
    let others = count.saturating_sub(1) as u32;
    if count == 0 {
    } else if others == 0 {
        put(0, 0, width, height);
    } else if 10 * width >= 13 * height {
        let small = (height / others).min(width / 3);
        put(0, 0, width - small, height);
        let top = (height - small * others) / 2;
        (0..others).for_each(|i| put(width - small, top + i * small, small, small));
    } else {
        let small = (width / others).min(height / 3);
        put(0, 0, width, height - small);
        let left = (width - small * others) / 2;
        (0..others).for_each(|i| put(left + i * small, height - small, small, small));
    }
    tiles
}

/// Faces on the upper `high_px` rows of round glass: the first at the top, two thirds as high, where its round head touches
/// the edge; the others in a row beneath it, as large as the glass is wide there.
fn round_tiles(area: Rectangle, high_px: u32, count: usize) -> Tiles {
    let side = area.size.width.min(area.size.height);
    let bounds = Rectangle::with_center(area.center(), Size::new_equal(side));
    let first = high_px * 2 / 3;
    let others = count.saturating_sub(1).max(1) as u32;
    let fits = |small: &u32| {
        // How far the row's lower edge lies under the middle; the upper one is nearer to it, or on the head.
        let (radius, below) = (side / 2, (first + small).saturating_sub(side / 2));
        let rest = (radius * radius).saturating_sub(below * below);
        others * small <= 2 * square_root(rest)
    };
    let small = (0..=high_px - first).rev().find(fits).unwrap_or(0);
    let mut tiles = Tiles::new();
    let mut put = |x: u32, y: u32, tile: u32| {
        let corner = bounds.top_left + Size::new(x, y);
        let _full = tiles.push(Rectangle::new(corner, Size::new_equal(tile)));
    };
    put((side - first) / 2, 0, first);
    let left = (side - small * others) / 2;
    (0..others).for_each(|i| put(left + i * small, first, small));
    tiles
}

/// The whole area in pieces: the tiles, the text, and what lies between them.
pub(crate) fn regions(area: Rectangle, tiles: &[Rectangle], text: Option<Rectangle>) -> Regions {
    let places = tiles.iter().copied().chain(text);
    let mut regions: Regions = places.filter(|place| !place.is_zero_sized()).collect();
    let taken = regions.len();
    let mut y = area.top_left.y;
    let bottom = y + area.size.height as i32;
    while y < bottom {
        // Down to the next place that begins or ends.
        let ends = |place: &Rectangle| [place.top_left.y, below(place)];
        let next = regions[..taken]
            .iter()
            .flat_map(ends)
            .filter(|end| *end > y);
        let next = next.min().unwrap_or(bottom).min(bottom);
        gaps(area, y..next, taken, &mut regions);
        y = next;
    }
    regions
}

/// Adds what the first `taken` regions leave free of some rows, in which none of them begins or ends.
fn gaps(area: Rectangle, rows: Range<i32>, taken: usize, regions: &mut Regions) {
    let right = area.top_left.x + area.size.width as i32;
    let mut x = area.top_left.x;
    while x < right {
        let here = |place: &&Rectangle| {
            place.top_left.y < rows.end && rows.start < below(place) && beyond(place) > x
        };
        let next = regions[..taken].iter().filter(here);
        let next = next.min_by_key(|place| place.top_left.x).copied();
        let (left, end) = next.map_or((right, right), |p| (p.top_left.x, beyond(&p)));
        if left > x {
            add_gap(x..left, &rows, taken, regions);
        }
        x = end;
    }
}

/// Adds a gap, or makes the one above it higher.
fn add_gap(columns: Range<i32>, rows: &Range<i32>, taken: usize, regions: &mut Regions) {
    let size = Size::new(columns.len() as u32, rows.len() as u32);
    let continued = regions[taken..].iter_mut().find(|gap| {
        gap.top_left.x == columns.start && gap.size.width == size.width && below(gap) == rows.start
    });
    match continued {
        Some(gap) => gap.size.height += size.height,
        None => {
            let top_left = Point::new(columns.start, rows.start);
            let _full = regions.push(Rectangle::new(top_left, size));
        }
    }
}

/// The row under a rectangle.
fn below(place: &Rectangle) -> i32 {
    // Screens are far smaller than i32's range.
    place.top_left.y + place.size.height as i32
}

/// The column to the right of a rectangle.
fn beyond(place: &Rectangle) -> i32 {
    place.top_left.x + place.size.width as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{animate::Pose, look::Look};

    fn layout(size: (u32, u32), count: usize, lines: &[&str], shape: ScreenShape) -> Layout {
        let faces = std::vec![Pose::still(Look::Starting); count];
        let picture = Picture {
            faces: &faces,
            lines,
            shape,
            ..Picture::default()
        };
        let area = Rectangle::new(Point::new(3, -5), size.into());
        Layout::of(area, &picture, Shades::All)
    }

    #[test]
    fn one_face_without_text_has_all() {
        for shape in [ScreenShape::Square, ScreenShape::Round] {
            let layout = layout((135, 240), 1, &[], shape);
            assert_eq!(
                layout.tiles[..],
                [Rectangle::new(Point::new(3, -5), Size::new(135, 240))]
            );
            assert_eq!(layout.text, None);
        }
    }

    #[test]
    fn text_stands_beside_the_face_on_a_wide_screen_and_beneath_it_else() {
        let wide = layout((128, 64), 1, &["happy 87%"], ScreenShape::Square);
        assert_eq!(wide.tiles[0].size, Size::new(64, 64));
        assert_eq!(wide.text.unwrap().0.size, Size::new(64, 64));
        let tall = layout((240, 320), 1, &["happy 87%"], ScreenShape::Square);
        assert_eq!(tall.tiles[0].size.width, 240);
        assert!(tall.tiles[0].size.height < 310 && tall.tiles[0].size.height >= 213);
    }

    #[test]
    fn lines_without_room_are_left_out_the_last_first() {
        let lines = ["happy 87%", "hall", "and more"];
        let rows = |height| {
            let layout = layout((64, height), 1, &lines, ScreenShape::Square);
            let (place, font) = layout.text.unwrap();
            (place.size.height - 2) / font.height_px()
        };
        assert_eq!([48, 64, 96].map(rows), [2, 2, 3]);
        assert_eq!(layout((20, 12), 1, &lines, ScreenShape::Square).text, None);
    }

    /// On a glass that is low, text beside the face lost letters at both ends.
    #[test]
    fn text_that_is_cut_beside_the_face_goes_beneath_it() {
        for (size, line) in [
            ((72, 40), "überrascht 85%"),
            ((64, 32), "disgust 85%"),
            // Without the percent.
            ((64, 32), "überrascht 85%"),
        ] {
            let layout = layout(size, 1, &[line], ScreenShape::Square);
            assert_eq!(layout.text.unwrap().0.size.width, size.0, "{line}");
            assert!(layout.tiles[0].size.height * 3 >= size.1 * 2, "{line}");
        }
    }

    proptest! {
        /// Places lie inside the area, do not overlap, and the one who counts has the largest.
        #[test]
        fn places_are_apart(
            w in 1..500_u32, h in 1..500_u32, count in 0..12_usize, text in 0..4_usize, round: bool,
        ) {
            let shape = if round { ScreenShape::Round } else { ScreenShape::Square };
            let layout = layout((w, h), count, &["surprise", "100%", "kitchen"][..text.min(3)], shape);
            prop_assert_eq!(layout.tiles.len(), count.min(MAX_FACES));
            let area = Rectangle::new(Point::new(3, -5), Size::new(w, h));
            let places: std::vec::Vec<_> = layout.tiles.iter().chain(layout.text.iter().map(|t| &t.0)).collect();
            for (i, a) in places.iter().enumerate() {
                prop_assert_eq!(a.intersection(&area).size, a.size);
                for b in &places[i + 1..] {
                    prop_assert!(a.is_zero_sized() || a.intersection(b).is_zero_sized());
                }
            }
            let regions = regions(area, &layout.tiles, layout.text.map(|(place, _)| place));
            let pixels = |place: &Rectangle| u64::from(place.size.width) * u64::from(place.size.height);
            prop_assert_eq!(regions.iter().map(pixels).sum::<u64>(), pixels(&area));
            for (i, a) in regions.iter().enumerate() {
                prop_assert_eq!(a.intersection(&area), *a);
                prop_assert!(regions[i + 1..].iter().all(|b| a.intersection(b).is_zero_sized()));
            }
            let side = |tile: &Rectangle| tile.size.width.min(tile.size.height);
            let first = layout.tiles.first().map_or(0, side);
            prop_assert!(layout.tiles.iter().all(|tile| side(tile) <= first));
        }
    }
}

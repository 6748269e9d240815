//! Places faces and text on a screen, as rectangles. Draws nothing.

use embedded_graphics::{prelude::Size, primitives::Rectangle};
use heapless::Vec;

use crate::{
    picture::{MAX_FACES, Picture, ScreenShape},
    text::Font,
};

/// A place for each face, the one who counts first.
pub(crate) type Tiles = Vec<Rectangle, MAX_FACES>;

/// The places of a picture.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) tiles: Tiles,
    /// Where the lines go, and in which font.
    pub(crate) text: Option<(Rectangle, Font)>,
}

impl Layout {
    pub(crate) fn of(area: Rectangle, picture: &Picture<'_>) -> Self {
        let count = picture.faces.len().min(MAX_FACES);
        let room = match picture.glass {
            ScreenShape::Square => area,
            ScreenShape::Round if count < 2 && picture.lines.is_empty() => area,
            ScreenShape::Round => within_circle(area),
        };
        let (faces, text) = match (picture.lines, picture.glass) {
            ([], _) => (room, None),
            (lines, ScreenShape::Square) if is_wide(room) => beside(room, lines),
            (lines, _) => beneath(room, lines),
        };
        Self {
            tiles: tiles(faces, count),
            text,
        }
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

/// Text to the right of the faces.
fn beside(area: Rectangle, lines: &[&str]) -> (Rectangle, Option<(Rectangle, Font)>) {
    let Size { width, height } = area.size;
    let text_px = (width - height).min(width / 2);
    let place = Rectangle::new(
        area.top_left + Size::new(width - text_px, 0),
        Size::new(text_px, height),
    );
    let faces = Rectangle::new(area.top_left, Size::new(width - text_px, height));
    match Font::fitting(lines, Size::new(text_px, height / 2)) {
        Some(font) => (faces, Some((place, font))),
        None => (area, None),
    }
}

/// Text under the faces, as many lines as leave them two thirds.
fn beneath(area: Rectangle, lines: &[&str]) -> (Rectangle, Option<(Rectangle, Font)>) {
    let Size { width, height } = area.size;
    for count in (1..=lines.len()).rev() {
        let Some(font) = Font::fitting(&lines[..count], Size::new(width, height / 3)) else {
            continue;
        };
        let text_px = font.height_px() * count as u32 + 2;
        let faces = Rectangle::new(area.top_left, Size::new(width, height - text_px));
        let top_left = area.top_left + Size::new(0, height - text_px);
        let place = Rectangle::new(top_left, Size::new(width, text_px));
        return (faces, Some((place, font)));
    }
    (area, None)
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

#[cfg(test)]
mod tests {
    use embedded_graphics::prelude::Point;
    use proptest::prelude::*;

    use super::*;
    use crate::{animate::Pose, look::Look};

    fn layout(size: (u32, u32), count: usize, lines: &[&str], glass: ScreenShape) -> Layout {
        let faces = std::vec![Pose::still(Look::Starting); count];
        let picture = Picture {
            faces: &faces,
            lines,
            glass,
            ..Picture::default()
        };
        Layout::of(Rectangle::new(Point::new(3, -5), size.into()), &picture)
    }

    #[test]
    fn one_face_without_text_has_all() {
        for glass in [ScreenShape::Square, ScreenShape::Round] {
            let layout = layout((135, 240), 1, &[], glass);
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
        let lines = ["happy 87%", "a device's name", "and more"];
        let small = layout((64, 64), 1, &lines, ScreenShape::Square)
            .text
            .unwrap();
        assert_eq!(small.0.size.height, 2 * small.1.height_px() + 2);
        assert_eq!(layout((20, 12), 1, &lines, ScreenShape::Square).text, None);
    }

    proptest! {
        /// Places lie inside the area, do not overlap, and the one who counts has the largest.
        #[test]
        fn places_are_apart(
            w in 1..500_u32, h in 1..500_u32, count in 0..12_usize, text in 0..4_usize, round: bool,
        ) {
            let glass = if round { ScreenShape::Round } else { ScreenShape::Square };
            let layout = layout((w, h), count, &["surprise", "100%", "kitchen"][..text.min(3)], glass);
            prop_assert_eq!(layout.tiles.len(), count.min(MAX_FACES));
            let area = Rectangle::new(Point::new(3, -5), Size::new(w, h));
            let places: std::vec::Vec<_> = layout.tiles.iter().chain(layout.text.iter().map(|t| &t.0)).collect();
            for (i, a) in places.iter().enumerate() {
                prop_assert_eq!(a.intersection(&area).size, a.size);
                for b in &places[i + 1..] {
                    prop_assert!(a.is_zero_sized() || a.intersection(b).is_zero_sized());
                }
            }
            let side = |tile: &Rectangle| tile.size.width.min(tile.size.height);
            let first = layout.tiles.first().map_or(0, side);
            prop_assert!(layout.tiles.iter().all(|tile| side(tile) <= first));
        }
    }
}

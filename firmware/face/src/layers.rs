//! A face as a stack of layers in pixels; paints any part of a row. Whole numbers only from here on.

use heapless::Vec;

use crate::{
    raster::{
        FINE_BITS, LINES,
        row::{Colour, Coverage, PIECE, mix},
        shapes::{Shape, Shapes},
        spans::Spans,
    },
    skin::{RowTones, Tones},
};

/// Layers a face may have; a test holds every look and every mixture against it.
pub(crate) const MAX_LAYERS: usize = 48;

/// How a layer colours what it covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paint {
    /// One colour; 256 is opaque.
    Flat(Colour, u32),
    /// The skin.
    Skin,
    /// One colour that fades from the middle of this disc to its edge; 256 is opaque.
    Glow(Colour, u32, Disc),
}

/// Measures how far a pixel is from the middle of an upright ellipse.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Disc {
    /// The middle, 24.8 pixels.
    pub(crate) x: i32,
    pub(crate) y: i32,
    /// `2^24` over the radii in 24.8 pixels.
    pub(crate) per_rx: i32,
    pub(crate) per_ry: i32,
}

impl Disc {
    pub(crate) fn new(x: f32, y: f32, rx: f32, ry: f32) -> Self {
        let per = |r: f32| (65536.0 / r.max(0.01)) as i32;
        Self {
            x: (x * 256.0) as i32,
            y: (y * 256.0) as i32,
            per_rx: per(rx),
            per_ry: per(ry),
        }
    }

    /// A distance in pixels as a share of the radius, -4096 to 4096 inside.
    fn share(pixel: i32, middle: i32, per: i32) -> i32 {
        let off = (pixel << FINE_BITS) + 128 - middle;
        (off.saturating_mul(per) >> 12).clamp(-5000, 5000)
    }

    pub(crate) fn across(&self, x: i32) -> i32 {
        Self::share(x, self.x, self.per_rx)
    }

    /// Pixels, from the first to one past the last, that are at most `reach` of 4096 away from the middle.
    fn pixels_within(&self, reach: i32) -> (i32, i32) {
        let off = (reach << 12) / self.per_rx.max(1);
        // A pixel's middle counts: half a pixel is taken off both ends, and both are rounded inward.
        let first = (self.x - off - 128 + 255) >> FINE_BITS;
        let last = (self.x + off - 128) >> FINE_BITS;
        (first, last + 1)
    }

    pub(crate) fn down(&self, y: i32) -> i32 {
        Self::share(y, self.y, self.per_ry)
    }
}

/// A straight edge: only one side of it is seen. `bound = base + step * line`, 48.16 pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ClipEdge {
    pub(crate) base: i64,
    pub(crate) step: i64,
    /// What is seen.
    pub(crate) seen: Side,
}

/// A side of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl ClipEdge {
    fn cut(&self, line: i32, spans: &mut Spans) {
        let bound = (self.base + self.step * i64::from(line)) >> 8;
        let bound = bound.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        match self.seen {
            Side::Left => spans.cut(i32::MIN, bound),
            Side::Right => spans.cut(bound, i32::MAX),
        }
    }
}

/// One shape in one paint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) shape: Shape,
    pub(crate) paint: Paint,
    /// Only inside this other layer.
    pub(crate) within: Option<usize>,
    pub(crate) lid: Option<ClipEdge>,
}

/// The stack. Layers are painted first to last.
#[derive(Debug, Default)]
pub(crate) struct LayerStack {
    pub(crate) shapes: Shapes,
    pub(crate) layers: Vec<Layer, MAX_LAYERS>,
    pub(crate) background: Colour,
    pub(crate) tones: Tones,
    /// The head.
    pub(crate) head: Disc,
}

/// What painting needs besides the scene; larger than a microcontroller's registers, smaller than its stack.
pub(crate) struct Brush {
    pub(crate) colours: [Colour; PIECE],
    coverage: Coverage,
    spans: Spans,
    /// The last layer that others are seen through, its row and its scan lines.
    outer: Option<(usize, i32)>,
    outer_lines: [Spans; LINES as usize],
}

impl Brush {
    pub(crate) fn new() -> Self {
        Self {
            colours: [0; PIECE],
            coverage: Coverage::new(),
            spans: Spans::default(),
            outer: None,
            outer_lines: Default::default(),
        }
    }
}

/// Lays a colour over others; 256 is opaque.
fn blend(under: &mut [Colour], colour: Colour, share: u32) {
    if share == 256 {
        under.fill(colour);
    } else {
        for under in under {
            *under = mix(*under, colour, share);
        }
    }
}

impl LayerStack {
    /// Takes everything away.
    pub(crate) fn clear(&mut self) {
        self.layers.clear();
        self.shapes.edges.clear();
        self.shapes.ovals.clear();
    }

    /// Puts a layer on top; its number. A full scene drops it: an absent tear beats a crash.
    pub(crate) fn push(&mut self, layer: Layer) -> usize {
        let number = self.layers.len();
        let _full = self.layers.push(layer);
        number
    }

    /// Paints the pixels `left .. left + PIECE` of a row into the brush's colours.
    pub(crate) fn paint(&self, brush: &mut Brush, row: i32, left: i32) {
        brush.colours = [self.background; PIECE];
        brush.coverage.move_to(left);
        for layer in &self.layers {
            if layer.shape.touches(row, left) {
                self.cover(layer, row, brush);
                self.fill(layer, row, left, brush);
            }
        }
    }

    /// Adds up the layer's coverage of a row.
    fn cover(&self, layer: &Layer, row: i32, brush: &mut Brush) {
        if let Some(outer) = layer.within {
            self.look_through(outer, row, brush);
        }
        for i in 0..LINES {
            let line = row * LINES + i;
            self.scan(layer, line, &mut brush.spans);
            if layer.within.is_some() {
                brush.spans.within(&brush.outer_lines[i as usize]);
            }
            brush.coverage.add(&brush.spans);
        }
    }

    /// Remembers what the outer layer leaves free in this row: several layers are seen through the same mouth.
    fn look_through(&self, outer: usize, row: i32, brush: &mut Brush) {
        if brush.outer == Some((outer, row)) {
            return;
        }
        brush.outer = Some((outer, row));
        for (i, spans) in brush.outer_lines.iter_mut().enumerate() {
            match self.layers.get(outer) {
                Some(layer) => self.scan(layer, row * LINES + i as i32, spans),
                None => spans.clear(),
            }
        }
    }

    fn scan(&self, layer: &Layer, line: i32, spans: &mut Spans) {
        self.shapes.scan(&layer.shape, line, spans);
        if let Some(lid) = layer.lid {
            lid.cut(line, spans);
        }
    }

    /// Colours what is covered.
    fn fill(&self, layer: &Layer, row: i32, left: i32, brush: &mut Brush) {
        let Brush {
            colours, coverage, ..
        } = brush;
        match layer.paint {
            Paint::Flat(colour, opacity) => coverage.resolve(|run, cover| {
                blend(&mut colours[run], colour, (cover * opacity) >> 8);
            }),
            Paint::Skin => {
                let down = self.head.down(row);
                let tones: RowTones = self.tones.row(down >> 4);
                let reach = RowTones::reach(down);
                let inner = reach.map_or((0, 0), |reach| self.head.pixels_within(reach));
                coverage.resolve(|run, cover| {
                    // Pixels are below 2^15.
                    let place =
                        |x: i32| (x - left).clamp(run.start as i32, run.end as i32) as usize;
                    let (from, to) = (place(inner.0), place(inner.1));
                    blend(&mut colours[from..to.max(from)], tones.inner(), cover);
                    for i in (run.start..from).chain(to.max(from)..run.end) {
                        let across = self.head.across(left + i as i32);
                        let colour = tones.at(across * across + down * down);
                        blend(&mut colours[i..=i], colour, cover);
                    }
                });
            }
            Paint::Glow(colour, opacity, disc) => {
                let down = disc.down(row);
                coverage.resolve(|run, cover| {
                    for i in run {
                        let across = disc.across(left + i as i32);
                        let squared = (across * across + down * down).min(1 << 24);
                        let rest = ((1 << 24) - squared) as u32 >> 12;
                        let share = (((rest * rest) >> 16) * opacity * cover) >> 16;
                        blend(&mut colours[i..=i], colour, share.min(256));
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::{
        prelude::{Point, Size},
        primitives::Rectangle,
    };

    use super::*;
    use crate::{
        animate::Pose,
        expression::params,
        look::Look,
        params::Params,
        parts,
        picture::ScreenShape,
        raster::shapes::{MAX_EDGES, MAX_OVALS},
        theme::Theme,
    };

    fn scene(params: Params, theme: &Theme) -> LayerStack {
        let mut scene = LayerStack::default();
        let pose = Pose {
            params,
            roll_deg: 10.0,
            code: 888,
        };
        let area = Rectangle::new(Point::zero(), Size::new_equal(480));
        parts::build(&mut scene, area, &pose, theme, ScreenShape::Round);
        scene
    }

    #[test]
    fn every_look_and_mixture_fits() {
        for a in Look::ALL {
            for b in Look::ALL {
                for t in [0.0, 0.3, 0.7] {
                    let mixed = Params::mix(&params(a), &params(b), t);
                    let scene = scene(mixed, &Theme::CLASSIC);
                    assert!(scene.layers.len() < MAX_LAYERS, "{a:?} {b:?}");
                    assert!(scene.shapes.edges.len() < MAX_EDGES, "{a:?} {b:?}");
                    assert!(scene.shapes.ovals.len() < MAX_OVALS, "{a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn a_drawing_fits_a_microcontroller() {
        assert!(
            size_of::<LayerStack>() <= 15 * 1024,
            "{}",
            size_of::<LayerStack>()
        );
        assert!(size_of::<Brush>() <= 4 * 1024, "{}", size_of::<Brush>());
    }

    /// Where a layer is said to touch nothing, painting it changes nothing.
    #[test]
    fn layers_touch_all_that_they_cover() {
        for look in Look::ALL {
            let scene = scene(params(look), &Theme::CLASSIC);
            let mut brush = Brush::new();
            for layer in &scene.layers {
                for row in 0..480 {
                    for left in [0, PIECE as i32] {
                        if !layer.shape.touches(row, left) {
                            brush.coverage.move_to(left);
                            scene.cover(layer, row, &mut brush);
                            brush
                                .coverage
                                .resolve(|run, _| panic!("{look:?} {row} {left} {run:?}"));
                        }
                    }
                }
            }
        }
    }
}

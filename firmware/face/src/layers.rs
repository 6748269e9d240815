//! A face as a stack of layers in pixels; paints any part of a row. Whole numbers only from here on.

use core::{
    hash::{Hash, Hasher},
    ops::Range,
};

use hash32::{FnvHasher, Hasher as _};
use heapless::Vec;

use crate::{
    raster::{
        clip::ClipEdge,
        disc::Disc,
        edge::Crossings,
        row::{Colour, Coverage, PIECE, mix},
        shapes::{Shape, Shapes},
        spans::RowSpans,
    },
    skin::{RowTones, Tones},
};

/// Layers a face may have; a test holds every look and every mixture against it.
pub(crate) const MAX_LAYERS: usize = 48;

/// How a layer colours what it covers.
#[derive(Clone, Copy, Debug, PartialEq, Hash)]
pub(crate) enum Paint {
    /// One colour; 256 is opaque.
    Flat(Colour, u32),
    /// The skin.
    Skin,
    /// One colour that fades from the middle of this disc to its edge; 256 is opaque.
    Glow(Colour, u32, Disc),
}

/// One shape in one paint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) shape: Shape,
    pub(crate) paint: Paint,
    /// Only inside this other layer.
    pub(crate) within: Option<usize>,
    pub(crate) clip: Option<ClipEdge>,
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

/// What painting needs besides the stack; larger than a microcontroller's registers, smaller than its stack.
pub(crate) struct Brush {
    pub(crate) colours: [Colour; PIECE],
    /// The pixels that some layer touched; all others are background, whatever their colours are.
    pub(crate) painted: Range<usize>,
    coverage: Coverage,
    lines: RowSpans,
    crossings: Crossings,
    /// The last layer that others are seen through, its row and its scan lines.
    outer: Option<(usize, i32)>,
    outer_lines: RowSpans,
}

impl Brush {
    pub(crate) fn new() -> Self {
        Self {
            colours: [0; PIECE],
            painted: 0..0,
            coverage: Coverage::new(),
            lines: RowSpans::default(),
            crossings: Crossings::default(),
            outer: None,
            outer_lines: RowSpans::default(),
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

    /// Puts a layer on top; its number. A full stack drops it: an absent tear beats a crash.
    pub(crate) fn push(&mut self, layer: Layer) -> usize {
        let number = self.layers.len();
        let _full = self.layers.push(layer);
        number
    }

    /// Paints the pixels `left .. left + len` of a row, at most [`PIECE`], into the brush's colours; those outside of
    /// `painted` are left as they were, and are background.
    pub(crate) fn paint(&self, brush: &mut Brush, row: i32, left: i32, len: usize) {
        let len = len.min(PIECE);
        brush.coverage.move_to(left);
        brush.painted = len..0;
        for layer in &self.layers {
            if layer.shape.touches(row, left) {
                self.cover(layer, row, brush);
                let touched = brush.coverage.touched(len);
                if touched.is_empty() {
                    // What lies beyond the pixels of use is forgotten.
                    brush.coverage.resolve(|_, _| {});
                } else {
                    self.fill(layer, row, left, touched, brush);
                }
            }
        }
    }

    /// Lets some pixels be background where nothing was painted yet.
    fn fill_background(&self, touched: &Range<usize>, brush: &mut Brush) {
        let painted = brush.painted.clone();
        if painted.is_empty() {
            brush.colours[touched.clone()].fill(self.background);
            brush.painted = touched.clone();
            return;
        }
        let (start, end) = (
            touched.start.min(painted.start),
            touched.end.max(painted.end),
        );
        brush.colours[start..painted.start].fill(self.background);
        brush.colours[painted.end..end].fill(self.background);
        brush.painted = start..end;
    }

    /// Adds up the layer's coverage of a row.
    fn cover(&self, layer: &Layer, row: i32, brush: &mut Brush) {
        if let Some(outer) = layer.within {
            self.scan_outer(outer, row, brush);
        }
        self.scan(layer, row, &mut brush.lines, &mut brush.crossings);
        for (spans, outer) in brush.lines.iter_mut().zip(&brush.outer_lines) {
            if layer.within.is_some() {
                spans.within(outer);
            }
            brush.coverage.add(spans);
        }
    }

    /// Remembers what the outer layer leaves free in this row: several layers are seen through the same mouth.
    fn scan_outer(&self, outer: usize, row: i32, brush: &mut Brush) {
        if brush.outer == Some((outer, row)) {
            return;
        }
        brush.outer = Some((outer, row));
        match self.layers.get(outer) {
            Some(layer) => self.scan(layer, row, &mut brush.outer_lines, &mut brush.crossings),
            None => brush.outer_lines = RowSpans::default(),
        }
    }

    fn scan(&self, layer: &Layer, row: i32, lines: &mut RowSpans, crossings: &mut Crossings) {
        self.shapes.scan(&layer.shape, row, lines, crossings);
        if let Some(clip) = layer.clip {
            clip.cut(row, lines);
        }
    }

    /// Colours what is covered.
    fn fill(&self, layer: &Layer, row: i32, left: i32, touched: Range<usize>, brush: &mut Brush) {
        if layer.paint == Paint::Skin {
            return self.fill_skin(row, left, touched, brush);
        }
        self.fill_background(&touched, brush);
        let Brush {
            colours, coverage, ..
        } = brush;
        match layer.paint {
            Paint::Flat(colour, opacity) => coverage.resolve(|run, cover| {
                blend(&mut colours[run], colour, (cover * opacity) >> 8);
            }),
            Paint::Skin => {}
            Paint::Glow(colour, opacity, disc) => {
                let down = disc.down(row);
                coverage.resolve(|run, cover| {
                    let strength = opacity * cover;
                    let squares = disc.squares(left + run.start as i32, down);
                    for (under, squared) in colours[run].iter_mut().zip(squares) {
                        let rest = ((1 << 24) - squared.min(1 << 24)) as u32 >> 12;
                        let share = (((rest * rest) >> 16) * strength) >> 16;
                        *under = mix(*under, colour, share.min(256));
                    }
                });
            }
        }
    }

    /// A number for all that decides what each layer covers and how it is coloured.
    pub(crate) fn digests(&self) -> Vec<u32, MAX_LAYERS> {
        let digest = |layer: &Layer| {
            let mut hasher = FnvHasher::default();
            (layer.paint, layer.clip).hash(&mut hasher);
            self.shapes.parts(&layer.shape).hash(&mut hasher);
            hasher.finish32()
        };
        self.layers.iter().map(digest).collect()
    }

    /// Hashes all that decides the colours of some rows.
    pub(crate) fn hash_rows(&self, digests: &[u32], rows: Range<i32>, hasher: &mut impl Hasher) {
        (self.background, self.tones, self.head).hash(hasher);
        for (number, (layer, digest)) in self.layers.iter().zip(digests).enumerate() {
            if layer.shape.touches_rows(&rows) {
                let outer = layer.within.and_then(|outer| digests.get(outer));
                (number, digest, outer).hash(hasher);
            }
        }
    }

    /// Colours a row of skin: one colour inside, and another toward the rim. Skin is the lowest layer: only where it does not
    /// cover a pixel wholly, background is seen.
    fn fill_skin(&self, row: i32, left: i32, touched: Range<usize>, brush: &mut Brush) {
        let down = self.head.down(row);
        let tones = self.tones.row(down >> 4);
        let inner = match RowTones::reach(down) {
            _ if tones.is_even() => (i32::MIN, i32::MAX),
            None => (0, 0),
            Some(reach) => self.head.pixels_within(reach),
        };
        let rim = tones.rim();
        let Brush {
            colours, coverage, ..
        } = brush;
        let mut next = touched.start;
        coverage.resolve(|run, cover| {
            let ground = if cover < 256 { run.end } else { run.start };
            colours[next..ground].fill(self.background);
            next = run.end;
            let place = |x: i32| {
                let x = x.saturating_sub(left);
                // Pixels are below 2^15.
                x.clamp(run.start as i32, run.end as i32) as usize
            };
            let (from, to) = (place(inner.0), place(inner.1));
            let to = to.max(from);
            blend(&mut colours[from..to], tones.inner(), cover);
            for side in [run.start..from, to..run.end] {
                let squares = self.head.squares(left + side.start as i32, down);
                for (under, squared) in colours[side].iter_mut().zip(squares) {
                    let colour = rim.at(squared);
                    *under = match cover {
                        256 => colour,
                        _ => mix(*under, colour, cover),
                    };
                }
            }
        });
        colours[next..touched.end.max(next)].fill(self.background);
        brush.painted = touched;
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

    fn stack(params: Params, theme: &Theme) -> LayerStack {
        let mut stack = LayerStack::default();
        let pose = Pose {
            params,
            roll_deg: 10.0,
            code: 888,
        };
        let area = Rectangle::new(Point::zero(), Size::new_equal(480));
        parts::build(&mut stack, area, &pose, theme, ScreenShape::Round);
        stack
    }

    #[test]
    fn every_look_and_mixture_fits() {
        for a in Look::ALL {
            for b in Look::ALL {
                for t in [0.0, 0.3, 0.7] {
                    let mixed = Params::mix(&params(a), &params(b), t);
                    let stack = stack(mixed, &Theme::CLASSIC);
                    assert!(stack.layers.len() < MAX_LAYERS, "{a:?} {b:?}");
                    assert!(stack.shapes.edges.len() < MAX_EDGES, "{a:?} {b:?}");
                    assert!(stack.shapes.ovals.len() < MAX_OVALS, "{a:?} {b:?}");
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
        assert!(size_of::<Brush>() <= 4608, "{}", size_of::<Brush>());
    }

    /// Outside the area that a layer reports to touch, painting it changes nothing.
    #[test]
    fn layers_touch_all_that_they_cover() {
        for look in Look::ALL {
            let stack = stack(params(look), &Theme::CLASSIC);
            let mut brush = Brush::new();
            for layer in &stack.layers {
                for row in 0..480 {
                    for left in [0, PIECE as i32] {
                        if !layer.shape.touches(row, left) {
                            brush.coverage.move_to(left);
                            stack.cover(layer, row, &mut brush);
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

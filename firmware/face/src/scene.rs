//! A face as a stack of layers over a disc of skin, ready to be asked for any point's colour.

use embedded_graphics::{pixelcolor::Rgb888, prelude::RgbColor};
use heapless::Vec;

use crate::{
    params::{Params, Skin},
    parts,
    shape::{self, Ends, Vec2, at},
    theme::Theme,
};

/// Layers a face may have; a test holds every mood and every mixture against it.
pub(crate) const MAX_LAYERS: usize = 48;
/// Points all its paths may have together.
pub(crate) const MAX_POINTS: usize = 256;

/// A colour to calculate with, 0 to 255 each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Colour([f32; 3]);

impl From<Rgb888> for Colour {
    fn from(c: Rgb888) -> Self {
        Self([c.r().into(), c.g().into(), c.b().into()])
    }
}

impl From<Colour> for Rgb888 {
    fn from(Colour([r, g, b]): Colour) -> Self {
        // Mixtures of bytes stay in a byte's range; the cast rounds and would saturate.
        Self::new((r + 0.5) as u8, (g + 0.5) as u8, (b + 0.5) as u8)
    }
}

impl Colour {
    /// `self` under `over` of this opacity.
    pub(crate) fn under(self, over: Self, opacity: f32) -> Self {
        let ([r, g, b], [r2, g2, b2]) = (self.0, over.0);
        Self([
            r + (r2 - r) * opacity,
            g + (g2 - g) * opacity,
            b + (b2 - b) * opacity,
        ])
    }
}

/// What a layer covers, in face units.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// An ellipse around a centre.
    Ellipse { centre: Vec2, radii: Vec2 },
    /// The points `first .. first + len` of the scene, thickened by `grow`, stretched by `tall` around height `y`.
    Path {
        first: usize,
        len: usize,
        ends: Ends,
        grow: f32,
        tall: f32,
        y: f32,
    },
}

/// A straight edge: what lies above is hidden.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lid {
    pub(crate) centre: Vec2,
    pub(crate) slope: f32,
}

/// Whether a layer tilts with the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turns {
    WithHead,
    Never,
}

/// One shape in one colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) shape: Shape,
    pub(crate) colour: Colour,
    pub(crate) opacity: f32,
    /// Width of a soft edge in face units; 0 for a crisp one.
    pub(crate) soft: f32,
    /// Only inside this other layer.
    pub(crate) within: Option<usize>,
    pub(crate) lid: Option<Lid>,
    pub(crate) turns: Turns,
}

/// The last closed path's distance at one pixel. The mouth's outline, its hole and all that is seen through it
/// ask for the same one: that halves the time of an open mouth.
pub(crate) struct Memo {
    first: usize,
    limit: f32,
    distance: f32,
}

impl Memo {
    /// Nothing yet.
    pub(crate) const EMPTY: Self = Self {
        first: usize::MAX,
        limit: 0.0,
        distance: 0.0,
    };
}

/// The stack. Layers are drawn first to last.
pub(crate) struct Scene {
    pub(crate) layers: Vec<Layer, MAX_LAYERS>,
    points: Vec<Vec2, MAX_POINTS>,
    skin: Skin,
    background: Colour,
    tones: Tones,
}

/// The theme's skin colours, ready to mix.
struct Tones {
    top: Colour,
    bottom: Colour,
    rim: Colour,
    heat: Colour,
    sick: Colour,
    chill: Colour,
    pale: Colour,
}

impl Scene {
    pub(crate) fn new(params: &Params, theme: &Theme) -> Self {
        let mut scene = Self {
            layers: Vec::new(),
            points: Vec::new(),
            skin: params.skin,
            background: theme.background.into(),
            tones: Tones {
                top: theme.skin_top.into(),
                bottom: theme.skin_bottom.into(),
                rim: theme.rim.into(),
                heat: theme.heat.into(),
                sick: theme.sick.into(),
                chill: theme.chill.into(),
                pale: theme.pale.into(),
            },
        };
        parts::build(&mut scene, params, theme);
        scene
    }

    /// Puts a layer on top; its number. A full scene drops it: an absent tear beats a crash.
    pub(crate) fn push(&mut self, layer: Layer) -> usize {
        let number = self.layers.len();
        let _full = self.layers.push(layer);
        number
    }

    /// Keeps points for paths: the first one's number and how many.
    pub(crate) fn keep(&mut self, points: impl Iterator<Item = Vec2>) -> (usize, usize) {
        let first = self.points.len();
        for point in points {
            let _full = self.points.push(point);
        }
        (first, self.points.len() - first)
    }

    fn path(&self, first: usize, len: usize) -> &[Vec2] {
        self.points.get(first..first + len).unwrap_or(&[])
    }

    /// The box around a layer in face units, without its soft edge: two opposite corners.
    pub(crate) fn bounds(&self, layer: &Layer) -> (Vec2, Vec2) {
        match layer.shape {
            Shape::Ellipse { centre, radii } => (centre.minus(radii), centre.plus(radii)),
            Shape::Path {
                first,
                len,
                grow,
                tall,
                y,
                ..
            } => {
                let mut low = at(f32::MAX, f32::MAX);
                let mut high = at(f32::MIN, f32::MIN);
                for p in self.path(first, len) {
                    low = at(low.x.min(p.x), low.y.min(p.y));
                    high = at(high.x.max(p.x), high.y.max(p.y));
                }
                let stretch = |v: f32| (v - y) * tall + y;
                (
                    at(low.x - grow, stretch(low.y - grow)),
                    at(high.x + grow, stretch(high.y + grow)),
                )
            }
        }
    }

    /// How much of a pixel at `p` the layer covers, 0 to 1. `pixels` is the face's radius in pixels, `memo`
    /// remembers from layer to layer of the same pixel.
    pub(crate) fn cover(&self, layer: &Layer, p: Vec2, pixels: f32, memo: &mut Memo) -> f32 {
        let mut cover = layer.opacity;
        // First, because it is remembered and often says no.
        if let Some(outer) = self.outer(layer) {
            cover *= edge(self.distance(outer, p, pixels, memo), 0.0, pixels);
            if cover <= 0.0 {
                return 0.0;
            }
        }
        cover *= edge(self.distance(layer, p, pixels, memo), layer.soft, pixels);
        if let Some(lid) = layer.lid {
            let above = lid.centre.y + lid.slope * (p.x - lid.centre.x) - p.y;
            cover *= edge(above, 0.0, pixels);
        }
        cover
    }

    /// The layer that this one is seen through.
    pub(crate) fn outer(&self, layer: &Layer) -> Option<&Layer> {
        self.layers.get(layer.within?)
    }

    fn distance(&self, layer: &Layer, p: Vec2, pixels: f32, memo: &mut Memo) -> f32 {
        match layer.shape {
            Shape::Ellipse { centre, radii } => shape::ellipse(p.minus(centre), radii),
            Shape::Path {
                first,
                len,
                ends,
                grow,
                tall,
                y,
            } => {
                let limit = grow + 1.0 / pixels;
                if ends == Ends::Open || memo.first != first || memo.limit < limit {
                    let squeezed = at(p.x, (p.y - y) / tall + y);
                    let distance = shape::path(self.path(first, len), ends, squeezed, limit);
                    if ends == Ends::Open {
                        return distance - grow;
                    }
                    *memo = Memo {
                        first,
                        limit,
                        distance,
                    };
                }
                memo.distance - grow
            }
        }
    }

    /// Background and skin at `p` (turned with the head).
    pub(crate) fn ground(&self, p: Vec2, pixels: f32) -> Colour {
        let squared = p.x * p.x + p.y * p.y;
        // Near the edge (r^2 - 1) / 2 is r - 1: no root is needed.
        let cover = edge((squared - 1.0) * 0.5, 0.0, pixels);
        if cover <= 0.0 {
            self.background
        } else {
            self.background.under(self.skin_at(p, squared), cover)
        }
    }

    fn skin_at(&self, p: Vec2, squared: f32) -> Colour {
        let (skin, tones) = (&self.skin, &self.tones);
        let down = ((p.y + 1.0) * 0.5).clamp(0.0, 1.0);
        let mut colour = tones.top.under(tones.bottom, down);
        let rim = smooth((squared - 0.72) / 0.28);
        colour = colour.under(tones.rim, 0.75 * rim);
        // The order does not matter to moods: each uses one of them.
        for (tone, amount) in [
            (tones.pale, 0.7 * skin.pale),
            (tones.sick, skin.sick * (0.62 + 0.3 * down)),
            (tones.heat, skin.heat * (0.95 - 0.75 * down)),
            (tones.chill, skin.chill * 0.9 * smooth(1.2 - 2.4 * down)),
        ] {
            if amount > 0.0 {
                colour = colour.under(tone, amount);
            }
        }
        colour
    }
}

/// Coverage by a signed distance: one pixel wide, or `soft` face units and smoothed.
fn edge(distance: f32, soft: f32, pixels: f32) -> f32 {
    if soft > 0.0 {
        smooth(0.5 - distance / soft)
    } else {
        (0.5 - distance * pixels).clamp(0.0, 1.0)
    }
}

/// 0 below 0, 1 above 1, `3 t^2 - 2 t^3` between.
pub(crate) fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use moodring_core::mood::Mood;

    use super::*;
    use crate::{expression::params, look::Look};

    #[test]
    fn every_mood_and_mixture_fits() {
        for a in Look::ALL {
            for b in Look::ALL {
                for t in [0.0, 0.3, 0.7] {
                    let mixed = Params::mix(&params(a), &params(b), t);
                    let scene = Scene::new(&mixed, &Theme::CLASSIC);
                    assert!(scene.layers.len() < MAX_LAYERS, "{a:?} {b:?}");
                    assert!(scene.points.len() < MAX_POINTS, "{a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn coverage_fades_over_one_pixel_or_the_soft_edge() {
        assert_eq!(edge(0.0, 0.0, 100.0), 0.5);
        assert_eq!(edge(0.005, 0.0, 100.0), 0.0);
        assert_eq!(edge(-0.005, 0.0, 100.0), 1.0);
        assert_eq!(edge(0.1, 0.2, 100.0), 0.0);
        assert_eq!(edge(0.0, 0.2, 100.0), 0.5);
    }

    #[test]
    fn bounds_hold_what_is_covered() {
        let scene = Scene::new(&params(Mood::Uncertain.into()), &Theme::CLASSIC);
        for layer in &scene.layers {
            let (low, high) = scene.bounds(layer);
            let fade = 0.02 + 0.5 * layer.soft;
            for i in -60_i16..60 {
                for j in -60_i16..60 {
                    let p = at(f32::from(i) / 50.0, f32::from(j) / 50.0);
                    let outside = p.x < low.x - fade
                        || p.x > high.x + fade
                        || p.y < low.y - fade
                        || p.y > high.y + fade;
                    let mut memo = Memo::EMPTY;
                    assert!(
                        !outside || scene.cover(layer, p, 50.0, &mut memo) == 0.0,
                        "{layer:?} {p:?}"
                    );
                }
            }
        }
    }
}

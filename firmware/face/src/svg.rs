//! One pose as SVG text, sharp at every size: the layers of the raster drawing, written down instead of painted.
//!
//! Needs no heap: the text goes into any [`core::fmt::Write`].

use core::fmt::{Result, Write};

use embedded_graphics::{
    prelude::{Point, Size},
    primitives::Rectangle,
};

use crate::{
    animate::Pose,
    layers::{Layer, LayerStack, Paint},
    parts,
    picture::ScreenShape,
    raster::{
        clip::{ClipEdge, Side},
        disc::Disc,
        row::Colour,
        shapes::Shape,
    },
    skin::RowTones,
    theme::Theme,
};

/// The side of the drawing in the raster's pixels: fine enough for the largest screen.
const SIDE_PX: u32 = 2048;
/// The side in the picture's own units: half pixels, so that whole numbers are enough.
const SIDE: i32 = 2 * SIDE_PX as i32;
/// Steps of a gradient.
const STOPS: i32 = 16;

/// Writes the face as a square SVG document of `0 0 4096 4096`. Around the face it is transparent.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut impl Write, pose: &Pose, theme: &Theme) -> Result {
    let mut stack = LayerStack::default();
    let area = Rectangle::new(Point::zero(), Size::new_equal(SIDE_PX));
    parts::build(&mut stack, area, pose, theme, ScreenShape::Square);
    write!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">"#
    )?;
    for (number, layer) in stack.layers.iter().enumerate() {
        stack.layer(out, number, layer)?;
    }
    out.write_str("</svg>")
}

impl LayerStack {
    fn layer(&self, out: &mut impl Write, number: usize, layer: &Layer) -> Result {
        if let Some(outer) = layer.within.and_then(|outer| self.layers.get(outer)) {
            self.clip(out, 'w', number, outer)?;
            write!(out, r#"<g clip-path="url(#w{number})">"#)?;
        }
        if let Some(clip) = layer.clip {
            half_plane(out, number, clip)?;
            write!(out, r#"<g clip-path="url(#h{number})">"#)?;
        }
        match layer.paint {
            Paint::Flat(colour, opacity) => {
                write!(out, r##"<g fill="#{colour:06x}""##)?;
                self.group(out, &layer.shape, opacity)?;
            }
            Paint::Skin => self.skin(out, &layer.shape)?,
            Paint::Glow(colour, opacity, disc) => {
                glow(out, number, colour, disc)?;
                write!(out, r#"<g fill="url(#g{number})""#)?;
                self.group(out, &layer.shape, opacity)?;
            }
        }
        if layer.clip.is_some() {
            out.write_str("</g>")?;
        }
        if layer.within.is_some_and(|outer| outer < self.layers.len()) {
            out.write_str("</g>")?;
        }
        Ok(())
    }

    /// The rest of a group's tag, and what is in it; 256 is opaque.
    fn group(&self, out: &mut impl Write, shape: &Shape, opacity: u32) -> Result {
        if opacity < 256 {
            write!(out, r#" opacity="{:.3}""#, opacity as f32 / 256.0)?;
        }
        out.write_char('>')?;
        self.outline(out, shape)?;
        out.write_str("</g>")
    }

    /// What another layer covers, as a clip.
    fn clip(&self, out: &mut impl Write, kind: char, number: usize, outer: &Layer) -> Result {
        if let Some(clip) = outer.clip {
            // The numbers of layers are far below this.
            half_plane(out, number + 1000, clip)?;
        }
        write!(out, r#"<clipPath id="{kind}{number}""#)?;
        if outer.clip.is_some() {
            write!(out, r#" clip-path="url(#h{})""#, number + 1000)?;
        }
        out.write_char('>')?;
        self.outline(out, &outer.shape)?;
        out.write_str("</clipPath>")
    }

    /// A shape's polygons as one path, and its ellipses.
    ///
    /// Each edge is written as the area from it to the right side, in the direction in which it winds: together they wind
    /// around each point as often as the polygons do, and no edge has to know its neighbours.
    fn outline(&self, out: &mut impl Write, shape: &Shape) -> Result {
        let (edges, ovals) = self.shapes.parts(shape);
        if !edges.is_empty() {
            out.write_str(r#"<path d=""#)?;
            for edge in edges {
                let ([x, y], [to_x, to_y]) = edge.half_pixels();
                if y != to_y {
                    write!(out, "M{x} {y}L{to_x} {to_y}H{SIDE}V{y}Z")?;
                }
            }
            out.write_str(r#""/>"#)?;
        }
        for oval in ovals {
            let [x, y, rx, ry, slant] = oval.half_pixels();
            match slant == 0.0 {
                true => write!(
                    out,
                    r#"<ellipse cx="{x:.1}" cy="{y:.1}" rx="{rx:.1}" ry="{ry:.1}"/>"#
                )?,
                false => write!(
                    out,
                    r#"<circle r="1" transform="matrix({rx:.1} 0 {slant:.1} {ry:.1} {x:.1} {y:.1})"/>"#
                )?,
            }
        }
        Ok(())
    }

    /// The head: a colour for each height, and another one at the rim.
    fn skin(&self, out: &mut impl Write, shape: &Shape) -> Result {
        let Round { x, y, rx, .. } = Round::of(&self.head);
        let gradient = |out: &mut dyn Write, name: &str, colour: fn(RowTones) -> Colour| {
            let (top, bottom) = (y - rx, y + rx);
            write!(
                out,
                r#"<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="0" x2="0" y1="{top:.0}" y2="{bottom:.0}">"#
            )?;
            for step in 0..=STOPS {
                let tones = self.tones.row(step * 512 / STOPS - 256);
                stop(out, step, colour(tones), 1.0)?;
            }
            out.write_str("</linearGradient>")
        };
        gradient(out, "skin", RowTones::inner)?;
        gradient(out, "rim", RowTones::outer)?;
        write!(
            out,
            r#"<radialGradient id="edge" gradientUnits="userSpaceOnUse" cx="{x:.0}" cy="{y:.0}" r="{rx:.0}">"#
        )?;
        for step in 0..=STOPS {
            // Nothing up to 0.72 of the squared distance, then smoothly to all.
            let far = step as f32 / STOPS as f32;
            let t = ((far * far - 0.72) / 0.28).clamp(0.0, 1.0);
            stop(out, step, 0x00ff_ffff, t * t * (3.0 - 2.0 * t))?;
        }
        write!(
            out,
            r##"</radialGradient><mask id="ring" maskUnits="userSpaceOnUse" x="0" y="0" width="{SIDE}" height="{SIDE}"><rect width="{SIDE}" height="{SIDE}" fill="url(#edge)"/></mask><g fill="url(#skin)""##
        )?;
        self.group(out, shape, 256)?;
        out.write_str(r##"<g fill="url(#rim)" mask="url(#ring)""##)?;
        self.group(out, shape, 256)
    }
}

/// A disc in half pixels.
struct Round {
    x: f32,
    y: f32,
    rx: f32,
    ry: f32,
}

impl Round {
    fn of(disc: &Disc) -> Self {
        let radius = |per: i32| 2.0 * 65536.0 / per.max(1) as f32;
        Self {
            x: disc.x as f32 / 128.0,
            y: disc.y as f32 / 128.0,
            rx: radius(disc.per_rx),
            ry: radius(disc.per_ry),
        }
    }
}

fn stop(out: &mut dyn Write, step: i32, colour: Colour, opacity: f32) -> Result {
    let offset = step as f32 / STOPS as f32;
    write!(
        out,
        r##"<stop offset="{offset:.4}" stop-color="#{colour:06x}""##
    )?;
    if opacity < 1.0 {
        write!(out, r#" stop-opacity="{opacity:.3}""#)?;
    }
    out.write_str("/>")
}

/// A colour that fades from the middle of a disc to its edge.
fn glow(out: &mut impl Write, number: usize, colour: Colour, disc: Disc) -> Result {
    let Round { x, y, rx, ry } = Round::of(&disc);
    write!(
        out,
        r#"<radialGradient id="g{number}" gradientUnits="userSpaceOnUse" cx="0" cy="0" r="1" gradientTransform="matrix({rx:.1} 0 0 {ry:.1} {x:.1} {y:.1})">"#
    )?;
    for step in 0..=STOPS {
        let far = step as f32 / STOPS as f32;
        let rest = 1.0 - far * far;
        stop(out, step, colour, rest * rest)?;
    }
    out.write_str("</radialGradient>")
}

/// The seen side of an edge, as a clip.
fn half_plane(out: &mut impl Write, number: usize, clip: ClipEdge) -> Result {
    let bound = |line: i64| ((clip.base + clip.step * line) as f32 / 32768.0).clamp(-1e6, 1e6);
    // Lines far above and below the picture, so that no corner shows.
    let (above, below) = (-i64::from(SIDE), 3 * i64::from(SIDE));
    let height = |line: i64| line as f32 / 2.0;
    let side = match clip.seen {
        Side::Left => -2e6,
        Side::Right => 2e6,
    };
    write!(
        out,
        r#"<clipPath id="h{number}"><path d="M{:.0} {:.0}L{:.0} {:.0}H{side:.0}V{:.0}Z"/></clipPath>"#,
        bound(above),
        height(above),
        bound(below),
        height(below),
        height(above),
    )
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;
    use crate::look::Look;

    fn svg(look: Look, roll_deg: f32) -> String {
        let mut text = String::new();
        let pose = Pose {
            roll_deg,
            ..Pose::still(look)
        };
        write(&mut text, &pose, &Theme::CLASSIC).unwrap();
        text
    }

    /// Tags that are open at the end; all of them must be closed in order.
    fn check_nesting(text: &str) {
        let mut open = std::vec::Vec::new();
        for tag in text.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').unwrap();
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            assert_eq!(
                tag.matches('"').count(),
                2 * tag.matches('=').count(),
                "{tag}"
            );
            let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap();
            match (tag.starts_with('/'), tag.ends_with('/')) {
                (true, _) => assert_eq!(open.pop(), Some(name)),
                (false, false) => open.push(name),
                (false, true) => {}
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn every_look_is_a_document_of_bounded_size_that_names_what_it_has() {
        for look in Look::ALL {
            for roll_deg in [0.0, -17.0] {
                let text = svg(look, roll_deg);
                check_nesting(&text);
                assert!(text.len() < 64 * 1024, "{look:?}: {}", text.len());
                for name in text.split("url(#").skip(1) {
                    let (name, _) = name.split_once(')').unwrap();
                    assert!(
                        text.contains(&std::format!("id=\"{name}\"")),
                        "{look:?}: {name}"
                    );
                }
                assert!(!text.contains("NaN") && !text.contains("inf"), "{look:?}");
            }
        }
    }

    #[test]
    fn looks_and_tilts_differ() {
        let happy = svg(Look::ALL[0], 0.0);
        assert_ne!(happy, svg(Look::ALL[1], 0.0));
        assert_ne!(happy, svg(Look::ALL[0], 10.0));
    }
}

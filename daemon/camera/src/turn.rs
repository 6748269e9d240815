//! Turns pictures by quarters and mirrors them, as EXIF says or as a camera is mounted. The caller says which.

use moodring_core::frame::{Frame, PixelFormat};

use super::{Camera, CameraError, CameraInfo};

/// Clockwise by so many quarters, then mirrored left to right if `mirror`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    quarters: u8,
    mirror: bool,
}

impl Turn {
    /// What makes a picture with this EXIF orientation upright.
    pub(crate) const fn from_exif(orientation: u8) -> Self {
        let (quarters, mirror) = match orientation {
            2 => (0, true),
            3 => (2, false),
            4 => (2, true),
            5 => (1, true),
            6 => (1, false),
            7 => (3, true),
            8 => (3, false),
            _ => (0, false),
        };
        Self { quarters, mirror }
    }

    /// By so many degrees, rounded to quarters.
    pub(crate) const fn from_degrees(degrees: u16, mirror: bool) -> Self {
        Self {
            quarters: (degrees / 90 % 4) as u8,
            mirror,
        }
    }

    /// Whether it changes nothing.
    pub(crate) const fn is_none(self) -> bool {
        self.quarters == 0 && !self.mirror
    }

    /// The size of the turned picture.
    pub(crate) const fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.quarters % 2 == 1 {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Turns packed rows of `bytes` bytes a pixel; returns the new size. `from` must hold the whole picture.
    pub(crate) fn apply(
        self,
        from: &[u8],
        size: (u32, u32),
        bytes: usize,
        into: &mut Vec<u8>,
    ) -> (u32, u32) {
        into.clear();
        into.reserve(from.len());
        self.each_source(size, |x, y| {
            let at = (y as usize * size.0 as usize + x as usize) * bytes;
            into.extend_from_slice(&from[at..at + bytes]);
        });
        self.size(size)
    }

    /// Calls `f` for each pixel of the turned picture, row by row, with where it comes from.
    fn each_source(self, (width, height): (u32, u32), mut f: impl FnMut(u32, u32)) {
        let (out_width, out_height) = self.size((width, height));
        for y in 0..out_height {
            for x in 0..out_width {
                let x = if self.mirror { out_width - 1 - x } else { x };
                match self.quarters {
                    0 => f(x, y),
                    1 => f(y, height - 1 - x),
                    2 => f(width - 1 - x, height - 1 - y),
                    _ => f(width - 1 - y, x),
                }
            }
        }
    }
}

/// A camera whose frames are turned before anybody sees them.
pub(super) struct TurnedCamera {
    camera: Box<dyn Camera>,
    turn: Turn,
    info: CameraInfo,
    /// Whether the turned frames have colours, where the source has them.
    colour: bool,
    pixels: Vec<u8>,
}

impl TurnedCamera {
    pub(super) fn new(camera: Box<dyn Camera>, turn: Turn, colour: bool) -> Self {
        let mut turned = Self {
            info: camera.info().clone(),
            camera,
            turn,
            colour,
            pixels: Vec::new(),
        };
        turned.update_info();
        turned
    }

    fn update_info(&mut self) {
        self.info.clone_from(self.camera.info());
        self.info.size_px = self.info.size_px.map(|size| self.turn.size(size));
        self.info.format = format_of(self.info.format, self.colour);
    }
}

/// Formats with planes or shared colours are unpacked: turned, they would be other formats.
const fn format_of(format: PixelFormat, colour: bool) -> PixelFormat {
    match format {
        PixelFormat::Grey => PixelFormat::Grey,
        _ if colour => PixelFormat::Rgb,
        _ => PixelFormat::Grey,
    }
}

impl Camera for TurnedCamera {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        let frame = self.camera.next_frame()?;
        let size = (frame.width_px(), frame.height_px());
        let (format, time) = (format_of(frame.format(), self.colour), frame.time());
        let pixels = &mut self.pixels;
        pixels.clear();
        match format {
            PixelFormat::Rgb => self
                .turn
                .each_source(size, |x, y| pixels.extend_from_slice(&frame.rgb(x, y))),
            _ => self
                .turn
                .each_source(size, |x, y| pixels.push(frame.luma(x, y))),
        }
        self.update_info();
        Frame::packed(&self.pixels, format, self.turn.size(size), time)
            .map_err(|e| self.info.bad(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(turn: Turn) -> String {
        let mut out = Vec::new();
        let (width, _) = turn.apply(b"abcdef", (3, 2), 1, &mut out);
        let rows: Vec<_> = out
            .chunks(width as usize)
            .map(String::from_utf8_lossy)
            .collect();
        rows.join("/")
    }

    #[test]
    fn every_orientation_stands_upright() {
        // The picture is abc/def; what a viewer shows, by the table of EXIF 2.3.
        let want = [
            "abc/def", "cba/fed", "fed/cba", "def/abc", "ad/be/cf", "da/eb/fc", "fc/eb/da",
            "cf/be/ad",
        ];
        for (orientation, want) in (1..).zip(want) {
            assert_eq!(turned(Turn::from_exif(orientation)), want, "{orientation}");
        }
        assert_eq!(turned(Turn::from_exif(9)), "abc/def");
    }

    #[test]
    fn a_mount_is_turned_clockwise_then_mirrored() {
        assert_eq!(turned(Turn::from_degrees(90, false)), "da/eb/fc");
        assert_eq!(turned(Turn::from_degrees(90, true)), "ad/be/cf");
        assert_eq!(turned(Turn::from_degrees(180, false)), "fed/cba");
        assert!(Turn::from_degrees(0, false).is_none());
    }
}

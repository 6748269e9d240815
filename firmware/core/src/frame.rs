//! A picture that the camera lends, and its time. Knows pixel layouts, nothing of cameras or files.

/// A point in time in milliseconds since the run began. Comes with the frame; never read from a clock here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// Milliseconds from `earlier` to `self`; 0 if `earlier` is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// How the bytes of a frame hold its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// One luma byte a pixel.
    Grey,
    /// Three bytes a pixel: red, green, blue.
    Rgb,
    /// 4:2:2 packed: `Y0 U Y1 V`, two bytes a pixel.
    Yuyv,
    /// 4:2:0: a luma plane, then interleaved `U V` rows at half size.
    Nv12,
    /// 4:2:0: a luma plane, then a U plane, then a V plane.
    I420,
}

impl PixelFormat {
    /// The least bytes a row takes in the first (or only) plane.
    pub const fn row_bytes(self, width_px: u32) -> usize {
        let width = width_px as usize;
        match self {
            Self::Grey | Self::Nv12 | Self::I420 => width,
            Self::Rgb => width * 3,
            // An odd last pixel still needs its whole pair.
            Self::Yuyv => (width + width % 2) * 2,
        }
    }

    /// The least bytes of a whole picture whose first plane has rows of `stride` bytes.
    pub const fn picture_bytes(self, height_px: u32, stride: usize) -> usize {
        let rows = height_px as usize;
        match self {
            Self::Grey | Self::Rgb | Self::Yuyv => stride * rows,
            Self::Nv12 => stride * rows + stride * rows.div_ceil(2),
            Self::I420 => stride * rows + 2 * stride.div_ceil(2) * rows.div_ceil(2),
        }
    }
}

/// Which bytes stand for black and white in the luma of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LumaRange {
    /// 0 to 255: JPEG, RGB, grey sensors.
    #[default]
    Full,
    /// 16 to 235, as video has it (ITU-R BT.601-7, section 2.5.3): YUYV, NV12 and I420, unless their source says
    /// otherwise.
    Limited,
}

impl LumaRange {
    /// The usual range of this format.
    pub const fn usual(format: PixelFormat) -> Self {
        match format {
            PixelFormat::Grey | PixelFormat::Rgb => Self::Full,
            PixelFormat::Yuyv | PixelFormat::Nv12 | PixelFormat::I420 => Self::Limited,
        }
    }

    /// Converts a byte of this range to the full range: `(luma - 16) * 255 / 219` in fixed point, cut at both ends.
    pub const fn stretch(self, luma: u8) -> u8 {
        match self {
            Self::Full => luma,
            Self::Limited => {
                // Cut before the multiplication: so it fits 16 bits, and compilers can do many at a time.
                let cut = if luma > 235 { 235 } else { luma };
                ((cut.saturating_sub(16) as u16 * 298 + 128) >> 8) as u8
            }
        }
    }
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// Width or height is 0 or above [`Frame::MAX_SIDE_PX`].
    Size,
    /// The stride is shorter than a row of this format.
    Stride,
    /// Fewer bytes than the size and stride call for: the picture was cut short.
    Short,
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Size => "width and height must be 1 to 32768 pixels",
            Self::Stride => "the stride is shorter than a row of pixels",
            Self::Short => "the picture has fewer bytes than its size calls for",
        })
    }
}

impl core::error::Error for FrameError {}

/// A picture lent by a camera, checked once at the door.
///
/// ```
/// use moodring_core::frame::{Frame, FrameError, Millis, PixelFormat};
///
/// let pixels = [10, 20, 30, 40];
/// let frame = Frame::packed(&pixels, PixelFormat::Grey, (2, 2), Millis(33))?;
/// assert_eq!(frame.luma(1, 1), 40);
///
/// let too_few = Frame::packed(&pixels, PixelFormat::Rgb, (2, 2), Millis(33));
/// assert_eq!(too_few.unwrap_err(), FrameError::Short);
/// # Ok::<(), FrameError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    data: &'a [u8],
    format: PixelFormat,
    width_px: u32,
    height_px: u32,
    stride: usize,
    range: LumaRange,
    time: Millis,
}

impl<'a> Frame<'a> {
    /// The longest side a frame may have.
    pub const MAX_SIDE_PX: u32 = 32_768;

    /// A frame with rows of `stride` bytes (in its first plane).
    ///
    /// # Errors
    /// [`FrameError`] if a side is 0 or too long, the stride too short or bytes are missing.
    pub fn new(
        data: &'a [u8],
        format: PixelFormat,
        (width_px, height_px): (u32, u32),
        stride: usize,
        time: Millis,
    ) -> Result<Self, FrameError> {
        let sides = 1..=Self::MAX_SIDE_PX;
        if !sides.contains(&width_px) || !sides.contains(&height_px) {
            return Err(FrameError::Size);
        }
        if stride < format.row_bytes(width_px) {
            return Err(FrameError::Stride);
        }
        if data.len() < format.picture_bytes(height_px, stride) {
            return Err(FrameError::Short);
        }
        Ok(Self {
            data,
            format,
            width_px,
            height_px,
            stride,
            range: LumaRange::usual(format),
            time,
        })
    }

    /// The same frame with luma of another range than is usual for its format; RGB stays full.
    #[must_use]
    pub const fn with_range(mut self, range: LumaRange) -> Self {
        if !matches!(self.format, PixelFormat::Rgb) {
            self.range = range;
        }
        self
    }

    /// The bytes that stand for black and white.
    pub const fn range(&self) -> LumaRange {
        self.range
    }

    /// A frame whose rows follow each other without gaps.
    ///
    /// # Errors
    /// As [`Frame::new`].
    pub fn packed(
        data: &'a [u8],
        format: PixelFormat,
        size_px: (u32, u32),
        time: Millis,
    ) -> Result<Self, FrameError> {
        Self::new(data, format, size_px, format.row_bytes(size_px.0), time)
    }

    /// The bytes, all planes.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The pixel layout.
    pub const fn format(&self) -> PixelFormat {
        self.format
    }

    /// Width in pixels.
    pub const fn width_px(&self) -> u32 {
        self.width_px
    }

    /// Height in pixels.
    pub const fn height_px(&self) -> u32 {
        self.height_px
    }

    /// Bytes from one row to the next in the first plane.
    pub const fn stride(&self) -> usize {
        self.stride
    }

    /// When the frame was taken.
    pub const fn time(&self) -> Millis {
        self.time
    }

    /// The part with this left top corner and size, as far as the picture has it, as a frame of its own; of NV12 and I420
    /// only the luma. Of YUYV the corner has an even column.
    pub(crate) fn part(&self, (x, y): (u32, u32), (width_px, height_px): (u32, u32)) -> Self {
        let (format, bytes) = match self.format {
            PixelFormat::Rgb => (PixelFormat::Rgb, 3),
            PixelFormat::Yuyv => (PixelFormat::Yuyv, 2),
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 => (PixelFormat::Grey, 1),
        };
        let (x, y) = (x.min(self.width_px - 1), y.min(self.height_px - 1));
        Self {
            // Its last row ends with the picture, not with the stride; nothing reads behind its pixels.
            data: &self.data[y as usize * self.stride + x as usize * bytes..],
            format,
            width_px: width_px.clamp(1, self.width_px - x),
            height_px: height_px.clamp(1, self.height_px - y),
            ..*self
        }
    }

    /// The luma row `y` in the frame's own [`LumaRange`] and the distance between its samples in bytes, or `None` for
    /// formats without luma bytes.
    pub fn luma_row(&self, y: u32) -> Option<(&'a [u8], usize)> {
        let step = match self.format {
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 => 1,
            PixelFormat::Yuyv => 2,
            PixelFormat::Rgb => return None,
        };
        let start = y as usize * self.stride;
        let row = self
            .data
            .get(start..start + self.format.row_bytes(self.width_px))?;
        Some((row, step))
    }

    /// Red, green and blue of the pixel at `(x, y)`, both clamped into the picture. YUV is read as BT.601 in the
    /// frame's range; grey has three equal channels.
    pub fn rgb(&self, x: u32, y: u32) -> [u8; 3] {
        let x = x.min(self.width_px - 1) as usize;
        let y = y.min(self.height_px - 1) as usize;
        self.rgb_of(self.stored(x, y))
    }

    /// What is stored of the pixel at `(x, y)`, which must lie in the picture: red, green and blue, or luma in the
    /// frame's range and both chromas. Means of several pixels may be taken of it.
    pub(crate) fn stored(&self, x: usize, y: usize) -> [u8; 3] {
        let row = y * self.stride;
        match self.format {
            PixelFormat::Grey => [self.data[row + x], 128, 128],
            PixelFormat::Rgb => {
                let p = row + 3 * x;
                [self.data[p], self.data[p + 1], self.data[p + 2]]
            }
            PixelFormat::Yuyv => {
                let pair = row + x / 2 * 4;
                let luma = self.data[row + 2 * x];
                [luma, self.data[pair + 1], self.data[pair + 3]]
            }
            PixelFormat::Nv12 => {
                let u = self.stride * (self.height_px as usize + y / 2) + x / 2 * 2;
                [self.data[row + x], self.chroma(u), self.chroma(u + 1)]
            }
            PixelFormat::I420 => {
                let (rows, stride) = (self.height_px as usize, self.stride.div_ceil(2));
                let u = self.stride * rows + stride * (y / 2) + x / 2;
                let v = u + stride * rows.div_ceil(2);
                [self.data[row + x], self.chroma(u), self.chroma(v)]
            }
        }
    }

    /// Red, green and blue of what [`Frame::stored`] gives, or of a mean of several.
    pub(crate) const fn rgb_of(&self, [first, second, third]: [u8; 3]) -> [u8; 3] {
        match self.format {
            PixelFormat::Rgb => [first, second, third],
            _ => YuvRgb::of(self.range).rgb([first, second, third]),
        }
    }

    /// NV12 of odd width lacks the last row's last V: then it has no colour.
    fn chroma(&self, at: usize) -> u8 {
        self.data.get(at).copied().unwrap_or(128)
    }

    /// Full-range luma of the pixel at `(x, y)`, both clamped into the picture. For RGB: BT.601 weights.
    pub fn luma(&self, x: u32, y: u32) -> u8 {
        let x = x.min(self.width_px - 1) as usize;
        let y = y.min(self.height_px - 1) as usize;
        let row = y * self.stride;
        match self.format {
            PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::I420 => {
                self.range.stretch(self.data[row + x])
            }
            PixelFormat::Yuyv => self.range.stretch(self.data[row + 2 * x]),
            PixelFormat::Rgb => {
                let p = row + 3 * x;
                rgb_luma([self.data[p], self.data[p + 1], self.data[p + 2]])
            }
        }
    }
}

/// BT.601 luma of a full-range RGB pixel in fixed point: `(77 r + 150 g + 29 b + 128) / 256`.
pub const fn rgb_luma([r, g, b]: [u8; 3]) -> u8 {
    // The weights sum to 256, so the result always fits a byte.
    ((77 * r as u32 + 150 * g as u32 + 29 * b as u32 + 128) >> 8) as u8
}

/// BT.601 to full-range RGB in fixed point (ITU-R BT.601-7, section 2.5; the full range as JFIF 1.02 has it), scaled
/// by 256.
#[derive(Clone, Copy)]
pub(crate) struct YuvRgb {
    black: i32,
    luma: i32,
    red: i32,
    green: [i32; 2],
    blue: i32,
}

impl YuvRgb {
    pub(crate) const fn of(range: LumaRange) -> Self {
        let (black, luma, red, green, blue) = match range {
            LumaRange::Full => (0, 256, 359, [88, 183], 454),
            LumaRange::Limited => (16, 298, 409, [100, 208], 516),
        };
        Self {
            black,
            luma,
            red,
            green,
            blue,
        }
    }

    #[inline(always)]
    pub(crate) const fn rgb(&self, [luma, u, v]: [u8; 3]) -> [u8; 3] {
        let (c, d, e) = (luma as i32 - self.black, u as i32 - 128, v as i32 - 128);
        let c = self.luma * c;
        let green = self.green[0] * d + self.green[1] * e;
        [
            rounded(c + self.red * e),
            rounded(c - green),
            rounded(c + self.blue * d),
        ]
    }
}

/// `sum / 256` to nearest, cut to a byte.
#[inline(always)]
const fn rounded(sum: i32) -> u8 {
    let whole = (sum + 128) >> 8;
    if whole < 0 {
        0
    } else if whole > 255 {
        255
    } else {
        whole as u8
    }
}

#[cfg(test)]
mod tests;

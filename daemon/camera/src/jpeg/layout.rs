//! How a JPEG is laid out: walks its markers without decoding, so that size, end and completeness are known before it
//! is decoded. Trusts no length in the file.

use super::{JpegError, coded_data};

/// The most scans of a picture; encoders write about ten.
const MAX_SCANS: usize = 64;

/// What the markers of one picture define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Width and height in pixels, both at least 1.
    pub(crate) size_px: (usize, usize),
    /// 1 (grey), 3 (YCbCr or RGB) or 4 (CMYK or YCCK).
    pub(crate) components: usize,
    /// Whether the coefficients come in several passes, so that a decoder keeps them all.
    pub(crate) is_progressive: bool,
    /// Whether a scan does not hold all components, so that a decoder keeps whole planes.
    pub(crate) is_split: bool,
    /// The EXIF orientation, 1 to 8.
    pub(crate) orientation: u8,
    /// Whether Huffman tables come before the first scan.
    pub(crate) has_tables: bool,
    /// Where the first scan's marker begins.
    pub(crate) first_scan: usize,
    /// Where the coded data of the last scan ends.
    pub(crate) last_scan_end: usize,
    /// Where the picture ends; what follows is not its own.
    pub(crate) end: usize,
    /// Blocks of 8x8 coefficients of all components together.
    pub(crate) blocks: u64,
}

/// The mark of a coefficient that no scan brought yet.
const MISSING: u8 = u8::MAX;

/// One component of the picture and what its scans brought so far.
#[derive(Clone, Copy)]
struct Component {
    id: u8,
    sampling: (u8, u8),
    /// For each coefficient the low bits that are still to come, or [`MISSING`].
    bits_to_come: [u8; 64],
}

/// The picture's frame header.
struct FrameHeader {
    size_px: (usize, usize),
    is_progressive: bool,
    components: Vec<Component>,
}

impl FrameHeader {
    /// Across and down.
    fn largest_sampling(&self) -> (u8, u8) {
        self.components.iter().fold((1, 1), |(h, v), c| {
            (c.sampling.0.max(h), c.sampling.1.max(v))
        })
    }

    /// Kinds of which the decoder makes a wrong picture or none (zune-jpeg 341).
    fn refuse_unread_sampling(&self, is_split: bool) -> Result<(), JpegError> {
        let most = self.largest_sampling();
        let cause = if self
            .components
            .iter()
            .any(|c| c.sampling.0 == 3 || c.sampling.1 == 3)
        {
            "a component has three samples where another has one or two"
        } else if self.components[0].sampling != most {
            "its brightness has fewer samples than its colours"
        } else if is_split && !self.is_progressive && most.1 > 1 {
            "its components come one after the other, with several rows of brightness for one of colour"
        } else {
            return Ok(());
        };
        Err(JpegError::unsupported(format!(
            "{cause}, which is not read; save it as an ordinary one"
        )))
    }
}

/// The restart interval of a DRI segment.
fn interval(payload: &[u8]) -> Result<usize, JpegError> {
    let bytes = payload.first_chunk().ok_or("its markers are broken")?;
    Ok(u16::from_be_bytes(*bytes).into())
}

impl Layout {
    /// Walks the picture at the begin of `jpeg` to its end.
    ///
    /// # Errors
    /// The cause, if a part is missing or of a kind that is not read.
    pub(crate) fn read(jpeg: &[u8]) -> Result<Self, JpegError> {
        if !jpeg.starts_with(&[0xFF, 0xD8]) {
            return Err("it does not begin as a JPEG does".into());
        }
        let mut builder = LayoutBuilder::default();
        let mut at = 2;
        loop {
            let (marker, body) = segment(jpeg, at)?;
            let payload = &jpeg[body.clone()];
            at = body.end;
            match marker {
                0xD9 => return builder.finish(at),
                0xC0..=0xC2 => builder.frame(marker, payload)?,
                0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(JpegError::unsupported(
                        "it is a lossless, hierarchical or arithmetic JPEG, which is not read; \
                         save it as an ordinary one",
                    ));
                }
                0xC4 if builder.scans == 0 => builder.has_tables = true,
                0xDC => {
                    return Err(JpegError::unsupported(
                        "its height comes after its pixels (DNL), which is not read",
                    ));
                }
                0xDD => builder.restart_interval = interval(payload)?,
                0xE1 => builder.exif(payload),
                0xDA => {
                    let begin = body.start - 4;
                    let units = builder.scan(begin, payload)?;
                    at = coded_data::end(jpeg, at, units, builder.restart_interval)?;
                    builder.last_scan_end = at;
                }
                _ => {}
            }
        }
    }

    /// Bytes that a decoder keeps beside the pixels it gives back.
    pub(crate) fn working_bytes(&self) -> u64 {
        // A row of blocks of each component, as 16-bit values; all of them if they come in passes.
        if self.is_progressive || self.is_split {
            self.blocks * 128
        } else {
            self.size_px.0 as u64 * self.components as u64 * 64
        }
    }
}

#[derive(Default)]
struct LayoutBuilder {
    frame: Option<FrameHeader>,
    orientation: Option<u8>,
    has_tables: bool,
    first_scan: usize,
    last_scan_end: usize,
    scans: usize,
    is_split: bool,
    /// Units from one restart marker to the next in the scans that follow; 0: there are none.
    restart_interval: usize,
}

impl LayoutBuilder {
    fn frame(&mut self, marker: u8, payload: &[u8]) -> Result<(), JpegError> {
        if self.frame.is_some() {
            return Err("it has two frame headers".into());
        }
        let short = || "its frame header is cut".to_owned();
        let (&[precision, h1, h0, w1, w0, count], rest) =
            payload.split_first_chunk().ok_or_else(short)?;
        if precision != 8 {
            return Err(JpegError::unsupported(format!(
                "it has {precision} bits a sample, and 8 are read"
            )));
        }
        let size_px = (
            usize::from(u16::from_be_bytes([w1, w0])),
            usize::from(u16::from_be_bytes([h1, h0])),
        );
        if size_px.0 == 0 || size_px.1 == 0 {
            return Err("the JPEG names no size".into());
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(JpegError::unsupported(format!(
                "it has {count} colour components, and 1 (grey), 3 or 4 are read"
            )));
        }
        let mut components = Vec::new();
        for entry in rest.chunks_exact(3).take(count.into()) {
            let sampling = (entry[1] >> 4, entry[1] & 15);
            if !(1..=4).contains(&sampling.0) || !(1..=4).contains(&sampling.1) {
                return Err("its sampling factors are not 1 to 4".into());
            }
            if entry[2] > 3 {
                return Err("it names a quantization table that cannot be".into());
            }
            if components.iter().any(|c: &Component| c.id == entry[0]) {
                return Err("two of its components have the same number".into());
            }
            components.push(Component {
                id: entry[0],
                sampling,
                bits_to_come: [MISSING; 64],
            });
        }
        if components.len() != usize::from(count) {
            return Err(short().into());
        }
        self.frame = Some(FrameHeader {
            size_px,
            is_progressive: marker == 0xC2,
            components,
        });
        Ok(())
    }

    /// Notes what a scan is to bring; how many units it has.
    fn scan(&mut self, begin: usize, payload: &[u8]) -> Result<usize, JpegError> {
        let frame = self
            .frame
            .as_mut()
            .ok_or("a scan comes before its frame header")?;
        let short = "a scan's header is cut";
        let (&count, rest) = payload.split_first().ok_or(short)?;
        let count = usize::from(count);
        let (selectors, spectrum) = rest.split_at_checked(2 * count).ok_or(short)?;
        let &[first, last, approximation] = spectrum.first_chunk().ok_or(short)?;
        if count == 0 || count > frame.components.len() {
            return Err("a scan has no component, or more than the picture".into());
        }
        let bands = first <= last && last < 64 && approximation & 15 < 14;
        // A decoder reads baseline scans as whole whatever is written there.
        if frame.is_progressive
            && (!bands || (first == 0) != (last == 0) || (first > 0 && count > 1))
        {
            return Err("a scan's band cannot be".into());
        }
        let most = frame.largest_sampling();
        let mut samplings = Vec::new();
        for pair in selectors.chunks_exact(2) {
            let component = frame.components.iter_mut().find(|c| c.id == pair[0]);
            let component = component.ok_or("a scan names a component that is not there")?;
            samplings.push(component.sampling);
            if frame.is_progressive {
                component.bits_to_come[first.into()..=last.into()].fill(approximation & 15);
            } else {
                component.bits_to_come.fill(0);
            }
        }
        let units = coded_data::units(frame.size_px, most, &samplings);
        self.is_split |= count < frame.components.len();
        if self.scans == 0 {
            self.first_scan = begin;
        }
        self.scans += 1;
        if self.scans > MAX_SCANS {
            return Err(JpegError::unsupported(format!(
                "it has more than {MAX_SCANS} scans"
            )));
        }
        Ok(units)
    }

    fn exif(&mut self, payload: &[u8]) {
        let Some(tiff) = payload.strip_prefix(b"Exif\0\0") else {
            return;
        };
        let orientation = image::metadata::Orientation::from_exif_chunk(tiff);
        // The first one counts, as everywhere.
        self.orientation = self.orientation.or(orientation.map(|o| o.to_exif()));
    }

    fn finish(self, end: usize) -> Result<Layout, JpegError> {
        let frame = self.frame.ok_or("the JPEG holds no picture")?;
        if self.scans == 0 {
            return Err("the JPEG holds no picture".into());
        }
        let is_whole = |c: &Component| c.bits_to_come.iter().all(|&bits| bits == 0);
        if !frame.components.iter().all(is_whole) {
            return Err("it was cut: its last scans are missing".into());
        }
        frame.refuse_unread_sampling(self.is_split)?;
        let (h_max, v_max) = frame.largest_sampling();
        let (width, height) = frame.size_px;
        let units =
            width.div_ceil(8 * usize::from(h_max)) * height.div_ceil(8 * usize::from(v_max));
        let per_unit = frame.components.iter();
        let per_unit: u64 = per_unit
            .map(|c| u64::from(c.sampling.0) * u64::from(c.sampling.1))
            .sum();
        Ok(Layout {
            size_px: frame.size_px,
            components: frame.components.len(),
            is_progressive: frame.is_progressive,
            is_split: self.is_split && !frame.is_progressive,
            orientation: self.orientation.unwrap_or(1),
            has_tables: self.has_tables,
            first_scan: self.first_scan,
            last_scan_end: self.last_scan_end,
            end,
            blocks: units as u64 * per_unit,
        })
    }
}

/// The segment whose marker begins at or after `at`: the marker and where its body lies, all of it there.
pub(super) fn segment(jpeg: &[u8], at: usize) -> Result<(u8, std::ops::Range<usize>), JpegError> {
    let cut = || "it was cut: the JPEG ends in its headers".to_owned();
    // Any number of FF may come before a marker.
    let rest = jpeg.get(at..).unwrap_or(&[]);
    let fill = rest.iter().position(|&b| b != 0xFF).ok_or_else(cut)?;
    if fill == 0 || rest[fill] == 0 {
        return Err("its markers are broken".into());
    }
    let body = at + fill + 1;
    let marker = rest[fill];
    if matches!(marker, 0x01 | 0xD0..=0xD9) {
        return Ok((marker, body..body));
    }
    let length = jpeg
        .get(body..)
        .and_then(|b| b.first_chunk())
        .ok_or_else(cut)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length < 2 {
        return Err("its markers are broken".into());
    }
    if body + length > jpeg.len() {
        return Err(cut().into());
    }
    Ok((marker, body + 2..body + length))
}

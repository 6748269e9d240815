//! One JPEG to pixels, strictly and with limits. Cameras' habits are handled here, files of JPEGs in [`super::jpeg_splitter`].

use std::ops::Range;

use moodring_core::frame::PixelFormat;
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// The longest side of a camera's picture; no more than 8K.
pub(super) const MAX_SIDE_PX: usize = 8192;
/// The most pixels of a camera's picture: 8K UHD.
const MAX_PIXELS: usize = 7680 * 4320;

/// Decodes JPEGs into a buffer that is used again for the next.
#[derive(Default)]
pub(crate) struct FrameDecoder {
    colour: bool,
    pixels: Vec<u8>,
    patched: Vec<u8>,
}

impl FrameDecoder {
    /// In `colour`, or only the luma, which takes about four fifths of the time.
    pub(crate) fn new(colour: bool) -> Self {
        Self {
            colour,
            ..Self::default()
        }
    }

    /// What [`FrameDecoder::pixels`] are.
    pub(crate) const fn format(&self) -> PixelFormat {
        if self.colour {
            PixelFormat::Rgb
        } else {
            PixelFormat::Grey
        }
    }

    /// Decodes one picture; [`FrameDecoder::pixels`] then has it. Returns width and height.
    ///
    /// # Errors
    /// The cause, if the picture is cut, broken, too large, or neither grey nor YCbCr.
    pub(crate) fn decode(&mut self, jpeg: &[u8]) -> Result<(u32, u32), String> {
        match huffman_gap(jpeg)? {
            None => decode_into(jpeg, self.format(), &mut self.pixels),
            Some(at) => {
                self.patched.clear();
                self.patched.extend_from_slice(&jpeg[..at]);
                self.patched.extend_from_slice(&STANDARD_HUFFMAN);
                self.patched.extend_from_slice(&jpeg[at..]);
                decode_into(&self.patched, self.format(), &mut self.pixels)
            }
        }
    }

    /// The pixels of the last picture, row by row.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

fn decode_into(
    jpeg: &[u8],
    format: PixelFormat,
    pixels: &mut Vec<u8>,
) -> Result<(u32, u32), String> {
    let colours = match format {
        PixelFormat::Rgb => ColorSpace::RGB,
        _ => ColorSpace::Luma,
    };
    // Strict, because a cut picture must not pass as one that is half grey.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE_PX)
        .set_max_height(MAX_SIDE_PX)
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode_headers().map_err(|e| tidy(&e))?;
    let (width, height) = decoder.dimensions().ok_or("the JPEG names no size")?;
    if width * height > MAX_PIXELS {
        return Err(format!("{width}x{height} is larger than 7680x4320 pixels"));
    }
    pixels.resize(width * height * colours.num_components(), 0);
    decoder.decode_into(pixels).map_err(|e| tidy(&e))?;
    // Both are at most MAX_SIDE_PX.
    Ok((width as u32, height as u32))
}

/// The decoder's texts, on one line.
fn tidy(error: &zune_jpeg::errors::DecodeErrors) -> String {
    let text = format!("{error:?}");
    let short: String = text.chars().take(160).collect();
    format!(
        "broken JPEG: {}",
        short.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

/// Where Huffman tables must be put in, if the picture has none: UVC cameras leave them out, as AVI's MJPEG did.
fn huffman_gap(jpeg: &[u8]) -> Result<Option<usize>, String> {
    if !jpeg.starts_with(&[0xFF, 0xD8]) {
        return Err("it does not begin as a JPEG does".into());
    }
    let mut at = 2;
    loop {
        let (marker, body) = segment(jpeg, at).ok_or("the JPEG ends in its headers")?;
        match marker {
            0xC4 => return Ok(None),
            0xDA => return Ok(Some(at)),
            0xD9 => return Err("the JPEG holds no picture".into()),
            _ => at = body.end,
        }
    }
}

/// The segment whose marker begins at or after `at`: the marker and where its body lies.
fn segment(jpeg: &[u8], at: usize) -> Option<(u8, Range<usize>)> {
    // Any number of FF may come before a marker.
    let fill = jpeg.get(at..)?.iter().position(|&b| b != 0xFF)?;
    if fill == 0 {
        return None;
    }
    let body = at + fill + 1;
    let marker = jpeg[body - 1];
    if matches!(marker, 0x01 | 0xD0..=0xD9) {
        return Some((marker, body..body));
    }
    let length = u16::from_be_bytes([*jpeg.get(body)?, *jpeg.get(body + 1)?]);
    Some((marker, body..body + usize::from(length.max(2))))
}

/// The typical Huffman tables of ITU-T T.81, annex K.3, as one DHT segment.
#[rustfmt::skip]
const STANDARD_HUFFMAN: [u8; 420] = [
    0xFF, 0xC4, 0x01, 0xA2,
    // K.3: luminance DC.
    0x00, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    // K.5: luminance AC.
    0x10, 0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7D,
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07,
    0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xA1, 0x08, 0x23, 0x42, 0xB1, 0xC1, 0x15, 0x52, 0xD1, 0xF0,
    0x24, 0x33, 0x62, 0x72, 0x82, 0x09, 0x0A, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x25, 0x26, 0x27, 0x28,
    0x29, 0x2A, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49,
    0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69,
    0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
    0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7,
    0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3, 0xC4, 0xC5,
    0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xE1, 0xE2,
    0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
    // K.4: chrominance DC.
    0x01, 0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    // K.6: chrominance AC.
    0x11, 0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77,
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71,
    0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xA1, 0xB1, 0xC1, 0x09, 0x23, 0x33, 0x52, 0xF0,
    0x15, 0x62, 0x72, 0xD1, 0x0A, 0x16, 0x24, 0x34, 0xE1, 0x25, 0xF1, 0x17, 0x18, 0x19, 0x1A, 0x26,
    0x27, 0x28, 0x29, 0x2A, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
    0x49, 0x4A, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68,
    0x69, 0x6A, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
    0x88, 0x89, 0x8A, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0xA2, 0xA3, 0xA4, 0xA5,
    0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0xB2, 0xB3, 0xB4, 0xB5, 0xB6, 0xB7, 0xB8, 0xB9, 0xBA, 0xC2, 0xC3,
    0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xCA, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA,
    0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8,
    0xF9, 0xFA,
];

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A JPEG of a slanted ramp, its brightness shifted by `shift`.
    pub(in crate::camera) fn ramp(width: u32, height: u32, shift: u8) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let v = ((x + y) as u8 / 2).saturating_add(shift);
            image::Rgb([v, v, v])
        });
        let mut jpeg = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90)
            .encode_image(&picture)
            .unwrap();
        jpeg
    }

    fn without_huffman(jpeg: &[u8]) -> Vec<u8> {
        let mut out = vec![0xFF, 0xD8];
        let mut at = 2;
        loop {
            let (marker, body) = segment(jpeg, at).unwrap();
            if marker == 0xDA {
                out.extend_from_slice(&jpeg[at..]);
                return out;
            }
            if marker != 0xC4 {
                out.extend_from_slice(&jpeg[at..body.end]);
            }
            at = body.end;
        }
    }

    #[test]
    fn luma_is_what_was_encoded() {
        let mut decoder = FrameDecoder::default();
        assert_eq!(decoder.decode(&ramp(70, 50, 40)), Ok((70, 50)));
        for (i, &v) in decoder.pixels().iter().enumerate() {
            let want = (i % 70 + i / 70) as i32 / 2 + 40;
            assert!(
                (i32::from(v) - want).abs() <= 3,
                "pixel {i}: {v} not {want}"
            );
        }
    }

    #[test]
    fn colours_are_what_was_encoded() {
        let picture = image::RgbImage::from_fn(48, 32, |x, _| {
            image::Rgb(if x < 24 { [200, 60, 30] } else { [20, 80, 160] })
        });
        let mut jpeg = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95)
            .encode_image(&picture)
            .unwrap();
        let mut decoder = FrameDecoder::new(true);
        assert_eq!(decoder.decode(&jpeg), Ok((48, 32)));
        for (x, want) in [(4, [200, 60, 30]), (40, [20, 80, 160])] {
            let got = &decoder.pixels()[3 * x..][..3];
            let off = got.iter().zip(want).map(|(a, b): (&u8, u8)| a.abs_diff(b));
            assert!(off.max() <= Some(4), "{got:?} not {want:?}");
        }
    }

    #[test]
    fn a_grey_jpeg_has_three_equal_channels() {
        let picture = image::GrayImage::from_fn(20, 10, |x, y| image::Luma([(x * 9 + y) as u8]));
        let mut jpeg = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 95)
            .encode_image(&picture)
            .unwrap();
        let (mut colour, mut luma) = (FrameDecoder::new(true), FrameDecoder::new(false));
        assert_eq!(colour.decode(&jpeg), Ok((20, 10)));
        luma.decode(&jpeg).unwrap();
        let spread: Vec<u8> = luma.pixels().iter().flat_map(|&v| [v; 3]).collect();
        assert_eq!(colour.pixels(), spread);
    }

    #[test]
    fn pictures_without_huffman_tables_decode_the_same() {
        let jpeg = ramp(64, 48, 10);
        let bare = without_huffman(&jpeg);
        assert!(bare.len() + 400 < jpeg.len(), "the tables are gone");
        let (mut whole, mut patched) = (FrameDecoder::default(), FrameDecoder::default());
        whole.decode(&jpeg).unwrap();
        patched.decode(&bare).unwrap();
        assert_eq!(whole.pixels(), patched.pixels());
    }

    #[test]
    fn a_cut_picture_is_refused_wherever_it_is_cut() {
        let jpeg = ramp(64, 64, 0);
        let mut decoder = FrameDecoder::default();
        // The last rows may be whole when only the end is missing.
        for end in (0..jpeg.len() * 3 / 4).step_by(7) {
            assert!(decoder.decode(&jpeg[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_size_beyond_the_limit_is_refused_before_memory_is_taken() {
        let mut jpeg = ramp(16, 16, 0);
        let sof = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
        jpeg[sof + 5..sof + 9].copy_from_slice(&[0xFF; 4]);
        let mut decoder = FrameDecoder::default();
        assert!(decoder.decode(&jpeg).is_err());
        assert!(decoder.pixels.capacity() < 1000);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), lead in any::<bool>()) {
            if lead {
                bytes.splice(0..0, [0xFF, 0xD8, 0xFF]);
            }
            for colour in [false, true] {
                let _ = FrameDecoder::new(colour).decode(&bytes);
            }
        }

        #[test]
        fn no_damage_makes_it_panic(hits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12)) {
            let mut jpeg = ramp(40, 24, 0);
            for (at, value) in hits {
                let i = at.index(jpeg.len());
                jpeg[i] = value;
            }
            for colour in [false, true] {
                let _ = FrameDecoder::new(colour).decode(&jpeg);
            }
        }
    }
}

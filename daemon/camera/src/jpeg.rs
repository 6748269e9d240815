//! Decodes one JPEG to pixels, strictly and with limits. It knows the habits of cameras; `jpeg_splitter` cuts
//! streams and files into JPEGs.
//!
//! `layout` walks the markers first, so that what cannot be decoded is refused by name before memory is taken;
//! `huffman` holds the tables that cameras leave out. Why this decoder: docs/decisions/017-jpeg-decoder.md.

mod coded_data;
mod error;
mod huffman;
pub(crate) mod layout;

use moodring_base::contain::catch_panic;
use moodring_core::frame::{Millis, PixelFormat, rgb_luma};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

pub use self::error::JpegError;
use self::{huffman::STANDARD_HUFFMAN, layout::Layout};
use super::turn::Turn;
use crate::scaled_jpeg::{DecodeNeeds, NotDecoded, ScaledJpeg};

/// The longest side of a camera's picture; no more than 8K.
pub(super) const MAX_SIDE_PX: usize = 8192;
/// The most pixels of a camera's picture: 8K UHD.
pub(super) const MAX_PIXELS: usize = 7680 * 4320;
/// The most bytes that decoding a camera's picture may take: 8K UHD in one pass.
const MAX_DECODING_BYTES: u64 = 160 << 20;
/// What is wrong with a cut picture.
const ENDS_EARLY: &str = "it was cut or damaged: its coded data ends early";
/// Stands between the coded data and its end. No Huffman code is all ones, so that a decoder that runs out of data before
/// the picture is complete finds an error there; one that is done does not look.
const ALL_ONES: [u8; 64] = {
    let mut bytes = [0; 64];
    let mut i = 0;
    while i < bytes.len() {
        // An FF of coded data has a 00 behind it.
        bytes[i] = 0xFF;
        i += 2;
    }
    bytes
};

/// Decodes JPEGs into a buffer that is used again for the next.
#[derive(Default)]
pub struct FrameDecoder {
    colour: bool,
    pixels: Vec<u8>,
    prepared: Vec<u8>,
    turned: Vec<u8>,
    scaled: Box<ScaledJpeg>,
}

impl FrameDecoder {
    /// In `colour`, or only the luma, which takes about four fifths of the time.
    pub fn new(colour: bool) -> Self {
        Self {
            colour,
            ..Self::default()
        }
    }

    /// What [`FrameDecoder::pixels`] are.
    pub const fn format(&self) -> PixelFormat {
        if self.colour {
            PixelFormat::Rgb
        } else {
            PixelFormat::Grey
        }
    }

    /// Decodes one picture and turns it upright as its EXIF orientation says; [`FrameDecoder::pixels`] then has it.
    /// Returns width and height. What follows the picture's end is not read.
    ///
    /// # Errors
    /// [`JpegError`] if the picture is cut, broken, too large, or of a kind that is not read. Never panics.
    pub fn decode(&mut self, jpeg: &[u8]) -> Result<(u32, u32), JpegError> {
        let layout = Layout::read(jpeg)?;
        check_size(&layout)?;
        let (width, height) = layout.size_px;
        let bytes = (width * height * self.format().row_bytes(1)) as u64 + layout.working_bytes();
        if bytes > MAX_DECODING_BYTES {
            return Err(JpegError::unsupported(format!(
                "{width}x{height} in several passes takes {} MB to decode; send baseline JPEG or smaller pictures",
                bytes >> 20
            )));
        }
        self.decode_as(jpeg, &layout)
    }

    /// Decodes a picture only as far as `needs` says; [`FrameDecoder::scaled`] then has it. `false` if it is of a kind for
    /// [`FrameDecoder::decode`], or stands on its side.
    ///
    /// # Errors
    /// As [`FrameDecoder::decode`].
    pub fn decode_scaled(
        &mut self,
        jpeg: &[u8],
        needs: DecodeNeeds,
        time: Millis,
    ) -> Result<bool, JpegError> {
        let layout = Layout::read(jpeg)?;
        check_size(&layout)?;
        if layout.is_progressive || layout.is_split || layout.orientation != 1 {
            return Ok(false);
        }
        let (own, scaled) = (&jpeg[..layout.end], &mut self.scaled);
        match catch_panic("the JPEG decoder", || {
            scaled.decode(own, &STANDARD_HUFFMAN, needs, time)
        })? {
            Ok(()) => Ok(true),
            Err(NotDecoded::OtherKind) => Ok(false),
            Err(NotDecoded::Damaged) => Err(ENDS_EARLY.into()),
        }
    }

    /// The last picture that [`FrameDecoder::decode_scaled`] decoded; may be taken, another one left in its place.
    pub fn scaled(&mut self) -> &mut ScaledJpeg {
        &mut self.scaled
    }

    /// The same for a picture whose layout was read, and whose size the caller found good.
    pub(crate) fn decode_as(
        &mut self,
        jpeg: &[u8],
        layout: &Layout,
    ) -> Result<(u32, u32), JpegError> {
        prepare(jpeg, layout, &mut self.prepared);
        let colours = match self.format() {
            // The decoder has no way from inks to luma.
            PixelFormat::Grey if layout.components < 4 => ColorSpace::Luma,
            _ => ColorSpace::RGB,
        };
        let (prepared, pixels) = (&self.prepared, &mut self.pixels);
        catch_panic("the JPEG decoder", || {
            decode_into(prepared, colours, layout.size_px, pixels)
        })??;
        if !self.colour && colours == ColorSpace::RGB {
            to_luma(&mut self.pixels);
        }
        // A JPEG's sides have 16 bits.
        let size = (layout.size_px.0 as u32, layout.size_px.1 as u32);
        let turn = Turn::from_exif(layout.orientation);
        if turn.is_none() {
            return Ok(size);
        }
        let turned = turn.apply(
            &self.pixels,
            size,
            self.format().row_bytes(1),
            &mut self.turned,
        );
        std::mem::swap(&mut self.pixels, &mut self.turned);
        Ok(turned)
    }

    /// The pixels of the last picture, row by row.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The same, to be kept.
    pub(crate) fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }
}

fn check_size(layout: &Layout) -> Result<(), JpegError> {
    let (width, height) = layout.size_px;
    if width.max(height) > MAX_SIDE_PX || width * height > MAX_PIXELS {
        return Err(JpegError::unsupported(format!(
            "{width}x{height} is larger than 7680x4320 pixels"
        )));
    }
    Ok(())
}

/// The picture as the decoder shall see it: with Huffman tables, a mark behind its data, and nothing behind its end.
pub(crate) fn prepare(jpeg: &[u8], layout: &Layout, into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(&jpeg[..layout.first_scan]);
    if !layout.has_tables {
        // UVC cameras leave them out, as AVI's MJPEG did.
        into.extend_from_slice(&STANDARD_HUFFMAN);
    }
    into.extend_from_slice(&jpeg[layout.first_scan..layout.last_scan_end]);
    into.extend_from_slice(&ALL_ONES);
    into.extend_from_slice(&[0xFF, 0xD9]);
}

fn decode_into(
    jpeg: &[u8],
    colours: ColorSpace,
    (width, height): (usize, usize),
    pixels: &mut Vec<u8>,
) -> Result<(), JpegError> {
    // Strict, because a cut picture must not pass as one that is half grey.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_max_scans(64)
        .jpeg_set_out_colorspace(colours);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode_headers().map_err(|e| tidy(&e))?;
    if decoder.dimensions() != Some((width, height)) {
        return Err("its headers name two sizes".into());
    }
    pixels.resize(width * height * colours.num_components(), 0);
    Ok(decoder.decode_into(pixels).map_err(|e| tidy(&e))?)
}

/// Red, green and blue to luma, in place.
fn to_luma(pixels: &mut Vec<u8>) {
    let count = pixels.len() / 3;
    for i in 0..count {
        pixels[i] = rgb_luma([pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]]);
    }
    pixels.truncate(count);
}

/// The decoder's texts, on one line.
fn tidy(error: &zune_jpeg::errors::DecodeErrors) -> String {
    let text = format!("{error:?}");
    // What stands there is the mark behind the data, or the decoder noticed the end itself.
    let is_cut = [
        "Bad Huffman Code",
        "No more bytes left",
        "Premature end",
        "ExhaustedData",
    ];
    if is_cut.iter().any(|part| text.contains(part)) {
        return ENDS_EARLY.into();
    }
    let short: String = text.chars().take(160).collect();
    format!(
        "broken JPEG: {}",
        short.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A JPEG of a slanted ramp, its brightness shifted by `shift`.
    pub(crate) fn ramp(width: u32, height: u32, shift: u8) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(width, height, |x, y| {
            let v = ((x + y) as u8 / 2).saturating_add(shift);
            image::Rgb([v, v, v])
        });
        moodring_tests::pictures::jpeg(picture, 90)
    }

    /// The same JPEG with an EXIF segment that names an orientation.
    pub(crate) fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let exif = [
            b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"
                .as_slice(),
            &[orientation],
            &[0; 6],
        ];
        [&jpeg[..2], &exif.concat(), &jpeg[2..]].concat()
    }

    /// Progressive, Adobe's YCCK, two components: two versions of the decoder panic at it.
    #[rustfmt::skip]
    pub(crate) const TWO_COMPONENTS: &[u8] = include_bytes!("jpeg/two_components.jpg");

    fn without_huffman(jpeg: &[u8]) -> Vec<u8> {
        let mut out = vec![0xFF, 0xD8];
        let mut at = 2;
        loop {
            let (marker, body) = layout::segment(jpeg, at).unwrap();
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
        let jpeg = moodring_tests::pictures::jpeg(picture, 95);
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
        let jpeg = moodring_tests::pictures::jpeg(picture, 95);
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
        for end in (0..jpeg.len()).step_by(7) {
            assert!(decoder.decode(&jpeg[..end]).is_err(), "cut at {end}");
            // As cameras and programs mend it that lost the rest.
            let mended = [&jpeg[..end], &[0xFF, 0xD9]].concat();
            if end + 3 < jpeg.len() {
                assert!(
                    decoder.decode(&mended).is_err(),
                    "cut at {end}, then an end"
                );
            }
        }
    }

    #[test]
    fn what_follows_a_picture_is_not_its_own() {
        let jpeg = ramp(64, 48, 10);
        let (mut whole, mut longer) = (FrameDecoder::default(), FrameDecoder::default());
        whole.decode(&jpeg).unwrap();
        for tail in [&[0; 5][..], b"MotionPhoto", &jpeg, &[0xFF; 9]] {
            longer.decode(&[&jpeg, tail].concat()).unwrap();
            assert_eq!(whole.pixels(), longer.pixels());
        }
    }

    #[test]
    fn a_picture_of_two_components_is_refused_and_no_panic() {
        let error = FrameDecoder::new(true).decode(TWO_COMPONENTS).unwrap_err();
        assert!(matches!(error, JpegError::Unsupported(_)), "{error}");
        assert!(error.to_string().contains("2 colour components"), "{error}");
    }

    /// The markers of a baseline picture of three components with these sampling factors, in one scan or one for each.
    fn markers(factors: [u8; 3], is_split: bool) -> Vec<u8> {
        let mut jpeg = vec![0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0, 16, 0, 16, 3];
        for (id, factor) in (1..).zip(factors) {
            jpeg.extend([id, factor, 0]);
        }
        let scans: &[&[u8]] = if is_split {
            &[&[1], &[2], &[3]]
        } else {
            &[&[1, 2, 3]]
        };
        for scan in scans {
            let count = scan.len() as u8;
            jpeg.extend([0xFF, 0xDA, 0, 6 + 2 * count, count]);
            jpeg.extend(scan.iter().flat_map(|&id| [id, 0]));
            jpeg.extend([0, 63, 0, 1, 2, 3]);
        }
        jpeg.extend([0xFF, 0xD9]);
        jpeg
    }

    #[test]
    fn sampling_of_which_the_decoder_makes_a_wrong_picture_is_named() {
        let refused = |factors, is_split| match Layout::read(&markers(factors, is_split)) {
            Ok(_) => None,
            Err(JpegError::Unsupported(cause)) => Some(cause.into_owned()),
            Err(damage) => panic!("{damage}"),
        };
        for (factors, is_split) in [
            ([0x22, 0x11, 0x11], false),
            ([0x22, 0x21, 0x21], false),
            ([0x12, 0x12, 0x12], false),
            ([0x21, 0x11, 0x11], true),
            ([0x41, 0x11, 0x11], true),
            ([0x11, 0x11, 0x11], true),
        ] {
            assert_eq!(refused(factors, is_split), None, "{factors:X?} {is_split}");
        }
        for (factors, is_split, cause) in [
            ([0x22, 0x11, 0x11], true, "one after the other"),
            ([0x12, 0x11, 0x11], true, "one after the other"),
            ([0x32, 0x11, 0x11], false, "three samples"),
            ([0x11, 0x22, 0x22], false, "fewer samples"),
        ] {
            let text = refused(factors, is_split).unwrap();
            assert!(text.contains(cause), "{factors:X?}: {text}");
        }
    }

    #[test]
    fn a_picture_on_its_side_stands_upright() {
        let picture = image::RgbImage::from_fn(48, 32, |x, _| {
            image::Rgb([if x < 24 { 220 } else { 20 }; 3])
        });
        let upright = moodring_tests::pictures::jpeg(picture, 95);
        let jpeg = with_orientation(&upright, 6);
        for colour in [false, true] {
            let mut decoder = FrameDecoder::new(colour);
            assert_eq!(decoder.decode(&jpeg), Ok((32, 48)));
            let bytes = decoder.format().row_bytes(1);
            let at = |x: usize, y: usize| decoder.pixels()[(y * 32 + x) * bytes];
            assert!(
                at(3, 3) > 200 && at(28, 3) > 200 && at(3, 44) < 40,
                "left went up"
            );
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

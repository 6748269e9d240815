//! JPEG photos: decoded in one pass at full size where that fits, else by a decoder that can scale while it decodes.

use image::RgbImage;

use super::{Budget, Photo, PhotoError, check_size, least_scale};
use crate::{
    jpeg::{FrameDecoder, JpegError, layout::Layout, prepare},
    turn::Turn,
};

/// What the scaling decoder divides sides by.
const SCALES: [u32; 4] = [1, 2, 4, 8];

impl From<JpegError> for PhotoError {
    fn from(error: JpegError) -> Self {
        match error {
            JpegError::Unsupported(cause) => Self::Unsupported(cause.into_owned()),
            JpegError::Damaged(cause) => Self::Damaged(cause.into_owned()),
        }
    }
}

pub(super) fn decode(bytes: &[u8], budget: Budget) -> Result<Photo, PhotoError> {
    let layout = Layout::read(bytes)?;
    // A JPEG's sides have 16 bits.
    let size = (layout.size_px.0 as u32, layout.size_px.1 as u32);
    check_size(size, budget)?;
    let turn = Turn::from_exif(layout.orientation);
    // Inks have no scaled way.
    let scales = if layout.components == 4 {
        &SCALES[..1]
    } else {
        &SCALES
    };
    let scale = least_scale(size, budget, scales, |scale| takes(&layout, turn, scale))?;
    let (pixels, decoded) = if scale == 1 {
        let mut decoder = FrameDecoder::new(true);
        let decoded = decoder.decode_as(bytes, &layout)?;
        (decoder.into_pixels(), decoded)
    } else {
        scaled(bytes, &layout, turn, scale)?
    };
    let rgb = RgbImage::from_raw(decoded.0, decoded.1, pixels);
    let rgb = rgb.ok_or_else(|| PhotoError::Damaged("its pixels are not of its size".into()))?;
    Ok(Photo::new(rgb, turn.size(size)))
}

/// The bytes that decoding takes, by `SCALES`.
fn takes(layout: &Layout, turn: Turn, scale: u32) -> u64 {
    let pixels = (layout.size_px.0 as u64).div_ceil(scale.into())
        * (layout.size_px.1 as u64).div_ceil(scale.into());
    // The picture, and once more to turn it.
    let copies = if turn.is_none() { 1 } else { 2 };
    // The scaling decoder keeps its planes until it mixes the colours.
    let planes = if scale == 1 { 0 } else { pixels * 3 };
    pixels * 3 * copies + planes + layout.working_bytes()
}

fn scaled(
    bytes: &[u8],
    layout: &Layout,
    turn: Turn,
    scale: u32,
) -> Result<(Vec<u8>, (u32, u32)), PhotoError> {
    let damaged = |e: jpeg_decoder::Error| PhotoError::Damaged(format!("broken JPEG: {e}"));
    let mut prepared = Vec::new();
    prepare(bytes, layout, &mut prepared);
    let mut decoder = jpeg_decoder::Decoder::new(&prepared[..]);
    decoder.read_info().map_err(damaged)?;
    let part = |side: usize| side.div_ceil(scale as usize) as u16;
    let (width, height) = decoder
        .scale(part(layout.size_px.0), part(layout.size_px.1))
        .map_err(damaged)?;
    let mut pixels = decoder.decode().map_err(damaged)?;
    let size = (u32::from(width), u32::from(height));
    let count = usize::from(width) * usize::from(height);
    if pixels.len() == count {
        pixels = pixels.iter().flat_map(|&v| [v; 3]).collect();
    }
    if pixels.len() != 3 * count {
        return Err(PhotoError::Damaged("its pixels are not of its size".into()));
    }
    if turn.is_none() {
        return Ok((pixels, size));
    }
    let mut turned = Vec::new();
    let size = turn.apply(&pixels, size, 3, &mut turned);
    Ok((turned, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_one_is_scaled_to_its_budget() {
        let picture = RgbImage::from_fn(800, 600, |x, y| {
            image::Rgb([(x / 4) as u8, (y / 4) as u8, 90])
        });
        let jpeg = moodring_tests::pictures::jpeg(picture, 90);
        let whole = Photo::decode(&jpeg).unwrap();
        let budget = Budget {
            max_bytes: 1_000_000,
            ..Budget::default()
        };
        let photo = Photo::decode_within(&jpeg, budget).unwrap();
        assert_eq!(
            (photo.size_px(), photo.decoded_px()),
            ((800, 600), (400, 300))
        );
        for (x, y) in [(20, 20), (380, 280), (200, 150)] {
            let (a, b) = (
                photo.rgb.get_pixel(x, y).0,
                whole.rgb.get_pixel(2 * x, 2 * y).0,
            );
            assert!(
                a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < 6),
                "{a:?} {b:?}"
            );
        }
        let least = Budget {
            max_bytes: 50_000,
            ..Budget::default()
        };
        let error = Photo::decode_within(&jpeg, least).unwrap_err();
        assert!(matches!(error, PhotoError::Memory(800, 600, ..)), "{error}");
        // Cut, it is refused at this size, too.
        let cut = [&jpeg[..jpeg.len() / 2], &[0xFF, 0xD9]].concat();
        let error = Photo::decode_within(&cut, budget).unwrap_err();
        assert!(matches!(error, PhotoError::Damaged(_)), "{error}");
    }
}

//! GIF, WebP and BMP, decoded as a whole by the `image` crate.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, metadata::Orientation,
};

use super::{
    Budget, Photo, PhotoError, check_size, least_scale,
    shrink::{Shrink, on_white},
};

pub(super) fn decode(
    bytes: &[u8],
    format: ImageFormat,
    budget: Budget,
) -> Result<Photo, PhotoError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(budget.max_bytes);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(named)?;
    let size = decoder.dimensions();
    check_size(size, budget)?;
    // A picture without a readable orientation stands upright.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let is_turned = orientation != Orientation::NoTransforms;
    let pixels = u64::from(size.0) * u64::from(size.1);
    let each = bytes_per_pixel(bytes, format) + if is_turned { 4 } else { 0 };
    least_scale(size, budget, &[1], |_| pixels * each)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(named)?;
    picture.apply_orientation(orientation);
    let size = (picture.width(), picture.height());
    let rgb = flatten(picture);
    let rgb = rgb.ok_or_else(|| PhotoError::Damaged("rows are missing".into()))?;
    Ok(Photo::new(rgb, size))
}

/// What the decoders take for a pixel, from their sources: their own planes, what they give back, and our copy.
fn bytes_per_pixel(bytes: &[u8], format: ImageFormat) -> u64 {
    match format {
        // The canvas, the picture on it and its indices.
        ImageFormat::Gif => 12,
        // Three planes with half the colours, and the pixels.
        ImageFormat::WebP if bytes.get(12..16) == Some(b"VP8 ") => 5,
        // Transparency, lossless or animated.
        ImageFormat::WebP => 12,
        // Four bytes at most, and our three.
        _ => 7,
    }
}

/// Transparency on white, all depths to 8 bits.
fn flatten(picture: DynamicImage) -> Option<image::RgbImage> {
    if !picture.color().has_alpha() {
        return Some(picture.into_rgb8());
    }
    let rgba = picture.into_rgba8();
    let mut rows = Shrink::new(rgba.dimensions(), 1);
    for row in rgba.rows() {
        rows.push_row(row.map(|pixel| on_white(pixel.0)));
    }
    rows.finish()
}

fn named(error: ImageError) -> PhotoError {
    match error {
        ImageError::Unsupported(e) => {
            PhotoError::Damaged(format!("{e}; save it as an ordinary PNG or JPEG"))
        }
        ImageError::Limits(_) => {
            PhotoError::Damaged("it needs too much memory to decode; scale it first".into())
        }
        // The library's own limit for BMP, which it does not call one.
        ImageError::Decoding(e) if e.to_string().contains("too large") => {
            PhotoError::Damaged("it needs too much memory to decode; scale it first".into())
        }
        other => PhotoError::Damaged(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_of_gif_do_not_take_the_memory_of_forty_megapixels() {
        let (width, height) = (8000_u16.to_le_bytes(), 5000_u16.to_le_bytes());
        let gif = [
            b"GIF89a".as_slice(),
            &width,
            &height,
            &[0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C],
            &[0; 4],
            &width,
            &height,
            &[0, 2, 0, 0x3B],
        ]
        .concat();
        let budget = Budget {
            max_bytes: 64 << 20,
            ..Budget::default()
        };
        let error = Photo::decode_within(&gif, budget).unwrap_err();
        assert!(
            matches!(error, PhotoError::Memory(8000, 5000, ..)),
            "{error}"
        );
    }

    #[test]
    fn nor_do_a_few_bytes_of_webp() {
        // Lossless: the signature, then 14 bits each of width and height less one (RFC 9649, 3.4).
        let sides = 7_999_u32 | 4_999 << 14;
        let lossless = [&[0x2F][..], &sides.to_le_bytes(), &[0; 5]].concat();
        // Lossy: a key frame's tag, its start code, the sides (RFC 6386, 9.1).
        let (width, height) = (8_000_u16.to_le_bytes(), 5_000_u16.to_le_bytes());
        let lossy = [&[0x10, 0, 0, 0x9D, 0x01, 0x2A][..], &width, &height].concat();
        let budget = Budget {
            max_bytes: 64 << 20,
            ..Budget::default()
        };
        for (kind, data) in [(b"VP8L", lossless), (b"VP8 ", lossy)] {
            let chunk = [&kind[..], &(data.len() as u32).to_le_bytes(), &data].concat();
            let size = (chunk.len() as u32 + 4).to_le_bytes();
            let webp = [b"RIFF", &size[..], b"WEBP", &chunk].concat();
            let error = Photo::decode_within(&webp, budget).unwrap_err();
            assert!(
                matches!(error, PhotoError::Memory(8000, 5000, ..)),
                "{error}"
            );
        }
    }

    #[test]
    fn transparency_becomes_white() {
        let clear = image::RgbaImage::from_pixel(16, 16, image::Rgba([0, 0, 0, 0]));
        let white = flatten(DynamicImage::ImageRgba8(clear)).unwrap();
        assert_eq!(white.get_pixel(3, 3).0, [255; 3]);
    }
}

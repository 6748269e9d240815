//! PNG photos, row by row: only 8 bits of red, green and blue are kept, whatever the depth. Profiles and texts are not
//! unpacked at all.

use std::io::Cursor;

use png::{ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use super::{
    Budget, Photo, PhotoError, check_size, least_scale,
    shrink::{Shrink, on_white},
};
use crate::turn::Turn;

/// What each side may be divided by.
const SCALES: [u32; 5] = [1, 2, 3, 4, 8];
/// What the decoder may take beside its rows.
const CHUNKS_BYTES: usize = 4 << 20;

type Rows<'a> = Reader<Cursor<&'a [u8]>>;

pub(super) fn decode(bytes: &[u8], budget: Budget) -> Result<Photo, PhotoError> {
    let limits = Limits {
        bytes: CHUNKS_BYTES + budget.max_bytes as usize,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(damaged)?;
    let (size, is_interlaced) = ((header.width, header.height), header.interlaced);
    check_size(size, budget)?;
    let mut rows = decoder.read_info().map_err(damaged)?;
    let turn = orientation(&rows);
    let channels = rows.output_color_type().0.samples() as u64;
    let pixels = u64::from(size.0) * u64::from(size.1);
    let copies = if turn.is_none() { 1 } else { 2 };
    let takes = |scale: u32| {
        let whole = if is_interlaced { pixels * channels } else { 0 };
        let scale = u64::from(scale);
        // Two rows of the deepest kind, and what is inflated ahead.
        pixels / (scale * scale) * 3 * copies + whole + u64::from(size.0) * 24 + (1 << 17)
    };
    let scale = least_scale(size, budget, &SCALES, takes)?;
    let mut shrink = Shrink::new(size, scale);
    if is_interlaced {
        read_whole(&mut rows, size, &mut shrink)?;
    } else {
        let colour = rows.output_color_type().0;
        while let Some(row) = rows.next_row().map_err(damaged)? {
            push(&mut shrink, colour, row.data());
        }
    }
    let rgb = shrink.finish();
    let rgb = rgb.ok_or_else(|| PhotoError::Damaged("rows are missing".into()))?;
    if turn.is_none() {
        return Ok(Photo::new(rgb, size));
    }
    let mut turned = Vec::new();
    let (width, height) = turn.apply(rgb.as_raw(), rgb.dimensions(), 3, &mut turned);
    let rgb = image::RgbImage::from_raw(width, height, turned);
    let rgb = rgb.ok_or_else(|| PhotoError::Damaged("it cannot be turned".into()))?;
    Ok(Photo::new(rgb, turn.size(size)))
}

/// Its rows come in seven passes, so that all must be there before the first is whole.
fn read_whole(
    rows: &mut Rows<'_>,
    size: (u32, u32),
    shrink: &mut Shrink,
) -> Result<(), PhotoError> {
    let missing = || PhotoError::Damaged("its size cannot be".into());
    let mut all = vec![0; rows.output_buffer_size().ok_or_else(missing)?];
    rows.next_frame(&mut all).map_err(damaged)?;
    let line = rows.output_line_size(size.0).ok_or_else(missing)?;
    let colour = rows.output_color_type().0;
    for row in all.chunks_exact(line) {
        push(shrink, colour, row);
    }
    Ok(())
}

/// One row of 8 bits a sample.
fn push(shrink: &mut Shrink, colour: ColorType, row: &[u8]) {
    match colour {
        ColorType::Rgb => shrink.push_row(row.as_chunks().0.iter().copied()),
        ColorType::Rgba => shrink.push_row(row.as_chunks().0.iter().copied().map(on_white)),
        ColorType::GrayscaleAlpha => {
            let pixels = row.as_chunks().0.iter();
            shrink.push_row(pixels.map(|&[v, a]| on_white([v, v, v, a])));
        }
        // Palettes are expanded.
        ColorType::Grayscale | ColorType::Indexed => shrink.push_row(row.iter().map(|&v| [v; 3])),
    }
}

fn orientation(rows: &Rows<'_>) -> Turn {
    let exif = rows.info().exif_metadata.as_deref();
    let orientation = exif.and_then(image::metadata::Orientation::from_exif_chunk);
    Turn::from_exif(orientation.map_or(1, image::metadata::Orientation::to_exif))
}

fn damaged(error: DecodingError) -> PhotoError {
    match error {
        DecodingError::LimitsExceeded => {
            PhotoError::Damaged("it needs too much memory to decode; scale it first".into())
        }
        DecodingError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            PhotoError::Damaged("the PNG ends early; copy it again".into())
        }
        other => PhotoError::Damaged(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 16 bits, transparency, one colour.
    fn deep(width: u32, height: u32, interlaced: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Sixteen);
        let mut writer = encoder.write_header().unwrap();
        let pixel = [200, 0, 100, 0, 50, 0, 255, 255];
        let data = pixel.repeat((width * height) as usize);
        writer.write_image_data(&data).unwrap();
        drop(writer);
        assert!(!interlaced, "the encoder has no such thing");
        bytes
    }

    #[test]
    fn depth_costs_nothing_and_a_large_one_is_scaled() {
        let png = deep(400, 300, false);
        let budget = |max_bytes| Budget {
            max_bytes,
            ..Budget::default()
        };
        let whole = Photo::decode_within(&png, budget(600_000)).unwrap();
        assert_eq!(whole.decoded_px(), (400, 300));
        assert_eq!(whole.to_rgb().get_pixel(7, 7).0, [200, 100, 50]);
        let small = Photo::decode_within(&png, budget(300_000)).unwrap();
        assert_eq!(
            (small.size_px(), small.decoded_px()),
            ((400, 300), (200, 150))
        );
        assert_eq!(small.to_rgb().get_pixel(7, 7).0, [200, 100, 50]);
        let error = Photo::decode_within(&png, budget(100_000)).unwrap_err();
        assert!(matches!(error, PhotoError::Memory(..)), "{error}");
    }
}

//! Decides by the first bytes which kind of picture a file is, never by its name.

use image::ImageFormat;

use super::PhotoError;

/// A kind that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    /// GIF, WebP or BMP.
    Other(ImageFormat),
}

/// First bytes of what people take for pictures and we do not read, where they lie, and what to call it.
const OTHERS: [(usize, &[u8], &str); 26] = [
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypavis", "an AVIF animation"),
    (4, b"ftypheic", "an HEIC picture"),
    (4, b"ftypheix", "an HEIC picture"),
    (4, b"ftypheim", "an HEIC picture"),
    (4, b"ftyphevc", "an HEIC animation"),
    (4, b"ftypmif1", "an HEIF or AVIF picture"),
    (4, b"ftypmsf1", "an HEIF animation"),
    (4, b"ftyp", "an MP4 or QuickTime film"),
    (0, b"II*\0", "a TIFF or raw picture"),
    (0, b"MM\0*", "a TIFF or raw picture"),
    (0, b"II+\0", "a BigTIFF picture"),
    (0, b"\0\0\0\x0CJXL ", "a JPEG XL picture"),
    (0, b"\xFF\x0A", "a JPEG XL picture"),
    (0, b"\0\0\0\x0CjP  ", "a JPEG 2000 picture"),
    (0, b"\xFFO\xFFQ", "a JPEG 2000 picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\0\0\x01\0", "an icon file"),
    (0, b"qoif", "a QOI picture"),
    (0, b"\x1A\x45\xDF\xA3", "a Matroska or WebM film"),
    (8, b"AVI LIST", "an AVI film"),
    (8, b"WAVEfmt ", "a sound"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1F\x8B", "something packed by gzip"),
    (
        0,
        &[0; 64],
        "nothing but zeros, as a disk leaves after a power cut",
    ),
];

/// What to do with a file of one of [`OTHERS`]' names.
pub(super) fn way_out(name: &str) -> &'static str {
    let is = |kind: &str| name.contains(kind);
    if is("film") || is("animation") {
        "ffmpeg makes pictures of it: ffmpeg -i FILE -vf fps=1 picture-%04d.png"
    } else if is("sound") || is("archive") || is("gzip") || is("zeros") {
        "take a picture instead"
    } else {
        "save it as PNG or JPEG"
    }
}

impl Format {
    /// The kind of these bytes.
    ///
    /// # Errors
    /// [`PhotoError`] that names the kind if it is known and not read.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, PhotoError> {
        if bytes.is_empty() {
            return Err(PhotoError::Empty);
        }
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => return Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', ..] => return Ok(Self::Png),
            [b'G', b'I', b'F', b'8', ..] => return Ok(Self::Other(ImageFormat::Gif)),
            [b'B', b'M', ..] => return Ok(Self::Other(ImageFormat::Bmp)),
            _ => {}
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Ok(Self::Other(ImageFormat::WebP));
        }
        let known = OTHERS
            .iter()
            .find(|(at, begin, _)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(begin)));
        if let Some((_, _, name)) = known {
            return Err(PhotoError::OtherFormat(name));
        }
        let text = bytes.trim_ascii_start();
        let is = |begin: &[u8]| {
            text.get(..begin.len())
                .is_some_and(|t| t.eq_ignore_ascii_case(begin))
        };
        if is(b"<svg") || is(b"<?xml") {
            return Err(PhotoError::OtherFormat("an SVG drawing or XML"));
        }
        if is(b"<!doctype") || is(b"<html") {
            return Err(PhotoError::OtherFormat("a web page"));
        }
        if is(b"version https://git-lfs") {
            return Err(PhotoError::OtherFormat(
                "a Git LFS pointer, not the file itself",
            ));
        }
        Err(PhotoError::Format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_are_not_read_are_called_by_their_names() {
        let error_for = |bytes: &[u8]| Format::of(bytes).unwrap_err().to_string();
        for (bytes, name) in [
            (&b"\0\0\0\x20ftypavif\0\0"[..], "AVIF"),
            (b"\0\0\0\x18ftypheic", "HEIC"),
            (b"II*\0\x08\0\0\0", "TIFF"),
            (b"MM\0*\0\0\0\x08", "TIFF"),
            (b"%PDF-1.7", "PDF"),
            (b"\xFF\x0A\xFA", "JPEG XL"),
            (b"\n<!DOCTYPE html>", "web page"),
            (b"<svg xmlns=", "SVG"),
        ] {
            assert!(error_for(bytes).contains(name), "{}", error_for(bytes));
            assert!(error_for(bytes).contains("save it as PNG or JPEG"));
        }
        let film = error_for(b"\0\0\0\x18ftypisom");
        assert!(film.contains("MP4") && film.contains("ffmpeg"), "{film}");
        let zeros = error_for(&[0; 64]);
        assert!(!zeros.contains("save it"), "{zeros}");
        assert!(matches!(Format::of(b"hello"), Err(PhotoError::Format)));
    }
}

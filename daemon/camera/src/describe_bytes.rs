//! Describes what bytes look like, for errors about streams without pictures.

use moodring_base::redact::printable;

/// First bytes and what they are.
const MAGIC_BYTES: [(&[u8], &str); 21] = [
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\0\0\0\x01\x67", "raw H.264 video"),
    (b"\0\0\0\x01\x27", "raw H.264 video"),
    (b"\0\0\0\x01\x09", "raw H.264 video"),
    (b"\0\0\x01\x67", "raw H.264 video"),
    (b"\0\0\0\x01\x40", "raw H.265 video"),
    (b"\0\0\0\x01\x42", "raw H.265 video"),
    (b"\0\0\x01\xB3", "MPEG video"),
    (b"\0\0\x01\xBA", "an MPEG programme stream"),
    (b"\x1A\x45\xDF\xA3", "Matroska or WebM"),
    (b"FLV\x01", "Flash video"),
    (b"OggS", "an Ogg stream"),
    (b"\x1F\x8B", "something compressed by gzip"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"DKIF", "an IVF film"),
    (b"YUV4MPEG2", "a YUV4MPEG2 stream"),
    (b"RTSP/1.0", "RTSP; take an rtsp:// address"),
];
/// How much of a text is shown.
const SHOWN_CHARS: usize = 60;
/// How many bytes are looked at.
const LOOKED_AT: usize = 4096;

/// What a stream that begins so looks like.
pub(super) fn describe(head: &[u8]) -> String {
    if head.is_empty() {
        return "nothing at all".into();
    }
    if let Some((_, name)) = MAGIC_BYTES
        .iter()
        .find(|(begin, _)| head.starts_with(begin))
    {
        return (*name).into();
    }
    if head.starts_with(b"RIFF") {
        return match head.get(8..12) {
            Some(b"WEBP") => "a WebP picture".into(),
            Some(b"AVI ") => "an AVI film".into(),
            _ => "a RIFF file".into(),
        };
    }
    if head.get(4..8) == Some(b"ftyp") {
        return "MP4, AVIF or HEIC".into();
    }
    if head.first() == Some(&0x47) && head.get(188).is_none_or(|&b| b == 0x47) && head.len() > 188 {
        return "an MPEG transport stream".into();
    }
    let begin = &head[..head.len().min(LOOKED_AT)];
    if begin.len() > 3 && begin.iter().all(|b| *b == begin[0]) {
        return format!("nothing but bytes of {:#04x}", begin[0]);
    }
    if let Some(kind) = part_kind(begin) {
        return format!("a multipart stream of {kind}");
    }
    let is_text = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7E | 0x80..);
    if std::str::from_utf8(begin).map_or_else(|e| e.error_len().is_none(), |_| true)
        && begin.iter().all(is_text)
    {
        let text = String::from_utf8_lossy(begin);
        let line = text.lines().map(str::trim).find(|line| !line.is_empty());
        let line: String = line.unwrap_or_default().chars().take(SHOWN_CHARS).collect();
        let lower = text.to_ascii_lowercase();
        let what = if lower.contains("<html") || lower.contains("<!doctype") {
            "a web page"
        } else if lower.trim_start().starts_with(['{', '[']) {
            "JSON"
        } else {
            "text"
        };
        return format!("{what}, \"{}\"", printable(&line));
    }
    let hex: Vec<String> = begin.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("no kind that is known (it begins with {})", hex.join(" "))
}

/// The content type of a multipart stream's first part.
fn part_kind(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&head[..head.len().min(512)]);
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    lines.next()?.starts_with("--").then_some(())?;
    let kind = lines.take(10).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type")
            .then(|| value.trim().to_owned())
    })?;
    Some(printable(&kind).chars().take(SHOWN_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_kinds_of_bytes_are_named() {
        for (bytes, want) in [
            (&b""[..], "nothing at all"),
            (b"\x89PNG\r\n\x1a\n", "PNG"),
            (b"\0\0\0\x01\x67\x42", "H.264"),
            (b"usage: x\n", "text, \"usage: x\""),
            (b"\n<!DOCTYPE html><html>", "web page"),
            (b"{\"error\": 1}", "JSON"),
            (
                b"--b\r\nContent-Type: image/png\r\n\r\n\x89PNG",
                "multipart stream of image/png",
            ),
            (b"\0\0\0\0\0\0", "bytes of 0x00"),
            (b"\x93\x01\xfe\xfd\xc3", "begins with 93 01"),
            (b"RIFF\0\0\0\0AVI LIST", "AVI"),
            ("grüße\x07".as_bytes(), "no kind"),
        ] {
            let text = describe(bytes);
            assert!(text.contains(want), "{text}");
        }
        assert!(!describe(b"a\x1b[31mred\n").contains('\x1b'));
    }
}

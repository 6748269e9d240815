//! Cuts a byte stream of unknown format into frames: JPEGs wherever they begin (multipart or bare), YUV4MPEG2, or raw
//! planes where the settings name them. The error for anything else describes what it looks like.

use std::io::{self, Read};

use moodring_core::frame::{LumaRange, PixelFormat};

use super::{
    describe_bytes::describe,
    jpeg_splitter::{JpegSplitter, SplitResult},
    stream_thread::{Producer, StreamFormat},
    y4m::Header,
};

/// A picture begins within so many bytes, or the stream holds none.
const BEGINS_WITHIN: usize = 64 << 10;
/// The longest line of a YUV4MPEG2 stream.
const MAX_LINE: usize = 1024;
/// The begin of a JPEG.
const JPEG: [u8; 3] = [0xFF, 0xD8, 0xFF];
/// The begin of a YUV4MPEG2 stream.
const Y4M: &[u8] = b"YUV4MPEG2 ";

/// Raw planes: their format and size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Raw {
    pub(super) format: PixelFormat,
    pub(super) size_px: (u32, u32),
    /// Which bytes are black and white, if the stream declares it.
    pub(super) range: Option<LumaRange>,
}

impl Raw {
    /// The bytes of one frame.
    pub(super) fn bytes(&self) -> usize {
        let stride = self.format.row_bytes(self.size_px.0);
        self.format.picture_bytes(self.size_px.1, stride)
    }
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It came to its end after so many whole pictures.
    Closed(u64),
    /// The reader of the frames was dropped.
    Abandoned,
    /// It holds no pictures; what it looks like.
    NoPictures(String),
}

/// Reads to the end and hands over every frame; raw ones if `raw` is given, else what the bytes show.
///
/// # Errors
/// Those of the reader.
pub(super) fn pump(
    reader: &mut dyn Read,
    raw: Option<Raw>,
    producer: &Producer,
) -> io::Result<Ended> {
    if let Some(raw) = raw {
        return pump_raw(reader, raw, producer);
    }
    let mut head = Vec::new();
    loop {
        if head.starts_with(Y4M) {
            return pump_y4m(&mut head.chain(reader), producer);
        }
        if head.windows(JPEG.len()).any(|w| w == JPEG) {
            return pump_jpeg(&head, reader, producer);
        }
        if head.len() >= BEGINS_WITHIN {
            return Ok(Ended::NoPictures(describe(&head)));
        }
        let mut chunk = [0; 4096];
        match read_some(reader, &mut chunk)? {
            0 => return Ok(Ended::NoPictures(describe(&head))),
            n => head.extend_from_slice(&chunk[..n]),
        }
        if producer.is_closed() {
            return Ok(Ended::Abandoned);
        }
    }
}

fn pump_jpeg(head: &[u8], reader: &mut dyn Read, producer: &Producer) -> io::Result<Ended> {
    let mut splitter = JpegSplitter::default();
    splitter.push(head);
    let mut whole = 0;
    loop {
        let listening = match splitter.next_piece() {
            SplitResult::Jpeg(range) => {
                whole += 1;
                producer.put(StreamFormat::Jpeg, splitter.bytes(range))
            }
            SplitResult::Bad(reason) => producer.put_bad(reason),
            SplitResult::More => match splitter.read_from(reader) {
                Ok(0) => break,
                Ok(_) => !producer.is_closed(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => true,
                Err(e) => return Err(e),
            },
        };
        if !listening {
            return Ok(Ended::Abandoned);
        }
    }
    if splitter.is_inside() && !producer.put_bad("it was cut: the stream ended inside a picture") {
        return Ok(Ended::Abandoned);
    }
    Ok(Ended::Closed(whole))
}

fn pump_raw(reader: &mut dyn Read, raw: Raw, producer: &Producer) -> io::Result<Ended> {
    let mut frame = vec![0; raw.bytes()];
    let mut whole = 0;
    loop {
        match fill(reader, &mut frame)? {
            n if n == frame.len() => {}
            0 => return Ok(Ended::Closed(whole)),
            _ => {
                producer.put_bad("it was cut: the stream ended inside a raw frame");
                return Ok(Ended::Closed(whole));
            }
        }
        whole += 1;
        if !producer.put(StreamFormat::Raw(raw), &frame) {
            return Ok(Ended::Abandoned);
        }
    }
}

fn pump_y4m(reader: &mut dyn Read, producer: &Producer) -> io::Result<Ended> {
    let header = match Header::parse(&read_line(reader)?) {
        Ok(header) => header,
        Err(reason) => {
            return Ok(Ended::NoPictures(format!(
                "a YUV4MPEG2 stream, but {reason}"
            )));
        }
    };
    let raw = header.raw();
    let mut frame = vec![0; raw.bytes()];
    let mut whole = 0;
    loop {
        let line = read_line(reader)?;
        if line.is_empty() {
            return Ok(Ended::Closed(whole));
        }
        if !Header::is_frame(&line) {
            // There is no mark to find the next frame by.
            return Ok(Ended::NoPictures(
                "a YUV4MPEG2 stream without FRAME where a frame is due".into(),
            ));
        }
        if fill(reader, &mut frame)? < frame.len() {
            producer.put_bad("it was cut: the stream ended inside a frame");
            return Ok(Ended::Closed(whole));
        }
        whole += 1;
        if !producer.put(StreamFormat::Raw(raw), &frame) {
            return Ok(Ended::Abandoned);
        }
    }
}

/// One line with its end; shorter at the end of the stream, and cut at [`MAX_LINE`].
fn read_line(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut byte = [0];
    // Bytes one by one: what follows the line is the frame's, and pipes and bodies are buffered below.
    while line.len() < MAX_LINE && line.last() != Some(&b'\n') {
        match read_some(reader, &mut byte)? {
            0 => break,
            _ => line.push(byte[0]),
        }
    }
    Ok(line)
}

/// Fills the buffer; fewer bytes only at the end of the stream.
fn fill(reader: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match read_some(reader, &mut into[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

fn read_some(reader: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(into) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests;

//! What cameras send, for the fuzz targets.

use super::{
    describe_bytes,
    jpeg::{FrameDecoder, layout::Layout},
    jpeg_splitter::{JpegSplitter, SplitResult},
    y4m,
};

/// A stream in pieces of odd sizes.
pub fn stream(bytes: &[u8]) {
    _ = describe_bytes::describe(bytes);
    let mut splitter = JpegSplitter::default();
    for piece in bytes.chunks(977) {
        splitter.push(piece);
        loop {
            match splitter.next_piece() {
                SplitResult::Jpeg(range) => {
                    assert!(
                        splitter.bytes(range).starts_with(b"\xFF\xD8"),
                        "a JPEG begins so"
                    );
                }
                SplitResult::Bad(_) => {}
                SplitResult::More => break,
            }
        }
    }
}

/// One picture of a stream.
pub fn frame(bytes: &[u8]) {
    _ = Layout::read(bytes);
    for colour in [false, true] {
        let mut decoder = FrameDecoder::new(colour);
        if let Ok((width, height)) = decoder.decode(bytes) {
            let pixels = width as usize * height as usize;
            assert!(pixels > 0 && decoder.pixels().len() >= pixels);
        }
    }
}

/// The lines of a film.
pub fn y4m(bytes: &[u8]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        _ = y4m::Header::is_frame(line);
        if let Ok(header) = y4m::Header::parse(line) {
            assert!(header.raw().bytes() > 0);
        }
    }
}

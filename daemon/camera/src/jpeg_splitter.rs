//! Cuts a byte stream into whole JPEGs by walking their markers, so that thumbnails inside them do not end them early.
//! Skips what lies between them (multipart headers, garbage); its memory stays bounded for any input.

use std::{
    io::{self, Read},
    ops::Range,
};

/// The most bytes one JPEG may have.
pub(super) const MAX_JPEG_BYTES: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

/// What the bytes so far hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SplitResult {
    /// A whole JPEG, for [`JpegSplitter::bytes`]; valid until bytes are added.
    Jpeg(Range<usize>),
    /// A picture that was cut or broken, and is skipped.
    Bad(&'static str),
    /// Nothing whole: add more bytes.
    More,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MarkerState {
    /// Outside, looking for the next begin.
    Seek,
    /// A marker is due at `pos`.
    Marker,
    /// In coded data, looking for its end.
    Coded,
}

/// Takes bytes as they come and gives JPEGs.
#[derive(Debug)]
pub(super) struct JpegSplitter {
    store: Vec<u8>,
    filled: usize,
    /// Where the picture at hand (or the search for one) begins.
    start: usize,
    /// How far the walk came; may lie beyond `filled` when a segment is not all there.
    pos: usize,
    walk: MarkerState,
}

impl Default for JpegSplitter {
    fn default() -> Self {
        Self {
            store: Vec::new(),
            filled: 0,
            start: 0,
            pos: 0,
            walk: MarkerState::Seek,
        }
    }
}

impl JpegSplitter {
    /// Adds what one read gives; 0 at the end of the stream.
    ///
    /// # Errors
    /// Those of the reader.
    pub(super) fn read_from(&mut self, reader: &mut dyn Read) -> io::Result<usize> {
        self.make_room(CHUNK);
        let n = reader.read(&mut self.store[self.filled..])?;
        self.filled += n;
        Ok(n)
    }

    /// Adds bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.store[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// The bytes of a piece.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.store[range]
    }

    /// The next piece of what was added.
    pub(super) fn next_piece(&mut self) -> SplitResult {
        let piece = loop {
            let step = match self.walk {
                MarkerState::Seek => self.seek(),
                MarkerState::Marker => self.marker(),
                MarkerState::Coded => self.coded(),
            };
            if let Some(piece) = step {
                break piece;
            }
        };
        if piece == SplitResult::More && self.filled - self.start > MAX_JPEG_BYTES {
            self.start = self.filled;
            self.pos = self.filled;
            self.walk = MarkerState::Seek;
            return SplitResult::Bad("the picture has more than 16 MiB");
        }
        piece
    }

    /// Whether the stream, if it ended here, would end inside a picture.
    pub(super) fn is_inside(&self) -> bool {
        self.walk != MarkerState::Seek
    }

    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        (self.filled, self.start, self.pos, self.walk) = (0, 0, 0, MarkerState::Seek);
    }

    fn make_room(&mut self, bytes: usize) {
        if self.start > 0 {
            self.store.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.pos -= self.start;
            self.start = 0;
        }
        if self.store.len() < self.filled + bytes {
            self.store.resize(self.filled + bytes, 0);
        }
    }

    fn seek(&mut self) -> Option<SplitResult> {
        let data = &self.store[self.pos..self.filled];
        match data.windows(3).position(|w| w == [0xFF, 0xD8, 0xFF]) {
            Some(at) => {
                self.start = self.pos + at;
                self.pos = self.start + 2;
                self.walk = MarkerState::Marker;
                None
            }
            None => {
                // The last two bytes may begin the next begin.
                self.start = self.filled.saturating_sub(2).max(self.pos);
                self.pos = self.start;
                Some(SplitResult::More)
            }
        }
    }

    fn marker(&mut self) -> Option<SplitResult> {
        let Some(&[first, code]) = self.store[..self.filled].get(self.pos..self.pos + 2) else {
            return Some(SplitResult::More);
        };
        match (first, code) {
            (0xFF, 0xFF) => self.pos += 1,
            (0xFF, 0x01 | 0xD0..=0xD7) => self.pos += 2,
            (0xFF, 0xD9) => return Some(self.whole()),
            (0xFF, 0xD8) => return Some(self.interrupted()),
            (0xFF, 0x02..) => return self.skip_segment(code),
            _ => return Some(self.lost_track()),
        }
        None
    }

    fn skip_segment(&mut self, code: u8) -> Option<SplitResult> {
        let Some(&[high, low]) = self.store[..self.filled].get(self.pos + 2..self.pos + 4) else {
            return Some(SplitResult::More);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return Some(self.lost_track());
        }
        self.pos += 2 + length;
        if code == 0xDA {
            self.walk = MarkerState::Coded;
        }
        None
    }

    fn coded(&mut self) -> Option<SplitResult> {
        let data = self.store[..self.filled].get(self.pos..).unwrap_or(&[]);
        let Some(at) = memchr::memchr(0xFF, data) else {
            self.pos = self.pos.max(self.filled);
            return Some(SplitResult::More);
        };
        self.pos += at;
        match data.get(at + 1) {
            None => return Some(SplitResult::More),
            // A stuffed byte or a restart.
            Some(0x00 | 0xD0..=0xD7) => self.pos += 2,
            Some(0xFF) => self.pos += 1,
            Some(_) => self.walk = MarkerState::Marker,
        }
        None
    }

    fn whole(&mut self) -> SplitResult {
        let range = self.start..self.pos + 2;
        self.start = range.end;
        self.pos = range.end;
        self.walk = MarkerState::Seek;
        SplitResult::Jpeg(range)
    }

    /// A new picture begins inside the one at hand: that one was cut.
    fn interrupted(&mut self) -> SplitResult {
        self.start = self.pos;
        self.walk = MarkerState::Seek;
        SplitResult::Bad("the picture was cut: another begins inside it")
    }

    /// A wrong length led astray, perhaps over the next begin: search again from behind this one's.
    fn lost_track(&mut self) -> SplitResult {
        self.start += 2;
        self.pos = self.start;
        self.walk = MarkerState::Seek;
        SplitResult::Bad("the picture's markers are broken")
    }
}

#[cfg(test)]
mod tests;

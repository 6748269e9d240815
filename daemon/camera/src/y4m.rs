//! YUV4MPEG2 files with 8-bit 4:2:0 or luma only, played at the rate of the settings.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use moodring_core::frame::{Frame, LumaRange, PixelFormat};

use super::{
    Camera, CameraError, CameraInfo, Context,
    frame_pacer::FramePacer,
    jpeg::{MAX_PIXELS, MAX_SIDE_PX},
    pump::Raw,
};

/// The longest header line that is read.
const MAX_LINE: u64 = 1024;

/// An open `.y4m` file.
pub(super) struct Y4mFile {
    info: CameraInfo,
    context: Context,
    pace: FramePacer,
    file: BufReader<File>,
    first_frame: u64,
    size_px: (u32, u32),
    range: Option<LumaRange>,
    data: Vec<u8>,
    seen_frame: bool,
}

/// What a stream's first line declares.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    size_px: (u32, u32),
    format: PixelFormat,
    range: Option<LumaRange>,
    wire: String,
}

impl Y4mFile {
    /// Opens the file and reads its header.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = moodring_base::redact::printable(&path.to_string_lossy());
        let refuse = |reason: String| CameraError::Open {
            source_name: name.clone(),
            reason,
            way_out: "Make one by: ffmpeg -i FILM -pix_fmt yuv420p OUT.y4m".into(),
        };
        let mut file = BufReader::new(super::open_file(path)?);
        let line = read_line(&mut file).map_err(|e| refuse(e.to_string()))?;
        let header = Header::parse(&line).map_err(refuse)?;
        let bytes = header.raw().bytes();
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: Some(header.size_px),
                wire: header.wire,
                format: header.format,
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: FramePacer::new(context.rate_hz, context.stop.clone()),
            context,
            file,
            first_frame: line.len() as u64,
            size_px: header.size_px,
            range: header.range,
            data: vec![0; bytes],
            seen_frame: false,
        })
    }

    fn read_frame(&mut self) -> Result<(), CameraError> {
        let fail = |info: &CameraInfo, e: io::Error| match e.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => info.bad(e.to_string()),
            _ => info.lost(e.to_string()),
        };
        let begins = self.frame_begins().map_err(|e| fail(&self.info, e))?;
        if !begins {
            self.rewind()?;
            if !self.frame_begins().map_err(|e| fail(&self.info, e))? {
                return Err(self.info.ended());
            }
        }
        self.file.read_exact(&mut self.data).map_err(|e| {
            let cut = e.kind() == io::ErrorKind::UnexpectedEof;
            if cut {
                self.info.bad("the file ends inside a frame")
            } else {
                self.info.lost(e.to_string())
            }
        })?;
        self.seen_frame = true;
        Ok(())
    }

    /// Reads a frame's line; `false` at the end of the file.
    fn frame_begins(&mut self) -> io::Result<bool> {
        let line = read_line(&mut self.file)?;
        if line.is_empty() {
            return Ok(false);
        }
        if Header::is_frame(&line) {
            return Ok(true);
        }
        // There is no mark to find the next frame by.
        self.file.seek(SeekFrom::End(0))?;
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "FRAME is missing where a frame is due; the rest of the file is skipped",
        ))
    }

    fn rewind(&mut self) -> Result<(), CameraError> {
        if !self.context.repeat || !self.seen_frame {
            return Err(self.info.ended());
        }
        let rewound = self.file.seek(SeekFrom::Start(self.first_frame));
        rewound.map(drop).map_err(|e| self.info.lost(e.to_string()))
    }
}

impl Camera for Y4mFile {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        if !self.pace.wait() {
            return Err(self.info.ended());
        }
        self.read_frame()?;
        let time = self.context.clock.now();
        let frame = Frame::packed(&self.data, self.info.format, self.size_px, time)
            .map_err(|e| self.info.bad(e.to_string()))?;
        Ok(self.context.with_range(frame, self.range))
    }
}

impl Header {
    /// The frames that follow it.
    pub(super) fn raw(&self) -> Raw {
        Raw {
            format: self.format,
            size_px: self.size_px,
            range: self.range,
        }
    }

    /// Whether a frame follows this line.
    pub(super) fn is_frame(line: &[u8]) -> bool {
        line.starts_with(b"FRAME") && matches!(line.get(5), Some(b'\n' | b' '))
    }

    /// Parses `YUV4MPEG2 W640 H480 F30:1 C420jpeg ...\n`.
    pub(super) fn parse(line: &[u8]) -> Result<Self, String> {
        let text = line
            .strip_prefix(b"YUV4MPEG2 ")
            .and_then(|rest| rest.strip_suffix(b"\n"))
            .ok_or("it does not begin with a YUV4MPEG2 line")?;
        let text = std::str::from_utf8(text).map_err(|_| "its header is not text")?;
        let (mut width, mut height, mut colour, mut range) = (None, None, "420", None);
        for field in text.split_ascii_whitespace() {
            let Some((tag, value)) = field.split_at_checked(1) else {
                continue;
            };
            match tag {
                "W" => width = value.parse().ok(),
                "H" => height = value.parse().ok(),
                "C" => colour = value,
                "X" => range = range_of(value).or(range),
                // Rate, interlacing, aspect and comments change no luma.
                _ => {}
            }
        }
        let sides = 1..=MAX_SIDE_PX as u32;
        let size_px = match (width, height) {
            (Some(w), Some(h))
                if sides.contains(&w)
                    && sides.contains(&h)
                    && w as usize * h as usize <= MAX_PIXELS =>
            {
                (w, h)
            }
            _ => {
                return Err(format!(
                    "its header must name W and H, from 1 to {MAX_SIDE_PX} pixels and together at most 7680x4320"
                ));
            }
        };
        let format = match colour {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => PixelFormat::I420,
            "mono" => PixelFormat::Grey,
            other => {
                let other: String = other.chars().take(20).collect();
                return Err(format!(
                    "its colour format C{other} is not supported (8-bit C420 and Cmono are)"
                ));
            }
        };
        Ok(Self {
            size_px,
            format,
            range,
            wire: format!("Y4M C{colour}"),
        })
    }
}

/// The range by ffmpeg's comment `XCOLORRANGE=FULL` or `=LIMITED`.
fn range_of(comment: &str) -> Option<LumaRange> {
    match comment.strip_prefix("COLORRANGE=")? {
        "FULL" => Some(LumaRange::Full),
        "LIMITED" => Some(LumaRange::Limited),
        _ => None,
    }
}

/// One line with its end, at most [`MAX_LINE`] bytes; empty at the end of the file.
fn read_line(file: &mut BufReader<File>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    file.take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use moodring_core::frame::Millis;
    use proptest::prelude::*;

    use super::*;
    use moodring_base::config::RangeKind;

    fn play(bytes: &[u8], repeat: bool, frames: usize) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film.y4m");
        std::fs::write(&path, bytes).unwrap();
        match Y4mFile::open(&path, Context::for_tests(repeat)) {
            Ok(mut camera) => super::super::tests::outcomes(&mut camera, frames),
            Err(e) => vec![e.to_string()],
        }
    }

    #[test]
    fn plays_and_repeats() {
        let frame = [b"FRAME\n".as_slice(), &[9; 4 * 2 + 2 * 2]].concat();
        let film = [
            b"YUV4MPEG2 W4 H2 F30:1 C420jpeg\n".as_slice(),
            &frame,
            &frame,
        ]
        .concat();
        assert_eq!(play(&film, false, 4), ["4x2", "4x2", "ended", "ended"]);
        assert_eq!(play(&film, true, 5), ["4x2"; 5]);
        let cut = &film[..film.len() - 1];
        assert_eq!(play(cut, true, 3), ["4x2", "bad", "4x2"]);
        let mono = b"YUV4MPEG2 H1 W3 Cmono\nFRAME Ip\nabc".as_slice();
        assert_eq!(play(mono, false, 2), ["3x1", "ended"]);
    }

    #[test]
    fn the_range_is_the_files_or_the_settings() {
        let range = |tags: &str| {
            let line = format!("YUV4MPEG2 W4 H2 F30:1 {tags}\n");
            Header::parse(line.as_bytes()).unwrap().range
        };
        assert_eq!(range("C420jpeg XCOLORRANGE=FULL"), Some(LumaRange::Full));
        assert_eq!(
            range("XCOLORRANGE=LIMITED XYSCSS=420JPEG"),
            Some(LumaRange::Limited)
        );
        assert_eq!(range("C420jpeg XYSCSS=420JPEG"), None);

        let shown = |wanted: RangeKind, declared| {
            let mut context = Context::for_tests(false);
            context.range = wanted;
            let frame = Frame::packed(&[16; 6], PixelFormat::I420, (2, 2), Millis(0)).unwrap();
            context.with_range(frame, declared).luma(0, 0)
        };
        let declared = Some(LumaRange::Full);
        assert_eq!(shown(RangeKind::Auto, None), 0);
        assert_eq!(shown(RangeKind::Auto, declared), 16);
        assert_eq!(shown(RangeKind::Full, None), 16);
        assert_eq!(shown(RangeKind::Limited, declared), 0);
    }

    #[test]
    fn a_lost_frame_mark_skips_the_rest() {
        let film = b"YUV4MPEG2 W1 H1 Cmono\nFRAME\naFRAMX\nb".as_slice();
        assert_eq!(play(film, false, 3), ["1x1", "bad", "ended"]);
        assert_eq!(play(film, true, 3), ["1x1", "bad", "1x1"]);
        assert_eq!(play(b"YUV4MPEG2 W1 H1\n", true, 2), ["ended", "ended"]);
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        let refused_for = |film: &str, part: &str| {
            let error = play(film.as_bytes(), false, 1).concat();
            assert!(error.contains(part), "{error}");
        };
        refused_for("", "YUV4MPEG2");
        refused_for("YUV4MPEG W4 H2\n", "YUV4MPEG2");
        refused_for("YUV4MPEG2 W4 H2 C422\n", "C422");
        refused_for("YUV4MPEG2 W4 H2 C420p10\n", "C420p10");
        refused_for("YUV4MPEG2 W0 H2\n", "W and H");
        refused_for("YUV4MPEG2 W99999999999 H2\n", "W and H");
        refused_for("YUV4MPEG2 W20000 H20000\n", "W and H");
        refused_for("YUV4MPEG2 H2\n", "W and H");
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text in "[ WHCF0-9a-zé:]{0,60}", raw in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Header::parse(format!("YUV4MPEG2 {text}\n").as_bytes());
            let _ = Header::parse(&raw);
        }
    }
}

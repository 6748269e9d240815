//! A file of JPEGs one after another, played at the rate of the settings.

use std::{
    fs::File,
    io::{Seek, SeekFrom},
    path::Path,
};

use moodring_core::{frame::Frame, picture::Picture as _};

use super::{
    Camera, CameraError, CameraInfo, Context,
    frame_pacer::FramePacer,
    jpeg::FrameDecoder,
    jpeg_splitter::{JpegSplitter, SplitResult},
    stream_thread::StreamFormat,
};
use crate::{latest::LentPicture, scaled_jpeg::DecodeNeeds};

/// An open `.mjpeg` file.
pub(super) struct MjpegFile {
    info: CameraInfo,
    context: Context,
    pace: FramePacer,
    file: File,
    splitter: JpegSplitter,
    decoder: FrameDecoder,
    seen_jpeg: bool,
}

impl MjpegFile {
    /// Opens the file; whether it holds any JPEG shows at the first frame.
    pub(super) fn open(path: &Path, context: Context) -> Result<Self, CameraError> {
        let name = moodring_base::redact::printable(&path.to_string_lossy());
        let file = super::open_file(path)?;
        let decoder = FrameDecoder::new(context.colour);
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: None,
                wire: "MJPG".into(),
                format: decoder.format(),
                rate_hz: Some(context.rate_hz),
                live: false,
            },
            pace: FramePacer::new(context.rate_hz, context.stop.clone()),
            context,
            file,
            splitter: JpegSplitter::default(),
            decoder,
            seen_jpeg: false,
        })
    }

    /// The next piece of the file; begins again at its end if it is to be repeated.
    fn next_jpeg(&mut self) -> Result<std::ops::Range<usize>, CameraError> {
        loop {
            match self.splitter.next_piece() {
                SplitResult::Jpeg(range) => {
                    self.seen_jpeg = true;
                    return Ok(range);
                }
                SplitResult::Bad(reason) => return Err(self.info.bad(reason)),
                SplitResult::More => {}
            }
            let read = self.splitter.read_from(&mut self.file);
            match read {
                Ok(0) => self.at_end()?,
                Ok(_) => {}
                Err(e) => return Err(self.info.lost(e.to_string())),
            }
        }
    }

    fn at_end(&mut self) -> Result<(), CameraError> {
        let cut = self.splitter.is_inside();
        self.splitter.clear();
        if cut {
            return Err(self.info.bad("the file ends inside a picture"));
        }
        if !self.seen_jpeg {
            return Err(CameraError::Open {
                source_name: self.info.name.clone(),
                reason: "it holds no whole JPEG".into(),
                way_out: "Give a file of JPEGs one after another (ffmpeg -f mjpeg)".into(),
            });
        }
        if !self.context.repeat {
            return Err(self.info.ended());
        }
        let rewound = self.file.seek(SeekFrom::Start(0));
        rewound.map(drop).map_err(|e| self.info.lost(e.to_string()))
    }
}

impl Camera for MjpegFile {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        self.next_picture(None).map(LentPicture::into_frame)
    }

    fn next_picture(&mut self, needs: Option<DecodeNeeds>) -> Result<LentPicture<'_>, CameraError> {
        if !self.pace.wait() {
            return Err(self.info.ended());
        }
        let range = self.next_jpeg()?;
        let bytes = self.splitter.bytes(range);
        let picture = self
            .context
            .picture(StreamFormat::Jpeg, bytes, &mut self.decoder, needs);
        let picture = picture.map_err(|reason| self.info.bad(reason))?;
        self.info.size_px = Some(picture.size_px());
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::jpeg::tests::ramp, *};

    fn play(bytes: &[u8], repeat: bool, frames: usize) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film.mjpeg");
        std::fs::write(&path, bytes).unwrap();
        let mut camera = MjpegFile::open(&path, Context::for_tests(repeat)).unwrap();
        super::super::tests::outcomes(&mut camera, frames)
    }

    #[test]
    fn plays_to_the_end_over_a_cut_picture() {
        let (a, b) = (ramp(16, 16, 0), ramp(24, 8, 0));
        let film = [&a[..], &a[..200], &b, &a[..100]].concat();
        let want = ["16x16", "bad", "24x8", "bad", "ended", "ended"];
        assert_eq!(play(&film, false, 6), want);
        assert_eq!(
            play(&film, true, 6),
            ["16x16", "bad", "24x8", "bad", "16x16", "bad"]
        );
    }

    #[test]
    fn with_needs_jpegs_stay_jpegs_unless_they_stand_on_their_side() {
        use super::super::jpeg::tests::with_orientation;
        let upright = ramp(64, 48, 10);
        let film = [
            &upright[..],
            &with_orientation(&upright, 6),
            &upright[..upright.len() - 40],
        ]
        .concat();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("film.mjpeg");
        std::fs::write(&path, [&film[..], &[0xFF, 0xD9]].concat()).unwrap();
        let mut camera = MjpegFile::open(&path, Context::for_tests(false)).unwrap();
        let needs = DecodeNeeds {
            least_px: (20, 20),
            ..DecodeNeeds::default()
        };
        let mut next = || {
            camera.next_picture(Some(needs)).map(|picture| {
                let is_jpeg = matches!(picture, LentPicture::Jpeg(_));
                let whole = picture.size_px();
                let overview = picture.into_frame();
                (is_jpeg, whole, (overview.width_px(), overview.height_px()))
            })
        };
        assert_eq!(next().unwrap(), (true, (64, 48), (32, 24)));
        assert_eq!(next().unwrap(), (false, (48, 64), (48, 64)));
        let cut = next().unwrap_err().to_string();
        assert!(cut.contains("ends early"), "{cut}");
    }

    #[test]
    fn a_file_without_jpegs_is_an_error_even_when_repeated() {
        for bytes in [&b""[..], b"not a film", &[0xFF; 5000]] {
            assert_eq!(play(bytes, true, 1), ["open"]);
        }
    }
}

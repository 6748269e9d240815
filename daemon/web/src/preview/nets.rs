//! The preview's own nets, so that it does not slow the pipeline's; loaded on first use.

use moodring_base::config::Settings;
use moodring_core::{detect::Face, frame::Frame};
use moodring_vision::{PhotoFace, PhotoReader, VisionError};

pub(super) struct PreviewNets {
    settings: Settings,
    reader: Option<PhotoReader>,
}

impl PreviewNets {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            reader: None,
        }
    }

    fn reader(&mut self) -> Result<&mut PhotoReader, VisionError> {
        match &mut self.reader {
            Some(reader) => Ok(reader),
            none => Ok(none.insert(PhotoReader::open(&self.settings)?)),
        }
    }

    /// Finds every face of the frame, also those that the pipeline does not know yet or ignores as too small.
    pub(super) fn faces(&mut self, frame: &Frame<'_>) -> Result<Vec<Face>, VisionError> {
        self.reader()?.detect(frame)
    }

    /// Classifies a face, with its activation map.
    pub(super) fn read(&mut self, frame: &Frame<'_>, face: Face) -> Result<PhotoFace, VisionError> {
        self.reader()?.read(frame, face)
    }
}

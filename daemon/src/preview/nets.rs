//! What the preview asks of nets of its own, so that the pipeline is not asked: loaded with the first wish.

use moodring_core::{detect::Face, frame::Frame};

use crate::{
    config::Settings,
    vision::{PhotoFace, PhotoReader, VisionError},
};

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

    /// Every face of the frame, also those that the pipeline does not know yet or finds too small.
    pub(super) fn faces(&mut self, frame: &Frame<'_>) -> Result<Vec<Face>, VisionError> {
        self.reader()?.detect(frame)
    }

    /// What this face shows, and what speaks for it.
    pub(super) fn read(&mut self, frame: &Frame<'_>, face: Face) -> Result<PhotoFace, VisionError> {
        self.reader()?.read(frame, face)
    }
}

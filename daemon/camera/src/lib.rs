//! Frames from devices, files, child processes, the network or a drawing, behind one trait that lends them.
//!
//! | module | what it does |
//! |---|---|
//! | `open`, `context`, `error` | opens a source; what all of them share; why there is no frame |
//! | [`source`], [`address`] | which source a text names; an address that hides its password |
//! | `v4l2`, [`modes`], [`devices`] | capture devices: streams from one, chooses its mode, finds all |
//! | `picture`, `folder`, `mjpeg`, `y4m` | files, played at a rate |
//! | `process`, `presets` | child processes, read by a thread of their own (`stream_thread`); the programs that sources start |
//! | `http` | HTTP addresses, read by a thread of their own too |
//! | `pump`, `describe_bytes` | cuts a byte stream of unknown format into frames; describes bytes that are none |
//! | `synthetic`, `drawn_face`, `sprite` | a scene and a face from formulas, for when there is nothing else |
//! | `jpeg`, `jpeg_splitter` | one JPEG to pixels; a byte stream to JPEGs |
//! | `turn` | pictures turned upright: as EXIF says, or as the camera is mounted |
//! | [`supervise`], `control` | the camera thread: decides what is lost and opens it again; on, off and next |
//! | `frame_pacer` | waits for the next frame's time when files are played |
//! | [`latest`], `sink` | the slot between camera and vision, in which the newest picture wins; what the camera thread calls |
//! | [`photo`] | picture files, read with limits and named errors |
//! | [`scaled_jpeg`] | a camera's JPEG, decoded only as far as somebody looks |

pub mod address;
mod context;
mod control;
mod describe_bytes;
pub mod devices;
mod drawn_face;
mod error;
mod folder;
mod frame_pacer;
#[doc(hidden)]
pub mod fuzz;
mod http;
pub mod jpeg;
mod jpeg_splitter;
pub mod latest;
mod mjpeg;
pub mod modes;
mod open;
pub mod photo;
mod picture;
mod presets;
mod process;
mod pump;
pub mod scaled_jpeg;
mod sink;
pub mod source;
mod sprite;
mod stream_thread;
pub mod supervise;
mod synthetic;
pub(crate) mod turn;
mod v4l2;
mod y4m;

pub use control::CameraControl;
pub use error::{CameraError, CameraInfo};
pub use open::{choices, open, open_until, resolve};
pub use sink::{CameraSink, CameraStatus};
pub use source::{Source, SourceError};
pub use supervise::CameraThread;

use moodring_core::frame::Frame;

use self::{
    context::Context,
    latest::LentPicture,
    open::{of_session, open_file, refuse},
    scaled_jpeg::DecodeNeeds,
};

/// A source of frames. Blocking: it lives on a thread of its own.
pub trait Camera: Send {
    /// What was opened, and what was negotiated.
    fn info(&self) -> &CameraInfo;

    /// Lends the next frame; waits for it, but not longer than the source's timeout.
    ///
    /// # Errors
    /// [`CameraError`]; after [`CameraError::Ended`] or [`CameraError::Lost`] the source must be opened again.
    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError>;

    /// The same, but a JPEG is decoded only as far as `needs` says, where the source can do that; without them, or if not,
    /// the picture is a whole frame.
    ///
    /// # Errors
    /// As [`Camera::next_frame`].
    fn next_picture(
        &mut self,
        _needs: Option<DecodeNeeds>,
    ) -> Result<LentPicture<'_>, CameraError> {
        self.next_frame().map(LentPicture::Frame)
    }
}

#[cfg(test)]
mod tests;

//! Cameras at an HTTP address: a stream of JPEGs, or one JPEG that is requested again and again. The bytes decide which
//! of the two it is: an answer that ends after one picture is a snapshot, whatever its headers claim. `client` makes the
//! requests and logs in.

mod client;
mod secure;

use std::{
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use moodring_base::shutdown::Shutdown;
use moodring_core::{frame::Frame, picture::Picture as _};
use ureq::Agent;

use self::client::{Client, Refusal};
pub(super) use self::secure::TrustSettings;
use super::{
    Camera, CameraError, CameraInfo, Context,
    address::HttpAddress,
    jpeg::FrameDecoder,
    pump::{Ended, pump},
    stream_thread::{FrameStream, NoFrame, Producer},
};
use crate::{latest::LentPicture, scaled_jpeg::DecodeNeeds};

/// An address that answered.
pub(super) struct HttpCamera {
    info: CameraInfo,
    context: Context,
    stream: FrameStream,
    decoder: FrameDecoder,
    is_polled: Arc<AtomicBool>,
    /// Closes the connections, also while somebody reads from them.
    agent: Option<Agent>,
}

impl HttpCamera {
    /// Asks the address and waits for its first picture.
    pub(super) fn open(address: &HttpAddress, context: Context) -> Result<Self, CameraError> {
        let name = address.to_string();
        let refuse = |reason: String| {
            CameraError::Open {
            source_name: name.clone(),
            reason,
            way_out: "Open the address in a browser: it must show the picture itself, not a page around it; a login \
                      goes before the host, http://user:password@HOST/"
                .into(),
        }
        };
        let client = Client::new(address, &context).map_err(refuse)?;
        let agent = client.agent();
        let is_polled = Arc::new(AtomicBool::new(false));
        let mut reader = Reader {
            client,
            is_polled: Arc::clone(&is_polled),
            interval: context.snapshot,
            limit: context.timeout + context.snapshot,
            stop: context.stop.clone(),
        };
        let stream = FrameStream::spawn("camera-http", context.overflow, move |p| reader.run(p))
            .map_err(|e| refuse(e.to_string()))?;
        let decoder = FrameDecoder::new(context.colour);
        let camera = Self {
            info: CameraInfo {
                name: name.clone(),
                size_px: None,
                wire: format!("JPEG over {}", address.scheme().name().to_uppercase()),
                format: decoder.format(),
                rate_hz: None,
                live: true,
            },
            context,
            stream,
            decoder,
            is_polled,
            agent: Some(agent),
        };
        // Name look-up, connection and answer have their own limits inside; this is for all of them.
        match camera
            .stream
            .wait_started(camera.context.timeout, &camera.context.stop)
        {
            Ok(()) => Ok(camera),
            Err(NoFrame::Over(reason) | NoFrame::Bad(reason)) => Err(refuse(reason)),
            Err(NoFrame::Silent) => {
                let limit = camera.context.timeout.as_millis();
                Err(refuse(format!("no picture in {limit} ms")))
            }
            Err(NoFrame::Stopped) => Err(camera.info.ended()),
        }
    }
}

impl Camera for HttpCamera {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        self.next_picture(None).map(LentPicture::into_frame)
    }

    fn next_picture(&mut self, needs: Option<DecodeNeeds>) -> Result<LentPicture<'_>, CameraError> {
        let patience = match self.is_polled.load(Ordering::Relaxed) {
            true => self.context.timeout + self.context.snapshot,
            false => self.context.timeout,
        };
        let format = match self.stream.next(patience, &self.context.stop) {
            Ok(format) => format,
            Err(NoFrame::Bad(reason)) => return Err(self.info.bad(reason)),
            Err(NoFrame::Over(cause)) => return Err(self.info.lost(cause)),
            Err(NoFrame::Stopped) => return Err(self.info.ended()),
            Err(NoFrame::Silent) => {
                let limit = patience.as_millis();
                return Err(self.info.lost(format!("no whole frame in {limit} ms")));
            }
        };
        let bytes = self.stream.bytes();
        let picture = self
            .context
            .picture(format, bytes, &mut self.decoder, needs);
        let picture = picture.map_err(|reason| self.info.bad(reason))?;
        self.info.size_px = Some(picture.size_px());
        if let LentPicture::Frame(frame) = &picture {
            self.info.format = frame.format();
        }
        Ok(picture)
    }
}

impl Drop for HttpCamera {
    fn drop(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.shutdown();
        }
    }
}

/// The thread that reads.
struct Reader {
    client: Client,
    is_polled: Arc<AtomicBool>,
    /// Between the begins of two requests for snapshots.
    interval: Duration,
    /// How long requests may fail before the camera counts as lost.
    limit: Duration,
    stop: Shutdown,
}

/// What one request brought.
enum Answer {
    /// One whole picture and the end.
    Snapshot,
    /// It streamed and ended, or nobody wants more; the cause.
    Over(String),
    /// No whole picture; why.
    Nothing(String),
    /// The same, and that is handed over already.
    Cut,
    /// Asking again will not help; why.
    Refused(String),
}

impl Reader {
    /// Streams or polls until the end; the cause of the end.
    fn run(&mut self, producer: &Producer) -> String {
        let mut last_good = None;
        loop {
            let asked = Instant::now();
            let failed = match self.ask(producer) {
                Answer::Snapshot => {
                    self.is_polled.store(true, Ordering::Relaxed);
                    last_good = Some(Instant::now());
                    None
                }
                Answer::Over(cause) | Answer::Refused(cause) => return cause,
                Answer::Nothing(cause) => Some((cause, true)),
                Answer::Cut => Some((
                    "it was cut: the answer holds no whole picture".into(),
                    false,
                )),
            };
            if let Some((cause, is_new)) = failed {
                // Until it has shown once that it is a camera, a failure is the end.
                let Some(good) = last_good else { return cause };
                if good.elapsed() > self.limit || (is_new && !producer.put_bad(&cause)) {
                    return cause;
                }
            }
            if !self.stop.sleep_until(asked + self.interval) || producer.is_closed() {
                return "called off".into();
            }
        }
    }

    fn ask(&mut self, producer: &Producer) -> Answer {
        let response = match self.client.ask() {
            Ok(response) => response,
            Err(Refusal::Denied(cause)) => return Answer::Refused(cause),
            Err(Refusal::Failed(cause)) => return Answer::Nothing(cause),
        };
        let kind = response
            .body()
            .mime_type()
            .unwrap_or("")
            .to_ascii_lowercase();
        let body = response.into_body().into_with_config().limit(u64::MAX);
        let mut reader = body.reader();
        let pumped = pump(&mut reader, None, producer);
        match pumped {
            Ok(Ended::Closed(1)) => Answer::Snapshot,
            Ok(Ended::Closed(0)) => Answer::Cut,
            Ok(Ended::Closed(_)) => Answer::Over("the connection was closed".into()),
            Ok(Ended::Abandoned) => Answer::Over("called off".into()),
            Ok(Ended::NoPictures(what)) if kind.is_empty() => {
                Answer::Nothing(format!("it answers with {what}, not with pictures"))
            }
            Ok(Ended::NoPictures(what)) => {
                let kind = moodring_base::redact::printable(&kind);
                Answer::Nothing(format!(
                    "it answers with {what} (as {kind}), not with pictures"
                ))
            }
            Err(e) => Answer::Nothing(format!("the connection broke: {e}")),
        }
    }
}

/// Reads what is left of a small body, so that its connection can be used again.
fn drain(body: ureq::Body) {
    let mut rest = body.into_with_config().limit(64 << 10).reader();
    let _ = rest.read_to_end(&mut Vec::new());
}

//! MJPEG over HTTP (multipart or bare), or one JPEG asked for again and again. No TLS: that goes through a child.

use std::{io::Read, time::Duration};

use moodring_core::frame::Frame;
use ureq::{Agent, Body, http::Response};

use super::{
    Camera, CameraError, CameraInfo, Context,
    address::HttpAddress,
    jpeg::FrameDecoder,
    jpeg_splitter::MAX_JPEG_BYTES,
    stop_signal::FramePacer,
    stream_thread::{FrameStream, NoFrame, Overflow, Producer, StreamFormat, pump},
};

/// An address that answered.
pub(super) struct HttpCamera {
    info: CameraInfo,
    context: Context,
    stream: FrameStream,
    decoder: FrameDecoder,
}

impl HttpCamera {
    /// Asks the address and waits for its answer's head.
    pub(super) fn open(address: &HttpAddress, context: Context) -> Result<Self, CameraError> {
        let name = address.to_string();
        let refuse = |reason: String| {
            CameraError::Open {
            source_name: name.clone(),
            reason,
            way_out: "Open the address in a browser: it must show the moving picture itself, \
                      not a page around it; a login goes before the host, http://user:password@HOST/"
                .into(),
        }
        };
        let client = Client::new(address, &context);
        let stream = FrameStream::spawn("camera-http", Overflow::Newest, move |p| client.run(p))
            .map_err(|e| refuse(e.to_string()))?;
        // Name look-up, connection and answer have their own limits inside; this is for all of them.
        match stream.wait_started(context.timeout, &context.stop) {
            Ok(()) => {}
            Err(NoFrame::Over(reason) | NoFrame::Bad(reason)) => return Err(refuse(reason)),
            Err(NoFrame::Silent) => {
                let limit = context.timeout.as_millis();
                return Err(refuse(format!("no answer in {limit} ms")));
            }
            Err(NoFrame::Stopped) => return Err(CameraError::Ended { source_name: name }),
        }
        let decoder = FrameDecoder::new(context.colour);
        Ok(Self {
            info: CameraInfo {
                name,
                size_px: None,
                wire: "MJPG over HTTP".into(),
                format: decoder.format(),
                rate_hz: None,
                live: true,
            },
            context,
            stream,
            decoder,
        })
    }
}

impl Camera for HttpCamera {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        match self.stream.next(self.context.timeout, &self.context.stop) {
            Ok(_) => {}
            Err(NoFrame::Bad(reason)) => return Err(self.info.bad(reason)),
            Err(NoFrame::Over(cause)) => return Err(self.info.lost(cause)),
            Err(NoFrame::Stopped) => return Err(self.info.ended()),
            Err(NoFrame::Silent) => {
                let limit = self.context.timeout.as_millis();
                return Err(self.info.lost(format!("no whole frame in {limit} ms")));
            }
        }
        let time = self.context.clock.now();
        let size = self
            .decoder
            .decode(self.stream.bytes())
            .map_err(|reason| self.info.bad(reason))?;
        self.info.size_px = Some(size);
        Frame::packed(self.decoder.pixels(), self.decoder.format(), size, time)
            .map_err(|e| self.info.bad(e.to_string()))
    }
}

/// What the thread needs.
struct Client {
    agent: Agent,
    url: String,
    authorization: Option<String>,
    pace: FramePacer,
}

impl Client {
    fn new(address: &HttpAddress, context: &Context) -> Self {
        let limit = Some(context.timeout.max(Duration::from_millis(1)));
        let config = Agent::config_builder()
            .timeout_resolve(limit)
            .timeout_connect(limit)
            .timeout_recv_response(limit)
            .timeout_per_read(limit)
            .max_redirects(3)
            .build();
        Self {
            agent: config.new_agent(),
            url: address.url().into(),
            authorization: address.authorization(),
            pace: FramePacer::new(context.rate_hz, context.stop.clone()),
        }
    }

    /// Streams or polls until the end; the cause of the end.
    fn run(mut self, producer: &Producer) -> String {
        let response = match self.ask() {
            Ok(response) => response,
            Err(cause) => return cause,
        };
        let kind = response
            .body()
            .mime_type()
            .unwrap_or("")
            .to_ascii_lowercase();
        if kind.starts_with("text/") || kind == "application/json" {
            return format!("it answers with {kind}, not with pictures");
        }
        producer.set_started();
        if kind.starts_with("image/") {
            return self.poll(response, producer);
        }
        // Multipart headers lie between the pictures; the splitter skips them, whatever the boundary is.
        let mut reader = response
            .into_body()
            .into_with_config()
            .limit(u64::MAX)
            .reader();
        match pump(&mut reader, None, producer) {
            Ok(()) => "the connection was closed".into(),
            Err(e) => e.to_string(),
        }
    }

    fn ask(&self) -> Result<Response<Body>, String> {
        let mut request = self.agent.get(&self.url);
        if let Some(value) = &self.authorization {
            request = request.header("Authorization", value);
        }
        request.call().map_err(|e| match e {
            ureq::Error::StatusCode(401 | 403) => "it asks for another user or password".into(),
            other => other.to_string(),
        })
    }

    /// One picture an answer, at the rate that was asked for.
    fn poll(&mut self, first: Response<Body>, producer: &Producer) -> String {
        let mut response = first;
        let mut jpeg = Vec::new();
        loop {
            jpeg.clear();
            // One byte more than allowed shows that there is more.
            let mut body = response
                .into_body()
                .into_with_config()
                .limit(u64::MAX)
                .reader();
            let limit = MAX_JPEG_BYTES as u64 + 1;
            let listening = match body.by_ref().take(limit).read_to_end(&mut jpeg) {
                Ok(n) if n > MAX_JPEG_BYTES => producer.put_bad("the picture has more than 16 MiB"),
                Ok(_) => producer.put(StreamFormat::Jpeg, &jpeg),
                Err(e) => producer.put_bad(&e.to_string()),
            };
            if !listening || !self.pace.wait() || producer.is_closed() {
                return "called off".into();
            }
            response = match self.ask() {
                Ok(response) => response,
                Err(cause) => return cause,
            };
        }
    }
}

#[cfg(test)]
mod tests;

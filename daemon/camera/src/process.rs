//! A child process that writes pictures to its stdout. [`super::presets`] chooses the program.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use moodring_base::{redact::secrets_of, stderr_tail::StderrTail};
use moodring_core::{frame::Frame, picture::Picture as _};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{
    Camera, CameraError, CameraInfo, Context,
    jpeg::FrameDecoder,
    pump::{Ended, Raw, pump},
    stream_thread::{FrameStream, NoFrame, Overflow, StreamFormat},
};
use crate::{latest::LentPicture, scaled_jpeg::DecodeNeeds};

/// How long a child that closed its stdout may take to end by itself.
const GRACE: Duration = Duration::from_millis(300);

/// What to start and how to read it.
pub(super) struct Launch {
    /// For people.
    pub(super) name: String,
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    /// Raw planes, if it writes those; else what its bytes show.
    pub(super) raw: Option<Raw>,
    /// What its messages must not show.
    pub(super) secrets: Vec<String>,
    /// What to try if it does not work.
    pub(super) way_out: &'static str,
}

impl Launch {
    /// `sh -c command`.
    pub(super) fn shell(name: &str, command: &str) -> Self {
        Self {
            name: name.into(),
            program: "sh".into(),
            arguments: vec!["-c".into(), command.into()],
            raw: None,
            secrets: secrets_of(command),
            way_out: "Try the command in a shell first",
        }
    }
}

/// A running child. Dropping it kills its whole process group and reaps it.
pub(super) struct Process {
    info: CameraInfo,
    context: Context,
    child: Child,
    /// How it ended, once it is reaped.
    exit: Option<ExitStatus>,
    stream: FrameStream,
    stderr: StderrTail,
    decoder: FrameDecoder,
    /// Good pictures so far.
    pictures: u64,
}

impl Process {
    /// Starts it.
    pub(super) fn open(launch: Launch, context: Context) -> Result<Self, CameraError> {
        let refuse = |reason: String| CameraError::Open {
            source_name: launch.name.clone(),
            reason,
            way_out: launch.way_out.into(),
        };
        let mut child = Command::new(&launch.program)
            .args(&launch.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: the shell's children die with it, and Ctrl-C on the terminal is ours alone.
            .process_group(0)
            .spawn()
            .map_err(|e| refuse(format!("{}: {e}", launch.program)))?;
        let stderr = StderrTail::new(launch.secrets.clone());
        let stream = match start_threads(&mut child, &stderr, launch.raw) {
            Ok(stream) => stream,
            Err(e) => {
                end(&mut child);
                return Err(refuse(e.to_string()));
            }
        };
        let decoder = FrameDecoder::new(context.colour);
        Ok(Self {
            info: CameraInfo {
                name: launch.name,
                size_px: None,
                wire: "not known yet".into(),
                format: decoder.format(),
                rate_hz: None,
                live: true,
            },
            context,
            child,
            exit: None,
            stream,
            stderr,
            decoder,
            pictures: 0,
        })
    }

    /// Why the stream is over: the cause, how the child ended and the last lines of its stderr.
    fn exit_reason(&mut self, cause: &str) -> String {
        let due = Instant::now() + GRACE;
        while self.exit.is_none() && Instant::now() < due {
            if has_exited(&self.child) {
                // Before it is reaped, while its number is its own: whom it left behind.
                kill_group(&self.child);
                self.exit = self.child.try_wait().ok().flatten();
            } else {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let reason = match self.exit {
            Some(status) if status.success() && self.pictures == 1 => format!(
                "{cause}; the command ended ({status}) after one picture. What takes one at a time needs a loop: \
                 cmd:while COMMAND; do sleep 0.5; done"
            ),
            Some(status) => format!("{cause}; the command ended ({status})"),
            None => cause.to_owned(),
        };
        self.with_stderr(reason)
    }

    fn with_stderr(&self, cause: String) -> String {
        match self.stderr.text() {
            text if text.is_empty() => cause,
            text => format!("{cause}; it said: {text}"),
        }
    }
}

impl Camera for Process {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        self.next_picture(None).map(LentPicture::into_frame)
    }

    fn next_picture(&mut self, needs: Option<DecodeNeeds>) -> Result<LentPicture<'_>, CameraError> {
        let wire = match self.stream.next(self.context.timeout, &self.context.stop) {
            Ok(wire) => wire,
            Err(NoFrame::Bad(reason)) => return Err(self.info.bad(reason)),
            Err(NoFrame::Stopped) => return Err(self.info.ended()),
            Err(NoFrame::Silent) => {
                let cause = format!("no frame in {} ms", self.context.timeout.as_millis());
                return Err(self.info.lost(self.with_stderr(cause)));
            }
            Err(NoFrame::Over(cause)) => {
                let reason = self.exit_reason(&cause);
                return Err(self.info.lost(reason));
            }
        };
        let bytes = self.stream.bytes();
        let picture = self.context.picture(wire, bytes, &mut self.decoder, needs);
        let picture = picture.map_err(|reason| self.info.bad(reason))?;
        self.pictures += 1;
        if self.info.size_px != Some(picture.size_px()) {
            self.info.size_px = Some(picture.size_px());
            if let LentPicture::Frame(frame) = &picture {
                self.info.format = frame.format();
            }
            self.info.wire = match wire {
                StreamFormat::Jpeg => "MJPG".into(),
                StreamFormat::Raw(raw) => format!("raw {:?}", raw.format),
            };
        }
        Ok(picture)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Kills the child's group and reaps the child. Does nothing to a child that was reaped already.
fn end(child: &mut Child) {
    if !has_exited(child) && matches!(child.try_wait(), Ok(Some(_))) {
        // Reaped: the number may be another process's.
        return;
    }
    kill_group(child);
    let _ = child.kill();
    let _ = child.wait();
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Whether it ended and was not reaped yet.
fn has_exited(child: &Child) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    let waited = pid(child).map(|pid| waitid(WaitId::Pid(pid), options));
    matches!(waited, Some(Ok(Some(_))))
}

/// For a child that was not reaped.
fn kill_group(child: &Child) {
    if let Some(pid) = pid(child) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn start_threads(
    child: &mut Child,
    stderr: &StderrTail,
    raw: Option<Raw>,
) -> io::Result<FrameStream> {
    let missing = || io::Error::other("the child's output is not a pipe");
    let mut stdout = child.stdout.take().ok_or_else(missing)?;
    let mut errors = child.stderr.take().ok_or_else(missing)?;
    let tail = stderr.clone();
    std::thread::Builder::new()
        .name("camera-stderr".into())
        .spawn(move || tail.read(&mut errors))?;
    FrameStream::spawn("camera-child", Overflow::Every, move |producer| match pump(
        &mut stdout,
        raw,
        producer,
    ) {
        Ok(Ended::NoPictures(what)) => format!(
            "what it writes is {what}; it must write JPEGs, a multipart stream of them, or YUV4MPEG2 \
                 (for raw I420 set [camera] raw = \"i420\", width and height)"
        ),
        Ok(Ended::Closed(_) | Ended::Abandoned) => "the command closed its output".into(),
        Err(e) => format!("cannot read from the command: {e}"),
    })
}

#[cfg(test)]
mod tests;

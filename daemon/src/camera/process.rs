//! A child process that writes MJPEG or I420 to its stdout: any command, and the presets of the Pi and the Jetson.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    io::Read,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moodring_core::frame::{Frame, PixelFormat};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    Camera, CameraError, CameraInfo, Context,
    jpeg::FrameDecoder,
    stream_thread::{FrameStream, NoFrame, Overflow, StreamFormat, pump},
};

/// How many of the child's last lines go into an error, and how long each may be.
const LAST_LINES: usize = 4;
const LINE_CHARS: usize = 160;
/// How long a child that closed its stdout may take to end by itself.
const GRACE: Duration = Duration::from_millis(300);

/// A running child. Dropping it kills its whole process group and reaps it.
pub(super) struct Process {
    info: CameraInfo,
    context: Context,
    child: Child,
    stream: FrameStream,
    last_words: StderrTail,
    decoder: FrameDecoder,
}

impl Process {
    /// Starts `sh -c command`.
    pub(super) fn open(name: &str, command: &str, context: Context) -> Result<Self, CameraError> {
        let refuse = |reason: String| CameraError::Open {
            source_name: name.into(),
            reason,
            way_out: "Try the command in a shell first".into(),
        };
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: the shell's children die with it, and Ctrl-C on the terminal is ours alone.
            .process_group(0)
            .spawn()
            .map_err(|e| refuse(e.to_string()))?;
        let last_words = StderrTail::default();
        let fed = start_threads(&mut child, &last_words, &context);
        let stream = match fed {
            Ok(stream) => stream,
            Err(e) => {
                end(&mut child);
                return Err(refuse(e.to_string()));
            }
        };
        let decoder = FrameDecoder::new(context.colour);
        Ok(Self {
            info: CameraInfo {
                name: name.into(),
                size_px: None,
                wire: "not known yet".into(),
                format: decoder.format(),
                rate_hz: None,
                live: true,
            },
            context,
            child,
            stream,
            last_words,
            decoder,
        })
    }

    /// The Raspberry Pi's camera.
    pub(super) fn open_rpicam(context: Context) -> Result<Self, CameraError> {
        let names = ["rpicam-vid", "libcamera-vid"];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = find_program(&names, &path).ok_or_else(|| CameraError::Open {
            source_name: "rpicam".into(),
            reason: "neither rpicam-vid nor libcamera-vid is installed".into(),
            way_out: "On a Raspberry Pi: sudo apt install rpicam-apps-lite".into(),
        })?;
        let command = rpicam_command(program, context.size_px, context.rate_hz);
        Self::open("rpicam", &command, context)
    }

    /// The Jetson's camera.
    pub(super) fn open_argus(context: Context) -> Result<Self, CameraError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        find_program(&["gst-launch-1.0"], &path).ok_or_else(|| CameraError::Open {
            source_name: "argus".into(),
            reason: "gst-launch-1.0 is not installed".into(),
            way_out: "On a Jetson: sudo apt install gstreamer1.0-tools nvidia-l4t-gstreamer".into(),
        })?;
        let command = argus_command(context.size_px, context.rate_hz);
        Self::open("argus", &command, context)
    }

    /// How the child ended, in words.
    fn exit_reason(&mut self, cause: &str) -> String {
        let mut fate = cause.to_owned();
        let due = std::time::Instant::now() + GRACE;
        while std::time::Instant::now() < due {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    fate = format!("the command ended ({status})");
                    break;
                }
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Err(_) => break,
            }
        }
        match self.last_words.text() {
            words if words.is_empty() => fate,
            words => format!("{fate}; it said: {words}"),
        }
    }
}

impl Camera for Process {
    fn info(&self) -> &CameraInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Frame<'_>, CameraError> {
        let wire = match self.stream.next(self.context.timeout, &self.context.stop) {
            Ok(wire) => wire,
            Err(NoFrame::Bad(reason)) => return Err(self.info.bad(reason)),
            Err(NoFrame::Stopped) => return Err(self.info.ended()),
            Err(NoFrame::Silent) => {
                let cause = format!("no frame in {} ms", self.context.timeout.as_millis());
                return Err(self.info.lost(match self.last_words.text() {
                    words if words.is_empty() => cause,
                    words => format!("{cause}; it said: {words}"),
                }));
            }
            Err(NoFrame::Over(cause)) => {
                let reason = self.exit_reason(&cause);
                return Err(self.info.lost(reason));
            }
        };
        let time = self.context.clock.now();
        let (data, format, size) = match wire {
            StreamFormat::Jpeg => {
                let size = self
                    .decoder
                    .decode(self.stream.bytes())
                    .map_err(|reason| self.info.bad(reason))?;
                (self.decoder.pixels(), self.decoder.format(), size)
            }
            StreamFormat::I420 => (self.stream.bytes(), PixelFormat::I420, self.context.size_px),
        };
        if self.info.size_px != Some(size) {
            self.info.size_px = Some(size);
            self.info.format = format;
            self.info.wire = match wire {
                StreamFormat::Jpeg => "MJPG".into(),
                StreamFormat::I420 => "I420".into(),
            };
        }
        let frame = Frame::packed(data, format, size, time);
        let frame = frame.map_err(|e| self.info.bad(e.to_string()))?;
        Ok(match wire {
            StreamFormat::Jpeg => frame,
            StreamFormat::I420 => self.context.with_range(frame, None),
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Kills the child's group and reaps the child. Does nothing to a child that was reaped already.
fn end(child: &mut Child) {
    // After reaping the number may be another process's.
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn start_threads(
    child: &mut Child,
    last_words: &StderrTail,
    context: &Context,
) -> std::io::Result<FrameStream> {
    let missing = || std::io::Error::other("the child's output is not a pipe");
    let mut stdout = child.stdout.take().ok_or_else(missing)?;
    let mut stderr = child.stderr.take().ok_or_else(missing)?;
    let words = last_words.clone();
    std::thread::Builder::new()
        .name("camera-stderr".into())
        .spawn(move || words.listen(&mut stderr))?;
    let (width, height) = context.size_px;
    let stride = PixelFormat::I420.row_bytes(width);
    let raw_bytes = PixelFormat::I420.picture_bytes(height, stride);
    FrameStream::spawn("camera-child", Overflow::Every, move |producer| match pump(
        &mut stdout,
        Some(raw_bytes),
        producer,
    ) {
        Ok(()) => "the command closed its output".into(),
        Err(e) => format!("cannot read from the command: {e}"),
    })
}

/// The last lines a child wrote to its stderr.
#[derive(Clone, Default)]
struct StderrTail(Arc<Mutex<VecDeque<String>>>);

impl StderrTail {
    /// Reads to the end, keeping little.
    fn listen(&self, from: &mut dyn Read) {
        let mut chunk = [0_u8; 1024];
        let mut line = Vec::new();
        while let Ok(n @ 1..) = from.read(&mut chunk) {
            for &byte in &chunk[..n] {
                if byte == b'\n' || byte == b'\r' {
                    self.keep(&line);
                    line.clear();
                } else if line.len() < LINE_CHARS {
                    line.push(byte);
                }
            }
        }
        self.keep(&line);
    }

    fn keep(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        // Control characters would reach the terminal through the log.
        let clean = text.chars().filter(|c| !c.is_control()).collect();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(clean);
    }

    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" | ")
    }
}

/// The first of `names` that is a file in one of the folders of `path`.
fn find_program<'a>(names: &[&'a str], path: &OsStr) -> Option<&'a str> {
    let folders: Vec<_> = std::env::split_paths(path).collect();
    let installed = |name: &&str| folders.iter().any(|folder| folder.join(name).is_file());
    names.iter().copied().find(|name| installed(name))
}

fn rpicam_command(program: &str, (width, height): (u32, u32), rate_hz: f32) -> String {
    // JPEG rather than raw planes: their rows are padded to widths that only libcamera knows.
    format!(
        "exec {program} --nopreview --timeout 0 --codec mjpeg --quality 85 --flush \
         --width {width} --height {height} --framerate {rate_hz} --output -"
    )
}

fn argus_command((width, height): (u32, u32), rate_hz: f32) -> String {
    let rate = (rate_hz.round() as u32).max(1);
    // The plugin writes messages to stdout; so the pictures take descriptor 3 and stdout becomes stderr.
    format!(
        "exec gst-launch-1.0 -q nvarguscamerasrc \
         ! 'video/x-raw(memory:NVMM),framerate={rate}/1' ! nvvidconv \
         ! 'video/x-raw,format=I420,width={width},height={height}' ! fdsink fd=3 3>&1 1>&2"
    )
}

#[cfg(test)]
mod tests;

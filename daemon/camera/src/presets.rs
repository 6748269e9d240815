//! The programs that some sources start: `rpicam-vid`, GStreamer on a Jetson, ffmpeg or GStreamer for RTSP.

use std::ffi::OsStr;

use moodring_base::redact::{Redacted, secrets_of};
use moodring_core::frame::PixelFormat;

use super::{
    CameraError, Context,
    address::HttpAddress,
    process::{Launch, Process},
    pump::Raw,
};

/// The Raspberry Pi's camera.
pub(super) fn open_rpicam(context: Context) -> Result<Process, CameraError> {
    let names = ["rpicam-vid", "libcamera-vid"];
    let program = find_program(&names, &path()).ok_or_else(|| CameraError::Open {
        source_name: "rpicam".into(),
        reason: "neither rpicam-vid nor libcamera-vid is installed".into(),
        way_out: "On a Raspberry Pi: sudo apt install rpicam-apps-lite".into(),
    })?;
    let command = rpicam_command(program, context.size_px, context.rate_hz);
    Process::open(Launch::shell("rpicam", &command), context)
}

/// The Jetson's camera.
pub(super) fn open_argus(context: Context) -> Result<Process, CameraError> {
    find_program(&["gst-launch-1.0"], &path()).ok_or_else(|| CameraError::Open {
        source_name: "argus".into(),
        reason: "gst-launch-1.0 is not installed".into(),
        way_out: "On a Jetson: sudo apt install gstreamer1.0-tools nvidia-l4t-gstreamer".into(),
    })?;
    let launch = Launch {
        raw: Some(Raw {
            format: PixelFormat::I420,
            size_px: context.size_px,
            range: None,
        }),
        ..Launch::shell("argus", &argus_command(context.size_px, context.rate_hz))
    };
    Process::open(launch, context)
}

/// Any other command.
pub(super) fn open_command(command: &str, context: Context) -> Result<Process, CameraError> {
    let name = format!("cmd:{}", Redacted::command(command));
    let launch = Launch {
        raw: context.raw,
        ..Launch::shell(&name, command)
    };
    Process::open(launch, context)
}

/// An RTSP camera through ffmpeg, else GStreamer.
pub(super) fn open_rtsp(address: &HttpAddress, context: Context) -> Result<Process, CameraError> {
    let program = find_program(&["ffmpeg", "gst-launch-1.0"], &path());
    let program = program.ok_or_else(|| CameraError::Open {
        source_name: address.to_string(),
        reason: "RTSP is read by ffmpeg or GStreamer, and neither is installed".into(),
        way_out: "sudo apt install ffmpeg".into(),
    })?;
    let url = address.with_login();
    let hardware = Hardware::of_this_machine();
    let arguments = match program {
        "ffmpeg" => ffmpeg_arguments(&url, &context, hardware),
        _ => gstreamer_arguments(address, &context, hardware),
    };
    let launch = Launch {
        name: address.to_string(),
        program: program.into(),
        arguments,
        raw: None,
        secrets: [secrets_of(&url), address.secrets()].concat(),
        way_out: "Try the address in a player such as VLC first",
    };
    Process::open(launch, context)
}

/// Which decoder this machine has beside the processor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hardware {
    None,
    /// A Raspberry Pi's, by the kernel's memory-to-memory interface.
    V4l2M2m,
    /// A Jetson's.
    Nvidia,
}

impl Hardware {
    fn of_this_machine() -> Self {
        let model = std::fs::read("/proc/device-tree/model").unwrap_or_default();
        let model = String::from_utf8_lossy(&model);
        // The Pi 5 has no decoder for H.264.
        if model.starts_with("Raspberry Pi") && !model.contains("Pi 5") {
            Self::V4l2M2m
        } else if model.contains("Jetson") || std::path::Path::new("/dev/nvhost-nvdec").exists() {
            Self::Nvidia
        } else {
            Self::None
        }
    }
}

/// No option for time limits: `-timeout` makes versions before 5 listen, and a child that is silent is ended here anyway.
/// Low delay: nothing is buffered, and only what is shown is scaled and encoded again. By TCP, as most networks need.
fn ffmpeg_arguments(url: &str, context: &Context, hardware: Hardware) -> Vec<String> {
    let (width, height) = context.size_px;
    let mut arguments: Vec<String> = ["-nostdin", "-hide_banner", "-loglevel", "error"]
        .map(str::to_owned)
        .into();
    match hardware {
        Hardware::V4l2M2m => arguments.extend(["-c:v", "h264_v4l2m2m"].map(str::to_owned)),
        // ffmpeg has no decoder of its own for Jetsons.
        Hardware::Nvidia | Hardware::None => {}
    }
    arguments.extend(
        [
            "-rtsp_transport",
            "tcp",
            "-fflags",
            "nobuffer",
            "-flags",
            "low_delay",
            "-probesize",
            "500000",
            "-analyzeduration",
            "1000000",
            "-i",
            url,
            "-an",
            "-sn",
            "-dn",
        ]
        .map(str::to_owned),
    );
    // Never larger than asked for; a camera of 4K would cost more to encode again than all the rest.
    let filter = format!(
        "fps={:.3},scale='min({width},iw)':'min({height},ih)':force_original_aspect_ratio=decrease",
        context.rate_hz
    );
    arguments.extend(
        [
            "-vf", &filter, "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "4", "-f", "mjpeg",
            "-",
        ]
        .map(str::to_owned),
    );
    arguments
}

fn gstreamer_arguments(
    address: &HttpAddress,
    context: &Context,
    hardware: Hardware,
) -> Vec<String> {
    let (width, height) = context.size_px;
    let rate = (context.rate_hz.round() as u32).max(1);
    let location = format!("location={}", address.with_login());
    let decoder: &[&str] = match hardware {
        Hardware::Nvidia => &[
            "rtph264depay",
            "!",
            "h264parse",
            "!",
            "nvv4l2decoder",
            "!",
            "nvvidconv",
        ],
        Hardware::V4l2M2m => &["rtph264depay", "!", "h264parse", "!", "v4l2h264dec"],
        Hardware::None => &["decodebin"],
    };
    let caps = format!(
        "video/x-raw,width={width},height={height},framerate={rate}/1,pixel-aspect-ratio=1/1"
    );
    let mut arguments: Vec<String> = vec!["-q".into(), "rtspsrc".into(), location];
    arguments.extend(["protocols=tcp", "latency=100", "!"].map(str::to_owned));
    arguments.extend(decoder.iter().map(|&argument| argument.to_owned()));
    arguments.extend(
        [
            "!",
            "videoconvert",
            "!",
            "videoscale",
            "!",
            "videorate",
            "drop-only=true",
            "!",
            &caps,
            "!",
            "jpegenc",
        ]
        .map(str::to_owned),
    );
    arguments.extend(["!", "fdsink", "fd=1"].map(str::to_owned));
    arguments
}

fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
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
mod tests {
    use super::*;

    #[test]
    fn presets_are_found_by_name_and_ask_for_the_size() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["rpicam-vid", "libcamera-vid"];
        let path = dir.path().as_os_str();
        assert_eq!(find_program(&names, path), None);
        std::fs::write(dir.path().join("libcamera-vid"), b"").unwrap();
        assert_eq!(find_program(&names, path), Some("libcamera-vid"));
        std::fs::write(dir.path().join("rpicam-vid"), b"").unwrap();
        assert_eq!(find_program(&names, path), Some("rpicam-vid"));
        let command = rpicam_command("rpicam-vid", (640, 480), 30.0);
        assert!(command.contains("--width 640 --height 480 --framerate 30 --output -"));
        assert!(argus_command((640, 480), 29.97).contains("framerate=30/1"));
    }

    #[test]
    fn rtsp_goes_by_tcp_with_the_login_and_the_decoder_of_the_machine() {
        let address: HttpAddress = "rtsp://ann:p%40ss@cam:554/s1?x=1".parse().unwrap();
        let context = Context::for_tests(false);
        let line = ffmpeg_arguments(&address.with_login(), &context, Hardware::V4l2M2m).join(" ");
        assert!(
            line.contains("-c:v h264_v4l2m2m -rtsp_transport tcp "),
            "{line}"
        );
        assert!(
            line.contains(" -i rtsp://ann:p%40ss@cam:554/s1?x=1 "),
            "{line}"
        );
        assert!(line.ends_with("-f mjpeg -"), "{line}");
        let line = gstreamer_arguments(&address, &context, Hardware::Nvidia).join(" ");
        assert!(
            line.contains("nvv4l2decoder") && line.contains("protocols=tcp"),
            "{line}"
        );
    }
}

//! Opens sources, decides `auto`, and lists the sources to choose from.

use std::{fs::File, io, path::Path};

use moodring_base::{
    clock::Clock, config::CameraSettings, regular_file::is_shortage, shutdown::Shutdown,
};

use crate::{
    Camera, CameraError, Source,
    context::Context,
    control, devices, folder, http, mjpeg, picture, presets, synthetic,
    turn::{Turn, TurnedCamera},
    v4l2, y4m,
};

/// Opens a source. `auto` takes the first capture device that can be used, else the drawn scene, and logs which.
///
/// # Errors
/// [`CameraError::Open`] with the cause and the way out.
pub fn open(
    source: &Source,
    settings: &CameraSettings,
    clock: Clock,
) -> Result<Box<dyn Camera>, CameraError> {
    open_until(source, settings, clock, Shutdown::default())
}

/// As [`open`]; `stop` ends every wait inside, and the source then ends with [`CameraError::Ended`].
///
/// # Errors
/// As [`open`].
pub fn open_until(
    source: &Source,
    settings: &CameraSettings,
    clock: Clock,
    stop: Shutdown,
) -> Result<Box<dyn Camera>, CameraError> {
    let context = Context::new(settings, clock, stop);
    let camera: Box<dyn Camera> = match source {
        Source::Auto => return open_until(&resolve(source), settings, clock, context.stop),
        Source::V4l2(path) => Box::new(v4l2::V4l2Camera::open(path, context)?),
        Source::Rpicam => Box::new(presets::open_rpicam(context)?),
        Source::Argus => Box::new(presets::open_argus(context)?),
        Source::Command(command) => Box::new(presets::open_command(command, context)?),
        Source::Http(address) => Box::new(http::HttpCamera::open(address, context)?),
        Source::Rtsp(address) => Box::new(presets::open_rtsp(address, context)?),
        Source::Picture(path) => Box::new(picture::PictureFile::open(path, context)?),
        Source::Folder(path) => Box::new(folder::Folder::open(path, context)?),
        Source::Mjpeg(path) => Box::new(mjpeg::MjpegFile::open(path, context)?),
        Source::Y4m(path) => Box::new(y4m::Y4mFile::open(path, context)?),
        Source::Synthetic => Box::new(synthetic::Synthetic::open(context)),
    };
    let turn = Turn::from_degrees(settings.rotate, settings.mirror);
    Ok(match turn.is_none() {
        true => camera,
        false => Box::new(TurnedCamera::new(camera, turn, settings.colour)),
    })
}

/// Decides `auto` once and for all; leaves every other source as it is.
pub fn resolve(source: &Source) -> Source {
    if *source != Source::Auto {
        return source.clone();
    }
    let found = devices::devices();
    let (taken, passed_over) = devices::choose(&found);
    for reason in passed_over {
        tracing::info!("auto: not {reason}");
    }
    if let Some(device) = taken {
        tracing::info!(
            "auto: taking {} ({})",
            device.best_path().display(),
            device.name
        );
        return Source::V4l2(device.best_path().into());
    }
    tracing::warn!(
        "auto: no camera found, showing a drawn scene (synthetic). Plug a camera in and start again; \
         for a Raspberry Pi's ribbon camera take rpicam, for a Jetson's argus"
    );
    Source::Synthetic
}

/// The sources to choose from, `first` included: the others that are named, or else every camera that is found.
pub fn choices(first: &Source, others: &[Source]) -> Vec<Source> {
    let found = || {
        let usable = devices::devices().into_iter().filter(|d| d.rank().is_ok());
        usable.map(|d| Source::V4l2(d.best_path().into())).collect()
    };
    let others: Vec<_> = match others {
        [] => found(),
        named => named.to_vec(),
    };
    let mut all = vec![first.clone()];
    all.extend(others.into_iter().filter(|other| other != first));
    all
}

/// The source of a session: the first or the one that was chosen, then the others, round and round.
pub(crate) fn of_session(
    first: &Source,
    others: &[Source],
    session: &control::CameraSession,
) -> Source {
    let (start, turns) = match &session.chosen {
        Some((chosen, since)) => (chosen, session.turn - since),
        None => (first, session.turn),
    };
    if turns == 0 {
        // Nobody has to look for devices.
        return start.clone();
    }
    around(&choices(first, others), start, turns)
}

/// The source so many turns after `start`. One that is gone by now stands before the first.
pub(crate) fn around(all: &[Source], start: &Source, turns: usize) -> Source {
    let at = match all.iter().position(|source| source == start) {
        Some(at) => at + turns,
        None => turns - 1,
    };
    all[at % all.len()].clone()
}

pub(crate) fn open_file(path: &Path) -> Result<File, CameraError> {
    moodring_base::regular_file::open_regular(path).map_err(|error| {
        let name = moodring_base::redact::printable(&path.to_string_lossy());
        refuse(&name, &error, "Check the path and its permissions".into())
    })
}

/// Why a file or folder is not opened. Want of files or memory passes, so the source is waited for as one that was lost; all
/// else is for the user to mend.
pub(crate) fn refuse(name: &str, error: &io::Error, way_out: String) -> CameraError {
    let (source_name, reason) = (name.to_owned(), error.to_string());
    match is_shortage(error) {
        true => CameraError::Lost {
            source_name,
            reason,
        },
        false => CameraError::Open {
            source_name,
            reason,
            way_out,
        },
    }
}

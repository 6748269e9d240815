//! `doctor`: finds what is wrong on this machine, and names the line that mends it.

mod machine;
mod network;
mod page;
mod wired;

use std::{fmt::Display, path::Path};

use moodring_base::{
    config::{DisplayKind, LightKind, Overrides, SatellitePort, Settings, load},
    exit::Exit,
    files,
};
use moodring_camera::{self as camera, Source};
use moodring_display::{
    gpio::Chips,
    screen,
    spi::{self, check::Problem},
};
use moodring_nn::Kernel;
use moodring_store::{StoreLocation, hooks};
use moodring_vision::PhotoReader;
use rustix::fs::{Access, access};

use super::Failure;
use crate::commands::stdout::out;
use crate::{cli::ConfigArgs, satellite::port_trouble};

/// The result of one check.
enum Finding {
    /// Fine.
    Good(String),
    /// Works, but the user may want to know.
    Note(String),
    /// Does not work; what is wrong and how to mend it.
    Bad(String, String),
}

/// Runs all checks.
pub(super) fn doctor(args: &ConfigArgs) -> Result<Exit, Failure> {
    let mut bad = 0;
    let mut report = |what: &str, finding: Finding| match finding {
        Finding::Good(text) => out!("ok    {what}: {text}"),
        Finding::Note(text) => out!("note  {what}: {text}"),
        Finding::Bad(text, mend) => {
            bad += 1;
            out!("BAD   {what}: {text}\n      mend: {mend}");
        }
    };
    let settings = match load(args.config.as_deref(), &Overrides::default()) {
        Ok((settings, file)) => {
            let from = file.map_or("the defaults".into(), |f| f.display().to_string());
            report("settings", Finding::Good(from));
            settings
        }
        Err(error) => {
            report(
                "settings",
                Finding::Bad(
                    error.to_string(),
                    "correct that line; `moodring config` shows all keys".into(),
                ),
            );
            Settings::default()
        }
    };
    report("store", store(&settings));
    if let Some(program) = settings.hooks.on_change.first() {
        report("hook", hook(program));
    }
    report("models", models(&settings));
    report("kernel", kernel());
    report("camera", camera(&settings));
    let backend = camera::devices::BACKEND;
    report("V4L2", Finding::Good(format!("by the crate {backend}")));
    let source = settings.camera.source.parse::<Source>();
    let own_camera = match &source {
        Ok(Source::V4l2(path)) => Some(path.as_path()),
        _ => None,
    };
    let libcamera = matches!(source, Ok(Source::Rpicam));
    for (part, found) in machine::Machine::this().check(own_camera, libcamera) {
        report(part, found);
    }
    report("broker", network::broker(&settings));
    report("page", page::page(&settings));
    report("preview", page::preview(&settings));
    report("notice", page::notice(&settings));
    if let Some(source) = settings.update.source() {
        report("update", network::update(&source, &settings));
    }
    if let Some(text) = loader(Path::new("/dev/disk/by-label")) {
        report("satellite", Finding::Note(text));
    }
    if let Some(found) = satellite_port(&settings.satellite.port) {
        report("satellite", found);
    }
    if settings.light.kind == LightKind::Ws2812 {
        report("light", wired::strip(&settings.light.bus));
    }
    if let Some(found) = wired::outputs(&settings, &Chips::of_this_machine()) {
        report("outputs", found);
    }
    if settings.display.kind == DisplayKind::Spi {
        for check in spi::check::check(&settings) {
            report(&format!("display, {}", check.part), check.found.into());
        }
    } else if settings.display.kind == DisplayKind::Screen {
        wired::report_collisions(&settings, &mut report);
        let check = screen::check(&settings.display);
        report(&format!("display, {}", check.part), check.found.into());
    } else {
        wired::report_collisions(&settings, &mut report);
        report("display", display(&settings));
    }
    Ok(if bad == 0 { Exit::Done } else { Exit::Unwell })
}

impl From<Result<String, Problem>> for Finding {
    fn from(found: Result<String, Problem>) -> Self {
        match found {
            Ok(text) => Self::Good(text),
            Err(Problem { text, mend }) => Self::Bad(text, mend),
        }
    }
}

fn bad(text: impl Display, mend: impl Display) -> Finding {
    Finding::Bad(text.to_string(), mend.to_string())
}

/// Whether events and notes outlive a restart.
fn store(settings: &Settings) -> Finding {
    let mend = "set [store] path to a file in a folder that may be written, or to \"memory\"";
    let path = match StoreLocation::of(&settings.store.path) {
        StoreLocation::File(path) => path,
        StoreLocation::Memory => {
            return Finding::Note(
                "in memory, as set: a restart loses what waits for the broker".into(),
            );
        }
        StoreLocation::Nowhere => {
            return bad("there is no folder for it: HOME is not set", mend);
        }
    };
    // It is made with its folders.
    let folder = files::folder_of(&path);
    let nearest = folder.ancestors().find(|folder| folder.exists());
    let writable = |path: &Path| access(path, Access::WRITE_OK);
    let may_write = if path.exists() {
        writable(&path)
    } else {
        Ok(())
    };
    match may_write.and_then(|()| writable(nearest.unwrap_or(folder))) {
        Ok(()) => Finding::Good(path.display().to_string()),
        Err(error) => bad(format!("{}: {error}", path.display()), mend),
    }
}

fn hook(program: &str) -> Finding {
    match hooks::check(Path::new(program)) {
        Ok(()) => Finding::Good(program.into()),
        Err(problem) => bad(format!("{program}: {problem}"), "correct [hooks] on_change"),
    }
}

fn models(settings: &Settings) -> Finding {
    match PhotoReader::open(settings) {
        Ok(_) => Finding::Good("detector and classifier load".into()),
        Err(error) => bad(
            error,
            "take the built-in ones: remove [models] from the settings",
        ),
    }
}

/// The port of a satellite, if the settings name one. It is not opened: the daemon may be using it.
fn satellite_port(port: &SatellitePort) -> Option<Finding> {
    let SatellitePort::Path(path) = port else {
        return None;
    };
    Some(match port_trouble(Path::new(path)) {
        None => Finding::Good(format!("{path} is a serial port")),
        Some((text, mend)) => bad(format!("{path}: {text}"), mend),
    })
}

fn kernel() -> Finding {
    let kernel = match moodring_vision::kernel() {
        Ok(kernel) => kernel,
        Err(error) => return bad(error, "unset MOODRING_KERNEL"),
    };
    let golden = moodring_vision::bundle::agrees(
        kernel,
        moodring_models::CLASSIFIER,
        moodring_models::CLASSIFIER_GOLDEN,
    );
    match golden {
        Ok(true) if kernel == Kernel::best() => {
            Finding::Good(format!("{} computes exactly", kernel.name()))
        }
        Ok(true) => Finding::Note(format!(
            "{} by MOODRING_KERNEL; {} is faster",
            kernel.name(),
            Kernel::best().name()
        )),
        Ok(false) => bad(
            format!("{} computes wrong numbers", kernel.name()),
            "MOODRING_KERNEL=scalar, and report this",
        ),
        Err(error) => bad(error, "build again from a clean checkout"),
    }
}

fn camera(settings: &Settings) -> Finding {
    let source = match settings.camera.source.parse::<Source>() {
        Ok(source) => source,
        Err(error) => return bad(error, "correct [camera] source"),
    };
    let found = camera::devices::devices();
    match source {
        Source::Auto => match found.iter().find(|d| d.is_usable()) {
            Some(device) => Finding::Good(format!(
                "auto takes {} ({})",
                device.best_path().display(),
                device.name
            )),
            None if found.is_empty() => {
                Finding::Note("none found; `auto` shows the drawn scene".into())
            }
            None => bad(found[0].describe_problem(), camera_mend(&found[0].path)),
        },
        Source::V4l2(path) => match found
            .iter()
            .find(|d| d.path == path || d.stable_path.as_ref() == Some(&path))
        {
            Some(device) if device.is_usable() => {
                Finding::Good(format!("{} ({})", path.display(), device.name))
            }
            Some(device) => bad(device.describe_problem(), camera_mend(&path)),
            None => bad(
                format!("{} is not there", path.display()),
                "plug it in, or `moodring devices`",
            ),
        },
        other => Finding::Good(other.to_string()),
    }
}

/// A Pico that waits for its file. Its loader takes the other Pico's file, ignores it without an error.
fn loader(labels: &Path) -> Option<String> {
    let known = [
        (
            "RP2350",
            "a Pico 2 (RP2350)",
            "the Pico's file does nothing there",
        ),
        (
            "RPI-RP2",
            "a Pico (RP2040)",
            "the Pico 2's file does nothing there",
        ),
    ];
    let (label, what, other) = known
        .into_iter()
        .find(|(label, ..)| labels.join(label).exists())?;
    Some(format!(
        "{what} waits for its file on the drive {label}: copy the one that is built for it; {other}"
    ))
}

fn camera_mend(path: &Path) -> String {
    let denied =
        std::fs::File::open(path).is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied);
    if denied {
        "sudo usermod -aG video $USER, then log in again".into()
    } else {
        "on a Raspberry Pi's ribbon camera use `--source rpicam`; else try another /dev/video node"
            .into()
    }
}

fn display(settings: &Settings) -> Finding {
    let display = &settings.display;
    if display.kind != DisplayKind::Png {
        return Finding::Good(format!("{:?}", display.kind).to_lowercase());
    }
    let folder = display
        .path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    match tempfile_in(folder) {
        Ok(()) => Finding::Good(display.path.display().to_string()),
        Err(error) => bad(
            format!("cannot write into {}: {error}", folder.display()),
            "choose another [display] path",
        ),
    }
}

/// Whether a file can be created there.
fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".moodring-{}", std::process::id()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pico_that_waits_is_distinguished_from_a_pico_2() {
        let labels = tempfile::tempdir().unwrap();
        assert_eq!(loader(labels.path()), None);
        std::fs::write(labels.path().join("RPI-RP2"), "").unwrap();
        assert!(loader(labels.path()).unwrap().contains("RP2040"));
        std::fs::remove_file(labels.path().join("RPI-RP2")).unwrap();
        std::fs::write(labels.path().join("RP2350"), "").unwrap();
        let text = loader(labels.path()).unwrap();
        assert!(
            text.contains("Pico 2") && text.contains("does nothing"),
            "{text}"
        );
    }
}

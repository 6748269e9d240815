//! Chooses the files of a net: those of the settings, else an installed one, else the built-in bytes. An installed net
//! that cannot be used is logged once, and the built-in one is used.

use std::path::{Path, PathBuf};

use moodring_base::config::Settings;
use moodring_nn::Kind;

use super::{VisionError, log_once};
use crate::bundle::{FileRole, InstalledNets, Selected, kind_name};

/// The files of one net. An empty path is the built-in net.
pub(super) struct NetFile {
    /// For the int8 engine.
    packed: PathBuf,
    /// For the engines that read ONNX files.
    #[cfg(any(feature = "tract", feature = "ort"))]
    pub(super) onnx: PathBuf,
    kind: Kind,
    installed: bool,
}

impl NetFile {
    /// For this kind of net.
    pub(super) fn of(settings: &Settings, kind: Kind) -> Self {
        let configured = match kind {
            Kind::Detector => &settings.models.detector,
            Kind::Classifier => &settings.models.classifier,
        };
        let mut chosen = Self {
            packed: configured.clone(),
            #[cfg(any(feature = "tract", feature = "ort"))]
            onnx: configured.clone(),
            kind,
            installed: false,
        };
        if !configured.as_os_str().is_empty() {
            return chosen;
        }
        match InstalledNets::of(&settings.models).map(|installed_nets| installed_nets.pick(kind)) {
            Some(Selected::Installed(net)) => {
                let manifest = &net.manifest;
                let (kind, name) = (&manifest.kind, &manifest.name);
                let text = format!("the {kind} is {name} {}, as installed", manifest.version);
                if log_once::is_new(&text) {
                    tracing::info!("{text}");
                }
                chosen.packed = net.path(FileRole::Net).unwrap_or_default();
                #[cfg(any(feature = "tract", feature = "ort"))]
                {
                    chosen.onnx = net.path(FileRole::Onnx).unwrap_or_default();
                }
                chosen.installed = true;
            }
            Some(Selected::Broken(reason)) => warn(kind, &reason),
            Some(Selected::BuiltIn) | None => {}
        }
        chosen
    }

    /// Opens the packed net by `open`; falls back to the built-in one if the installed one cannot be opened.
    pub(super) fn packed<T>(
        &self,
        open: impl Fn(&Path) -> Result<T, VisionError>,
    ) -> Result<T, VisionError> {
        self.open(&self.packed, open)
    }

    /// The same for an engine that cannot run here, for this reason.
    #[cfg(feature = "ort")]
    pub(super) fn instead<T>(
        &self,
        reason: &str,
        open: impl Fn(&Path) -> Result<T, VisionError>,
    ) -> Result<T, VisionError> {
        self.open(super::fallback::packed(&self.packed, reason), open)
    }

    fn open<T>(
        &self,
        path: &Path,
        open: impl Fn(&Path) -> Result<T, VisionError>,
    ) -> Result<T, VisionError> {
        match open(path) {
            Err(VisionError::Model { reason, .. }) if self.installed => {
                warn(self.kind, &reason);
                open(Path::new(""))
            }
            opened => opened,
        }
    }
}

fn warn(kind: Kind, reason: &str) {
    let kind = kind_name(kind);
    let text = format!(
        "the installed {kind} cannot be used, so the built-in one runs: {reason}. \
         `moodring model rollback {kind}` takes it away, `moodring model install` mends it"
    );
    if log_once::is_new(&text) {
        tracing::warn!("{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Int8Classifier,
        bundle::tests::{Maker, parts},
    };
    use moodring_base::config::ModelSettings;

    fn settings(folder: &Path) -> Settings {
        Settings {
            models: ModelSettings {
                folder: folder.into(),
                ..ModelSettings::default()
            },
            ..Settings::default()
        }
    }

    fn opened(settings: &Settings) -> Result<PathBuf, VisionError> {
        NetFile::of(settings, Kind::Classifier).packed(|path| {
            Int8Classifier::open(path, settings.vision.labels).map(|_| path.to_owned())
        })
    }

    #[test]
    fn a_net_of_the_settings_comes_first_then_an_installed_one_then_the_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        assert_eq!(opened(&settings).unwrap(), Path::new(""));
        let maker = Maker::new();
        let bundle = maker.bundle(&parts(Kind::Classifier, &[("version", "99.0")]));
        let installed_nets = InstalledNets::at(folder.path().into());
        let net = installed_nets.install(&bundle, false).unwrap();
        assert_eq!(opened(&settings).unwrap(), net.path(FileRole::Net).unwrap());
        settings.models.classifier = "/nonexistent.moodnet".into();
        assert!(opened(&settings).is_err());
    }

    #[test]
    fn one_that_is_damaged_or_does_not_fit_gives_way_to_the_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let maker = Maker::new();
        let installed_nets = InstalledNets::at(folder.path().into());
        // Its signature, golden vectors and checksums are good, but the daemon cannot read its output.
        let odd = maker.bundle(&parts(
            Kind::Classifier,
            &[("version", "98.0"), ("labels", "a,b,c,d,e,f,g")],
        ));
        installed_nets.install(&odd, false).unwrap();
        assert_eq!(opened(&settings).unwrap(), Path::new(""));

        let good = maker.bundle(&parts(Kind::Classifier, &[("version", "99.0")]));
        let net = installed_nets.install(&good, false).unwrap();
        let path = net.path(FileRole::Net).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(opened(&settings).unwrap(), Path::new(""));
    }
}

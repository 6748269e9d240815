//! `model verify`: runs every kernel of this machine on the golden vectors; the results must be equal.

use std::path::Path;

use moodring_base::{config::Overrides, exit::Exit};
use moodring_nn::{Kernel, Kind};
use moodring_vision::bundle::{FileRole, InstalledNets, Selected, agrees, kind_name};

use super::{super::quiet_settings, Failure, model_failure};
use crate::cli::ConfigArgs;
use crate::commands::stdout::out;

/// A net to verify: name, bytes and golden vectors.
type Net = (String, Vec<u8>, Vec<u8>);

/// Verifies the built-in nets and the installed ones.
pub(super) fn verify(args: &ConfigArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.as_deref(), &Overrides::default())?;
    let mut nets = vec![
        built_in(
            Kind::Detector,
            moodring_models::DETECTOR,
            moodring_models::DETECTOR_GOLDEN,
        ),
        built_in(
            Kind::Classifier,
            moodring_models::CLASSIFIER,
            moodring_models::CLASSIFIER_GOLDEN,
        ),
    ];
    let mut good = true;
    let installed_nets = InstalledNets::of(&settings.models);
    for kind in [Kind::Detector, Kind::Classifier] {
        match installed_nets
            .as_ref()
            .map(|installed_nets| installed_nets.pick(kind))
        {
            Some(Selected::Installed(net)) => {
                let name = format!("{} {}", net.manifest.name, net.manifest.version);
                nets.push((name, net.read(FileRole::Net)?, net.read(FileRole::Golden)?));
            }
            Some(Selected::Broken(reason)) => {
                out!("installed {:<11} BROKEN: {reason}", kind_name(kind));
                good = false;
            }
            Some(Selected::BuiltIn) | None => {}
        }
    }
    for kernel in Kernel::ALL.into_iter().filter(|k| k.is_available()) {
        for (name, net, golden) in &nets {
            let agrees =
                agrees(kernel, net, golden).map_err(|e| model_failure(Path::new(name), e))?;
            out!(
                "{:<9} {name:<11} {}",
                kernel.name(),
                if agrees { "exact" } else { "DIFFERS" }
            );
            good &= agrees;
        }
    }
    Ok(if good { Exit::Done } else { Exit::Model })
}

fn built_in(kind: Kind, net: &[u8], golden: &[u8]) -> Net {
    (kind_name(kind).to_owned(), net.to_vec(), golden.to_vec())
}

//! `model list`, `install` and `rollback`: nets that are installed after the program.

use std::{io::IsTerminal, path::Path, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use moodring_base::{
    config::{Overrides, Settings},
    exit::Exit,
};
use moodring_nn::Kind;
use moodring_vision::bundle::{
    Bundle, BundleError, FileRole, InstalledNets, Selected, TrustedKey, built_in, fetch, kind_name,
    noted, self_test,
};

use super::{super::quiet_settings, Failure};
use crate::cli::{ConfigArgs, InstallArgs, NetKind, RollbackArgs};
use crate::commands::stdout::out;

const KINDS: [Kind; 2] = [Kind::Detector, Kind::Classifier];
/// How long fetching a bundle may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20 * 60);

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        let exit = match error {
            BundleError::NoKey | BundleError::Key(_) => Exit::Config,
            BundleError::Folder { .. } | BundleError::Busy => Exit::Output,
            BundleError::Fetch { .. } => Exit::Source,
            BundleError::Signature(_)
            | BundleError::TooLarge { .. }
            | BundleError::Contents(_)
            | BundleError::Program { .. }
            | BundleError::Test(_)
            | BundleError::Unwanted(_)
            | BundleError::Nothing(_) => Exit::Model,
        };
        Self::new(exit, error)
    }
}

/// Prints what runs.
pub(super) fn list(args: &ConfigArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.as_deref(), &Overrides::default())?;
    let installed_nets = InstalledNets::of(&settings.models);
    let mut exit = Exit::Done;
    for kind in KINDS {
        let pick = installed_nets
            .as_ref()
            .map_or(Selected::BuiltIn, |installed_nets| {
                installed_nets.pick(kind)
            });
        if matches!(pick, Selected::Broken(_)) {
            exit = Exit::Model;
        }
        out!(
            "{:<11} {}",
            kind_name(kind),
            what_runs(&settings, kind, &pick)
        );
        if let (Selected::Installed(_), Some(installed_nets)) = (&pick, &installed_nets) {
            let before = installed_nets.before(kind);
            let before =
                before.map(|net| format!("{} {}", net.manifest.name, net.manifest.version));
            let before = before.unwrap_or_else(|| named_built_in(kind));
            out!(
                "{:<11} `moodring model rollback` goes back to: {before}",
                ""
            );
        }
    }
    match installed_nets {
        Some(installed_nets) => out!(
            "installed ones lie in {}",
            installed_nets.folder().display()
        ),
        None => out!("there is no folder to install any: set [models] folder"),
    }
    Ok(exit)
}

fn named_built_in(kind: Kind) -> String {
    match noted(built_in(kind)) {
        Some((name, version)) => format!("{name} {version}, built in"),
        None => "the built-in one".into(),
    }
}

/// Describes the net that runs.
fn what_runs(settings: &Settings, kind: Kind, pick: &Selected) -> String {
    let configured = match kind {
        Kind::Detector => &settings.models.detector,
        Kind::Classifier => &settings.models.classifier,
    };
    if !configured.as_os_str().is_empty() {
        return format!("{}, by the settings", configured.display());
    }
    match pick {
        Selected::BuiltIn => named_built_in(kind),
        Selected::Installed(net) => {
            let (manifest, forced) = (&net.manifest, if net.forced { ", by force" } else { "" });
            let mut text = format!("{} {}, installed{forced}", manifest.name, manifest.version);
            if net.path(FileRole::Onnx).is_some() {
                text += ", also for ONNX Runtime";
            }
            text
        }
        Selected::Broken(reason) => format!(
            "{}; the installed one is BROKEN: {reason}",
            named_built_in(kind)
        ),
    }
}

/// Installs a bundle, or tests whether it could be.
pub(super) fn install(args: &InstallArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.config.as_deref(), &Overrides::default())?;
    // The cheap checks first.
    let key = TrustedKey::choose(args.key.as_deref(), &settings.models.public_key)?;
    let installed_nets = InstalledNets::of(&settings.models)
        .ok_or_else(|| Failure::output("there is no folder to install it: set [models] folder"))?;
    let (zip, signature) = if fetch::is_url(&args.bundle) {
        let fetcher = fetch::Fetcher::new(FETCH_TIMEOUT).map_err(Failure::output)?;
        let bar = bar();
        let signed = fetcher.fetch_signed(&args.bundle, |come, length| {
            bar.set_length(length.unwrap_or(come));
            bar.set_position(come);
        });
        bar.finish_and_clear();
        signed?
    } else {
        fetch::read_signed(Path::new(&args.bundle))?
    };
    let bundle = Bundle::open(&zip, &signature, &key)?;
    let manifest = bundle.manifest();
    let what = format!("{} {} {}", manifest.kind, manifest.name, manifest.version);
    out!("{what}: signature good, {}", one_line(bundle.comment()));
    if args.check {
        self_test(
            manifest,
            bundle.file(FileRole::Net),
            bundle.file(FileRole::Golden),
        )?;
        out!("it computes its golden vectors exactly; nothing was installed");
        return Ok(Exit::Done);
    }
    let installed = installed_nets.install(&bundle, args.force)?;
    out!(
        "installed in {}; a daemon that runs takes it when it is restarted: sudo systemctl restart moodring",
        installed.path(FileRole::Net).unwrap_or_default().display()
    );
    Ok(Exit::Done)
}

/// Returns to the net that ran before.
pub(super) fn rollback(args: &RollbackArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.config.as_deref(), &Overrides::default())?;
    let nothing = || BundleError::Nothing("net".into());
    let installed_nets = InstalledNets::of(&settings.models).ok_or_else(nothing)?;
    let installed = |kind: &Kind| !matches!(installed_nets.pick(*kind), Selected::BuiltIn);
    let kind = match args.kind {
        Some(NetKind::Detector) => Kind::Detector,
        Some(NetKind::Classifier) => Kind::Classifier,
        None => match KINDS.into_iter().filter(installed).collect::<Vec<_>>()[..] {
            [one] => one,
            [] => return Err(nothing().into()),
            _ => {
                let text = "detector and classifier are installed: say which one is to go back";
                return Err(Failure::new(Exit::Usage, text));
            }
        },
    };
    let pick = installed_nets.rollback(kind)?;
    out!(
        "{}: {}; a daemon that runs takes it when it is restarted: sudo systemctl restart moodring",
        kind_name(kind),
        what_runs(&settings, kind, &pick)
    );
    Ok(Exit::Done)
}

/// Signed text is still foreign text.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect()
}

/// On standard error; hidden if that is no terminal.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests;

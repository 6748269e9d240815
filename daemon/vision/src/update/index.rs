//! The signed index: a small JSON file that lists the newest versions. Its `.minisig` lies beside it.

use moodring_base::config::ModelSettings;
use moodring_nn::Kind;
use serde::Deserialize;

use super::{NetRelease, Release, UpdateError};
use crate::bundle::{InstalledNets, Selected, Version, built_in, kind_name, noted};

/// The largest index, in bytes.
pub(super) const INDEX_BYTES: u64 = 64 << 10;

/// The newest versions. Unknown keys are ignored, so that old programs can read a later form.
#[derive(Clone, Debug, Deserialize)]
pub struct Index {
    /// The version of this form: 1.
    pub schema: u32,
    /// The newest program.
    pub program: Version,
    /// A page about the program.
    #[serde(default)]
    pub page: Option<String>,
    /// The newest nets.
    #[serde(default)]
    pub models: Vec<NetOffer>,
}

/// A net in the index.
#[derive(Clone, Debug, Deserialize)]
pub struct NetOffer {
    /// `detector` or `classifier`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The oldest program that can run it.
    pub min_program: Version,
    /// The address of its bundle.
    pub url: String,
}

impl Index {
    /// Parses an index after its signature was checked.
    ///
    /// # Errors
    /// [`UpdateError::Index`].
    pub fn parse(bytes: &[u8]) -> Result<Self, UpdateError> {
        let index: Self =
            serde_json::from_slice(bytes).map_err(|e| UpdateError::Index(e.to_string()))?;
        if index.schema != 1 {
            let newer = format!("its form is {}, this program reads form 1", index.schema);
            return Err(UpdateError::Index(newer));
        }
        let https = |url: &str| url.starts_with("https://") && !url.contains(char::is_control);
        let mut urls = index.models.iter().map(|net| &net.url).chain(&index.page);
        if let Some(url) = urls.find(|url| !https(url)) {
            return Err(UpdateError::Index(format!(
                "{url:?} is no https:// address"
            )));
        }
        Ok(index)
    }

    /// Compares it with what runs here.
    pub fn against(self, models: &ModelSettings) -> Release {
        let own = Version::of_program();
        let nets: Vec<_> = self
            .models
            .into_iter()
            .filter(|net| net.min_program <= own.max(self.program))
            .filter_map(|net| offer(net, models, own))
            .collect();
        Release {
            schema: 1,
            update_available: self.program > own || nets.iter().any(|net| net.update_available),
            installed_version: own.to_string(),
            latest_version: self.program.max(own).to_string(),
            source: "index",
            page: self.page,
            models: nets,
        }
    }
}

/// Compares an offered net with the one that runs; `None` for a kind or name that does not run here.
fn offer(net: NetOffer, models: &ModelSettings, own: Version) -> Option<NetRelease> {
    let kind = [Kind::Detector, Kind::Classifier]
        .into_iter()
        .find(|kind| kind_name(*kind) == net.kind)?;
    let configured = match kind {
        Kind::Detector => &models.detector,
        Kind::Classifier => &models.classifier,
    };
    let runs = if configured.as_os_str().is_empty() {
        match InstalledNets::of(models).map(|installed_nets| installed_nets.pick(kind)) {
            Some(Selected::Installed(net)) => Some((net.manifest.name, net.manifest.version)),
            _ => noted(built_in(kind)),
        }
    } else {
        None
    };
    if runs.as_ref().is_some_and(|(name, _)| *name != net.name) {
        return None;
    }
    let fits = net.min_program <= own;
    Some(NetRelease {
        update_available: fits && runs.as_ref().is_some_and(|(_, now)| net.version > *now),
        kind: net.kind,
        name: net.name,
        installed_version: runs.map(|(_, version)| version.to_string()),
        latest_version: net.version.to_string(),
        url: net.url,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(text: &str) -> Release {
        let folder = tempfile::tempdir().unwrap();
        let models = ModelSettings {
            folder: folder.path().into(),
            ..ModelSettings::default()
        };
        Index::parse(text.as_bytes()).unwrap().against(&models)
    }

    #[test]
    fn only_newer_versions_are_reported() {
        let own = Version::of_program();
        let same = release(&format!(r#"{{"schema":1,"program":"{own}"}}"#));
        assert!(!same.update_available && same.advice().is_none());
        assert_eq!(same.latest_version, own.to_string());
        let old = release(r#"{"schema":1,"program":"0.0.1","later":"ignored"}"#);
        assert!(!old.update_available && old.advice().is_none());
        let new = release(r#"{"schema":1,"program":"99.1","page":"https://example.org/99"}"#);
        assert!(new.update_available);
        let advice = new.advice().unwrap();
        assert!(advice.contains("moodring 99.1.0 is there"), "{advice}");
        assert!(advice.contains("https://example.org/99"), "{advice}");
    }

    #[test]
    fn a_net_counts_if_it_is_newer_of_that_name_and_runs_here() {
        let net = |name: &str, version: &str, needs: &str| {
            let release = release(&format!(
                r#"{{"schema":1,"program":"0.0.1","models":[{{"kind":"classifier","name":"{name}","version":"{version}",
                   "min_program":"{needs}","url":"https://example.org/n.zip"}}]}}"#
            ));
            (release.models.len(), release.update_available)
        };
        let own = noted(built_in(Kind::Classifier)).unwrap();
        assert_eq!(net(&own.0, "99.0", "0.1"), (1, true));
        assert_eq!(net(&own.0, &own.1.to_string(), "0.1"), (1, false));
        assert_eq!(net(&own.0, "99.0", "98.0"), (0, false));
        assert_eq!(net("other", "99.0", "0.1"), (0, false));
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (text, reason) in [
            ("", "EOF"),
            ("[]", "expected"),
            (r#"{"schema":2,"program":"1.0"}"#, "form 1"),
            (r#"{"schema":1}"#, "program"),
            (r#"{"schema":1,"program":"1.0;rm"}"#, "three numbers"),
            (
                r#"{"schema":1,"program":"1.0","page":"javascript:x"}"#,
                "https",
            ),
            (
                r#"{"schema":1,"program":"1.0","page":"https://x\n"}"#,
                "https",
            ),
        ] {
            let error = Index::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}

//! `<prefix>/<id>/update`: which version runs, and which is available.

use serde::Serialize;

/// The available versions, as a message. Published after each look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Release {
    /// The version of this message.
    pub schema: u32,
    /// Whether the program or a net is newer than what runs.
    pub update_available: bool,
    /// The program that runs, or the package that is installed.
    pub installed_version: String,
    /// The newest one; it may be the same.
    pub latest_version: String,
    /// Where this was found: `apt` or `index`.
    pub source: &'static str,
    /// A page about it, if the index names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// The nets that the index knows.
    pub models: Vec<NetRelease>,
}

/// A net that could be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetRelease {
    /// `detector` or `classifier`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The version that runs; `null` if the settings name a file.
    pub installed_version: Option<String>,
    /// The version that is available.
    pub latest_version: String,
    /// The address of its bundle, for `moodring model install`.
    pub url: String,
    /// Whether it is newer than what runs.
    pub update_available: bool,
}

impl Release {
    /// One line for people: what is newer, and how to install it. `None` if nothing is.
    pub fn advice(&self) -> Option<String> {
        let mut advice = Vec::new();
        if self.installed_version != self.latest_version && self.update_available {
            let how = match self.source {
                "apt" => "sudo apt install --only-upgrade moodring".to_owned(),
                _ => self
                    .page
                    .clone()
                    .unwrap_or_else(|| "its maker has it".into()),
            };
            let (now, new) = (&self.installed_version, &self.latest_version);
            advice.push(format!("moodring {new} is there, this is {now}: {how}"));
        }
        for net in self.models.iter().filter(|net| net.update_available) {
            let how = format!("sudo -u moodring moodring model install {}", net.url);
            let (kind, new) = (&net.kind, &net.latest_version);
            advice.push(format!("{kind} {} {new} is there: {how}", net.name));
        }
        (!advice.is_empty()).then(|| advice.join("; "))
    }
}

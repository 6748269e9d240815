//! The cameras that a user can choose, by names without secrets. Opens no camera.

use std::path::PathBuf;

use moodring_camera::{Source, choices, devices};

/// The longest name, in bytes; Home Assistant takes 255 characters in a state.
const NAME_BYTES: usize = 200;

/// The cameras that the last look found.
#[derive(Debug)]
pub(super) struct Cameras {
    /// The source of the settings; `auto` is replaced by what it opened, once that is known.
    first: Source,
    others: Vec<Source>,
    sources: Vec<Source>,
    names: Vec<String>,
    /// The device nodes at the last look.
    nodes: Vec<PathBuf>,
}

impl Cameras {
    pub(super) fn new(first: Source, others: Vec<Source>) -> Self {
        let mut cameras = Self {
            first,
            others,
            sources: Vec::new(),
            names: Vec::new(),
            nodes: Vec::new(),
        };
        cameras.look(None);
        cameras
    }

    /// Looks for cameras again; `opened` is the source that the camera thread opened.
    pub(super) fn look(&mut self, opened: Option<Source>) {
        if let (Source::Auto, Some(source)) = (&self.first, opened) {
            self.first = source;
        }
        self.nodes = devices::nodes();
        self.sources = choices(&self.first, &self.others);
        self.names = names(&self.sources);
    }

    /// Whether a device came or went since the last look. Reads one folder and wakes no device.
    pub(super) fn may_differ(&self) -> bool {
        self.others.is_empty() && self.nodes != devices::nodes()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn named(&self, name: &str) -> Option<Source> {
        let at = self.names.iter().position(|known| known == name)?;
        self.sources.get(at).cloned()
    }

    /// The name of `source`; before anything was opened, the name of the first one.
    pub(super) fn name_of(&self, source: Option<Source>) -> String {
        let at = source.and_then(|source| self.sources.iter().position(|known| *known == source));
        self.names.get(at.unwrap_or(0)).cloned().unwrap_or_default()
    }
}

/// Gives each source a name; no two are the same. A command's arguments may hold secrets, so only its program is shown.
fn names(sources: &[Source]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for source in sources {
        let mut name = match source {
            Source::Command(command) => {
                let program = command.split_whitespace().next().unwrap_or_default();
                format!("cmd:{program}")
            }
            other => other.to_string(),
        };
        name.truncate(
            (0..=NAME_BYTES)
                .rev()
                .find(|at| name.is_char_boundary(*at))
                .unwrap_or(0),
        );
        let is_new = |name: &String| !names.contains(name);
        let numbered = (2..).map(|n| format!("{name} ({n})"));
        let unique = std::iter::once(name.clone()).chain(numbered).find(is_new);
        names.push(unique.unwrap_or(name));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_secrets_and_differ() {
        let sources = ["cmd:curl -u me:s3cret http://cam", "cmd:curl x", "rpicam"];
        let sources = sources.map(|text| text.parse::<Source>().unwrap());
        assert_eq!(names(&sources), ["cmd:curl", "cmd:curl (2)", "rpicam"]);
        let long = Source::Picture("é".repeat(300).into());
        assert_eq!(names(&[long])[0].len(), 200);
    }

    #[test]
    fn auto_becomes_what_was_opened() {
        let mut cameras = Cameras::new(Source::Auto, vec![Source::Rpicam]);
        assert_eq!(cameras.names, ["auto", "rpicam"]);
        cameras.look(Some(Source::Synthetic));
        cameras.look(Some(Source::Rpicam));
        assert_eq!(cameras.names, ["synthetic", "rpicam"]);
        assert_eq!(cameras.name_of(Some(Source::Rpicam)), "rpicam");
        assert_eq!(cameras.named("rpicam"), Some(Source::Rpicam));
        assert_eq!(cameras.named("argus"), None);
    }
}

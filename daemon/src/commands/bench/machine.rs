//! Describes the machine: a measured figure means nothing without it.

use std::{fmt, fs};

use serde::Serialize;

/// The machine, as far as the kernel describes it.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    /// The processor's or the board's name.
    processor: String,
    /// `x86_64`, `aarch64`, ...
    architecture: &'static str,
    /// Cores that this process may use.
    cores: usize,
    /// How many programs wanted a core over the last minute; well above 0, the machine was not idle.
    load: Option<f32>,
    /// The version of moodring.
    version: &'static str,
    /// `release`, or `development`: several times as slow in places, and no measure for anybody.
    build: &'static str,
}

impl Machine {
    pub(super) fn look() -> Self {
        let load = fs::read_to_string("/proc/loadavg").ok();
        Self {
            processor: processor().unwrap_or_else(|| "unknown".into()),
            architecture: std::env::consts::ARCH,
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            load: load.and_then(|text| text.split(' ').next()?.parse().ok()),
            version: env!("CARGO_PKG_VERSION"),
            build: if cfg!(debug_assertions) {
                "development"
            } else {
                "release"
            },
        }
    }
}

/// The processor's name on PCs, the board's name on boards.
fn processor() -> Option<String> {
    let board = fs::read_to_string("/proc/device-tree/model").ok();
    let board = board.map(|name| name.trim_end_matches('\0').to_owned());
    board.or_else(|| named(&fs::read_to_string("/proc/cpuinfo").ok()?, "model name"))
}

/// The value of the first line `key : value`.
fn named(text: &str, key: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(name, _)| name.trim() == key);
    values.next().map(|(_, value)| value.trim().to_owned())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processor,
            architecture,
            cores,
            ..
        } = self;
        write!(f, "{processor} ({architecture}, {cores} cores")?;
        if let Some(load) = self.load {
            write!(f, ", load {load:.1}")?;
        }
        f.write_str(")")?;
        if self.build != "release" {
            f.write_str(
                "; a development build, several times as slow in places: measure with --release",
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named() {
        let text =
            "processor\t: 0\nmodel name\t: Fast 9000\n\nprocessor\t: 1\nmodel name\t: Slow\n";
        assert_eq!(named(text, "model name").as_deref(), Some("Fast 9000"));
        assert_eq!(named("processor : 0", "model name"), None);
        let machine = Machine::look();
        assert!(machine.cores > 0 && !machine.processor.is_empty());
        assert_eq!(
            machine.to_string().contains("development build"),
            cfg!(debug_assertions)
        );
    }
}

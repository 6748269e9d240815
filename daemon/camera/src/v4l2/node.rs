//! What a capture node reports of itself, in our own types, whichever crate asks the kernel: `by_linuxvideo` by
//! default, `by_v4l` with the feature `v4l`. Both have the types `Node` (opened), `Capture` (a mode is set) and `Buffers` (it
//! streams), with the same functions.

use moodring_core::frame::LumaRange;

use crate::modes::{Mode, WireFormat, nearest_step};

/// Which crate makes the kernel's calls.
pub const BACKEND: &str = super::backend::NAME;

/// What a node can do at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// The kernel's driver.
    pub(crate) driver: String,
    /// It captures pictures, in one plane.
    pub(crate) captures: bool,
    /// It captures pictures in several planes.
    pub(crate) multi_planar: bool,
    /// Its buffers can be mapped and queued.
    pub(crate) streams: bool,
}

/// The sizes of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FrameSizes {
    /// These and no others.
    Listed(Vec<(u32, u32)>),
    /// From the first to the second in steps of the third.
    Range {
        least: (u32, u32),
        most: (u32, u32),
        step: (u32, u32),
    },
}

impl FrameSizes {
    /// As a text: `640x480`, or a range.
    pub(crate) fn describe(&self) -> Vec<String> {
        match self {
            Self::Listed(sizes) => sizes.iter().map(|(w, h)| format!("{w}x{h}")).collect(),
            Self::Range { least, most, .. } => {
                vec![format!("{}x{} to {}x{}", least.0, least.1, most.0, most.1)]
            }
        }
    }

    /// Those that may be asked for where `asked_px` is wished.
    fn candidates(self, asked_px: (u32, u32)) -> Vec<(u32, u32)> {
        match self {
            Self::Listed(sizes) => sizes,
            Self::Range { least, most, step } => vec![(
                nearest_step(asked_px.0, least.0, most.0, step.0),
                nearest_step(asked_px.1, least.1, most.1, step.1),
            )],
        }
    }
}

/// The rates of a format and size, in frames a second.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FrameRates {
    /// These and no others.
    Listed(Vec<f32>),
    /// From the slowest to the fastest.
    Range(f32, f32),
}

impl FrameRates {
    /// The one nearest to `asked_hz`. Rates of 0 or none at all are not counted: drivers list such.
    fn nearest(self, asked_hz: f32) -> Option<f32> {
        let usable = |rate: &f32| rate.is_finite() && *rate > 0.0;
        match self {
            Self::Listed(rates) => rates
                .into_iter()
                .filter(usable)
                .min_by(|a, b| (a - asked_hz).abs().total_cmp(&(b - asked_hz).abs())),
            Self::Range(slowest, fastest) => [slowest, fastest]
                .iter()
                .all(usable)
                .then(|| asked_hz.max(slowest).min(fastest)),
        }
    }
}

/// What a device agreed to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Agreed {
    pub(super) fourcc: [u8; 4],
    pub(super) size_px: (u32, u32),
    /// Bytes from row to row; 0 if the driver leaves it out.
    pub(super) stride: usize,
    pub(super) range: Option<LumaRange>,
    pub(super) rate_hz: Option<f32>,
}

/// A code's four characters; what is no letter is escaped.
pub(crate) fn code_text(fourcc: [u8; 4]) -> String {
    fourcc
        .iter()
        .flat_map(|b| (*b as char).escape_default())
        .collect()
}

/// Thousandths, so that 29.97 can be asked for: the interval as numerator and denominator. Rates are held in 0.01 to 1000.
pub(super) fn interval(rate_hz: f32) -> (u32, u32) {
    (1000, (rate_hz * 1000.0).round().max(1.0) as u32)
}

/// The modes of a device that we can read, with the rate nearest to `rate_hz` for each.
pub(super) fn modes(node: &super::backend::Node, asked_px: (u32, u32), rate_hz: f32) -> Vec<Mode> {
    let mut modes = Vec::new();
    for fourcc in node.formats() {
        let Some(wire) = WireFormat::from_fourcc(fourcc) else {
            continue;
        };
        // A driver without a list of sizes reports its size in the answer to VIDIOC_S_FMT.
        let sizes = node.sizes(fourcc);
        for size_px in sizes.map_or(vec![asked_px], |sizes| sizes.candidates(asked_px)) {
            let rates = node.rates(fourcc, size_px);
            modes.push(Mode {
                fourcc,
                wire,
                size_px,
                rate_hz: rates.and_then(|rates| rates.nearest(rate_hz)),
            });
        }
    }
    modes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_come_as_near_as_the_device_can() {
        let steps = FrameSizes::Range {
            least: (32, 32),
            most: (1920, 1080),
            step: (32, 2),
        };
        assert_eq!(steps.describe(), ["32x32 to 1920x1080"]);
        assert_eq!(steps.clone().candidates((650, 481)), [(640, 480)]);
        assert_eq!(steps.candidates((1, 9000)), [(32, 1080)]);
        let listed = FrameSizes::Listed(vec![(640, 480), (320, 240)]);
        assert_eq!(listed.describe(), ["640x480", "320x240"]);
        assert_eq!(listed.candidates((1, 1)).len(), 2);
        let listed = |rates: &[f32]| FrameRates::Listed(rates.into()).nearest(25.0);
        assert_eq!(listed(&[30.0, 15.0, 29.0]), Some(29.0));
        assert_eq!(listed(&[f32::INFINITY, f32::NAN, 0.0]), None);
        assert_eq!(FrameRates::Range(5.0, 15.0).nearest(25.0), Some(15.0));
        assert_eq!(FrameRates::Range(0.0, f32::INFINITY).nearest(25.0), None);
    }

    #[test]
    fn codes_and_intervals_are_written_as_the_kernel_wants_them() {
        assert_eq!(code_text(*b"YUYV"), "YUYV");
        assert_eq!(code_text([b'Y', 0x1b, b'\n', 0]), r"Y\u{1b}\n\u{0}");
        assert_eq!(interval(29.97), (1000, 29970));
        assert_eq!(interval(0.0), (1000, 1));
    }
}

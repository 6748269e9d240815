//! Watches GPIO lines: a button pulls its line low. The kernel stamps each edge with its time.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use gpiocdev::{
    Request,
    line::{Bias, EdgeDetection, EdgeKind, EventClock},
};
use moodring_base::config::pin::Pin;
use moodring_core::frame::Millis;

use super::{CONSUMER, GpioError, LineAddress, way_out};

/// A line went down or came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The index of the line in the order in which the lines were given.
    pub line: usize,
    /// Whether the button is pressed now.
    pub pressed: bool,
    /// When; from any start, the same for all edges.
    pub time: Millis,
}

/// A source of edges.
pub trait EdgeSource: Send {
    /// The next edge, or `None` if none came in time.
    ///
    /// # Errors
    /// If the lines cannot be watched any longer.
    fn next(&mut self, patience: Duration) -> Result<Option<Edge>, GpioError>;
}

/// Lines of one chip, each with a button to ground and the chip's own pull-up.
#[derive(Debug)]
pub struct WatchedLines {
    request: Request,
    /// Line by offset.
    lines: HashMap<u32, usize>,
}

impl WatchedLines {
    /// Requests these lines; all must be on one chip.
    ///
    /// # Errors
    /// [`GpioError::Refused`] with the cause and the way out.
    pub fn open(pins: &[(Pin, LineAddress)]) -> Result<Self, GpioError> {
        let names: Vec<_> = pins.iter().map(|(pin, _)| pin.to_string()).collect();
        let refused = |reason: String, way_out| GpioError::Refused {
            pin: names.join(", "),
            reason,
            way_out,
        };
        let chip: PathBuf = pins
            .first()
            .map(|(_, p)| p.chip.clone())
            .unwrap_or_default();
        if pins.iter().any(|(_, place)| place.chip != chip) {
            let text = "Connect both buttons to lines of one chip";
            return Err(refused("they are on two chips".into(), text));
        }
        let offsets: Vec<_> = pins.iter().map(|(_, place)| place.offset).collect();
        let request = Request::builder()
            .on_chip(chip)
            .with_consumer(CONSUMER)
            .with_lines(&offsets)
            .as_input()
            .as_active_low()
            .with_bias(Bias::PullUp)
            .with_edge_detection(EdgeDetection::BothEdges)
            .with_event_clock(EventClock::Monotonic)
            .request();
        let request = request.map_err(|error| refused(error.to_string(), way_out(&error)))?;
        let lines = offsets.into_iter().zip(0..).collect();
        Ok(Self { request, lines })
    }
}

impl EdgeSource for WatchedLines {
    fn next(&mut self, patience: Duration) -> Result<Option<Edge>, GpioError> {
        let lost = |error: gpiocdev::Error| GpioError::Refused {
            pin: "of a button".into(),
            reason: error.to_string(),
            way_out: way_out(&error),
        };
        if !self.request.wait_edge_event(patience).map_err(lost)? {
            return Ok(None);
        }
        let event = self.request.read_edge_event().map_err(lost)?;
        let edge = |&line: &usize| Edge {
            line,
            // Active is low; the kernel has inverted the level already.
            pressed: event.kind == EdgeKind::Rising,
            time: Millis(event.timestamp_ns / 1_000_000),
        };
        Ok(self.lines.get(&event.offset).map(edge))
    }
}

//! The display thread: shows the newest snapshot at the display's own rate, and tries a display that failed again
//! later.

use std::{
    io,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use moodring_base::{
    clock::{self, Clock},
    shutdown::Shutdown,
    snapshot::{BrokerState, Snapshot},
    worker::Supervisor,
};
use moodring_core::frame::Millis;
use moodring_display::{Display, DisplayControls, View};
use tokio::sync::watch;

use super::watchdog::Heartbeat;

/// The longest time between two looks at the stop flag and the keyboard.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait before a display that failed is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// What the thread owns.
pub(super) struct DisplayThread {
    pub(super) display: Box<dyn Display + Send>,
    pub(super) rate_hz: f32,
    pub(super) snapshots: watch::Receiver<Snapshot>,
    pub(super) broker: watch::Receiver<BrokerState>,
    pub(super) display_controls: watch::Receiver<DisplayControls>,
    /// Until when the camera's picture is shown to others.
    pub(super) preview: watch::Receiver<Option<Millis>>,
    pub(super) source: String,
    pub(super) device: String,
    pub(super) heartbeat: Heartbeat,
    pub(super) clock: Clock,
}

impl DisplayThread {
    pub(super) fn spawn(
        mut self,
        supervisor: &Supervisor,
        shutdown: Shutdown,
        closed: watch::Sender<bool>,
    ) -> io::Result<JoinHandle<()>> {
        let stop = shutdown.clone();
        supervisor.spawn("display", shutdown, move || self.show(&stop, &closed))
    }

    fn show(&mut self, stop: &Shutdown, closed: &watch::Sender<bool>) {
        let period = Duration::from_secs_f32(1.0 / self.rate_hz);
        let mut due = Instant::now();
        while !stop.has_begun() {
            self.heartbeat.beat();
            if self.display.wants_quit() {
                closed.send_replace(true);
            }
            let now = Instant::now();
            if now < due {
                stop.sleep(STOP_CHECK_INTERVAL.min(due - now));
                continue;
            }
            due = now + period;
            if let Err(error) = self.draw() {
                tracing::warn!("{error}; trying again in {} s", RETRY_DELAY.as_secs());
                due = now + RETRY_DELAY;
            }
        }
    }

    fn draw(&mut self) -> Result<(), moodring_display::DisplayError> {
        let snapshot = self.snapshots.borrow_and_update().clone();
        let broker = *self.broker.borrow();
        // Sent again to a display that failed: it may have forgotten.
        let (mut display_controls, preview) = (
            *self.display_controls.borrow(),
            self.preview.borrow().is_some(),
        );
        // While others can see the camera's picture, the sign must be visible: a display that is off is switched on
        // for it.
        display_controls.on |= preview;
        self.display.set(display_controls);
        let view = View {
            snapshot: &snapshot,
            broker,
            source: &self.source,
            device: &self.device,
            preview,
            now: self.clock.now(),
            minute: clock::minute_of_day(),
        };
        self.display.show(&view)
    }
}

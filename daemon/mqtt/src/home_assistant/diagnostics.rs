//! `/diagnostics`: how well the pipeline runs. It is separate from `/state` and sent seldom, because few people look at
//! it and Home Assistant's recorder stores every change.

use moodring_base::{
    message::{Hundredths, StagesRecord, Tenths},
    snapshot::{CameraState, Snapshot},
};
use moodring_store::StoreState;
use serde::Serialize;

/// Its figures. Those of the pipeline are `null` while the camera does not run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Diagnostics {
    /// The version of this message.
    pub schema: u32,
    /// Frames seen per second.
    pub frames_per_second: Option<Tenths>,
    /// Milliseconds per frame, all stages together.
    pub vision_ms: Option<Hundredths>,
    /// Milliseconds per stage.
    pub stages_ms: Option<StagesRecord>,
    /// Events that wait for the broker's receipt.
    pub events_waiting: u64,
    /// Events that were given up in this run.
    pub events_dropped: u64,
}

impl Diagnostics {
    /// As it is now.
    pub fn of(snapshot: &Snapshot, store: &StoreState) -> Self {
        let runs = Self::camera_runs(snapshot);
        Self {
            schema: 1,
            frames_per_second: runs.then(|| Tenths::new(snapshot.frames_per_second)),
            vision_ms: runs.then(|| Hundredths::new(snapshot.stages_ms.total())),
            stages_ms: runs.then_some(StagesRecord(snapshot.stages_ms)),
            events_waiting: store.waiting,
            events_dropped: store.dropped,
        }
    }

    /// Whether there are figures of the pipeline.
    pub fn camera_runs(snapshot: &Snapshot) -> bool {
        snapshot.camera == CameraState::Running
    }

    /// Whether they are in here.
    pub fn has_figures(&self) -> bool {
        self.frames_per_second.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moodring_base::message::json;

    #[test]
    fn without_a_running_camera_there_are_no_figures() {
        let store = StoreState {
            waiting: 3,
            ..StoreState::default()
        };
        let off = Snapshot {
            camera: CameraState::Off,
            frames_per_second: 30.0,
            ..Snapshot::default()
        };
        assert_eq!(
            json(&Diagnostics::of(&off, &store)),
            r#"{"schema":1,"frames_per_second":null,"vision_ms":null,"stages_ms":null,"events_waiting":3,"events_dropped":0}"#
        );
        let on = Snapshot {
            camera: CameraState::Running,
            ..off
        };
        assert!(
            json(&Diagnostics::of(&on, &store))
                .contains(r#""frames_per_second":30.0,"vision_ms":0.0"#)
        );
    }
}

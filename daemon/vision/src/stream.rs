//! Runs the pipeline on a stream of frames, times it, and makes the snapshots.

use moodring_base::{
    config::Settings,
    snapshot::{CameraState, Person, Snapshot},
};
use moodring_core::{
    calibration::{CalibrationRun, CalibrationStep},
    event::Event,
    frame::Millis,
    picture::Picture,
    pipeline::{self, Pipeline, Report},
    resting::Calibration,
};

use super::{
    Classifier, Detector, StageTimer, VisionError, pipeline_settings, stage_timer::Stopwatch,
    upside_down::UpsideDown,
};

/// The pipeline as the daemon runs it.
pub struct VisionPipeline {
    // About 200 kB of buffers: too much for a thread's stack.
    pipeline: Box<Pipeline<Detector, Classifier>>,
    timer: StageTimer,
    snapshot: Snapshot,
    looks: u64,
    is_resting: bool,
    upside_down: UpsideDown,
    /// The kept resting face.
    calibration: Option<Calibration>,
    /// One that is being learned, and how far it was after the last look.
    calibrating: Option<CalibrationRun>,
    calibration_step: Option<CalibrationStep>,
}

impl VisionPipeline {
    /// Loads the nets.
    ///
    /// # Errors
    /// [`VisionError`] that names the file or setting.
    pub fn open(settings: &Settings) -> Result<Self, VisionError> {
        let detector = Detector::open(settings, (settings.vision.width, settings.vision.height))?;
        let classifier = Classifier::open(settings)?;
        let wanted = pipeline_settings(settings, &detector, &classifier);
        let pipeline = Box::new(Pipeline::new(detector, classifier, wanted)?);
        Ok(Self {
            pipeline,
            timer: StageTimer::default(),
            snapshot: Snapshot::default(),
            looks: 0,
            is_resting: false,
            upside_down: UpsideDown::default(),
            calibration: None,
            calibrating: None,
            calibration_step: None,
        })
    }

    /// Uses these settings from the next frame on. Tracks and nets are kept.
    ///
    /// # Errors
    /// [`VisionError::Settings`] if one is out of range; then the old ones stay.
    pub fn tune(&mut self, settings: &Settings) -> Result<(), VisionError> {
        let (detector, classifier) = self.pipeline.nets();
        let wanted = pipeline::Settings {
            calibration: self.calibration,
            ..pipeline_settings(settings, detector, classifier)
        };
        self.pipeline.set(wanted)?;
        Ok(())
    }

    /// Takes this resting face off all answers, or none, from the next [`Self::tune`] or [`Self::reload`] on.
    pub fn set_calibration(&mut self, calibration: Option<Calibration>) {
        self.calibration = calibration;
    }

    /// Learns the resting face of whoever is in view, from the next frame on; or stops learning it.
    pub fn learn_calibration(&mut self, wanted: bool) {
        self.calibrating = wanted.then(CalibrationRun::new);
        self.calibration_step = None;
    }

    /// How far learning it was after the last frame; `None` unless somebody asked.
    pub fn calibration_step(&mut self) -> Option<CalibrationStep> {
        self.calibration_step.take()
    }

    /// Loads the nets again, for example after their files were replaced. Tracks are kept.
    ///
    /// # Errors
    /// [`VisionError`] that names the file or setting; then the old ones stay.
    pub fn reload(&mut self, settings: &Settings) -> Result<(), VisionError> {
        let detector = Detector::open(settings, (settings.vision.width, settings.vision.height))?;
        let classifier = Classifier::open(settings)?;
        *self.pipeline.detector_mut() = detector;
        *self.pipeline.classifier_mut() = classifier;
        self.tune(settings)
    }

    /// Processes a picture and passes each event to `emit`. Allocates nothing.
    ///
    /// # Errors
    /// [`VisionError::Net`]; the next frame may work.
    pub fn see(
        &mut self,
        picture: impl Picture,
        skipped: u64,
        mut emit: impl FnMut(Event),
    ) -> Result<&Snapshot, VisionError> {
        self.timer.begin();
        let (timer, mut stopwatch) = (&mut self.timer, Stopwatch::start());
        let (time, size_px) = (picture.time(), picture.size_px());
        let report = self
            .pipeline
            .step(picture, &mut |stage| timer.stage(stage, stopwatch.lap()))?;
        timer.end(time, report.looked);
        self.is_resting = !report.looked;
        self.looks += u64::from(report.looked);
        report.events.iter().copied().for_each(&mut emit);

        self.calibration_step = step(&mut self.calibrating, &report);
        if self.upside_down.update(report.people, report.time) {
            tracing::warn!(
                "all heads stand upside down: is the camera mounted upside down? [camera] rotate = 180"
            );
        }
        let snapshot = &mut self.snapshot;
        show(snapshot, &report);
        snapshot.frame_px = size_px;
        snapshot.camera = CameraState::Running;
        snapshot.frames_skipped = skipped;
        snapshot.stages_ms = self.timer.stages();
        snapshot.frames_per_second = self.timer.frames_per_second();
        Ok(snapshot)
    }

    /// Call this when no frame came, because of `camera`: people in view leave after their time.
    pub fn miss(
        &mut self,
        time: Millis,
        camera: CameraState,
        emit: impl FnMut(Event),
    ) -> &Snapshot {
        let report = self.pipeline.advance_without_frame(time);
        report.events.iter().copied().for_each(emit);
        self.calibration_step = step(&mut self.calibrating, &report);
        show(&mut self.snapshot, &report);
        self.snapshot.camera = camera;
        self.snapshot.frames_per_second = 0.0;
        &self.snapshot
    }

    /// Frames that were searched for faces; few are while nobody is in view.
    pub fn looks(&self) -> u64 {
        self.looks
    }

    /// Whether the last frame was not searched, so that probably the next will not be either.
    pub fn is_resting(&self) -> bool {
        self.is_resting
    }

    /// Milliseconds per stage of the last frame.
    pub fn last_ms(&self) -> moodring_base::snapshot::StageTimes {
        self.timer.last()
    }
}

/// Goes on learning a resting face. The run is over once something came of it, or nothing did.
fn step(run: &mut Option<CalibrationRun>, report: &Report<'_>) -> Option<CalibrationStep> {
    let step = run.as_mut()?.update(report.people, report.time);
    if !matches!(step, CalibrationStep::Running(..)) {
        *run = None;
    }
    Some(step)
}

/// People and mood of a report, all of one moment. Who counts comes first.
fn show(snapshot: &mut Snapshot, report: &Report<'_>) {
    snapshot.time = report.time;
    snapshot.mood = report.mood;
    snapshot.people_count = report.people.len();
    snapshot.people.clear();
    let counts = |p: &&pipeline::Person| Some(p.track) == report.mood.track();
    let first = report.people.iter().filter(counts);
    let others = report.people.iter().filter(|p| !counts(p));
    for person in first.chain(others) {
        let listed = Person {
            track: person.track,
            face: person.face,
            roll_deg: person.roll_deg,
            scores: person.scores,
            mood: person.mood,
            facing: person.facing,
            last_seen: person.last_seen,
        };
        if snapshot.people.push(listed).is_err() {
            break; // the rest is counted, not listed
        }
    }
}

//! The pipeline allocates nothing per frame once it is warm: counted, not believed.

use std::time::Duration;

use allocation_counter::measure;
use moodring_base::{
    clock::Clock,
    config::{CameraSettings, Settings},
};
use moodring_camera::{
    self as camera, Source,
    latest::{self, Taken},
};
use moodring_vision::VisionPipeline;

#[test]
fn the_counter_counts() {
    let asked = measure(|| drop(std::hint::black_box(vec![1_u8; 100])));
    assert_eq!(asked.count_total, 1);
}

#[test]
fn a_warm_pipeline_allocates_nothing_per_frame() {
    let wanted = CameraSettings {
        rate: 240.0,
        ..CameraSettings::default()
    };
    let mut camera = camera::open(&Source::Synthetic, &wanted, Clock::start()).unwrap();
    let mut stream = VisionPipeline::open(&Settings::default()).unwrap();
    let (mut writer, mut reader) = latest::frame_slot();
    let mut most_people = 0;
    let mut frames = |count: usize| {
        for _ in 0..count {
            writer.put(&camera.next_frame().unwrap());
            let Taken::Frame(frame, skipped) = reader.take(Duration::ZERO) else {
                panic!("no frame")
            };
            let snapshot = stream
                .see(&mut frame.lend().unwrap(), skipped, |_| {})
                .unwrap();
            most_people = snapshot.people_count.max(most_people);
        }
    };
    frames(60);
    let asked = measure(|| frames(200));
    assert_eq!(asked.count_total, 0, "allocations in 200 frames");
    assert!(
        most_people > 0,
        "the drawn face is found, or nothing was proved"
    );
}

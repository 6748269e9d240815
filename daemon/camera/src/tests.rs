//! Parses and opens every kind of source, goes to the next source, and ends waits by a stop.

use moodring_base::{clock::Clock, config::CameraSettings, shutdown::Shutdown};

use super::{open::around, *};

mod child_cases;
mod fixtures;
mod http_cases;
mod http_neighbours;
mod leaks;
mod picture_cases;
mod secure_cases;
mod serving;

impl Context {
    /// 32x16 at the fastest rate.
    pub(super) fn for_tests(repeat: bool) -> Self {
        let settings = CameraSettings {
            width: 32,
            height: 16,
            rate: 1000.0,
            repeat,
            timeout_ms: 20_000,
            picture_s: 0.0,
            ..CameraSettings::default()
        };
        Self::new(&settings, Clock::start(), Shutdown::default())
    }
}

/// The sizes of the next frames, or the kinds of their errors.
pub(super) fn outcomes(camera: &mut dyn Camera, count: usize) -> Vec<String> {
    let outcome = |_| match camera.next_frame() {
        Ok(frame) => format!("{}x{}", frame.width_px(), frame.height_px()),
        Err(CameraError::Open { .. }) => "open".into(),
        Err(CameraError::Lost { .. }) => "lost".into(),
        Err(CameraError::Bad { .. }) => "bad".into(),
        Err(CameraError::Ended { .. }) => "ended".into(),
    };
    (0..count).map(outcome).collect()
}

#[test]
fn every_kind_of_source_opens_from_its_text() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    image::GrayImage::new(16, 16).save(at("a.png")).unwrap();
    std::fs::write(at("b.mjpeg"), jpeg::tests::ramp(8, 8, 0)).unwrap();
    std::fs::write(at("c.y4m"), b"YUV4MPEG2 W1 H1 Cmono\nFRAME\na").unwrap();
    let settings = CameraSettings {
        width: 64,
        height: 48,
        rate: 1000.0,
        ..CameraSettings::default()
    };
    let texts = [
        at("a.png"),
        at(""),
        at("b.mjpeg"),
        at("c.y4m"),
        format!("cmd:cat {}", at("b.mjpeg")),
        "synthetic".into(),
        "auto".into(),
    ];
    for text in texts {
        let source: Source = text.parse().unwrap();
        let mut camera = open(&source, &settings, Clock::start()).unwrap();
        assert!(!camera.info().name.is_empty());
        assert!(camera.next_frame().is_ok(), "{text}");
    }
}

#[test]
fn turns_go_round() {
    let [a, b, c]: [Source; 3] =
        ["/dev/video0", "/dev/video2", "rpicam"].map(|t| t.parse().unwrap());
    let turns = |others: &[Source]| -> Vec<_> {
        let all = match others {
            [] => vec![a.clone()],
            others => choices(&a, others),
        };
        (0..5).map(|turn| around(&all, &a, turn)).collect()
    };
    let [x, y, z] = [&a, &b, &c].map(Source::clone);
    assert_eq!(
        turns(&[b.clone(), c.clone()]),
        [&x, &y, &z, &x, &y].map(Source::clone)
    );
    assert_eq!(turns(std::slice::from_ref(&a)), vec![a.clone(); 5]);
    assert_eq!(turns(&[]), vec![a.clone(); 5]);
    let session = |chosen: Option<(Source, usize)>, turn| control::CameraSession {
        stop: Shutdown::default(),
        turn,
        chosen,
    };
    let others = [b.clone(), c.clone()];
    let of = |chosen: Option<(&Source, usize)>, turn| {
        let chosen = chosen.map(|(source, since)| (source.clone(), since));
        of_session(&a, &others, &session(chosen, turn))
    };
    assert_eq!([of(None, 0), of(None, 1)], [a.clone(), b.clone()]);
    assert_eq!([of(Some((&b, 4)), 4), of(Some((&b, 4)), 5)], [b, c]);
    assert_eq!(
        of(Some((&Source::Synthetic, 2)), 3),
        a,
        "one that is not among them"
    );
}

#[test]
fn a_stop_ends_every_wait() {
    for text in ["synthetic", "cmd:sleep 1000"] {
        let stop = Shutdown::default();
        let slow = CameraSettings {
            rate: 0.01,
            ..CameraSettings::default()
        };
        let source: Source = text.parse().unwrap();
        let mut camera = open_until(&source, &slow, Clock::start(), stop.clone()).unwrap();
        stop.begin();
        assert_eq!(outcomes(camera.as_mut(), 1), ["ended"], "{text}");
    }
}

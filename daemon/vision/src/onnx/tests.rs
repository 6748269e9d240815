//! Other engines as the reference: the same nets, run in f32 by other people's code, give the same answers as our
//! engine.
//!
//! Each test runs on every engine of this build; ONNX Runtime only if `ORT_DYLIB_PATH` names its library (tests/ort
//! sees to it).

use std::{
    fs,
    path::{Path, PathBuf},
};

use moodring_base::{
    clock::Clock,
    config::{CameraSettings, Labels},
};
use moodring_camera::{self as camera, Source, photo::Photo};
use moodring_core::{
    align::align,
    classify::{CROP_PX, Crop, classify},
    detect::{Channels, DetectNet, Face},
    expression::Expression,
    frame::Frame,
    pipeline::{Candidates, Settings, find},
};

use super::{Engine, OnnxClassifier, OnnxDetector};
use crate::{Int8Classifier, Int8Detector, VisionError};

const SIZE_PX: (u32, u32) = (320, 256);
/// Frames from one drawn expression to the next.
const HOLD_FRAMES: usize = 90;

/// Every engine of this build that can run here.
fn engines() -> Vec<Engine<'static>> {
    #[allow(unused_mut, reason = "each engine is a feature")]
    let mut engines = Vec::new();
    #[cfg(feature = "tract")]
    engines.push(Engine::Tract);
    #[cfg(feature = "ort")]
    {
        static SETTINGS: moodring_base::config::OrtSettings = moodring_base::config::OrtSettings {
            library: PathBuf::new(),
            device: moodring_base::config::OrtDevice::Cpu,
            cache: PathBuf::new(),
        };
        if std::env::var_os("ORT_DYLIB_PATH").is_some() {
            engines.push(Engine::Ort(&SETTINGS));
        } else {
            eprintln!(
                "note: ORT_DYLIB_PATH is not set, so ONNX Runtime was not tested; tests/ort sets it"
            );
        }
    }
    engines
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

fn weights(name: &str) -> PathBuf {
    root().join("models/weights").join(name)
}

/// A file that lies beside the repository and not in it; `None`, with a note, where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let path = root().parent()?.join("shared").join(name);
    let found = path.is_file();
    if !found {
        eprintln!("note: no {}, so this test looked at less", path.display());
    }
    found.then_some(path)
}

/// One frame of each drawn expression.
fn scenes() -> Vec<Photo> {
    let wanted = CameraSettings {
        rate: 1000.0,
        ..CameraSettings::default()
    };
    let mut camera = camera::open(&Source::Synthetic, &wanted, Clock::start()).unwrap();
    let mut scenes = Vec::new();
    for number in 0..HOLD_FRAMES * 7 {
        let frame = camera.next_frame().unwrap();
        if number % HOLD_FRAMES == HOLD_FRAMES / 2 {
            scenes.push(photo(&frame));
        }
    }
    scenes
}

/// A copy that outlives the camera's next frame.
fn photo(frame: &Frame<'_>) -> Photo {
    let (width, height) = (frame.width_px(), frame.height_px());
    let picture = image::GrayImage::from_fn(width, height, |x, y| image::Luma([frame.luma(x, y)]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    Photo::decode(png.get_ref()).unwrap()
}

fn faces(net: &mut impl DetectNet, frame: &Frame<'_>, score_threshold: f32) -> Vec<Face> {
    let wanted = Settings {
        score_threshold,
        ..Settings::default()
    };
    let mut found = Candidates::new();
    find(net, frame, &wanted, &mut found, &mut |_| {}).unwrap();
    found.to_vec()
}

/// Our engine's best face of each scene, with the scene.
fn ours() -> Vec<(Photo, Face)> {
    let mut net = Int8Detector::open(Path::new(""), SIZE_PX).unwrap();
    let threshold = net.threshold();
    let found = |scene: Photo| {
        let face = faces(&mut net, &scene.frame().unwrap(), threshold)[0];
        (scene, face)
    };
    scenes().into_iter().map(found).collect()
}

#[test]
fn our_detector_is_the_same_net() {
    for engine in engines() {
        let mut net = OnnxDetector::open(engine, &weights("detector.onnx"), SIZE_PX).unwrap();
        let int8 = Int8Detector::open(Path::new(""), SIZE_PX).unwrap();
        assert_eq!(net.shape(), int8.shape(), "padding included");
        assert_eq!(net.threshold(), int8.threshold());
        for (scene, face) in ours() {
            let other = faces(&mut net, &scene.frame().unwrap(), int8.threshold())[0];
            let (a, b) = (face.rect, other.rect);
            let apart = [a.x - b.x, a.y - b.y, a.w - b.w, a.h - b.h].map(f32::abs);
            eprintln!(
                "box apart {apart:?} px, scores {} {}",
                face.score, other.score
            );
            assert!(apart.iter().all(|px| *px <= 2.0), "{a:?} {b:?}");
            assert!(
                (face.score - other.score).abs() <= 0.02,
                "{} {}",
                face.score,
                other.score
            );
        }
    }
}

#[test]
fn our_classifier_is_the_same_net() {
    for engine in engines() {
        for labels in [Labels::Fer2013, Labels::Ferplus] {
            let mut other =
                OnnxClassifier::open(engine, &weights("classifier.onnx"), labels).unwrap();
            let mut int8 = Int8Classifier::open(Path::new(""), labels).unwrap();
            let mut tops = Vec::new();
            for (scene, face) in ours() {
                let mut crop: Crop = [0; CROP_PX * CROP_PX];
                align(&scene.frame().unwrap(), &face, &mut crop);
                let (slow, quick) = (
                    classify(&mut other, &crop).unwrap(),
                    classify(&mut int8, &crop).unwrap(),
                );
                eprintln!("{:?} {:?}", slow.scores.top(), quick.scores.top());
                assert_eq!(slow.scores.top().0, quick.scores.top().0);
                assert!(
                    slow.scores
                        .0
                        .iter()
                        .zip(quick.scores.0)
                        .all(|(a, b)| (a - b).abs() <= 0.02),
                    "{slow:?} {quick:?}"
                );
                tops.push(quick.scores.top().0);
            }
            tops.dedup();
            assert!(
                tops.len() > 1,
                "one answer for all pictures would prove little: {tops:?}"
            );
        }
    }
}

#[test]
fn public_yunet_finds_the_face_that_we_find() {
    for engine in engines() {
        let Some(path) = shared("peers/yunet/yunet_n_dynamic.onnx") else {
            continue;
        };
        let mut yunet = OnnxDetector::open(engine, &path, SIZE_PX).unwrap();
        assert_eq!(yunet.shape().channels, Channels::Bgr);
        let (scene, face) = ours().swap_remove(0);
        let mut pairs = vec![(face, faces(&mut yunet, &scene.frame().unwrap(), 0.3))];
        if let Some(path) = shared("photos/astronaut.png") {
            let photo = Photo::read(&path).unwrap();
            let mut net = Int8Detector::open(Path::new(""), SIZE_PX).unwrap();
            let face = faces(&mut net, &photo.frame().unwrap(), 0.3)[0];
            pairs.push((face, faces(&mut yunet, &photo.frame().unwrap(), 0.3)));
        }
        for (face, others) in pairs {
            let other = others.first().expect("YuNet finds a face");
            let iou = face.rect.iou(&other.rect);
            eprintln!("IoU {iou}, scores {} {}", face.score, other.score);
            assert!(iou > 0.6, "{face:?} {other:?}");
            // A cell's order counts, too: the eyes must be eyes.
            let eyes = face.landmarks[0] - other.landmarks[0];
            assert!(
                eyes.x.hypot(eyes.y) < face.rect.w * 0.2,
                "{face:?} {other:?}"
            );
        }
    }
}

#[test]
fn a_file_of_fixed_size_keeps_its_own() {
    for engine in engines() {
        let Some(path) = shared("peers/yunet/yunet_n_320_320.onnx") else {
            continue;
        };
        let mut yunet = OnnxDetector::open(engine, &path, SIZE_PX).unwrap();
        assert_eq!(
            (yunet.shape().width_px, yunet.shape().height_px),
            (320, 320)
        );
        let (scene, face) = ours().swap_remove(0);
        let other = faces(&mut yunet, &scene.frame().unwrap(), 0.3)[0];
        assert!(face.rect.iou(&other.rect) > 0.6, "{face:?} {other:?}");
    }
}

#[test]
fn a_public_classifier_of_64_pixels_reads_a_smile() {
    for engine in engines() {
        let Some(path) = shared("peers/xception/big_xception_54-0.66.onnx") else {
            continue;
        };
        let mut net = OnnxClassifier::open(engine, &path, Labels::Fer2013).unwrap();
        let (scene, face) = ours().swap_remove(0);
        let mut crop: Crop = [0; CROP_PX * CROP_PX];
        align(&scene.frame().unwrap(), &face, &mut crop);
        let scores = classify(&mut net, &crop).unwrap();
        eprintln!("{scores:?}");
        assert_eq!(scores.scores.top().0, Expression::Happy, "{scores:?}");
    }
}

/// The errors of a detector and of a classifier for a file with these bytes.
fn errors(engine: Engine<'_>, bytes: &[u8]) -> [String; 2] {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("broken.onnx");
    fs::write(&path, bytes).unwrap();
    let detector = OnnxDetector::open(engine, &path, SIZE_PX).err();
    let classifier = OnnxClassifier::open(engine, &path, Labels::Fer2013).err();
    [detector, classifier].map(|error| error.expect("refused").to_string())
}

#[test]
fn bad_files_are_named() {
    for engine in engines() {
        let mut png = std::io::Cursor::new(Vec::new());
        image::GrayImage::new(64, 64)
            .write_to(&mut png, image::ImageFormat::Png)
            .unwrap();
        let cases: [(&[u8], &str); 4] = [
            (b"", "empty"),
            (b"not a net", "not an ONNX file"),
            (png.get_ref(), "not an ONNX file"),
            (moodring_models::DETECTOR, "packed for engine"),
        ];
        for (bytes, wanted) in cases {
            for error in errors(engine, bytes) {
                assert!(
                    error.contains("broken.onnx") && error.contains(wanted),
                    "{error}"
                );
                assert!(error.contains("Accepted:"), "{error}");
            }
        }
        let error = OnnxClassifier::open(engine, Path::new("/nonexistent.onnx"), Labels::Fer2013)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("/nonexistent.onnx"), "{error}");
    }
}

#[test]
fn the_error_for_another_net_names_what_it_is() {
    for engine in engines() {
        let error = OnnxDetector::open(engine, &weights("classifier.onnx"), SIZE_PX)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("it is a classifier (angry,disgust") && error.contains("cls_8"),
            "{error}"
        );
        let error = OnnxClassifier::open(engine, &weights("detector.onnx"), Labels::Fer2013)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("? x 3 x ? x ?") && error.contains("48x48"),
            "{error}"
        );
        let error = OnnxDetector::open(engine, &weights("detector.onnx"), (300, 256))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("multiples of 32"), "{error}");
    }
}

#[test]
fn damaged_files_are_errors_and_no_panics() {
    for engine in engines() {
        let whole = fs::read(weights("detector.onnx")).unwrap();
        for seventh in 1..7 {
            errors(engine, &whole[..whole.len() * seventh / 7]);
        }
        // An output that no node makes: tract itself panics here.
        let mut renamed = whole;
        let name = b"\x0a\x06head32";
        let at = renamed
            .windows(name.len())
            .rposition(|bytes| bytes == name)
            .unwrap();
        renamed[at + 2] = b'x';
        let [error, _] = errors(engine, &renamed);
        assert!(error.contains("cannot run it"), "{error}");
    }
}

#[test]
fn an_empty_path_names_the_way_out() {
    for engine in engines() {
        let error = OnnxDetector::open(engine, Path::new(""), SIZE_PX)
            .err()
            .unwrap();
        assert!(matches!(error, VisionError::NoOnnx("detector")));
        assert!(
            error.to_string().contains("models/weights/detector.onnx"),
            "{error}"
        );
        let error = OnnxClassifier::open(engine, Path::new(""), Labels::Fer2013)
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("models/weights/classifier.onnx"),
            "{error}"
        );
    }
}

//! The parsers of foreign bytes.

use moodring_base::{
    command,
    config::{self, Overrides},
    control::Controls,
    message,
};
use moodring_camera::{
    self as camera,
    photo::{Budget, Photo},
};
use moodring_link::{
    decoder::Decoder,
    message::{ToHost, ToSatellite},
};
use moodring_mqtt as mqtt;
use moodring_nn::Model;
use moodring_vision::{self as vision, bundle};
use moodring_web as web;

/// A parser.
pub(super) struct Target {
    pub(super) name: &'static str,
    pub(super) run: fn(&[u8]),
    /// The most memory that it may hold at a time.
    pub(super) max_bytes: u64,
    /// Changes in each test run, if it is a slow one.
    pub(super) changes: Option<u64>,
}

const fn target(name: &'static str, run: fn(&[u8]), max_mb: u64) -> Target {
    Target {
        name,
        run,
        max_bytes: max_mb << 20,
        changes: None,
    }
}

const fn slow(mut target: Target, changes: u64) -> Target {
    target.changes = Some(changes);
    target
}

/// All of them.
pub(super) const ALL: &[Target] = &[
    target("jpeg_stream", camera::fuzz::stream, 40),
    slow(target("jpeg_frame", camera::fuzz::frame, 256), 100),
    target("y4m", camera::fuzz::y4m, 4),
    // What the page promises for a photo, and the bytes themselves.
    slow(target("photo", photo, 66), 100),
    target("http_head", web::fuzz::head, 4),
    target("mqtt_payload", mqtt_payload, 4),
    target("mqtt_broker", mqtt::fuzz::broker, 8),
    target("homie", mqtt::fuzz::homie, 4),
    target("settings", settings, 8),
    slow(target("model_file", model_file, 16), 60),
    slow(target("onnx", vision::fuzz::onnx, 128), 60),
    target("bundle_manifest", bundle_manifest, 4),
    target("link", link, 2),
];

fn photo(bytes: &[u8]) {
    let budget = Budget {
        max_pixels: 40_000_000,
        max_bytes: (64 << 20) - 2 * bytes.len() as u64,
    };
    if let Ok(photo) = Photo::decode_within(bytes, budget) {
        let (width, height) = photo.decoded_px();
        assert!(width > 0 && height > 0 && photo.frame().is_ok());
    }
}

fn mqtt_payload(bytes: &[u8]) {
    _ = message::read_state(bytes);
    _ = message::read_status(bytes);
    _ = message::run_of_state(bytes);
    let controls = Controls {
        has_display: true,
        preview_allowed: true,
        may_take_picture: true,
        cameras: vec!["/dev/video0".into()],
        ..Controls::default()
    };
    for thing in command::ControlName::ALL {
        if let Err(refusal) = command::parse(thing, bytes, &controls) {
            assert!(
                refusal.to_string().len() < 200,
                "what is foreign is not repeated"
            );
        }
    }
}

fn settings(bytes: &[u8]) {
    let Ok(file) = tempfile::NamedTempFile::new() else {
        return;
    };
    if std::fs::write(file.path(), bytes).is_ok() {
        _ = config::load(Some(file.path()), &Overrides::default());
    }
}

fn model_file(bytes: &[u8]) {
    let Ok(model) = Model::parse(bytes) else {
        return;
    };
    let (width, height) = model.default_size();
    _ = model.macs(width, height);
    assert!(model.notes().count() < 10_000 && model.labels().count() < 10_000);
}

fn bundle_manifest(bytes: &[u8]) {
    _ = bundle::Manifest::parse(bytes);
}

fn link(bytes: &[u8]) {
    let mut at_satellite = Decoder::<ToSatellite>::new();
    let mut at_host = Decoder::<ToHost>::new();
    for byte in bytes {
        _ = at_satellite.push(*byte);
        _ = at_host.push(*byte);
    }
}

//! The texts of commands: what each control accepts, what is refused and why, and bytes without meaning.

use proptest::prelude::*;

use super::*;

fn controls() -> Controls {
    Controls {
        camera_on: true,
        cameras: vec!["/dev/video0".into(), "rpicam".into()],
        has_display: true,
        may_take_picture: true,
        preview_allowed: true,
        ..Controls::default()
    }
}

fn read(thing: ControlName, text: &str) -> Result<Command, CommandError> {
    parse(thing, text.as_bytes(), &controls())
}

#[test]
fn every_control_accepts_its_texts() {
    for (thing, text, command) in [
        (ControlName::Camera, "on", Command::Camera(Switch::On)),
        (ControlName::Camera, "OFF", Command::Camera(Switch::Off)),
        (
            ControlName::Camera,
            "toggle\n",
            Command::Camera(Switch::Toggle),
        ),
        (ControlName::Source, "next", Command::NextCamera),
        (
            ControlName::Source,
            "rpicam",
            Command::ChooseCamera("rpicam".into()),
        ),
        (ControlName::Picture, "take", Command::TakePicture),
        (ControlName::Preview, "on", Command::Preview(Switch::On)),
        (ControlName::Display, "off", Command::Display(Switch::Off)),
        (ControlName::Brightness, "0", Command::Brightness(0)),
        (ControlName::Brightness, "100", Command::Brightness(100)),
        (
            ControlName::Theme,
            "contrast",
            Command::Theme(ThemeName::Contrast),
        ),
        (ControlName::Sensitivity, "55", Command::Sensitivity(55)),
        (
            ControlName::Calibrate,
            "start",
            Command::Calibrate(Calibrate::Start),
        ),
        (
            ControlName::Calibrate,
            "erase",
            Command::Calibrate(Calibrate::Erase),
        ),
        (ControlName::Restart, "restart", Command::Restart),
    ] {
        assert_eq!(read(thing, text), Ok(command), "{} {text}", thing.name());
    }
}

#[test]
fn what_is_no_command_is_refused_with_the_reason() {
    for (thing, text, reason) in [
        (ControlName::Camera, "", "on, off, toggle"),
        (ControlName::Camera, "1", "on, off, toggle"),
        (ControlName::Camera, "{\"on\":true}", "on, off, toggle"),
        (
            ControlName::Source,
            "/dev/video9",
            "next, /dev/video0, rpicam",
        ),
        (
            ControlName::Source,
            "cmd:rm -rf /",
            "next, /dev/video0, rpicam",
        ),
        (ControlName::Source, "RPICAM", "next, /dev/video0, rpicam"),
        (ControlName::Picture, "", "take"),
        (ControlName::Brightness, "101", "0 to 100"),
        (ControlName::Brightness, "-1", "0 to 100"),
        (ControlName::Brightness, "+1", "0 to 100"),
        (ControlName::Brightness, "50.0", "0 to 100"),
        (ControlName::Sensitivity, "50.5", "0 to 100"),
        (ControlName::Brightness, "", "0 to 100"),
        (ControlName::Brightness, "99999999999999999999", "0 to 100"),
        (ControlName::Sensitivity, "NaN", "0 to 100"),
        (
            ControlName::Theme,
            "pink",
            "auto, classic, contrast, mono, minimal",
        ),
        (ControlName::Calibrate, "calm", "start, erase"),
        (ControlName::Restart, "true", "restart"),
    ] {
        let refusal = read(thing, text).unwrap_err().to_string();
        assert!(
            refusal.contains(reason),
            "{} {text:?}: {refusal}",
            thing.name()
        );
    }
    let long = "9".repeat(MAX_BYTES + 1);
    assert_eq!(
        read(ControlName::Brightness, &long),
        Err(CommandError::Long(257))
    );
    assert_eq!(
        parse(ControlName::Theme, &[0xff, 0xfe], &controls()),
        Err(CommandError::NoText)
    );
}

#[test]
fn what_is_not_there_cannot_be_set() {
    let bare = Controls::default();
    let none = |thing, text: &str| parse(thing, text.as_bytes(), &bare);
    assert_eq!(
        none(ControlName::Picture, "take"),
        Err(CommandError::NoPictures)
    );
    assert_eq!(
        none(ControlName::Preview, "on"),
        Err(CommandError::NoPreview)
    );
    assert_eq!(
        none(ControlName::Calibrate, "start"),
        Err(CommandError::CameraOff)
    );
    assert!(none(ControlName::Calibrate, "erase").is_ok());
    for thing in [
        ControlName::Display,
        ControlName::Brightness,
        ControlName::Theme,
    ] {
        assert_eq!(none(thing, "on"), Err(CommandError::NoDisplay));
    }
}

#[test]
fn what_a_thing_is_can_be_set_again() {
    let controls = Controls {
        camera: "rpicam".into(),
        ..controls()
    };
    for thing in ControlName::ALL {
        assert_eq!(ControlName::from_name(thing.name()), Some(thing));
        // How far a calibration is cannot be set.
        if let Some(value) = thing.value(&controls)
            && thing != ControlName::Calibrate
        {
            assert!(parse(thing, value.as_bytes(), &controls).is_ok(), "{value}");
        }
    }
    assert_eq!(ControlName::from_name("door"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_never_repeated(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for thing in ControlName::ALL {
            if let Err(refusal) = parse(thing, &bytes, &controls()) {
                prop_assert!(refusal.to_string().len() < 120);
            }
        }
    }
}

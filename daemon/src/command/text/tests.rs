//! The words of commands: what each thing takes, what is refused and why, and bytes that mean nothing.

use proptest::prelude::*;

use super::*;

fn controls() -> Controls {
    Controls {
        cameras: vec!["/dev/video0".into(), "rpicam".into()],
        has_display: true,
        may_take_picture: true,
        preview_allowed: true,
        ..Controls::default()
    }
}

fn read(thing: Thing, text: &str) -> Result<Command, Refusal> {
    parse(thing, text.as_bytes(), &controls())
}

#[test]
fn every_thing_has_its_words() {
    for (thing, text, command) in [
        (Thing::Camera, "on", Command::Camera(Switch::On)),
        (Thing::Camera, "OFF", Command::Camera(Switch::Off)),
        (Thing::Camera, "toggle\n", Command::Camera(Switch::Toggle)),
        (Thing::Source, "next", Command::NextCamera),
        (
            Thing::Source,
            "rpicam",
            Command::ChooseCamera("rpicam".into()),
        ),
        (Thing::Picture, "take", Command::TakePicture),
        (Thing::Preview, "on", Command::Preview(Switch::On)),
        (Thing::Display, "off", Command::Display(Switch::Off)),
        (Thing::Brightness, "0", Command::Brightness(0)),
        (Thing::Brightness, "100", Command::Brightness(100)),
        (
            Thing::Theme,
            "contrast",
            Command::Theme(ThemeName::Contrast),
        ),
        (Thing::Sensitivity, "55", Command::Sensitivity(55)),
        (Thing::Restart, "restart", Command::Restart),
    ] {
        assert_eq!(read(thing, text), Ok(command), "{} {text}", thing.name());
    }
}

#[test]
fn what_is_no_command_is_refused_with_the_reason() {
    for (thing, text, reason) in [
        (Thing::Camera, "", "on, off, toggle"),
        (Thing::Camera, "1", "on, off, toggle"),
        (Thing::Camera, "{\"on\":true}", "on, off, toggle"),
        (Thing::Source, "/dev/video9", "next, /dev/video0, rpicam"),
        (Thing::Source, "cmd:rm -rf /", "next, /dev/video0, rpicam"),
        (Thing::Source, "RPICAM", "next, /dev/video0, rpicam"),
        (Thing::Picture, "", "take"),
        (Thing::Brightness, "101", "0 to 100"),
        (Thing::Brightness, "-1", "0 to 100"),
        (Thing::Brightness, "+1", "0 to 100"),
        (Thing::Brightness, "50.0", "0 to 100"),
        (Thing::Brightness, "", "0 to 100"),
        (Thing::Brightness, "99999999999999999999", "0 to 100"),
        (Thing::Sensitivity, "NaN", "0 to 100"),
        (
            Thing::Theme,
            "pink",
            "auto, classic, contrast, mono, minimal",
        ),
        (Thing::Restart, "true", "restart"),
    ] {
        let refusal = read(thing, text).unwrap_err().to_string();
        assert!(
            refusal.contains(reason),
            "{} {text:?}: {refusal}",
            thing.name()
        );
    }
    let long = "9".repeat(MAX_BYTES + 1);
    assert_eq!(read(Thing::Brightness, &long), Err(Refusal::Long(257)));
    assert_eq!(
        parse(Thing::Theme, &[0xff, 0xfe], &controls()),
        Err(Refusal::NoText)
    );
}

#[test]
fn what_is_not_there_cannot_be_set() {
    let bare = Controls::default();
    let none = |thing, text: &str| parse(thing, text.as_bytes(), &bare);
    assert_eq!(none(Thing::Picture, "take"), Err(Refusal::NoPictures));
    assert_eq!(none(Thing::Preview, "on"), Err(Refusal::NoPreview));
    for thing in [Thing::Display, Thing::Brightness, Thing::Theme] {
        assert_eq!(none(thing, "on"), Err(Refusal::NoDisplay));
    }
}

#[test]
fn what_a_thing_is_can_be_set_again() {
    let controls = Controls {
        camera: "rpicam".into(),
        ..controls()
    };
    for thing in Thing::ALL {
        assert_eq!(Thing::from_name(thing.name()), Some(thing));
        if let Some(value) = thing.value(&controls) {
            assert!(parse(thing, value.as_bytes(), &controls).is_ok(), "{value}");
        }
    }
    assert_eq!(Thing::from_name("door"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_never_repeated(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for thing in Thing::ALL {
            if let Err(refusal) = parse(thing, &bytes, &controls()) {
                prop_assert!(refusal.to_string().len() < 120);
            }
        }
    }
}

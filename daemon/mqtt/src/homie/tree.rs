//! The device as Homie 5 describes it: nodes, properties and their values. No I/O, no clock.
//!
//! The same things can be set as by `/<thing>/set`, and the same function checks them ([`command::parse`]).

use std::collections::BTreeMap;

use homie5::{
    Homie5DeviceProtocol, Homie5ProtocolError, HomieDeviceStatus, HomieDomain, HomieID,
    client::{LastWill, Publish},
    device_description::{
        DeviceDescriptionBuilder, HomieDeviceDescription, HomiePropertyDescription,
        NodeDescriptionBuilder, PropertyDescriptionBuilder,
    },
};
use moodring_base::{
    command::{self, Command, ControlName},
    config::ThemeName,
    control::Controls,
    snapshot::{CameraState, Snapshot},
};
use moodring_core::{expression::Expression, mood::Mood};

use crate::home_assistant;

const FACE: HomieID = HomieID::new_const("face");
const CAMERA: HomieID = HomieID::new_const("camera");
const CONTROLS: HomieID = HomieID::new_const("controls");
const CAMERA_STATES: [CameraState; 5] = [
    CameraState::Starting,
    CameraState::Running,
    CameraState::Lost,
    CameraState::Off,
    CameraState::Ended,
];

/// A property's value by its node and its own name.
pub(super) type Values = BTreeMap<(HomieID, HomieID), String>;

/// The tree of one device.
#[derive(Debug)]
pub(super) struct HomieTree {
    protocol: Homie5DeviceProtocol,
    /// The name of people.
    name: String,
    /// Whether requests are obeyed.
    obeys: bool,
}

impl HomieTree {
    /// The tree of the device with this name, and the will: what the broker publishes when the device vanishes.
    pub(super) fn new(name: &str, domain: HomieDomain, obeys: bool) -> (Self, LastWill) {
        let (protocol, will) = Homie5DeviceProtocol::new(id(name), domain);
        let tree = Self {
            protocol,
            name: name.to_owned(),
            obeys,
        };
        (tree, will)
    }

    /// `$state`.
    pub(super) fn state(&self, state: HomieDeviceStatus) -> Publish {
        self.protocol.publish_state(state)
    }

    /// `$description`, by what there is to control now.
    ///
    /// # Errors
    /// [`Homie5ProtocolError`], which only a child device could get.
    pub(super) fn describe(&self, controls: &Controls) -> Result<Publish, Homie5ProtocolError> {
        self.protocol
            .publish_description(&self.description(controls))
    }

    /// A property's value, kept by the broker.
    pub(super) fn value(&self, (node, property): &(HomieID, HomieID), value: &str) -> Publish {
        self.protocol.publish_value(node, property, value, true)
    }

    /// Every topic that the broker may keep of this tree, whatever there is to control.
    pub(super) fn retained_topics(&self) -> Vec<String> {
        let every = Controls {
            camera: "first".to_owned(),
            cameras: vec!["first".to_owned(), "second".to_owned()],
            has_display: true,
            may_take_picture: true,
            preview_allowed: true,
            ..Controls::default()
        };
        let state = self.state(HomieDeviceStatus::Init).topic;
        let description = self.describe(&every).ok().map(|publish| publish.topic);
        let values = self.values(&Snapshot::default(), &every).into_keys();
        let values = values.map(|property| self.value(&property, "").topic);
        std::iter::once(state)
            .chain(description)
            .chain(values)
            .collect()
    }

    /// Where requests come in.
    pub(super) fn requests(&self) -> Vec<String> {
        let reference = self.protocol.device_ref();
        let topic = |thing: ControlName| {
            format!(
                "{}/5/{}/controls/{}/set",
                reference.homie_domain(),
                reference.device_id(),
                thing.name()
            )
        };
        ControlName::ALL
            .into_iter()
            .filter(|_| self.obeys)
            .map(topic)
            .collect()
    }

    /// The command that a message on one of [`HomieTree::requests`] is; `None` for other topics.
    pub(super) fn receive(
        &self,
        topic: &str,
        payload: &[u8],
        controls: &Controls,
    ) -> Option<Result<Command, command::CommandError>> {
        let is_ours = self.requests().iter().any(|request| request == topic);
        let thing = topic.rsplit('/').nth(1).filter(|_| is_ours)?;
        let thing = ControlName::from_name(thing)?;
        // Homie's switches are `true` and `false`.
        let text = match (is_switch(thing), payload) {
            (true, b"true") => b"on",
            (true, b"false") => b"off".as_slice(),
            _ => payload,
        };
        Some(command::parse(thing, text, controls))
    }

    fn description(&self, controls: &Controls) -> HomieDeviceDescription {
        let moods = Expression::ALL.iter().map(|e| e.name());
        let moods = moods.chain([Mood::Uncertain.name(), Mood::Nobody.name()]);
        let whole = PropertyDescriptionBuilder::integer;
        let face = NodeDescriptionBuilder::new()
            .name("Face")
            .add_property(prop("expression"), choice("Expression", moods))
            .add_property(
                prop("confidence"),
                whole().name("Confidence").unit("%").range(0..=100).build(),
            )
            .add_property(prop("people"), whole().name("People").range(0..).build())
            .add_property(
                prop("presence"),
                PropertyDescriptionBuilder::boolean()
                    .name("Presence")
                    .build(),
            );
        let rate = PropertyDescriptionBuilder::float()
            .name("Frames per second")
            .unit("Hz");
        let states = CAMERA_STATES.map(CameraState::name);
        let camera = NodeDescriptionBuilder::new()
            .name("Camera")
            .add_property(prop("state"), choice("State", states))
            .add_property(prop("rate"), rate.build());
        let mut all = DeviceDescriptionBuilder::new()
            .name(self.name.as_str())
            .r#type("moodring")
            .add_node(FACE, face.build())
            .add_node(CAMERA, camera.build());
        if self.obeys {
            let mut node = NodeDescriptionBuilder::new().name("Controls");
            for thing in ControlName::ALL
                .into_iter()
                .filter(|thing| is_there(*thing, controls))
            {
                node = node.add_property(prop(thing.name()), setting(thing, controls));
            }
            all = all.add_node(CONTROLS, node.build());
        }
        all.build()
    }

    /// All values of now.
    pub(super) fn values(&self, snapshot: &Snapshot, controls: &Controls) -> Values {
        let mood = &snapshot.mood;
        let percent = (mood.confidence() * 100.0).round().clamp(0.0, 100.0);
        let mut all: Values = [
            (FACE, "expression", mood.mood().name().to_owned()),
            (FACE, "confidence", percent.to_string()),
            (FACE, "people", snapshot.people_count.to_string()),
            (FACE, "presence", (snapshot.people_count > 0).to_string()),
            (CAMERA, "state", snapshot.camera.name().to_owned()),
            (
                CAMERA,
                "rate",
                snapshot.frames_per_second.round().to_string(),
            ),
        ]
        .map(|(node, name, value)| ((node, prop(name)), value))
        .into();
        for thing in ControlName::ALL.into_iter().filter(|_| self.obeys) {
            let value = thing
                .value(controls)
                .filter(|_| is_there(thing, controls) && !is_action(thing));
            let value = value.map(|value| match (is_switch(thing), value.as_str()) {
                (true, "on") => "true".to_owned(),
                (true, _) => "false".to_owned(),
                (false, _) => value,
            });
            all.extend(value.map(|value| ((CONTROLS, prop(thing.name())), value)));
        }
        all
    }
}

/// A name in Homie's alphabet: `a-z`, `0-9` and `-`.
fn id(name: &str) -> HomieID {
    let id = HomieID::try_from(home_assistant::slug(name).replace('_', "-"));
    // A slug has no other letters, and a device's name is never empty.
    id.unwrap_or(HomieID::new_const("moodring"))
}

/// A property's name; all are ours, in Homie's alphabet.
fn prop(name: &'static str) -> HomieID {
    HomieID::new_const(name)
}

/// What is done and over has no value.
const fn is_action(thing: ControlName) -> bool {
    matches!(
        thing,
        ControlName::Picture | ControlName::Calibrate | ControlName::Restart
    )
}

const fn is_switch(thing: ControlName) -> bool {
    matches!(
        thing,
        ControlName::Camera | ControlName::Preview | ControlName::Display
    )
}

fn is_there(thing: ControlName, controls: &Controls) -> bool {
    match thing {
        ControlName::Camera
        | ControlName::Sensitivity
        | ControlName::Calibrate
        | ControlName::Restart => true,
        ControlName::Display | ControlName::Brightness | ControlName::Theme => controls.has_display,
        ControlName::Picture => controls.may_take_picture,
        ControlName::Preview => controls.preview_allowed,
        // Homie's lists are separated by commas, which a name may hold.
        ControlName::Source => {
            let fits = |name: &String| !name.is_empty() && !name.contains(',');
            controls.cameras.len() > 1 && controls.cameras.iter().all(fits)
        }
    }
}

fn setting(thing: ControlName, controls: &Controls) -> HomiePropertyDescription {
    let name = match thing {
        ControlName::Camera => "Camera",
        ControlName::Source => "Camera source",
        ControlName::Picture => "Take a picture",
        ControlName::Preview => "Preview",
        ControlName::Display => "Display",
        ControlName::Brightness => "Brightness",
        ControlName::Theme => "Theme",
        ControlName::Sensitivity => "Sensitivity",
        ControlName::Calibrate => "Resting face",
        ControlName::Restart => "Restart",
    };
    let mut all = match thing {
        ControlName::Camera | ControlName::Preview | ControlName::Display => {
            PropertyDescriptionBuilder::boolean().name(name).build()
        }
        ControlName::Source => choice(name, controls.cameras.iter().map(String::as_str)),
        ControlName::Picture => choice(name, ["take"]),
        ControlName::Calibrate => choice(name, ["start", "erase"]),
        ControlName::Restart => choice(name, ["restart"]),
        ControlName::Theme => choice(name, ThemeName::ALL.map(ThemeName::name)),
        ControlName::Brightness | ControlName::Sensitivity => {
            let percent = PropertyDescriptionBuilder::integer()
                .unit("%")
                .range(0..=100);
            percent.name(name).build()
        }
    };
    all.settable = true;
    // What is done and over has no value to keep.
    all.retained = !is_action(thing);
    all
}

/// One of several options. An empty list, which none here is, makes it a text.
fn choice<'a>(name: &str, options: impl IntoIterator<Item = &'a str>) -> HomiePropertyDescription {
    match PropertyDescriptionBuilder::enumeration(options) {
        Ok(list) => list.name(name).build(),
        Err(_) => PropertyDescriptionBuilder::string().name(name).build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> HomieTree {
        let (tree, will) = HomieTree::new("Küche_2", HomieDomain::Default, true);
        assert!(will.topic.starts_with("homie/5/k-che-2-") && will.topic.ends_with("/$state"));
        assert_eq!(
            (will.message.as_slice(), will.retain),
            (b"lost".as_slice(), true)
        );
        tree
    }

    #[test]
    fn every_value_has_a_description_and_every_lasting_property_a_value() {
        let tree = tree();
        let controls = Controls {
            cameras: vec!["/dev/video0".into(), "rpicam".into()],
            camera: "rpicam".into(),
            has_display: true,
            may_take_picture: true,
            preview_allowed: true,
            ..Controls::default()
        };
        let description = tree.description(&controls);
        let values = tree.values(&Snapshot::default(), &controls);
        for (node, _, property, described) in description.iter() {
            assert!(described.validate_strict().is_ok(), "{property}");
            let value = values.get(&(node.clone(), property.clone()));
            assert_eq!(value.is_some(), described.retained, "{property}");
        }
        let all = description.iter().filter(|(_, _, _, p)| p.retained).count();
        assert_eq!(all, values.len());
        let kept = tree.retained_topics();
        assert_eq!(kept.len(), all + 2, "and the state and the description");
        assert!(
            values
                .keys()
                .all(|property| kept.contains(&tree.value(property, "").topic))
        );
    }

    #[test]
    fn requests_go_through_the_one_door() {
        let (tree, controls) = (tree(), Controls::default());
        let topic = |thing: &str| format!("homie/5/{}/controls/{thing}/set", id("Küche_2"));
        let receive =
            |thing: &str, text: &str| tree.receive(&topic(thing), text.as_bytes(), &controls);
        let off = Command::Camera(command::Switch::Off);
        assert_eq!(receive("camera", "false"), Some(Ok(off)));
        assert_eq!(
            receive("sensitivity", "70"),
            Some(Ok(Command::Sensitivity(70)))
        );
        assert!(receive("sensitivity", "true").is_some_and(|received| received.is_err()));
        assert!(
            receive("theme", "mono").is_some_and(|received| received.is_err()),
            "no display"
        );
        assert_eq!(receive("oven", "on"), None);
        assert_eq!(
            tree.receive("homie/5/other/controls/camera/set", b"true", &controls),
            None
        );
    }
}

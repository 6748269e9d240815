//! Frames on a line: sizes, round trips, pieces, garbage, noise, and messages of later versions.

use moodring_link::{
    decoder::{DecodeError, Decoder},
    frame::{Frame, MAX_BODY_BYTES, MAX_FRAME_BYTES, encode},
    message::{
        Capabilities, Colour, Light, MAX_FACES, MAX_LABEL_BYTES, Refusal, ShownFace, ShownLook,
        ToHost, ToSatellite, Versions, label,
    },
    message_set::MessageSet,
};
use proptest::prelude::*;

/// The largest of each kind, in the order of their numbers. A new kind does not compile until it has its place here.
fn largest_to_satellite() -> Vec<ToSatellite> {
    let next = |message: &ToSatellite| match message {
        ToSatellite::Hello { .. } => Some(ToSatellite::Show(LARGE)),
        ToSatellite::Show(_) => Some(ToSatellite::Scene([LARGE; MAX_FACES].into())),
        ToSatellite::Scene(_) => Some(ToSatellite::Dim { percent: 255 }),
        ToSatellite::Dim { .. } => Some(ToSatellite::Sleep),
        ToSatellite::Sleep => Some(ToSatellite::Ping { number: u32::MAX }),
        ToSatellite::Ping { .. } => Some(ToSatellite::Fault { code: u16::MAX }),
        ToSatellite::Fault { .. } => None,
    };
    let hello = ToSatellite::Hello {
        versions: ANY,
        label: label(&"x".repeat(99)),
    };
    std::iter::successors(Some(hello), next).collect()
}

fn largest_to_host() -> Vec<ToHost> {
    let next = |message: &ToHost| match message {
        ToHost::Hello(_) => Some(ToHost::Pong {
            number: u32::MAX,
            broken: u16::MAX,
        }),
        ToHost::Pong { .. } => Some(ToHost::Refused(Refusal::Malformed(u32::MAX))),
        ToHost::Refused(_) => Some(ToHost::Fault { code: u16::MAX }),
        ToHost::Fault { .. } => None,
    };
    let hello = ToHost::Hello(Capabilities {
        versions: ANY,
        firmware: [255; 3],
        width_px: u16::MAX,
        height_px: u16::MAX,
        colour: Colour::Rgb565,
        light: Light::Dimmed,
        faces: 255,
    });
    std::iter::successors(Some(hello), next).collect()
}

const ANY: Versions = Versions {
    oldest: 255,
    newest: 255,
};
const LARGE: ShownFace = ShownFace {
    shown: ShownLook::Starting,
    confidence: 255,
    roll_deg: -128,
};

/// All that a decoder makes of these bytes.
fn decode_all<M: MessageSet>(bytes: &[u8]) -> Vec<Result<M, DecodeError>> {
    let mut decoder = Decoder::new();
    let results = bytes.iter().filter_map(|byte| decoder.push(*byte));
    results.collect()
}

/// A frame made by hand: what a host of the future might send.
fn frame_by_hand(content: &[u8]) -> Vec<u8> {
    let check = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(content);
    let whole = [content, &check.to_le_bytes()].concat();
    let mut frame = vec![0; whole.len() + 2];
    let used = cobs::encode(&whole, &mut frame);
    frame.truncate(used + 1);
    frame
}

fn fits<M: MessageSet + std::fmt::Debug + PartialEq>(all: &[M]) {
    for (number, message) in all.iter().enumerate() {
        let mut room = [0; 256];
        let body = postcard::to_slice(message, &mut room).expect("it is small");
        assert!(body.len() <= MAX_BODY_BYTES, "{message:?}");
        assert_eq!(usize::from(body[0]), number, "{message:?}");
        let frame = encode(message);
        assert!(frame.len() <= MAX_FRAME_BYTES && frame.len() > body.len() + 5);
        assert_eq!(decode_all::<M>(&frame).len(), 1, "{message:?}");
        assert_eq!(decode_all::<M>(&frame)[0].as_ref(), Ok(message));
    }
    assert_eq!(all.len(), M::KINDS as usize);
}

#[test]
fn the_largest_of_every_message_fits_the_pipe_and_comes_back() {
    fits(&largest_to_satellite());
    fits(&largest_to_host());
}

/// The interface itself: firmware that is soldered in somewhere reads exactly this.
#[test]
fn the_bytes_of_version_1_never_change() {
    let hex = |frame: Frame| {
        let bytes = frame.iter().map(|byte| format!("{byte:02x}"));
        bytes.collect::<String>()
    };
    let happy = ShownFace {
        shown: ShownLook::Happy,
        confidence: 230,
        roll_deg: -7,
    };
    assert_eq!(
        hex(encode(&ToSatellite::Show(happy))),
        "0a010103e6f94319fd8d00"
    );
    let hello = ToSatellite::Hello {
        versions: Versions {
            oldest: 1,
            newest: 1,
        },
        label: label("hall"),
    };
    assert_eq!(hex(encode(&hello)), "02010c01010468616c6c1f09125300");
    let pong = ToHost::Pong {
        number: 300,
        broken: 2,
    };
    assert_eq!(hex(encode(&pong)), "0a8101ac0202f0ae42fe00");
}

#[test]
fn the_checksum_is_the_one_of_zip() {
    // The check value of CRC-32/ISO-HDLC in the catalogue of CRCs: of "123456789".
    let check = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(b"123456789");
    assert_eq!(check, 0xcbf4_3926);
    assert_eq!(
        frame_by_hand(&[1, 4]),
        encode(&ToSatellite::Sleep).as_slice()
    );
}

#[test]
fn each_kind_of_unknown_message_has_its_refusal() {
    let decode = |content: &[u8]| decode_all::<ToSatellite>(&frame_by_hand(content));
    let refused = |refusal| vec![Err(DecodeError::Refused(refusal))];
    assert_eq!(decode(&[2, 0, 1, 2, 3]), refused(Refusal::Version(2)));
    assert_eq!(decode(&[0, 4]), refused(Refusal::Version(0)));
    assert_eq!(decode(&[1, 7]), refused(Refusal::Unknown(7)));
    assert_eq!(decode(&[1, 0xac, 0x02, 9]), refused(Refusal::Unknown(300)));
    assert_eq!(
        decode(&[1]),
        refused(Refusal::Unknown(u32::MAX)),
        "no number"
    );
    assert_eq!(decode(&[1, 0x80]), refused(Refusal::Unknown(u32::MAX)));
    assert_eq!(decode(&[1, 3]), refused(Refusal::Malformed(3)), "too short");
    assert_eq!(
        decode(&[1, 4, 0]),
        refused(Refusal::Malformed(4)),
        "too long"
    );
    let no_such_face = [1, 1, ShownLook::ALL.len() as u8, 0, 0];
    assert_eq!(decode(&no_such_face), refused(Refusal::Malformed(1)));
    let crowd = [&[1, 2, MAX_FACES as u8 + 1][..], &[0; 27]].concat();
    assert_eq!(decode(&crowd), refused(Refusal::Malformed(2)));
    let bad_letters = [1, 0, 1, 1, 2, 0xff, 0xfe];
    assert_eq!(decode(&bad_letters), refused(Refusal::Malformed(0)));
}

#[test]
fn an_echo_is_neither_obeyed_nor_answered() {
    let pong = encode(&ToHost::Fault { code: 0 });
    assert_eq!(decode_all::<ToSatellite>(&pong), [Err(DecodeError::Echo)]);
    let sleep = encode(&ToSatellite::Sleep);
    assert_eq!(decode_all::<ToHost>(&sleep), [Err(DecodeError::Echo)]);
    assert_eq!(
        decode_all::<ToHost>(&frame_by_hand(&[0x82, 0])),
        [Err(DecodeError::Refused(Refusal::Version(2)))]
    );
}

#[test]
fn an_endless_line_is_one_error_and_the_next_frame_is_read() {
    let mut bytes = vec![0x55; 10_000];
    bytes.push(0);
    bytes.extend(encode(&ToSatellite::Sleep));
    assert_eq!(
        decode_all(&bytes),
        [Err(DecodeError::Broken), Ok(ToSatellite::Sleep)]
    );
}

#[test]
fn zeros_between_frames_mean_nothing() {
    assert!(decode_all::<ToHost>(&[0; 100]).is_empty());
}

#[test]
fn labels_are_cut_between_letters() {
    assert_eq!(label("hall").as_str(), "hall");
    let long = label("ééééééééééééééééé");
    assert_eq!(long.as_str(), "éééééééééééé");
    assert!(long.len() <= MAX_LABEL_BYTES);
    assert_eq!(label("xéééééééééééééé").as_str(), "xééééééééééé");
}

fn look() -> impl Strategy<Value = ShownFace> {
    let shown = proptest::sample::select(&ShownLook::ALL[..]);
    (shown, any::<u8>(), any::<i8>()).prop_map(|(shown, confidence, roll_deg)| ShownFace {
        shown,
        confidence,
        roll_deg,
    })
}

fn to_satellite() -> impl Strategy<Value = ToSatellite> {
    let versions = (any::<u8>(), any::<u8>());
    let versions = versions.prop_map(|(oldest, newest)| Versions { oldest, newest });
    prop_oneof![
        (versions, any::<String>()).prop_map(|(versions, text)| ToSatellite::Hello {
            versions,
            label: label(&text),
        }),
        look().prop_map(ToSatellite::Show),
        prop::collection::vec(look(), 0..=MAX_FACES)
            .prop_map(|looks| ToSatellite::Scene(looks.into_iter().collect())),
        any::<u8>().prop_map(|percent| ToSatellite::Dim { percent }),
        Just(ToSatellite::Sleep),
        any::<u32>().prop_map(|number| ToSatellite::Ping { number }),
        any::<u16>().prop_map(|code| ToSatellite::Fault { code }),
    ]
}

/// Bytes without a frame's end.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1_u8.., 0..150)
}

proptest! {
    #[test]
    fn messages_come_through_in_order_whatever_lies_between(
        pieces in prop::collection::vec((garbage(), to_satellite()), 1..6)
    ) {
        let mut line = Vec::new();
        for (garbage, message) in &pieces {
            line.extend(garbage);
            line.push(0);
            line.extend(encode(message));
        }
        let mut results = decode_all::<ToSatellite>(&line).into_iter();
        for (garbage, message) in &pieces {
            if !garbage.is_empty() {
                let trouble = results.next();
                prop_assert!(matches!(trouble, Some(Err(_))), "{trouble:?}");
            }
            prop_assert_eq!(results.next(), Some(Ok(message.clone())));
        }
        prop_assert_eq!(results.next(), None);
    }

    #[test]
    fn a_changed_byte_never_passes_for_another_message(
        message in to_satellite(), place in any::<prop::sample::Index>(), change in 1_u8..
    ) {
        let mut frame = encode(&message).to_vec();
        let place = place.index(frame.len() - 1);
        frame[place] ^= change;
        frame.push(0);
        for result in decode_all::<ToSatellite>(&frame) {
            prop_assert!(result.is_err(), "{result:?}");
        }
    }

    #[test]
    fn any_bytes_are_survived_and_the_next_frame_is_read(
        bytes in prop::collection::vec(any::<u8>(), 0..300), message in to_satellite()
    ) {
        let line = [&bytes[..], &[0], &encode(&message)].concat();
        prop_assert_eq!(decode_all::<ToSatellite>(&line).pop(), Some(Ok(message.clone())));
        prop_assert!(!decode_all::<ToHost>(&line).is_empty());
    }

    /// With a right checksum, so that what is read behind it meets nonsense too.
    #[test]
    fn any_content_is_survived(content in prop::collection::vec(any::<u8>(), 1..50)) {
        let results = decode_all::<ToSatellite>(&frame_by_hand(&content));
        prop_assert_eq!(results.len(), 1);
        if let Ok(message) = &results[0] {
            prop_assert_eq!(&decode_all::<ToSatellite>(&encode(message)), &results);
        }
        prop_assert_eq!(decode_all::<ToHost>(&frame_by_hand(&content)).len(), 1);
    }
}

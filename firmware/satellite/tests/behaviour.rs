//! A satellite at the end of a line: what it shows, answers and survives. The test plays the host.

use moodring_core::frame::Millis;
use moodring_link::{
    decoder::Decoder,
    frame::encode,
    message::{Refusal, ShownFace, ShownLook, ToHost, ToSatellite, Versions, label},
};
use moodring_satellite::{
    band::Band,
    panel::Panel,
    picture::BandedPicture,
    satellite::{ASLEEP_PERCENT, SILENCE_MS, Satellite},
    sent_bands::SentBands,
};
use proptest::prelude::*;

const PANEL: Panel = Panel {
    width_px: 60,
    height_px: 48,
    ..Panel::ST7789_SQUARE
};
const HAPPY: ToSatellite = ToSatellite::Show(ShownFace::plain(ShownLook::Happy));

/// A satellite and the time on its board.
struct Board {
    satellite: Satellite,
    now: Millis,
    /// What the display shows.
    shown: Vec<u8>,
}

impl Board {
    fn new() -> Self {
        let now = Millis(1_000);
        Self {
            satellite: Satellite::new(PANEL, now),
            now,
            shown: Vec::new(),
        }
    }

    fn wait(&mut self, ms: u64) -> &mut Self {
        self.now = Millis(self.now.0 + ms);
        self
    }

    fn send(&mut self, message: &ToSatellite) -> Vec<ToHost> {
        self.receive(&encode(message))
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<ToHost> {
        self.satellite.receive(bytes, self.now);
        self.replies()
    }

    fn replies(&mut self) -> Vec<ToHost> {
        let mut decoder = Decoder::new();
        std::iter::from_fn(|| self.satellite.reply())
            .flat_map(|frame| frame.into_iter())
            .filter_map(|byte| decoder.push(byte))
            .map(|message| message.expect("a satellite sends whole messages"))
            .collect()
    }

    /// What it gives out after so many milliseconds.
    fn picture(&mut self, after_ms: u64) -> Option<BandedPicture> {
        self.wait(after_ms);
        self.satellite.picture(self.now)
    }

    /// The picture after all animation is over, but for breath.
    fn rests_at(&mut self) -> Vec<u8> {
        self.wait(2_000);
        // The same moment of a sleeper's breath (8.4 s, in steps of 0.25 s) each time, else no two pictures are alike.
        self.now = Millis(self.now.0.next_multiple_of(42_000));
        self.send(&ToSatellite::Ping { number: 0 });
        if let Some(picture) = self.picture(0) {
            self.shown = pixels(&picture);
        }
        self.shown.clone()
    }

    fn light(&self) -> u8 {
        self.satellite.light_percent(self.now)
    }
}

/// A frame of any content.
fn by_hand(content: &[u8]) -> Vec<u8> {
    let check = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(content);
    let mut frame = vec![0; 64];
    let used = cobs::encode(&[content, &check.to_le_bytes()].concat(), &mut frame);
    frame.truncate(used + 1);
    frame
}

fn pixels(picture: &BandedPicture) -> Vec<u8> {
    in_bands(picture, 48)
}

fn in_bands(picture: &BandedPicture, rows: usize) -> Vec<u8> {
    let mut screen = Screen::new();
    picture.bands(&mut vec![0xaa; rows * 60 * 2], |band| screen.show(band));
    assert!(
        screen.shown.iter().all(|times| *times == 1),
        "each pixel once"
    );
    screen.bytes
}

/// A display of 60x48 pixels.
struct Screen {
    bytes: Vec<u8>,
    /// How often each pixel was sent.
    shown: Vec<u32>,
}

impl Screen {
    fn new() -> Self {
        Self {
            bytes: vec![0x55; 60 * 48 * 2],
            shown: vec![0; 60 * 48],
        }
    }

    fn show(&mut self, band: &Band<'_>) {
        let places = band
            .rows()
            .flat_map(|y| band.columns().map(move |x| (x, y)));
        for ((x, y), pixel) in places.zip(band.bytes().chunks(2)) {
            let place = usize::from(y) * 60 + usize::from(x);
            self.bytes[2 * place..][..2].copy_from_slice(pixel);
            self.shown[place] += 1;
        }
    }
}

#[test]
fn shows_what_the_host_sent() {
    let mut board = Board::new();
    board.send(&ToSatellite::Show(ShownFace::plain(ShownLook::Nobody)));
    let asleep = board.rests_at();
    assert_eq!(asleep.len(), 60 * 48 * 2);
    let mut seen = vec![asleep.clone()];
    for shown in &ShownLook::ALL[..8] {
        assert_eq!(board.send(&ToSatellite::Show(ShownFace::plain(*shown))), []);
        let picture = board.rests_at();
        assert!(!seen.contains(&picture), "{shown:?}");
        seen.push(picture);
    }
    board.send(&ToSatellite::Show(ShownFace::plain(ShownLook::Nobody)));
    assert!(board.rests_at() == asleep);
}

#[test]
fn a_scene_shows_everybody_and_an_empty_one_nobody() {
    let mut board = Board::new();
    board.send(&ToSatellite::Scene([].into_iter().collect()));
    let asleep = board.rests_at();
    let (sad, happy) = (
        ShownFace::plain(ShownLook::Sad),
        ShownFace::plain(ShownLook::Happy),
    );
    let mut seen = vec![asleep.clone()];
    for scene in [&[sad][..], &[sad, happy], &[sad, sad], &[sad; 8]] {
        board.send(&ToSatellite::Scene(scene.iter().copied().collect()));
        let picture = board.rests_at();
        assert!(!seen.contains(&picture), "{scene:?}");
        seen.push(picture);
    }
    board.send(&ToSatellite::Show(sad));
    assert!(board.rests_at() == seen[1], "one again");
    board.send(&ToSatellite::Scene([].into_iter().collect()));
    assert!(board.rests_at() == asleep);
}

#[test]
fn a_fault_is_shown_with_its_code() {
    let mut board = Board::new();
    board.send(&HAPPY);
    let happy = board.rests_at();
    board.send(&ToSatellite::Fault { code: 7 });
    let seven = board.rests_at();
    board.send(&ToSatellite::Fault { code: 12 });
    let twelve = board.rests_at();
    assert!(happy != seven && happy != twelve);
    board.send(&HAPPY);
    assert!(board.rests_at() == happy);
}

#[test]
fn a_label_stands_with_the_face_until_another_comes() {
    let mut board = Board::new();
    let hello = |text| ToSatellite::Hello {
        versions: Versions {
            oldest: 1,
            newest: 1,
        },
        label: label(text),
    };
    let plain = board.rests_at();
    board.send(&hello("hall"));
    assert!(board.rests_at() != plain);
    board.send(&hello(""));
    assert!(board.rests_at() == plain);
}

#[test]
fn answers_with_its_versions_and_its_display() {
    let versions = Versions {
        oldest: 1,
        newest: 9,
    };
    let label = label("hall");
    let answers = Board::new().send(&ToSatellite::Hello { versions, label });
    let [ToHost::Hello(me)] = answers[..] else {
        panic!("{answers:?}")
    };
    assert_eq!((me.width_px, me.height_px), (60, 48));
    assert_eq!((me.versions.oldest, me.versions.newest), (1, 1));
}

#[test]
fn what_it_does_not_understand_is_answered_and_it_goes_on() {
    let mut board = Board::new();
    let refused = |refusal| vec![ToHost::Refused(refusal)];
    assert_eq!(
        board.receive(&by_hand(&[2, 0, 7])),
        refused(Refusal::Version(2))
    );
    assert_eq!(
        board.receive(&by_hand(&[1, 99])),
        refused(Refusal::Unknown(99))
    );
    assert_eq!(
        board.receive(&by_hand(&[1, 1, 77, 0, 0])),
        refused(Refusal::Malformed(1))
    );
    let ping = ToSatellite::Ping { number: 5 };
    let pong = ToHost::Pong {
        number: 5,
        broken: 0,
    };
    assert_eq!(board.send(&ping), [pong]);
}

#[test]
fn noise_is_counted_and_not_answered() {
    let mut board = Board::new();
    assert_eq!(board.receive(b"AT+GMI\r\n\0\0more\0"), []);
    let pong = ToHost::Pong {
        number: 1,
        broken: 2,
    };
    assert_eq!(board.send(&ToSatellite::Ping { number: 1 }), [pong]);
}

#[test]
fn falls_asleep_without_messages_and_wakes_up_again() {
    let mut board = Board::new();
    board.send(&ToSatellite::Show(ShownFace::plain(ShownLook::Nobody)));
    let asleep = board.rests_at();
    board.send(&HAPPY);
    let happy = board.rests_at();
    assert_eq!(board.light(), 100);
    board.send(&ToSatellite::Ping { number: 1 });
    board.wait(SILENCE_MS - 1);
    board.picture(0);
    assert_eq!(board.light(), 100);
    // One's own echo is no company, and neither is a host of the future.
    board.receive(&encode(&ToHost::Fault { code: 0 }));
    board.receive(&by_hand(&[2, 3, 50]));
    board.wait(1);
    assert_eq!(board.light(), ASLEEP_PERCENT);
    board.picture(50); // its eyes begin to close
    assert!(board.picture(150).is_some());
    assert!(board.rests_at() == asleep);
    board.send(&HAPPY);
    assert!(board.rests_at() == happy);
    assert_eq!(board.light(), 100);
}

#[test]
fn the_light_is_the_hosts_and_sleep_is_dark() {
    let mut board = Board::new();
    assert_eq!(board.light(), 0, "nothing is drawn yet");
    board.rests_at();
    assert_eq!(board.light(), 100);
    board.send(&ToSatellite::Dim { percent: 30 });
    assert_eq!(board.light(), 30);
    board.send(&ToSatellite::Dim { percent: 255 });
    assert_eq!(board.light(), 100);
    board.send(&ToSatellite::Sleep);
    assert_eq!(board.light(), 0);
    assert!(board.picture(500).is_none());
    board.wait(2 * SILENCE_MS);
    assert_eq!(board.light(), 0, "silence does not light it up");
    board.send(&HAPPY);
    assert_eq!(board.light(), 0, "not before the old picture is gone");
    assert!(board.picture(0).is_some());
    assert_eq!(board.light(), 100);
}

#[test]
fn draws_no_faster_than_its_panel_and_nothing_twice() {
    let mut board = Board::new();
    assert!(board.picture(0).is_some());
    assert!(board.picture(0).is_none());
    board.send(&HAPPY);
    assert!(board.picture(49).is_none());
    assert!(board.picture(1).is_some());
}

#[test]
fn a_blink_sends_the_eyes_and_little_else() {
    let mut board = Board::new();
    board.send(&ToSatellite::Show(ShownFace::plain(ShownLook::Neutral)));
    board.rests_at();
    let (mut screen, mut shown) = (Screen::new(), SentBands::default());
    let mut buffer = [0; 4 * 60 * 2];
    let mut sent = Vec::new();
    for _ in 0..100 {
        board.send(&ToSatellite::Ping { number: 0 });
        if let Some(picture) = board.picture(50) {
            screen.shown.fill(0);
            picture.changed_bands(&mut shown, &mut buffer, |band| screen.show(band));
            sent.push(screen.shown.iter().sum::<u32>());
        }
    }
    assert_eq!(sent[0], 60 * 48, "the first picture is whole");
    assert!(sent.len() > 3, "a blink and a breath: {sent:?}");
    assert!(
        sent[1..].iter().all(|pixels| *pixels <= 60 * 24),
        "{sent:?}"
    );
}

#[test]
fn a_host_that_asks_without_listening_does_no_harm() {
    let mut board = Board::new();
    for number in 0..1_000 {
        let ping = encode(&ToSatellite::Ping { number });
        board.satellite.receive(&ping, board.now);
    }
    assert_eq!(board.replies().len(), 4);
    board.satellite.fault(3);
    assert_eq!(board.replies(), [ToHost::Fault { code: 3 }]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn bands_of_any_height_make_the_same_picture(
        shown in 0..11_usize, roll_deg in -90..=90_i8, rows in 1..60_usize, count in 1..4_usize
    ) {
        let mut board = Board::new();
        let look = ShownFace { shown: ShownLook::ALL[shown], confidence: 200, roll_deg };
        board.send(&ToSatellite::Scene([look; 4].into_iter().take(count).collect()));
        let picture = board.picture(137).expect("there is one");
        prop_assert!(in_bands(&picture, rows) == pixels(&picture));
    }

    /// Band by band, what a display keeps and what is sent anew is always the whole picture.
    #[test]
    fn a_display_that_gets_only_changes_shows_every_picture(
        scenes in prop::collection::vec((prop::collection::vec((0..11_usize, -60..=60_i8), 0..4), 1..900_u64), 1..8),
        rows in 1..60_usize, label_from in 0..8_usize,
    ) {
        let mut board = Board::new();
        let (mut screen, mut shown) = (Screen::new(), SentBands::default());
        let mut buffer = vec![0xaa; rows * 60 * 2];
        for (number, (faces, wait_ms)) in scenes.into_iter().enumerate() {
            if number == label_from {
                let versions = Versions { oldest: 1, newest: 1 };
                board.send(&ToSatellite::Hello { versions, label: label("hall") });
            }
            let face = |(shown, roll_deg): &(usize, i8)| ShownFace {
                shown: ShownLook::ALL[*shown], confidence: 200, roll_deg: *roll_deg,
            };
            board.send(&ToSatellite::Scene(faces.iter().map(face).collect()));
            if let Some(picture) = board.picture(wait_ms) {
                picture.changed_bands(&mut shown, &mut buffer, |band| screen.show(band));
                prop_assert!(screen.bytes == pixels(&picture), "picture {number}");
            }
        }
    }

    #[test]
    fn pieces_and_noise_change_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 1..70_usize
    ) {
        let (mut whole, mut parts) = (Board::new(), Board::new());
        let line = [&bytes[..], &[0], &encode(&HAPPY), &encode(&ToSatellite::Ping { number: 9 })].concat();
        let answers = whole.receive(&line);
        let in_parts: Vec<_> = line.chunks(cut).flat_map(|part| parts.receive(part)).collect();
let has_pong = matches!(answers[..], [ToHost::Pong { number: 9, .. }]);
        prop_assert!(has_pong, "{answers:?}");
        prop_assert_eq!(answers, in_parts);
        prop_assert!(whole.rests_at() == parts.rests_at());
    }
}

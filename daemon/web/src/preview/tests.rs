//! The preview from inside: who may watch, what it costs while nobody does, and what each mode does to a face.

use std::time::Duration;

use image::{Rgb, RgbImage, Rgba, RgbaImage};
use moodring_base::snapshot::{CameraState, Person, Snapshot};
use moodring_camera::latest::LentPicture;
use moodring_core::{
    detect::Face,
    expression::{Expression, Scores},
    frame::{Frame, PixelFormat},
    geometry::{Point, Rect},
    mood::{FaceMood, Mood, MoodState},
    track::TrackId,
};

use super::{handoff::SeenFrame, *};

const LIMIT: Duration = Duration::from_secs(60);
const SIZE: (u32, u32) = (160, 120);

fn settings(change: impl FnOnce(&mut PreviewSettings)) -> Settings {
    let mut settings = Settings::default();
    settings.preview.rate = 30.0;
    change(&mut settings.preview);
    settings
}

fn preview(settings: &Settings) -> Preview {
    Preview::new(&settings.preview, Clock::start())
}

fn open(settings: &mut PreviewSettings) {
    settings.allowed = true;
}

/// A grey picture of stripes: every change of it shows.
fn stripes() -> Vec<u8> {
    let pixels = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y)));
    pixels
        .map(|(x, y)| ((x / 2 + y / 2) % 2 * 110 + 70) as u8)
        .collect()
}

/// A face of 48 pixels around the middle; the head leans by so many degrees, clockwise.
fn face(roll_deg: f32) -> Face {
    let (sine, cosine) = roll_deg.to_radians().sin_cos();
    let turned =
        |x: f32, y: f32| Point::new(80.0 + x * cosine - y * sine, 60.0 + x * sine + y * cosine);
    let places = [
        (-9.0, -5.0),
        (9.0, -5.0),
        (0.0, 3.0),
        (-8.0, 12.0),
        (8.0, 12.0),
    ];
    Face {
        rect: Rect::new(56.0, 36.0, 48.0, 48.0),
        landmarks: places.map(|(x, y)| turned(x, y)),
        score: 0.9,
    }
}

/// One person who smiles.
fn snapshot() -> Snapshot {
    let mut scores = [0.02; Expression::COUNT];
    scores[Expression::Happy.index()] = 0.88;
    let mut snapshot = Snapshot {
        mood: MoodState::new(Mood::Showing(Expression::Happy), 0.9, TrackId(1), Millis(0)),
        camera: CameraState::Running,
        people_count: 1,
        ..Snapshot::default()
    };
    let mood = FaceMood::showing(Expression::Happy, 0.88);
    let person = Person::new(TrackId(1), face(0.0), Scores(scores), mood);
    snapshot.people.push(person).unwrap();
    snapshot
}

/// A running preview that gets the stripes until `end` has what it waits for.
fn feed<T>(preview: &Preview, settings: &Settings, end: impl AsyncFnOnce() -> T) -> T {
    let renderer = preview
        .spawn(settings, &Supervisor::new().0, Shutdown::default())
        .unwrap()
        .unwrap();
    let tap = preview.tap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (pixels, snapshot) = (stripes(), snapshot());
    let got = runtime.block_on(async {
        let end = tokio::time::timeout(LIMIT, end());
        tokio::pin!(end);
        loop {
            let frame = Frame::packed(&pixels, PixelFormat::Grey, SIZE, Millis(5)).unwrap();
            tap.offer(&LentPicture::Frame(frame), &snapshot);
            tokio::select! {
                got = &mut end => break got.expect("in time"),
                () = tokio::time::sleep(Duration::from_millis(2)) => {}
            }
        }
    });
    drop(tap);
    renderer.join().unwrap();
    got
}

fn decoded(jpeg: &Jpeg) -> RgbImage {
    image::load_from_memory(jpeg).unwrap().to_rgb8()
}

#[test]
fn nobody_watches_what_the_settings_forbid_or_nobody_switched_on() {
    let closed = preview(&settings(|_| {}));
    assert!(!closed.switch(true) && closed.until().is_none());
    assert_eq!(
        closed.watch(Mode::Emoji).err(),
        Some(PreviewError::Forbidden)
    );
    assert_eq!(closed.still().err(), Some(PreviewError::NoPictures));
    assert!(
        closed
            .spawn(&settings(|_| {}), &Supervisor::new().0, Shutdown::default())
            .unwrap()
            .is_none(),
        "not even a thread"
    );

    let opened = preview(&settings(open));
    assert_eq!(opened.watch(Mode::Emoji).err(), Some(PreviewError::Off));
    assert_eq!(opened.still().err(), Some(PreviewError::NoPictures));
    assert!(opened.switch(true) && opened.watch(Mode::Heat).is_ok());
    assert!(!opened.switch(false));
    assert_eq!(opened.watch(Mode::Heat).err(), Some(PreviewError::Off));
}

#[test]
fn permits_are_counted_and_come_free() {
    let preview = preview(&settings(|s| (s.allowed, s.streams) = (true, 2)));
    preview.switch(true);
    let first = preview.watch(Mode::Emoji).unwrap();
    let _second = preview.watch(Mode::Blur).unwrap();
    assert_eq!(preview.watch(Mode::Heat).err(), Some(PreviewError::Full(2)));
    drop(first);
    assert!(preview.watch(Mode::Heat).is_ok());
}

#[test]
fn while_nobody_watches_no_frame_is_copied() {
    let preview = preview(&settings(open));
    let (tap, pixels) = (preview.tap(), stripes());
    let frame = Frame::packed(&pixels, PixelFormat::Grey, SIZE, Millis(5)).unwrap();
    preview.switch(true);
    tap.offer(&LentPicture::Frame(frame), &snapshot());
    let mut seen_frame = SeenFrame::default();
    assert!(!preview.0.is_wanted());
    assert!(
        !preview.0.handoff.take(&mut seen_frame, Duration::ZERO),
        "nothing was handed over"
    );
    let viewer = preview.watch(Mode::Boxes).unwrap();
    assert!(preview.0.is_wanted() && preview.0.is_watched(Mode::Boxes));
    assert!(!preview.0.is_watched(Mode::Emoji));
    drop(viewer);
    assert!(!preview.0.is_wanted());
}

#[test]
fn every_mode_marks_the_face_and_leaves_the_rest() {
    for mode in Mode::ALL {
        let settings = settings(open);
        let preview = preview(&settings);
        preview.switch(true);
        let mut viewer = preview.watch(mode).unwrap();
        let jpeg = feed(&preview, &settings, async || viewer.next().await.unwrap());
        let picture = decoded(&jpeg);
        assert_eq!(picture.dimensions(), SIZE, "{mode:?}");
        let (pixels, at) = (stripes(), |x: u32, y: u32| (y * SIZE.0 + x) as usize);
        let off = |x: u32, y: u32| {
            let [r, g, b] = picture.get_pixel(x, y).0.map(i32::from);
            (r - i32::from(pixels[at(x, y)])).abs() + (r - g).abs() + (g - b).abs()
        };
        let changed = |xs: std::ops::Range<u32>| {
            let all = xs.flat_map(|x| (40..80).map(move |y| (x, y)));
            all.filter(|(x, y)| off(*x, *y) > 42).count()
        };
        let (inside, outside) = (changed(58..102), changed(0..30));
        assert!(inside > 30, "{mode:?}: {inside} pixels of the face");
        assert_eq!(outside, 0, "{mode:?}");
    }
}

#[test]
fn off_is_over_for_everybody_and_leaves_nothing_behind() {
    let settings = settings(open);
    let preview = preview(&settings);
    preview.switch(true);
    let mut viewer = preview.watch(Mode::Boxes).unwrap();
    let (seen, over) = feed(&preview, &settings, async || {
        let seen = viewer.next().await.is_some();
        preview.switch(false);
        (seen, viewer.next().await.is_none())
    });
    assert!(seen && over);
    assert!(preview.0.pictures.iter().all(|p| p.borrow().is_none()));
}

#[test]
fn its_time_is_over_by_itself() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let preview = preview(&settings(|s| (s.allowed, s.limit_s) = (true, 90)));
    preview.switch_at(true, Millis(500));
    assert_eq!(preview.until(), Some(Millis(90_500)));
    runtime.block_on(async {
        tokio::select! {
            () = preview.expired() => panic!("too early"),
            () = tokio::task::yield_now() => {}
        }
        preview.0.until.send_replace(Some(Millis(0)));
        tokio::time::timeout(LIMIT, preview.expired())
            .await
            .unwrap();
    });
}

#[test]
fn a_single_picture_has_no_marks() {
    let settings = settings(|s| s.pictures = true);
    let preview = preview(&settings);
    let still = preview.still().unwrap();
    let jpeg = feed(&preview, &settings, async || still.await.unwrap());
    let picture = decoded(&jpeg);
    let pixels = stripes();
    let off = picture
        .pixels()
        .zip(&pixels)
        .map(|(Rgb([r, ..]), p)| r.abs_diff(*p))
        .max();
    assert!(off < Some(40), "{off:?}");
    assert_eq!(
        preview.watch(Mode::Emoji).err(),
        Some(PreviewError::Forbidden)
    );
}

#[test]
fn no_mark_hangs_where_a_face_was() {
    for mode in [Mode::Emoji, Mode::Boxes, Mode::Heat] {
        let settings = settings(open);
        let preview = preview(&settings);
        preview.switch(true);
        let renderer = || renderer::Renderer::new(Arc::clone(&preview.0), &settings);
        let pixels = stripes();
        let frame = Frame::packed(&pixels, PixelFormat::Grey, SIZE, Millis(5)).unwrap();
        let drawn = |people: &Snapshot| decoded(&renderer().draw_alone(mode, &frame, people));
        let at = |time| Snapshot {
            time: Millis(time),
            ..snapshot()
        };
        let empty = drawn(&Snapshot::default());
        assert_ne!(drawn(&at(0)), empty, "{mode:?} marks who is there");
        assert_ne!(drawn(&at(100)), empty, "{mode:?} does not blink");
        assert_eq!(drawn(&at(300)), empty, "{mode:?} after a cut");
    }
}

#[test]
fn an_emoji_turns_with_the_head_and_is_as_large() {
    // Left half red, right half blue.
    let sticker = RgbaImage::from_fn(96, 96, |x, _| match x < 48 {
        true => Rgba([255, 0, 0, 255]),
        false => Rgba([0, 0, 255, 255]),
    });
    let drawn = |roll_deg: f32| {
        let mut picture = RgbImage::new(SIZE.0, SIZE.1);
        overlays::emoji(&mut picture, &face(0.0), roll_deg, &sticker);
        picture
    };
    let (red, blue, none) = (Rgb([255, 0, 0]), Rgb([0, 0, 255]), Rgb([0, 0, 0]));
    let upright = drawn(0.0);
    assert_eq!(
        (upright.get_pixel(60, 60), upright.get_pixel(100, 60)),
        (&red, &blue)
    );
    // 1.25 times 48 pixels around (80, 60).
    assert_eq!(
        (upright.get_pixel(51, 60), upright.get_pixel(48, 60)),
        (&red, &none)
    );
    // A quarter clockwise: what was left is above.
    let leaning = drawn(90.0);
    assert_eq!(
        (leaning.get_pixel(80, 40), leaning.get_pixel(80, 80)),
        (&red, &blue)
    );
}

#[test]
fn a_blurred_face_has_no_detail_and_a_face_at_the_edge_is_no_trouble() {
    let pixels = stripes();
    let mut picture = RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| {
        Rgb([pixels[(y * SIZE.0 + x) as usize]; 3])
    });
    overlays::blur(&mut picture, &face(0.0));
    let values: Vec<u8> = (60..100).map(|x| picture.get_pixel(x, 60)[0]).collect();
    let spread = values.iter().max().unwrap() - values.iter().min().unwrap();
    assert!(spread < 20, "stripes of 90 became {spread}");
    for (x, y) in [
        (-30.0, -30.0),
        (150.0, 110.0),
        (-500.0, 60.0),
        (900.0, 900.0),
    ] {
        let mut far = face(0.0);
        (far.rect.x, far.rect.y) = (x, y);
        overlays::blur(&mut picture, &far);
        overlays::boxes(&mut picture, &far, "happy 88%");
        overlays::emoji(&mut picture, &far, 0.0, &RgbaImage::new(9, 9));
    }
}

#[test]
fn a_large_frame_is_shrunk_and_faces_with_it() {
    let pixels = vec![77; 2_000 * 500];
    let frame = Frame::packed(&pixels, PixelFormat::Grey, (2_000, 500), Millis(0)).unwrap();
    let jpeg_frame = jpeg_frame::JpegFrame::preview(&frame);
    assert_eq!(jpeg_frame.rgb.dimensions(), (666, 166));
    assert_eq!(jpeg_frame.rgb.get_pixel(9, 9), &Rgb([77; 3]));
    let placed = jpeg_frame.place(&face(0.0)).rect;
    assert!(
        (placed.x - 56.0 / 3.0).abs() < 0.001 && placed.w == 16.0,
        "{placed:?}"
    );
    assert_eq!(
        jpeg_frame::JpegFrame::still(&frame).rgb.dimensions(),
        (2_000, 500)
    );
}

#[test]
fn names_lead_back_to_their_modes() {
    for mode in Mode::ALL {
        assert_eq!(Mode::from_name(mode.name()), Some(mode));
    }
    assert_eq!(Mode::from_name("plain"), None);
}

//! The overview, the means and the crops are those of the picture decoded whole, whatever its kind; broken ones are found out.
//!
//! The pictures in `tests/` show waves, a slope and edges, 93x61 pixels, in all kinds of sampling; `tests/pictures.py` wrote them.

use moodring_core::frame::PixelFormat;
use proptest::prelude::*;

use super::*;
use crate::jpeg::FrameDecoder;

const KINDS: [(&str, &[u8]); 10] = [
    ("4:4:4", include_bytes!("tests/444.jpg")),
    ("4:2:2", include_bytes!("tests/422.jpg")),
    ("4:2:0", include_bytes!("tests/420.jpg")),
    (
        "4:2:0 with restarts",
        include_bytes!("tests/420_restarts.jpg"),
    ),
    (
        "4:2:2, own tables",
        include_bytes!("tests/422_optimized.jpg"),
    ),
    ("grey", include_bytes!("tests/grey.jpg")),
    ("4:4:0", include_bytes!("tests/440.jpg")),
    ("4:1:1", include_bytes!("tests/411.jpg")),
    // Chroma has several blocks in a unit there.
    ("4:2:2 of ffmpeg", include_bytes!("tests/422_of_ffmpeg.jpg")),
    ("4:4:4 of ffmpeg", include_bytes!("tests/444_of_ffmpeg.jpg")),
];
const PROGRESSIVE: &[u8] = include_bytes!("tests/progressive.jpg");
const SIZE: (u32, u32) = (93, 61);

/// An overview of a quarter, of a half, and whole.
const LEAST: [(u32, (u32, u32)); 3] = [(4, (19, 19)), (2, (40, 40)), (1, (90, 90))];

fn needs(least_px: (u32, u32)) -> DecodeNeeds {
    DecodeNeeds {
        least_px,
        colour: true,
        is_resting: false,
    }
}

fn decoded(jpeg: &[u8], needs: DecodeNeeds) -> ScaledJpeg {
    let mut scaled = ScaledJpeg::default();
    scaled.decode(jpeg, &[], needs, Millis(7)).unwrap();
    scaled
}

/// The pixels of the whole picture, by the other decoder.
fn whole(jpeg: &[u8]) -> FrameDecoder {
    let mut decoder = FrameDecoder::new(true);
    assert_eq!(decoder.decode(jpeg), Ok(SIZE));
    decoder
}

fn frame_of(decoder: &FrameDecoder) -> Frame<'_> {
    Frame::packed(decoder.pixels(), PixelFormat::Rgb, SIZE, Millis(7)).unwrap()
}

/// The mean of a block of pixels, as far as the picture has it.
fn mean(frame: &Frame<'_>, (x, y): (u32, u32), side: u32) -> [f32; 3] {
    let xs = (x * side..(x + 1) * side).filter(|x| *x < SIZE.0);
    let places = xs.flat_map(|x| {
        (y * side..(y + 1) * side)
            .filter(|y| *y < SIZE.1)
            .map(move |y| (x, y))
    });
    let (mut sums, mut count) = ([0.0; 3], 0.0);
    for (x, y) in places {
        for (sum, value) in sums.iter_mut().zip(frame.rgb(x, y)) {
            *sum += f32::from(value);
        }
        count += 1.0;
    }
    sums.map(|sum| sum / count)
}

/// The mean difference of all channels of all pixels.
fn off(small: &Frame<'_>, whole: &Frame<'_>, divisor: u32) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0);
    for y in 0..small.height_px() {
        for x in 0..small.width_px() {
            let want = mean(whole, (x, y), divisor);
            for (got, want) in small.rgb(x, y).iter().zip(want) {
                sum += (f32::from(*got) - want).abs();
                count += 1.0;
            }
        }
    }
    sum / count
}

#[test]
fn the_overview_is_the_mean_of_the_whole_picture() {
    for (kind, jpeg) in KINDS {
        let decoder = whole(jpeg);
        for (divisor, least_px) in LEAST {
            let mut scaled = decoded(jpeg, needs(least_px));
            assert_eq!((scaled.size_px(), scaled.time()), (SIZE, Millis(7)));
            let overview = scaled.overview();
            let size = (overview.width_px(), overview.height_px());
            assert_eq!(
                size,
                (SIZE.0.div_ceil(divisor), SIZE.1.div_ceil(divisor)),
                "{kind}"
            );
            // What is left is the sharp edges' chroma, which lies at half the size, and their highest frequencies.
            let off = off(&overview, &frame_of(&decoder), divisor);
            // A sample of 4:1:1's chroma is for 16 pixels of the picture where a quarter is shown.
            let most = if kind == "4:1:1" { 6.0 } else { 4.0 };
            assert!(off < most, "{kind} / {divisor}: {off}");
        }
    }
}

#[test]
fn luma_of_the_overview_is_the_same_without_colours() {
    for (kind, jpeg) in KINDS {
        let decoder = whole(jpeg);
        for (divisor, least_px) in LEAST {
            let mut scaled = decoded(jpeg, needs(least_px));
            let grey = DecodeNeeds {
                colour: false,
                ..needs(least_px)
            };
            let mut without = decoded(jpeg, grey);
            assert_eq!(
                scaled.overview().format(),
                if kind == "grey" {
                    PixelFormat::Grey
                } else {
                    PixelFormat::Rgb
                }
            );
            let (overview, without) =
                (scaled.overview.luma(Millis(7)).unwrap(), without.overview());
            assert_eq!(without.format(), PixelFormat::Grey);
            let (mut sum, mut count) = (0.0, 0.0);
            for y in 0..overview.height_px() {
                for x in 0..overview.width_px() {
                    assert_eq!(overview.luma(x, y), without.luma(x, y));
                    let [r, g, b] = mean(&frame_of(&decoder), (x, y), divisor);
                    let want = 0.299 * r + 0.587 * g + 0.114 * b;
                    sum += (f32::from(overview.luma(x, y)) - want).abs();
                    count += 1.0;
                }
            }
            assert!(sum / count < 2.0, "{kind} / {divisor}: {}", sum / count);
        }
    }
}

#[test]
fn means_are_the_same_awake_and_at_rest_and_what_is_decoded_later_is_the_same() {
    for (kind, jpeg) in KINDS {
        for (_, least_px) in LEAST {
            let mut awake = decoded(jpeg, needs(least_px));
            let resting = DecodeNeeds {
                is_resting: true,
                ..needs(least_px)
            };
            let mut rested = decoded(jpeg, resting);
            let text = |frame: Frame<'_>| format!("{frame:?}");
            assert_eq!(text(awake.thumbnail()), text(rested.thumbnail()), "{kind}");
            assert_eq!(text(awake.overview()), text(rested.overview()), "{kind}");
            let thumbnail = awake.thumbnail();
            assert_eq!((thumbnail.width_px(), thumbnail.height_px()), (12, 8));
            let decoder = whole(jpeg);
            let [r, g, b] = mean(&frame_of(&decoder), (5, 3), 8);
            let want = 0.299 * r + 0.587 * g + 0.114 * b;
            assert!(
                (f32::from(thumbnail.luma(5, 3)) - want).abs() < 2.0,
                "{kind}"
            );
        }
    }
}

#[test]
fn a_crop_is_that_of_the_whole_picture() {
    // Small faces from the whole size, larger ones from a half, a quarter or the overview; also over the border.
    for (scale, angle, x, y) in [
        (0.4_f32, 0.3_f32, 20.0, 10.0),
        (0.9, -0.2, 10.0, 8.0),
        (1.0, 0.0, 40.0, 12.5),
        (1.6, 0.5, 30.0, -9.0),
        (3.1, 0.0, -20.0, -30.0),
        (6.5, 0.1, -90.0, -120.0),
    ] {
        let back = Similarity {
            a: scale * angle.cos(),
            b: scale * angle.sin(),
            tx: x,
            ty: y,
        };
        for (kind, jpeg) in KINDS {
            let decoder = whole(jpeg);
            let (mut want, mut got) = ([0; 48 * 48], [0; 48 * 48]);
            align::cut(&frame_of(&decoder), &back, &mut want);
            for (divisor, least_px) in LEAST {
                decoded(jpeg, needs(least_px)).cut(&back, &mut got);
                let off: u32 = got
                    .iter()
                    .zip(want)
                    .map(|(a, b)| u32::from(a.abs_diff(b)))
                    .sum();
                let off = off as f32 / (48.0 * 48.0);
                assert!(off < 3.0, "{kind} / {divisor}, scale {scale}: {off}");
            }
        }
    }
}

#[test]
fn buffers_are_used_again_for_pictures_of_every_kind() {
    let mut scaled = ScaledJpeg::default();
    for (kind, jpeg) in KINDS.iter().chain(KINDS.iter().rev()) {
        scaled
            .decode(jpeg, &[], needs((40, 40)), Millis(1))
            .unwrap();
        let again = format!("{:?}", scaled.overview());
        let mut alone = decoded(jpeg, needs((40, 40)));
        alone.time = Millis(1);
        assert_eq!(again, format!("{:?}", alone.overview()), "{kind}");
    }
}

#[test]
fn several_passes_are_left_to_the_other_decoder() {
    let mut scaled = ScaledJpeg::default();
    let decoded = scaled.decode(PROGRESSIVE, &[], needs((40, 40)), Millis(0));
    assert_eq!(decoded, Err(NotDecoded::OtherKind));
}

#[test]
fn a_picture_that_lost_its_end_is_found_out_awake_and_at_rest() {
    for (kind, jpeg) in KINDS {
        for is_resting in [false, true] {
            let needs = DecodeNeeds {
                is_resting,
                ..needs((40, 40))
            };
            let mut scaled = ScaledJpeg::default();
            // The last bytes may be the padding of the last ones and the end's marker.
            for cut in (700..jpeg.len() - 6).step_by(3) {
                let mended = [&jpeg[..cut], &[0xFF, 0xD9]].concat();
                let decoded = scaled.decode(&mended, &[], needs, Millis(0));
                assert!(decoded.is_err(), "{kind}, cut at {cut} of {}", jpeg.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic(
        kind in 0..KINDS.len(),
        hits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        is_resting in any::<bool>(),
    ) {
        let mut jpeg = KINDS[kind].1.to_vec();
        for (place, byte) in hits {
            let at = place.index(jpeg.len());
            jpeg[at] = byte;
        }
        let mut scaled = ScaledJpeg::default();
        let needs = DecodeNeeds { is_resting, ..needs((40, 40)) };
        if scaled.decode(&jpeg, &[], needs, Millis(0)).is_ok() && scaled.size_px().0 < 4000 {
            let _ = scaled.thumbnail();
            let _ = scaled.overview();
            let back = Similarity { a: 1.2, b: 0.3, tx: 5.0, ty: 5.0 };
            scaled.cut(&back, &mut [0; 48 * 48]);
        }
    }
}

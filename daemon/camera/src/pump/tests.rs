//! Streams of every kind, whole and cut, from memory.

use std::time::Duration;

use moodring_base::shutdown::Shutdown;

use super::{
    super::{
        jpeg::tests::ramp,
        stream_thread::{FrameStream, NoFrame, Overflow},
    },
    *,
};

const LONG: Duration = Duration::from_secs(20);

/// What becomes of a stream: sizes in bytes of its frames, `bad`, and how it ended.
fn outcomes(bytes: Vec<u8>, raw: Option<Raw>) -> Vec<String> {
    let mut stream = FrameStream::spawn("test", Overflow::Every, move |producer| {
        match pump(&mut &bytes[..], raw, producer) {
            Ok(ended) => format!("{ended:?}"),
            Err(e) => e.to_string(),
        }
    })
    .unwrap();
    let mut all = Vec::new();
    loop {
        match stream.next(LONG, &Shutdown::default()) {
            Ok(StreamFormat::Jpeg) => all.push(format!("jpeg {}", stream.bytes().len())),
            Ok(StreamFormat::Raw(raw)) => all.push(format!("raw {:?}", raw.size_px)),
            Err(NoFrame::Bad(_)) => all.push("bad".into()),
            Err(NoFrame::Over(end)) => {
                all.push(end);
                return all;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn jpegs_are_found_behind_whatever_comes_first() {
    let (a, b) = (ramp(16, 16, 0), ramp(24, 8, 50));
    let (one, two) = (format!("jpeg {}", a.len()), format!("jpeg {}", b.len()));
    let bare = outcomes([&a[..], b"junk", &b, &a[..40]].concat(), None);
    assert_eq!(bare, [&one, &two, "bad", "Closed(2)"]);
    let part = b"--b\r\nContent-Type: image/jpeg\r\n\r\n";
    let multipart = outcomes(
        [&part[..], &a, b"\r\n", part, &b, b"\r\n--b--"].concat(),
        None,
    );
    assert_eq!(multipart, [&one, &two, "Closed(2)"]);
    let late = outcomes([&vec![b'x'; 60_000][..], &a].concat(), None);
    assert_eq!(late, [&one, "Closed(1)"]);
}

#[test]
fn y4m_is_read_and_its_cut_end_is_bad() {
    let frame = [b"FRAME\n".as_slice(), &[9; 4 * 2 + 2 * 2]].concat();
    let film = [
        b"YUV4MPEG2 W4 H2 F30:1 C420jpeg\n".as_slice(),
        &frame,
        &frame,
    ]
    .concat();
    assert_eq!(
        outcomes(film.clone(), None),
        ["raw (4, 2)", "raw (4, 2)", "Closed(2)"]
    );
    let cut = film[..film.len() - 1].to_vec();
    assert_eq!(outcomes(cut, None), ["raw (4, 2)", "bad", "Closed(1)"]);
    let odd = outcomes(b"YUV4MPEG2 W4 H2 C444\nFRAME\n".to_vec(), None).concat();
    assert!(odd.contains("C444"), "{odd}");
}

#[test]
fn raw_planes_only_where_the_settings_name_them() {
    let raw = Raw {
        format: PixelFormat::Grey,
        size_px: (5, 2),
        range: None,
    };
    let bytes: Vec<u8> = (0..25).collect();
    assert_eq!(
        outcomes(bytes.clone(), Some(raw)),
        ["raw (5, 2)", "raw (5, 2)", "bad", "Closed(2)"]
    );
    let guessed = outcomes(bytes, None).concat();
    assert!(guessed.starts_with("NoPictures"), "{guessed}");
    let endless = outcomes(vec![0; 200_000], None).concat();
    assert!(endless.contains("bytes of 0x00"), "{endless}");
}

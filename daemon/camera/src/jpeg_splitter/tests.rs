//! Streams of JPEGs: in pieces of any size, cut off, and with garbage.

use proptest::prelude::*;

use super::{super::jpeg::tests::ramp, *};

fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    let (mut splitter, mut whole, mut bad) = (JpegSplitter::default(), Vec::new(), 0);
    for chunk in chunks {
        splitter.push(chunk);
        loop {
            match splitter.next_piece() {
                SplitResult::Jpeg(range) => whole.push(splitter.bytes(range).to_vec()),
                SplitResult::Bad(_) => bad += 1,
                SplitResult::More => break,
            }
        }
    }
    (whole, bad)
}

/// `jpeg` with `inner` as a thumbnail in an APP1 segment.
fn with_thumbnail(jpeg: &[u8], inner: &[u8]) -> Vec<u8> {
    let length = u16::try_from(inner.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, 0xD8, 0xFF, 0xE1][..], &length, inner, &jpeg[2..]].concat()
}

#[test]
fn a_thumbnail_does_not_end_its_picture() {
    let picture = with_thumbnail(&ramp(32, 32, 0), &ramp(8, 8, 0));
    let bytes = [&picture[..], b"--boundary\r\n\r\n", &picture].concat();
    assert_eq!(split(&[&bytes]), (vec![picture.clone(), picture], 0));
}

#[test]
fn a_cut_picture_costs_only_itself() {
    let (a, b) = (ramp(32, 32, 0), ramp(32, 32, 90));
    for cut in [3, 20, 300, a.len() - 2] {
        let bytes = [&a[..cut], &b, &b].concat();
        let (whole, bad) = split(&[&bytes]);
        assert!(bad >= 1, "cut at {cut}");
        assert_eq!(whole.last(), Some(&b), "cut at {cut}");
    }
}

#[test]
fn endless_garbage_takes_no_memory() {
    let mut splitter = JpegSplitter::default();
    let garbage = [0x55_u8; 10_000];
    let mut endless_head = std::io::repeat(0x11);
    for _ in 0..1000 {
        splitter.push(&garbage);
        assert_eq!(splitter.next_piece(), SplitResult::More);
    }
    assert!(splitter.store.len() < 3 * garbage.len());
    // A picture whose coded data never ends.
    splitter.push(&[0xFF, 0xD8, 0xFF, 0xDA, 0, 2]);
    let bad = (0..1000).any(|_| {
        splitter.read_from(&mut endless_head).unwrap();
        matches!(splitter.next_piece(), SplitResult::Bad(_))
    });
    assert!(bad && splitter.store.len() <= MAX_JPEG_BYTES + 3 * CHUNK);
    splitter.push(&ramp(16, 16, 0));
    assert!(matches!(splitter.next_piece(), SplitResult::Jpeg(_)));
}

proptest! {
    #[test]
    fn pieces_do_not_depend_on_how_the_bytes_arrive(sizes in proptest::collection::vec(1_usize..400, 1..60)) {
        let pictures = [ramp(24, 16, 0), ramp(48, 8, 60), ramp(8, 8, 9)];
        let bytes = [b"\r\nxx".as_slice(), &pictures[0], &pictures[1], b"\xFF\xD8", &pictures[2]].concat();
        let mut rest = &bytes[..];
        let mut chunks = Vec::new();
        for size in sizes.iter().cycle() {
            let (head, tail) = rest.split_at((*size).min(rest.len()));
            chunks.push(head);
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(split(&chunks).0, pictures.to_vec());
    }

    #[test]
    fn nothing_makes_it_panic(chunks in proptest::collection::vec(
        proptest::collection::vec(prop_oneof![Just(0xFF_u8), Just(0xD8), Just(0xD9), Just(0xDA), Just(0), any::<u8>()], 0..80), 0..20)) {
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        split(&chunks);
    }
}

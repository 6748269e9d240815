//! Where a scan's coded data ends, and whether its restart markers (RST0 to RST7) are those that it must have: a decoder that
//! loses one goes on in the wrong place and shows other pixels without an error.
//! ITU-T T.81, sections A.2 (units of a scan), B.2.4.4 (DRI) and E.1.4 (restart markers).

use memchr::memchr;

use super::JpegError;

/// Units (MCUs) of a scan of components with these sampling factors, in a picture whose largest factors are `most`. A scan of one
/// component has its own blocks, one each.
pub(super) fn units(size_px: (usize, usize), most: (u8, u8), scan: &[(u8, u8)]) -> usize {
    let along = |px: usize, factor: u8, most: u8| (px * usize::from(factor)).div_ceil(most.into());
    match scan {
        [(h, v)] => {
            along(size_px.0, *h, most.0).div_ceil(8) * along(size_px.1, *v, most.1).div_ceil(8)
        }
        _ => {
            size_px.0.div_ceil(8 * usize::from(most.0))
                * size_px.1.div_ceil(8 * usize::from(most.1))
        }
    }
}

/// Where the coded data that begins at `at` ends: before the next marker that is no restart. It is of so many `units`, with a restart
/// after each `interval` of them; 0 means none.
///
/// # Errors
/// The cause, if there is no end, or a restart marker is missing, of another number than its turn or not announced.
pub(super) fn end(
    jpeg: &[u8],
    mut at: usize,
    units: usize,
    interval: usize,
) -> Result<usize, JpegError> {
    let mut restarts = 0;
    loop {
        let rest = jpeg.get(at..).unwrap_or(&[]);
        let cut = "it was cut: the JPEG has no end";
        let ff = memchr(0xFF, rest).ok_or(cut)?;
        match rest.get(ff + 1) {
            None => return Err(cut.into()),
            Some(0x00) => at += ff + 2,
            Some(0xFF) => at += ff + 1,
            Some(&marker @ 0xD0..=0xD7) => {
                if interval == 0 || usize::from(marker & 7) != restarts % 8 {
                    return Err("it is damaged: its restart markers are not in their order".into());
                }
                restarts += 1;
                at += ff + 2;
            }
            // Some encoders put one more behind the last unit.
            Some(_) if interval > 0 && restarts + 1 < units.div_ceil(interval) => {
                return Err("it was cut: some of its restart markers are missing".into());
            }
            Some(_) => return Ok(at + ff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::layout::Layout;

    /// 4:2:0 with a restart after each row of units, by libjpeg.
    const WITH_RESTARTS: &[u8] = include_bytes!("../scaled_jpeg/tests/420_restarts.jpg");

    fn restarts(jpeg: &[u8]) -> Vec<usize> {
        let layout = Layout::read(jpeg).unwrap();
        (layout.first_scan..layout.last_scan_end)
            .filter(|&at| jpeg[at] == 0xFF && (0xD0..=0xD7).contains(&jpeg[at + 1]))
            .collect()
    }

    #[test]
    fn units_follow_the_sampling() {
        let all = [(2, 2), (1, 1), (1, 1)];
        assert_eq!(units((17, 33), (2, 2), &all), 2 * 3);
        // The luma alone: blocks of 8x8 that the picture has, without the padding of whole units.
        assert_eq!(units((17, 33), (2, 2), &all[..1]), 3 * 5);
        assert_eq!(units((17, 33), (2, 2), &all[1..2]), 2 * 3);
    }

    #[test]
    fn a_restart_marker_in_the_wrong_place_or_missing_is_named() {
        let places = restarts(WITH_RESTARTS);
        assert!(places.len() > 2, "{places:?}");
        let mut twice = WITH_RESTARTS.to_vec();
        twice[places[1] + 1] = twice[places[0] + 1];
        let mut swapped = WITH_RESTARTS.to_vec();
        swapped.swap(places[0] + 1, places[1] + 1);
        let mut gone = WITH_RESTARTS.to_vec();
        gone.drain(places[0]..places[1]);
        let mut last_gone = WITH_RESTARTS.to_vec();
        let last = places[places.len() - 1];
        last_gone.drain(last..Layout::read(WITH_RESTARTS).unwrap().last_scan_end);
        for (name, jpeg) in [("twice", twice), ("swapped", swapped), ("gone", gone)] {
            let error = Layout::read(&jpeg).unwrap_err();
            assert!(
                error.to_string().contains("not in their order"),
                "{name}: {error}"
            );
        }
        let error = Layout::read(&last_gone).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    }

    #[test]
    fn restart_markers_that_nothing_announces_are_damage() {
        let mut jpeg = WITH_RESTARTS.to_vec();
        let dri = jpeg
            .windows(2)
            .position(|pair| pair == [0xFF, 0xDD])
            .unwrap();
        jpeg.drain(dri..dri + 6);
        assert!(Layout::read(&jpeg).is_err());
    }
}

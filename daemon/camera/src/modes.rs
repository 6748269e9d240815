//! Chooses the device's mode that is nearest to the one in the settings. Opens no device; `v4l2` does.

/// What a device can send that we can read, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WireFormat {
    /// One luma byte a pixel.
    Grey,
    /// 4:2:0, a luma plane and a plane of `U V` pairs.
    Nv12,
    /// 4:2:2 packed, `Y0 U Y1 V`.
    Yuyv,
    /// One JPEG a frame: small on the cable, but it must be decoded.
    Mjpeg,
}

impl WireFormat {
    /// The format of a four-character code, if we can read it.
    pub fn from_fourcc(code: [u8; 4]) -> Option<Self> {
        Some(match &code {
            b"GREY" => Self::Grey,
            b"NV12" => Self::Nv12,
            b"YUYV" => Self::Yuyv,
            b"MJPG" | b"JPEG" => Self::Mjpeg,
            _ => return None,
        })
    }
}

/// One way in which a device can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    /// The four-character code.
    pub fourcc: [u8; 4],
    /// Its meaning.
    pub wire: WireFormat,
    /// Width and height in pixels.
    pub size_px: (u32, u32),
    /// The rate of the device nearest to the one asked for, if it reports one.
    pub rate_hz: Option<f32>,
}

/// The mode nearest in size; among those the one nearest in rate; among those the cheapest to read.
pub fn nearest(modes: &[Mode], size_px: (u32, u32), rate_hz: f32) -> Option<&Mode> {
    let key = |mode: &Mode| {
        let off = |a: u32, b: u32| u64::from(a.abs_diff(b));
        let size = off(mode.size_px.0, size_px.0) + off(mode.size_px.1, size_px.1);
        // Tenths of a frame a second: 29.97 is as good as 30. Rates are small, the cast saturates.
        let rate = mode
            .rate_hz
            .map_or(0, |r| ((r - rate_hz).abs() * 10.0 / 2.0) as u64);
        (size, rate, mode.wire)
    };
    modes.iter().min_by_key(|mode| key(mode))
}

/// The size in a range with steps that is nearest to the one asked for.
pub fn nearest_step(asked: u32, least: u32, most: u32, step: u32) -> u32 {
    let most = most.max(least);
    let above = asked.clamp(least, most) - least;
    let step = step.max(1);
    let down = above / step * step;
    let up = down.saturating_add(step);
    let near = if above - down <= up - above || up > most - least {
        down
    } else {
        up
    };
    least + near
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mode(code: &[u8; 4], size_px: (u32, u32), rate: f32) -> Mode {
        Mode {
            fourcc: *code,
            wire: WireFormat::from_fourcc(*code).unwrap(),
            size_px,
            rate_hz: (rate > 0.0).then_some(rate),
        }
    }

    #[test]
    fn size_before_rate_before_cost() {
        let webcam = [
            mode(b"YUYV", (640, 480), 30.0),
            mode(b"MJPG", (640, 480), 30.0),
            mode(b"YUYV", (1280, 720), 10.0),
            mode(b"MJPG", (1280, 720), 29.97),
        ];
        let choice = |size, rate| {
            let mode = nearest(&webcam, size, rate).unwrap();
            (mode.fourcc, mode.size_px)
        };
        assert_eq!(choice((640, 480), 30.0), (*b"YUYV", (640, 480)));
        assert_eq!(choice((1280, 720), 30.0), (*b"MJPG", (1280, 720)));
        assert_eq!(choice((1280, 720), 10.0), (*b"YUYV", (1280, 720)));
        assert_eq!(choice((1, 1), 30.0), (*b"YUYV", (640, 480)));
        assert_eq!(nearest(&[], (640, 480), 30.0), None);
    }

    #[test]
    fn codes_that_cannot_be_read_are_none() {
        assert_eq!(WireFormat::from_fourcc(*b"JPEG"), Some(WireFormat::Mjpeg));
        assert_eq!(WireFormat::from_fourcc(*b"H264"), None);
    }

    proptest! {
        #[test]
        fn a_step_is_in_range_on_the_grid_and_no_other_is_nearer(
            asked in 0_u32..5000, least in 0_u32..300, spread in 0_u32..4000, step in 0_u32..64) {
            let most = least + spread;
            let got = nearest_step(asked, least, most, step);
            prop_assert!((least..=most).contains(&got));
            let step = step.max(1);
            prop_assert_eq!((got - least) % step, 0);
            let best = (least..=most).step_by(step as usize).map(|v| v.abs_diff(asked)).min();
            prop_assert_eq!(Some(got.abs_diff(asked)), best);
        }
    }
}

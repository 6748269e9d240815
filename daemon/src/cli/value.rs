//! Parses flag values that clap does not know: sizes, rates, notes, topics. Each error shows a good example.

/// Events a second.
pub(super) fn event_rate(text: &str) -> Result<f32, String> {
    let rate = text.parse().ok().filter(|hz| (0.001..=1000.0).contains(hz));
    rate.ok_or_else(|| format!("`{text}` is not a rate from 0.001 to 1000 a second"))
}

/// A number that is one.
pub(super) fn number(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number: &f32| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is not a number such as 0.5"))
}

/// A byte's value; it may have a fraction.
pub(super) fn byte(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|n| (0.0..=255.0).contains(n));
    number.ok_or_else(|| format!("`{text}` is not a number from 0 to 255"))
}

/// A divisor above 0.
pub(super) fn divisor(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|n| (1e-3..=1e3).contains(n));
    number.ok_or_else(|| format!("`{text}` is not a number from 0.001 to 1000"))
}

/// `KEY=VALUE`, on one line.
pub(super) fn note(text: &str) -> Result<(String, String), String> {
    let wrong = || format!("`{text}` is not KEY=VALUE");
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    if key.is_empty() || text.contains('\n') {
        return Err(wrong());
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// `PREFIX/ID`: one device's topics, without wildcards and without the last level.
pub(super) fn topic(text: &str) -> Result<String, String> {
    let root = ["/state", "/status", "/event"]
        .iter()
        .find_map(|leaf| text.strip_suffix(leaf))
        .unwrap_or(text);
    let levels = root.split('/').count();
    let plain = |level: &str| !level.is_empty() && !level.contains(['+', '#', '\0']);
    if levels >= 2 && root.len() <= 512 && root.split('/').all(plain) {
        return Ok(root.to_owned());
    }
    Err(format!(
        "`{text}` is not one device's topic such as moodring/hall (the settings' mqtt.prefix, a slash, its device.id)"
    ))
}

/// `WxH`, both 16 to 4096.
pub(super) fn size(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("`{text}` is not a size such as 240x240 (16 to 4096 each)");
    let (w, h) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
    let side = |s: &str| {
        s.parse()
            .ok()
            .filter(|px| (16..=4096).contains(px))
            .ok_or_else(wrong)
    };
    Ok((side(w)?, side(h)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_one_devices() {
        assert_eq!(topic("moodring/hall"), Ok("moodring/hall".into()));
        assert_eq!(
            topic("home/moodring/hall/state"),
            Ok("home/moodring/hall".into())
        );
        for wrong in [
            "hall",
            "moodring/+",
            "#",
            "moodring//state",
            "/hall",
            "hall/state",
        ] {
            assert!(topic(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_have_two_sides() {
        assert_eq!(size("320x240"), Ok((320, 240)));
        for wrong in ["320", "x", "0x5", "99999x3", "axb"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}

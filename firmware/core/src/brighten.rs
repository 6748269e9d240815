//! Brightens dark pictures before a net sees them. Both nets learned from faces in ordinary light; in a tenth of it they find and
//! read far fewer (`docs/decisions/031-dark-pictures.md`). Pictures that are bright enough stay as they are, bit for bit.

/// The mean brightness up to which a picture counts as dark, and to which it is raised, of 255.
const LEVEL: u64 = 60;
/// No picture is made more than this many times as bright: what is darker is mostly the sensor's noise.
const MAX_GAIN: u64 = 5;
/// Gains are multiples of 1/256.
const ONE: u64 = 256;
/// The mean is that of every so many rows.
const ROW_STEP: usize = 4;

/// Multiplies all bytes of a dark picture by one factor, [`MAX_GAIN`] at most, so that their mean becomes [`LEVEL`]. `rows` are
/// rows of `row_bytes` bytes, of which the first `used_bytes` are the picture; the rest stays as it is. 1 <= `used_bytes` <= `row_bytes`.
///
/// The factor follows the mean without a step, so a scene that slowly gets dark never jumps.
pub(crate) fn brighten(rows: &mut [u8], row_bytes: usize, used_bytes: usize) {
    let gain = gain(rows, row_bytes, used_bytes);
    if gain == ONE as u32 {
        return;
    }
    for row in rows.chunks_exact_mut(row_bytes) {
        for byte in &mut row[..used_bytes] {
            *byte = ((u32::from(*byte) * gain + 128) >> 8).min(255) as u8;
        }
    }
}

/// The factor in 1/256, 1 to [`MAX_GAIN`].
fn gain(rows: &[u8], row_bytes: usize, used_bytes: usize) -> u32 {
    let (mut sum, mut count) = (0_u64, 0_u64);
    for row in rows.chunks_exact(row_bytes).step_by(ROW_STEP) {
        // A row of 16 million pixels would fit.
        let bytes = row[..used_bytes].iter();
        sum += u64::from(bytes.map(|&byte| u32::from(byte)).sum::<u32>());
        count += used_bytes as u64;
    }
    // At most 1,280.
    (LEVEL * ONE * count / sum.max(1)).clamp(ONE, MAX_GAIN * ONE) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{vec, vec::Vec};

    /// The same picture stands in `models/train/tests/test_brighten.py`.
    fn example(divisor: usize) -> Vec<u8> {
        (0..10 * 12)
            .map(|i| (i * 7 % 251 / divisor) as u8)
            .collect()
    }

    #[test]
    fn the_training_scripts_get_the_same() {
        for (divisor, wanted) in [(1, 256), (4, 503), (8, 1024), (40, 1280)] {
            assert_eq!(gain(&example(divisor), 12, 12), wanted, "{divisor}");
        }
        let mut dark = example(8);
        brighten(&mut dark, 12, 12);
        assert_eq!(dark[..12], [0, 0, 4, 8, 12, 16, 20, 24, 28, 28, 32, 36]);
    }

    #[test]
    fn what_is_bright_enough_stays_and_black_stays_black() {
        let bright = vec![60; 48];
        let mut same = bright.clone();
        brighten(&mut same, 8, 8);
        assert_eq!(same, bright);
        let mut black = vec![0; 48];
        brighten(&mut black, 8, 8);
        assert_eq!(black, [0; 48]);
    }

    #[test]
    fn padding_neither_counts_nor_changes() {
        let mut rows = [30, 30, 30, 128].repeat(6);
        brighten(&mut rows, 4, 3);
        assert_eq!(rows, [60, 60, 60, 128].repeat(6));
    }

    proptest! {
        #[test]
        fn the_mean_becomes_the_level_as_far_as_the_limits_let_it(bytes in prop::collection::vec(0..=50_u8, 64), rows in 1..9_usize) {
            let before = &bytes[..rows * 7];
            let mut after = before.to_vec();
            brighten(&mut after, 7, 7);
            let measured = |bytes: &[u8]| {
                let rows: Vec<&[u8]> = bytes.chunks(7).step_by(4).collect();
                rows.concat().iter().map(|&byte| f64::from(byte)).sum::<f64>() / (7 * rows.len()) as f64
            };
            let (was, is) = (measured(before), measured(&after));
            let wanted = (60.0 / was.max(1e-9)).clamp(1.0, 5.0);
            for (&a, &b) in before.iter().zip(&after) {
                prop_assert!((f64::from(b) - f64::from(a) * wanted).abs() < 0.5 + f64::from(a) / 256.0 + 1e-6);
            }
            prop_assert!(is <= 61.0 || was > 60.0);
        }
    }
}

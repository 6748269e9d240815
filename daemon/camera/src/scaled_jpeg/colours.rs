//! Luma and chroma to colours, many pixels at a time: JFIF 1.02's YCbCr, as `moodring-core` reads it.

/// Pixels at a time: compilers make vectors of them.
const LANES: usize = 16;

/// Writes a row of pixels; a sample of chroma is for `ACROSS` of them, 1, 2 or 4.
pub(super) fn mix_row<const ACROSS: usize>(
    out: &mut [[u8; 3]],
    luma: &[u8],
    blue: &[u8],
    red: &[u8],
) {
    let luma = luma.chunks(LANES);
    let chroma = blue.chunks(LANES / ACROSS).zip(red.chunks(LANES / ACROSS));
    for ((pixels, luma), (blue, red)) in out.chunks_mut(LANES).zip(luma).zip(chroma) {
        let [y, b, r] = [
            lanes::<1>(luma),
            lanes::<ACROSS>(blue),
            lanes::<ACROSS>(red),
        ];
        let channels = mix(&y, &b, &r);
        let mixed: [[u8; 3]; LANES] =
            std::array::from_fn(|i| [channels[0][i], channels[1][i], channels[2][i]]);
        match pixels.first_chunk_mut::<LANES>() {
            Some(pixels) => *pixels = mixed,
            None => pixels.copy_from_slice(&mixed[..pixels.len()]),
        }
    }
}

/// The samples, each `ACROSS` times; the last ones of a row may be missing.
fn lanes<const ACROSS: usize>(samples: &[u8]) -> [u8; LANES] {
    if samples.len() == LANES / ACROSS {
        return std::array::from_fn(|i| samples[i / ACROSS]);
    }
    std::array::from_fn(|i| samples.get(i / ACROSS).copied().unwrap_or(0))
}

/// `(256 y + 359 r) / 256` and the others to nearest, with the whole part of each factor taken out: so 16 bits are enough.
fn mix(luma: &[u8; LANES], blue: &[u8; LANES], red: &[u8; LANES]) -> [[u8; LANES]; 3] {
    let mut out = [[0; LANES]; 3];
    for i in 0..LANES {
        let (y, d, e) = (
            i16::from(luma[i]),
            i16::from(blue[i]) - 128,
            i16::from(red[i]) - 128,
        );
        let cut = |value: i16| value.clamp(0, 255) as u8;
        out[0][i] = cut(y + e + ((103 * e + 128) >> 8));
        out[1][i] = cut(y - e + ((73 * e - 88 * d + 128) >> 8));
        out[2][i] = cut(y + 2 * d + ((128 - 58 * d) >> 8));
    }
    out
}

#[cfg(test)]
mod tests {
    use moodring_core::frame::{Frame, LumaRange, Millis, PixelFormat};

    use super::*;

    #[test]
    fn every_colour_is_that_of_the_frame() {
        for red in 0..=255 {
            for blue in 0..=255 {
                let luma: [u8; LANES] = std::array::from_fn(|i| (i * 17) as u8);
                let mixed = mix(&luma, &[blue; LANES], &[red; LANES]);
                for (i, y) in luma.into_iter().enumerate().step_by(5) {
                    let bytes = [y, blue, y, red];
                    let frame =
                        Frame::packed(&bytes, PixelFormat::Yuyv, (2, 1), Millis(0)).unwrap();
                    let want = frame.with_range(LumaRange::Full).rgb(0, 0);
                    assert_eq!(
                        [mixed[0][i], mixed[1][i], mixed[2][i]],
                        want,
                        "{y} {blue} {red}"
                    );
                }
            }
        }
    }

    #[test]
    fn rows_of_every_length_are_written_to_their_end() {
        for width in 1..50 {
            let luma: Vec<u8> = (0..64).map(|i| i * 3).collect();
            let chroma: Vec<u8> = (0..64).map(|i| 100 + i).collect();
            let (mut one, mut two) = (vec![[0; 3]; width], vec![[0; 3]; width]);
            mix_row::<1>(&mut one, &luma, &chroma, &[128; 64]);
            mix_row::<2>(&mut two, &luma, &chroma, &[128; 32]);
            for x in 0..width {
                let at = |chroma: u8| {
                    mix(&[luma[x]; LANES], &[chroma; LANES], &[128; LANES]).map(|c| c[0])
                };
                assert_eq!((one[x], two[x]), (at(chroma[x]), at(chroma[x / 2])));
            }
        }
    }
}

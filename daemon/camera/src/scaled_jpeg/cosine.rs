//! From coefficients to pixels at a half, a quarter or an eighth of the size: the inverse cosine transform (ITU-T T.81,
//! A.3.3) of as many points as there shall be pixels, over the lowest frequencies only.
//!
//! Each pixel is what the mean over the pixels of the whole picture would be, if the frequencies above were nothing: a mean
//! weakens frequency `u` of eight points by `cos(u pi / 16)` for two, and by `cos(u pi / 8)` more for four. These factors,
//! those of the transform and those of the quantization are one table, so that scaling costs nothing. Reals are added and
//! multiplied in a fixed order and never fused, so every machine gets the same bytes.

/// Zigzag order: the place of each coefficient, row by row.
#[rustfmt::skip]
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
    62, 63,
];

/// cos(i pi / 16) for i in 0..8.
const COS: [f32; 8] = [
    1.0,
    0.980_785_25,
    0.923_879_5,
    0.831_469_6,
    0.707_106_77,
    0.555_570_24,
    0.382_683_43,
    0.195_090_32,
];

/// What becomes of the coefficients of a component's blocks.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// In zigzag order: where it is kept among `width * height`, or beyond if it is not.
    places: [u8; 64],
    /// In zigzag order: what one step of it is worth.
    factors: [f32; 64],
    /// The last one in zigzag order that is kept.
    last: u32,
}

impl Weights {
    /// For blocks that become `width` x `height` pixels, with this quantization table in zigzag order.
    pub(super) fn new(steps: &[u16; 64], width: usize, height: usize) -> Self {
        let mut weights = Self {
            places: [u8::MAX; 64],
            factors: [0.0; 64],
            last: 0,
        };
        for (k, (&at, &step)) in ZIGZAG.iter().zip(steps).enumerate() {
            let (u, v) = (usize::from(at % 8), usize::from(at / 8));
            if u < width && v < height {
                weights.places[k] = (v * width + u) as u8;
                weights.factors[k] = f32::from(step) * factor(u, width) * factor(v, height);
                weights.last = k as u32;
            }
        }
        weights
    }

    /// The last one in zigzag order that is kept.
    #[inline(always)]
    pub(super) const fn last(&self) -> u32 {
        self.last
    }

    /// The place and the worth of a step of coefficient `k` in zigzag order.
    #[inline(always)]
    pub(super) const fn of(&self, k: usize) -> (usize, f32) {
        (self.places[k & 63] as usize, self.factors[k & 63])
    }
}

/// The share of one direction in what a coefficient is worth.
fn factor(u: usize, points: usize) -> f32 {
    let norm = if u == 0 { 0.5 * COS[4] } else { 0.5 };
    let mut factor = norm;
    // A mean of two, of four, of eight.
    let mut halves = points;
    let mut angle = u;
    while halves < 8 {
        factor *= COS[angle & 7];
        angle *= 2;
        halves *= 2;
    }
    factor
}

/// Coefficients by [`Weights`] to pixels.
#[inline(always)]
pub(super) fn pixels<const W: usize, const H: usize>(coefficients: &[[f32; W]; H]) -> [[u8; W]; H] {
    let columns = inverse::<H, W>(coefficients);
    let rows = inverse::<W, H>(&transposed(&columns));
    let mut pixels = [[0; W]; H];
    for (x, column) in rows.iter().enumerate() {
        for (y, &value) in column.iter().enumerate() {
            pixels[y][x] = pixel(value);
        }
    }
    pixels
}

/// A value around 0 as a byte, rounded to nearest.
#[inline(always)]
pub(super) fn pixel(value: f32) -> u8 {
    let value = value + 128.0;
    let value = if value < 0.0 { 0.0 } else { value };
    let value = if value > 255.0 { 255.0 } else { value };
    // At 2^23 a step of f32 is 1: the sum is rounded, and its lowest bits are the number.
    (value + 8_388_608.0).to_bits() as u8
}

#[inline(always)]
fn transposed<const A: usize, const B: usize>(from: &[[f32; A]; B]) -> [[f32; B]; A] {
    let mut to = [[0.0; B]; A];
    for (b, row) in from.iter().enumerate() {
        for (a, &value) in row.iter().enumerate() {
            to[a][b] = value;
        }
    }
    to
}

/// The inverse of `N` points, for `L` columns at once.
#[inline(always)]
fn inverse<const N: usize, const L: usize>(from: &[[f32; L]; N]) -> [[f32; L]; N] {
    let mut to = [[0.0; L]; N];
    for lane in 0..L {
        match N {
            1 => to[0][lane] = from[0][lane],
            2 => {
                let ends = two([from[0][lane], from[N / 2][lane]]);
                (to[0][lane], to[N / 2][lane]) = (ends[0], ends[1]);
            }
            4 => {
                let points = four(core::array::from_fn(|i| from[i % N][lane]));
                for (i, point) in points.into_iter().enumerate() {
                    to[i % N][lane] = point;
                }
            }
            _ => {
                let points = eight(core::array::from_fn(|i| from[i % N][lane]));
                for (i, point) in points.into_iter().enumerate() {
                    to[i % N][lane] = point;
                }
            }
        }
    }
    to
}

#[inline(always)]
fn two([a, b]: [f32; 2]) -> [f32; 2] {
    let b = b * COS[4];
    [a + b, a - b]
}

#[inline(always)]
fn four([a, b, c, d]: [f32; 4]) -> [f32; 4] {
    let [even0, even1] = two([a, c]);
    let odd0 = b * COS[2] + d * COS[6];
    let odd1 = b * COS[6] - d * COS[2];
    [even0 + odd0, even1 + odd1, even1 - odd1, even0 - odd0]
}

#[inline(always)]
fn eight([c0, c1, c2, c3, c4, c5, c6, c7]: [f32; 8]) -> [f32; 8] {
    let e = four([c0, c2, c4, c6]);
    let o = [
        c1 * COS[1] + c3 * COS[3] + c5 * COS[5] + c7 * COS[7],
        c1 * COS[3] - c3 * COS[7] - c5 * COS[1] - c7 * COS[5],
        c1 * COS[5] - c3 * COS[1] + c5 * COS[7] + c7 * COS[3],
        c1 * COS[7] - c3 * COS[5] + c5 * COS[3] - c7 * COS[1],
    ];
    [
        e[0] + o[0],
        e[1] + o[1],
        e[2] + o[2],
        e[3] + o[3],
        e[3] - o[3],
        e[2] - o[2],
        e[1] - o[1],
        e[0] - o[0],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum as the standard writes it, in double precision, then means of blocks.
    fn truth(coefficients: &[f64; 64], width: usize, height: usize) -> Vec<f64> {
        let cos = |x: usize, u: usize| {
            ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
        };
        let norm = |u: usize| if u == 0 { 0.5_f64.sqrt() } else { 1.0 };
        let whole = |x: usize, y: usize| -> f64 {
            let terms = (0..64).map(|i| {
                let (u, v) = (i % 8, i / 8);
                0.25 * norm(u) * norm(v) * coefficients[i] * cos(x, u) * cos(y, v)
            });
            terms.sum()
        };
        let (w, h) = (8 / width, 8 / height);
        let mean = |x: usize, y: usize| {
            let block = (0..w * h).map(|i| whole(x * w + i % w, y * h + i / w));
            block.sum::<f64>() / (w * h) as f64
        };
        (0..width * height)
            .map(|i| mean(i % width, i / width))
            .collect()
    }

    fn check<const W: usize, const H: usize>() {
        let steps: [u16; 64] = core::array::from_fn(|k| k as u16 % 7 + 1);
        let weights = Weights::new(&steps, W, H);
        let mut number = 1_u32;
        for _ in 0..50 {
            let (mut plain, mut kept) = ([0.0; 64], [[0.0; W]; H]);
            for k in 0..64 {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let value = (number >> 24) as i32 % 9 - 4;
                let (place, factor) = weights.of(k);
                if place < W * H {
                    kept[place / W][place % W] = value as f32 * factor;
                    plain[usize::from(ZIGZAG[k])] = f64::from(value) * f64::from(steps[k]);
                }
            }
            for (got, want) in pixels(&kept).as_flattened().iter().zip(truth(&plain, W, H)) {
                let want = (want + 128.0).clamp(0.0, 255.0);
                assert!(
                    (f64::from(*got) - want).abs() < 0.501,
                    "{W}x{H}: {got} {want}"
                );
            }
        }
    }

    #[test]
    fn every_size_is_the_mean_of_the_whole_block() {
        check::<8, 8>();
        check::<8, 4>();
        check::<4, 4>();
        check::<4, 2>();
        check::<2, 2>();
        check::<2, 1>();
        check::<1, 1>();
    }

    #[test]
    fn what_leaves_the_range_is_cut() {
        assert_eq!(
            [-129.0, -0.4, 126.6, 127.4, 500.0].map(pixel),
            [0, 128, 255, 255, 255]
        );
    }
}

//! Test support: pictures drawn as text, and fake nets that find bright squares and read their brightness.

use crate::{
    classify::{Answer, CROP_PX, ClassifyNet, Crop},
    detect::{Cells, Channels, DetectNet, Head, InputShape, NetError},
    expression::Expression,
    geometry::Point,
    pose::CropPose,
};
use std::{
    string::String,
    vec::{self, Vec},
};

/// From dark to bright; each stands for the brightness `i * 255 / 4`.
const INKS: &[u8; 5] = b".-+*#";

/// The bytes of a picture drawn with [`INKS`], blank space ignored.
pub(crate) fn picture(text: &str) -> Vec<u8> {
    let ink = |c| INKS.iter().position(|&ink| ink == c);
    let inks = text.bytes().filter(|c| !c.is_ascii_whitespace());
    inks.map(|c| (ink(c).unwrap() * 255 / 4) as u8).collect()
}

/// Compares bytes with a drawing: each byte is shown by the nearest ink.
#[track_caller]
pub(crate) fn assert_picture(bytes: &[u8], width: usize, expected: &str) {
    let show = |&byte: &u8| char::from(INKS[(usize::from(byte) * 4 + 127) / 255]);
    let lines = |text: &str| -> String {
        let lines = text.split_whitespace();
        lines.map(|line| std::format!("\n{line}")).collect()
    };
    let rows = bytes.chunks(width);
    let drawn: String = rows
        .map(|row| std::format!("{}\n", row.iter().map(show).collect::<String>()))
        .collect();
    let (drawn, expected) = (lines(&drawn), lines(expected));
    assert!(drawn == expected, "drawn:{drawn}\nexpected:{expected}");
}

/// Brightness from which the fake detector sees a face.
pub(crate) const BRIGHT: u8 = 100;

/// Where the fake detector puts the landmarks in a face's box: fractions of its sides.
pub(crate) const LANDMARKS: [(f32, f32); 5] = [
    (0.3, 0.35),
    (0.7, 0.35),
    (0.5, 0.55),
    (0.35, 0.8),
    (0.65, 0.8),
];

/// Finds upright bright rectangles that touch no other, with a score of 0.9.
pub(crate) struct BrightSquares {
    shape: InputShape,
    input: Vec<u8>,
    heads: [Vec<f32>; 3],
    pub(crate) fails: bool,
}

impl BrightSquares {
    pub(crate) fn new(width_px: u32, height_px: u32) -> Self {
        let shape = InputShape {
            width_px,
            height_px,
            channels: Channels::Grey,
            padding: 0,
        };
        let cells = |stride| (width_px / stride * (height_px / stride)) as usize;
        Self {
            shape,
            input: vec::from_elem(0, (width_px * height_px) as usize),
            heads: [8, 16, 32].map(|stride| vec::from_elem(0.0, cells(stride) * Head::CELL)),
            fails: false,
        }
    }

    /// Left, top, width and height of each rectangle whose left top corner is found first.
    fn squares(&self) -> Vec<[usize; 4]> {
        let (w, h) = (self.shape.width_px as usize, self.shape.height_px as usize);
        let bright = |x: usize, y: usize| x < w && y < h && self.input[y * w + x] >= BRIGHT;
        let mut squares = Vec::new();
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let starts =
                bright(x, y) && (x == 0 || !bright(x - 1, y)) && (y == 0 || !bright(x, y - 1));
            if starts {
                let wide = (x..).take_while(|&x| bright(x, y)).count();
                let high = (y..).take_while(|&y| bright(x, y)).count();
                squares.push([x, y, wide, high]);
            }
        }
        squares
    }
}

impl DetectNet for BrightSquares {
    fn shape(&self) -> InputShape {
        self.shape
    }

    fn input(&mut self) -> &mut [u8] {
        &mut self.input
    }

    fn run(&mut self) -> Result<[Head<'_>; 3], NetError> {
        if self.fails {
            return Err(NetError::Engine);
        }
        self.heads[0].fill(0.0);
        let cols = self.shape.width_px as usize / 8;
        for square in self.squares() {
            let [x, y, w, h] = square.map(|v| v as f32 / 8.0);
            let (col, row) = ((x + w / 2.0) as usize, (y + h / 2.0) as usize);
            let (dx, dy) = (x - col as f32, y - row as f32);
            let landmarks = LANDMARKS.map(|(u, v)| [dx + u * w, dy + v * h]);
            let cell = &mut self.heads[0][(row * cols + col) * Head::CELL..][..Head::CELL];
            cell[..6].copy_from_slice(&[0.9, 0.9, dx + w / 2.0, dy + h / 2.0, w.ln(), h.ln()]);
            cell[6..].copy_from_slice(landmarks.as_flattened());
        }
        let (w, h) = (self.shape.width_px, self.shape.height_px);
        let [a, b, c] = &self.heads;
        Ok([(8, a), (16, b), (32, c)].map(|(stride_px, cells)| Head {
            stride_px,
            cols: (w / stride_px) as usize,
            rows: (h / stride_px) as usize,
            cells: Cells::Reals(cells),
        }))
    }
}

/// Reads the expression from the brightness of the crop's middle: see [`brightness`]. Counts its runs.
#[derive(Default)]
pub(crate) struct Brightness {
    pub(crate) runs: usize,
    /// Its pose and face outputs, the same for every crop.
    pub(crate) pose: Option<CropPose>,
    pub(crate) face: Option<f32>,
    /// What it takes for no face at all.
    pub(crate) no_face: Option<Expression>,
    /// How often it read each expression, also where it sees no face.
    pub(crate) reads: [usize; 7],
    /// Whether neutral is the second likeliest in whatever it reads.
    pub(crate) serious: bool,
}

/// The brightness that [`Brightness`] reads as this expression.
pub(crate) fn brightness(expression: Expression) -> u8 {
    110 + 20 * expression.index() as u8
}

impl ClassifyNet for Brightness {
    fn run(&mut self, crop: &Crop) -> Result<Answer, NetError> {
        self.runs += 1;
        let middle = crop[crop.len() / 2 + 24];
        let nearest = Expression::ALL.map(|e| brightness(e).abs_diff(middle));
        let mut logits = nearest.map(|off| if off < 10 { 3.0 } else { 0.0 });
        if self.serious {
            logits[Expression::Neutral.index()] += 2.0;
        }
        let read = Expression::ALL
            .into_iter()
            .find(|e| nearest[e.index()] < 10);
        if let Some(read) = read {
            self.reads[read.index()] += 1;
        }
        let is_face = read.is_none() || read != self.no_face;
        Ok(Answer {
            pose: self.pose,
            face: if is_face { self.face } else { Some(-9.0) },
            ..logits.into()
        })
    }
}

/// Reads the roll that is left in a crop from the direction in which it grows brighter: down when upright. Knows no face that is
/// tilted by more than a right angle, nor how it is tilted.
pub(crate) struct Compass;

impl Compass {
    /// How bright a tilted head's picture is at this place from its middle, in pixels, for a head of about 64 pixels.
    pub(crate) fn ink(roll_deg: f32, x: f32, y: f32) -> u8 {
        let (sin, cos) = roll_deg.to_radians().sin_cos();
        (180.0 + (y * cos - x * sin)).clamp(120.0, 240.0) as u8
    }
}

impl ClassifyNet for Compass {
    fn run(&mut self, crop: &Crop) -> Result<Answer, NetError> {
        let at = |x: usize, y: usize| f32::from(crop[y * CROP_PX + x]);
        let middle = CROP_PX / 2;
        let along_x: f32 = (14..34)
            .map(|y| at(middle + 8, y) - at(middle - 8, y))
            .sum();
        let along_y: f32 = (14..34)
            .map(|x| at(x, middle + 8) - at(x, middle - 8))
            .sum();
        let roll_deg = (-along_x).atan2(along_y).to_degrees();
        let is_known = roll_deg.abs() <= 90.0;
        let pose = CropPose {
            roll_deg: if is_known { roll_deg } else { 0.0 },
            offset_px: Point::default(),
            log_size: 0.0,
            frontal: 1.0,
            profile: 0.0,
            lowered: 0.0,
        };
        Ok(Answer {
            pose: Some(pose),
            face: Some(if is_known { 6.0 } else { -6.0 }),
            ..[0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0].into()
        })
    }
}

//! The parts of a frame's way one after another, for tools that count what a process did: `frame_parts DETECTOR.moodnet
//! CLASSIFIER.moodnet TIMES`, with the kernel in `MOODRING_KERNEL` or this machine's best. A computed 640x480 YUYV picture and one
//! face 144 pixels wide; tracking and moods cost next to nothing.
//!
//! After each part it calls `getppid`, which nothing else does here, so that the tool sees where it ends; the parts' names go to the
//! standard output, and with `time` as a fourth argument their microseconds, median and least.

use std::{hint::black_box, time::Instant};

use heapless::Vec as Candidates;
use moodring_core::{
    align::{BOX_IN_CROP, LANDMARKS_IN_CROP, align},
    classify::CROP_PX,
    detect::{Cells, Channels, Face, Head, InputShape, decode},
    frame::{Frame, Millis, PixelFormat},
    geometry::{Point, Rect},
    letterbox::Letterbox,
};
use moodring_nn::{Kernel, Model, Net, Outputs};

const PARTS: [&str; 5] = ["letterbox", "detector", "decode", "align", "classifier"];
const SIZE: (u32, u32) = (640, 480);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [detector, classifier, times, rest @ ..] = arguments.as_slice() else {
        return Err("usage: frame_parts DETECTOR.moodnet CLASSIFIER.moodnet TIMES [time]".into());
    };
    let files = [std::fs::read(detector)?, std::fs::read(classifier)?];
    let [mut detector, mut classifier] = [LoadedNet::new(&files[0])?, LoadedNet::new(&files[1])?];
    let bytes: Vec<u8> = (0..SIZE.0 * SIZE.1 * 2)
        .map(|i| (i * 7 % 251) as u8)
        .collect();
    let frame = Frame::packed(&bytes, PixelFormat::Yuyv, SIZE, Millis(0))?;
    let letterbox = Letterbox::new(SIZE, detector.shape());
    let mut input = vec![0; detector.net.plan().input_shape().len()];
    let mut crop = [0; CROP_PX * CROP_PX];
    let mut found: Candidates<Face, 64> = Candidates::new();
    let mut marks = Marks::default();
    for _ in 0..times.parse()? {
        marks.begin();
        letterbox.fill(&frame, black_box(&mut input))?;
        marks.end(0);
        let outputs = detector.run(&input)?;
        marks.end(1);
        decode(&heads(&outputs), 0.5, &mut found)?;
        marks.end(2);
        align(&frame, &face(3.0), black_box(&mut crop));
        marks.end(3);
        black_box(classifier.run(&crop)?);
        marks.end(4);
    }
    println!("{} {}", detector.net.kernel().name(), PARTS.join(" "));
    if rest.iter().any(|argument| argument == "time") {
        marks.print();
    }
    Ok(())
}

struct LoadedNet<'m> {
    net: Net<'m, Vec<u8>>,
    arena: Vec<u8>,
    raw: Vec<i32>,
}

impl<'m> LoadedNet<'m> {
    fn new(file: &'m [u8]) -> Result<Self, Box<dyn std::error::Error>> {
        let model = Model::parse(file)?;
        let kernel = match std::env::var("MOODRING_KERNEL") {
            Ok(name) => Kernel::from_name(&name).ok_or("no such kernel")?,
            Err(_) => Kernel::best(),
        };
        let (width, height) = model.default_size();
        let weights = vec![0; model.weights_bytes(kernel)];
        let net = Net::new(model, width, height, kernel, weights)?;
        let arena = vec![0; net.plan().arena_bytes()];
        let raw = vec![0; net.plan().raw_len()];
        Ok(Self { net, arena, raw })
    }

    fn shape(&self) -> InputShape {
        let (width, height) = self.net.model().default_size();
        InputShape {
            width_px: width as u32,
            height_px: height as u32,
            channels: Channels::Rgb,
            padding: self.net.model().input().zero,
        }
    }

    fn run(&mut self, input: &[u8]) -> Result<Outputs<'_>, moodring_nn::LengthError> {
        self.net.run(input, &mut self.arena, &mut self.raw)
    }
}

fn heads<'a>(outputs: &Outputs<'a>) -> Vec<Head<'a>> {
    let strides = [8, 16, 32];
    let both = outputs.iter().zip(strides);
    both.map(|(output, stride_px)| Head {
        stride_px,
        cols: output.shape.columns,
        rows: output.shape.rows,
        cells: Cells::Raw {
            values: output.values,
            scales: std::array::from_fn(|c| output.scale(c)),
        },
    })
    .collect()
}

/// A face in the middle, a little tilted, so many times as large as the crop.
fn face(times: f32) -> Face {
    let (sin, cos) = 0.2_f32.sin_cos();
    let place = |p: Point| {
        let p = (p - Point::new(24.0, 24.0)) * times;
        Point::new(320.0 + cos * p.x - sin * p.y, 240.0 + sin * p.x + cos * p.y)
    };
    let (w, h) = (BOX_IN_CROP.w * times, BOX_IN_CROP.h * times);
    Face {
        rect: Rect::new(320.0 - w / 2.0, 240.0 - h / 2.0, w, h),
        landmarks: LANDMARKS_IN_CROP.map(place),
        score: 1.0,
    }
}

/// Where parts end: marked for the counting tool, and timed.
#[derive(Default)]
struct Marks {
    last: Option<Instant>,
    us: [Vec<f64>; PARTS.len()],
}

impl Marks {
    fn begin(&mut self) {
        let _ = std::os::unix::process::parent_id();
        self.last = Some(Instant::now());
    }

    fn end(&mut self, part: usize) {
        if let Some(last) = self.last {
            self.us[part].push(last.elapsed().as_secs_f64() * 1e6);
        }
        self.begin();
    }

    fn print(&mut self) {
        for (part, us) in PARTS.iter().zip(&mut self.us) {
            us.sort_by(f64::total_cmp);
            if let (Some(median), Some(least)) = (us.get(us.len() / 2), us.first()) {
                println!("{part} {median:.1} {least:.1}");
            }
        }
    }
}

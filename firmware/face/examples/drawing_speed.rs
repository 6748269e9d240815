//! Milliseconds to draw each mood: `cargo run --release -p moodring-face --example drawing_speed [SIDE_PX]`.

use std::{convert::Infallible, error::Error, hint::black_box, time::Instant};

use embedded_graphics::{pixelcolor::Rgb888, prelude::*};
use moodring_face::{animate::Pose, draw::draw, look::Look, theme::Theme};

/// Takes pixels and keeps a sum, so that only the drawing is timed.
struct Sink(u32, u64);

impl OriginDimensions for Sink {
    fn size(&self) -> Size {
        Size::new_equal(self.0)
    }
}

impl DrawTarget for Sink {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        self.1 += pixels.into_iter().map(|p| u64::from(p.1.r())).sum::<u64>();
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let side = std::env::args().nth(1).map_or(Ok(240), |n| n.parse())?;
    let mut sink = Sink(side, 0);
    let area = sink.bounding_box();
    for mood in Look::ALL {
        let pose = Pose {
            roll_deg: 10.0,
            ..Pose::still(mood)
        };
        let mut times = Vec::new();
        for _ in 0..101 {
            let start = Instant::now();
            draw(&mut sink, area, black_box(&pose), &Theme::CLASSIC)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{:10} {side}x{side}: median {:.2} ms, best {:.2} ms",
            mood.name(),
            times[50],
            times[0]
        );
    }
    println!("{}", black_box(sink.1));
    Ok(())
}

//! Draws the confusion matrix and the reliability diagram as SVG.

use std::fmt::Display;

use moodring_core::expression::Expression;
use plotters::prelude::*;

use super::EvalCounts;

const N: usize = Expression::COUNT;
/// Width and height of a plot in pixels.
const SIZE_PX: (u32, u32) = (560, 480);
const INK: RGBColor = RGBColor(30, 80, 160);

/// Why a plot could not be drawn; plotters gives its reason only as text.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the plot: {0}")]
pub struct PlotError(String);

fn failed(error: impl Display) -> PlotError {
    PlotError(error.to_string())
}

/// Rows: labels; columns: answers; the share of each row in percent, darker where it is more.
///
/// # Errors
/// [`PlotError`] if plotters fails.
pub fn confusion(counts: &EvalCounts) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE_PX).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let (n, rows) = (N as i32, counts.confusion());
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(84)
            .build_cartesian_2d((0..n - 1).into_segmented(), (0..n - 1).into_segmented())
            .map_err(failed)?;
        let name = |at: i32| Expression::ALL.get(at as usize).map_or("", |e| e.name());
        let label = |value: &SegmentValue<i32>| match *value {
            SegmentValue::CenterOf(at) => name(at).to_owned(),
            _ => String::new(),
        };
        let label_up = |value: &SegmentValue<i32>| match *value {
            SegmentValue::CenterOf(at) => name(n - 1 - at).to_owned(),
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .disable_mesh()
            .x_labels(N)
            .y_labels(N)
            .x_label_formatter(&label)
            .y_label_formatter(&label_up)
            .x_desc("read as")
            .y_desc("labelled")
            .draw()
            .map_err(failed)?;
        for (label, row) in rows.iter().enumerate() {
            let all: u32 = row.iter().sum();
            for (read, &count) in row.iter().enumerate() {
                let share = f64::from(count) / f64::from(all.max(1));
                let (x, y) = (read as i32, n - 1 - label as i32);
                let corners = [
                    (SegmentValue::Exact(x), SegmentValue::Exact(y)),
                    (SegmentValue::Exact(x + 1), SegmentValue::Exact(y + 1)),
                ];
                let cell = Rectangle::new(corners, INK.mix(share).filled());
                let ink = if share > 0.5 { &WHITE } else { &BLACK };
                let style = TextStyle::from(("sans-serif", 15).into_font())
                    .color(ink)
                    .pos(plotters::style::text_anchor::Pos::new(
                        plotters::style::text_anchor::HPos::Center,
                        plotters::style::text_anchor::VPos::Center,
                    ));
                let middle = (SegmentValue::CenterOf(x), SegmentValue::CenterOf(y));
                let text = Text::new(format!("{:.0}", 100.0 * share), middle, style);
                chart.draw_series([cell]).map_err(failed)?;
                chart.draw_series([text]).map_err(failed)?;
            }
        }
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

/// How often the net is right, by its confidence; a calibrated net lies on the diagonal. Wider dots hold more faces.
///
/// # Errors
/// [`PlotError`] if plotters fails.
pub fn reliability(counts: &EvalCounts) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE_PX).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(56)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .x_desc("confidence")
            .y_desc("share read as labelled")
            .light_line_style(WHITE)
            .draw()
            .map_err(failed)?;
        let diagonal = LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.4));
        chart.draw_series(diagonal).map_err(failed)?;
        let points: Vec<_> = points(counts).collect();
        let line = LineSeries::new(points.iter().map(|p| (p.0, p.1)), INK.stroke_width(2));
        chart.draw_series(line).map_err(failed)?;
        let dots = points.iter().map(|&(x, y, share)| {
            Circle::new(
                (x, y),
                3 + (24.0 * share.sqrt()) as i32,
                INK.mix(0.5).filled(),
            )
        });
        chart.draw_series(dots).map_err(failed)?;
        root.present().map_err(failed)?;
    }
    Ok(svg)
}

/// Mean confidence, accuracy and share of all samples of every bin that holds some.
fn points(counts: &EvalCounts) -> impl Iterator<Item = (f64, f64, f64)> {
    let all = f64::from(counts.total().max(1));
    let filled = counts.bins().iter().filter(|bin| bin.samples > 0);
    filled.map(move |bin| {
        let n = f64::from(bin.samples);
        (bin.confidence / n, f64::from(bin.right) / n, n / all)
    })
}

#[cfg(test)]
mod tests {
    use moodring_core::expression::Scores;

    use super::*;

    #[test]
    fn plots_hold_what_was_counted() {
        let mut counts = EvalCounts::default();
        let mut happy = [0.05; N];
        happy[3] = 0.7;
        for label in [
            Expression::Happy,
            Expression::Happy,
            Expression::Happy,
            Expression::Sad,
        ] {
            counts.count(label, &Scores(happy));
        }
        let points: Vec<_> = points(&counts).collect();
        assert_eq!(points.len(), 1);
        assert!((points[0].0 - 0.7).abs() < 1e-6 && (points[0].1 - 0.75).abs() < 1e-9);
        let svg = confusion(&counts).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("disgust"), "{svg}");
        assert_eq!(
            svg.matches("\n100\n").count(),
            2,
            "happy and sad both go to happy"
        );
        assert!(reliability(&counts).unwrap().contains("<circle"));
    }
}

//! Writes the report as one HTML page with its pictures inside. It has no script and loads nothing.

use std::{
    fmt::Write,
    io::{self, Cursor},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{GrayImage, ImageFormat};
use moodring_core::expression::Expression;

use super::{Mistakes, Report};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem;color:#222}\
    h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}table{border-collapse:collapse}\
    td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:right}th:first-child,td:first-child{text-align:left}\
    .plots{display:flex;flex-wrap:wrap;gap:1rem}.plots svg{max-width:100%;height:auto}\
    figure{display:inline-block;margin:.2rem;text-align:center;font-size:.75rem;width:96px;vertical-align:top}\
    figure img{width:96px;height:96px;display:block}.note{color:#555}";

/// The whole page; `confusion` and `reliability` are SVG.
///
/// # Errors
/// If a crop cannot be encoded as PNG.
pub fn html_report(
    report: &Report,
    mistakes: &Mistakes,
    confusion: &str,
    reliability: &str,
) -> io::Result<String> {
    let title = escape(&report.dataset);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>moodring on {title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>moodring on {title}</h1>\n"
    );
    numbers(&mut html, report);
    html += "<h2>What is taken for what, and whether its confidence is honest</h2>\n<div class=\"plots\">\n";
    for (svg, alt) in [
        (confusion, "confusion matrix in percent of each label"),
        (reliability, "accuracy over confidence"),
    ] {
        html += &format!("<div role=\"img\" aria-label=\"{alt}\">{svg}</div>\n");
    }
    html += "</div>\n<h2>The worst mistakes</h2>\n<p class=\"note\">Faces it was surest of and that are labelled otherwise. \
             Some labels are wrong too: look.</p>\n";
    for label in Expression::ALL {
        worst(&mut html, label, mistakes)?;
    }
    html += "<p class=\"note\">An expression is what a face shows, as annotators named it; it is not what a person feels.</p>\n</body></html>\n";
    Ok(html)
}

fn numbers(html: &mut String, report: &Report) {
    let mut lines = vec![
        ("faces".to_owned(), report.samples.to_string()),
        ("could not be read".into(), report.broken.to_string()),
        ("accuracy".into(), percent(report.accuracy)),
    ];
    if let Some(share) = report.leak_free {
        let what = format!("leak-free accuracy ({} faces)", share.samples);
        lines.push((what, percent(share.accuracy)));
    }
    if let Some(share) = report.ferplus_majority {
        let what = format!("FER+ majority ({} faces)", share.samples);
        lines.push((what, percent(share.accuracy)));
    }
    lines.push(("macro recall".into(), format!("{:.3}", report.macro_recall)));
    lines.push(("macro F1".into(), format!("{:.3}", report.macro_f1)));
    lines.push((
        "calibration error, 15 bins".into(),
        format!("{:.3}", report.calibration_error),
    ));
    *html += "<table>\n";
    for (what, value) in lines {
        *html += &format!("<tr><td>{what}</td><td>{value}</td></tr>\n");
    }
    *html += "</table>\n<h2>By expression</h2>\n<table>\n\
              <tr><th>label</th><th>faces</th><th>precision</th><th>recall</th><th>F1</th></tr>\n";
    for class in &report.classes {
        *html += &format!(
            "<tr><td>{}</td><td>{}</td><td>{:.3}</td><td>{:.3}</td><td>{:.3}</td></tr>\n",
            class.expression, class.samples, class.precision, class.recall, class.f1
        );
    }
    *html += "</table>\n";
}

fn worst(html: &mut String, label: Expression, mistakes: &Mistakes) -> io::Result<()> {
    if mistakes.of(label).is_empty() {
        return Ok(());
    }
    *html += &format!("<h3>labelled {}</h3>\n", label.name());
    for mistake in mistakes.of(label) {
        let picture = data_url(&mistake.enlarged())?;
        let (read, percent) = (mistake.read.name(), 100.0 * mistake.confidence);
        let name = escape(&mistake.name);
        *html += &format!(
            "<figure><img src=\"{picture}\" alt=\"a face read as {read}\" title=\"{name}\">{read} {percent:.0} %</figure>\n"
        );
    }
    Ok(())
}

fn data_url(picture: &GrayImage) -> io::Result<String> {
    let mut png = Cursor::new(Vec::new());
    picture
        .write_to(&mut png, ImageFormat::Png)
        .map_err(io::Error::other)?;
    Ok(format!(
        "data:image/png;base64,{}",
        STANDARD.encode(png.into_inner())
    ))
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A name may hold anything that a file system allows.
fn escape(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '"' | '\'' => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "&#{};", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use moodring_core::{classify::CROP_PX, expression::Scores};

    use super::*;
    use crate::evaluation::{EvalCounts, Sample};

    #[test]
    fn the_page_shows_the_mistake_and_trusts_no_name() {
        let sample = Sample {
            name: "<script>\"x".into(),
            label: Expression::Sad,
            crop: [9; CROP_PX * CROP_PX],
            majority: None,
        };
        let scores = Scores([0.0, 0.0, 0.0, 0.9, 0.1, 0.0, 0.0]);
        let (mut counts, mut mistakes) = (EvalCounts::default(), Mistakes::default());
        counts.count(sample.label, &scores);
        mistakes.look(&sample, &scores);
        let report = Report::new("<b>".into(), 0, &counts);
        let html = html_report(&report, &mistakes, "<svg a/>", "<svg b/>").unwrap();
        assert!(
            html.contains("labelled sad") && html.contains("happy 90 %"),
            "{html}"
        );
        assert!(html.contains("data:image/png;base64,iVBOR"), "{html}");
        assert!(html.contains("<svg a/>") && html.contains("<svg b/>"));
        assert!(
            !html.contains("<script>") && !html.contains("<b>"),
            "{html}"
        );
    }
}

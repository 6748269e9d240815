//! `eval`: measures accuracy on labelled face crops.

use std::{fs, io, path::Path};

use moodring_base::{config::Overrides, exit::Exit, message::json};
use moodring_vision::PhotoReader;

use super::{Failure, progress, quiet_settings};
use crate::cli::EvalArgs;
use crate::commands::stdout::{out, out_part};
use crate::evaluation::{
    Dataset, DatasetError, EvalCounts, Mistakes, Report, TrainingCrops, confusion, html_report,
    reliability,
};

/// This many broken samples are named; the rest are counted.
const MAX_LISTED_ERRORS: usize = 10;

/// The result of a whole data set.
struct Outcome {
    counts: EvalCounts,
    mistakes: Mistakes,
    broken: usize,
}

/// Reads every crop and reports.
pub(super) fn eval(args: &EvalArgs) -> Result<Exit, Failure> {
    let flags = Overrides::default().set("vision.labels", args.labels);
    let settings = quiet_settings(args.config.config.as_deref(), &flags)?;
    let mut reader = PhotoReader::open(&settings)?;
    let dataset = Dataset::open(&args.dataset, args.usage.as_deref()).map_err(unreadable)?;
    let seen = seen(args, &dataset).map_err(unreadable)?;
    let outcome = work_through(&dataset, &seen, &mut reader)?;
    let name = args.dataset.display().to_string();
    if outcome.counts.total() == 0 {
        let text = format!("{name} holds no face that could be read");
        return Err(Failure::new(Exit::Source, text));
    }
    let report = Report::new(name, outcome.broken, &outcome.counts);
    if args.json {
        out!("{}", json(&report))
    } else {
        out_part!("{report}")
    }
    if let Some(folder) = &args.report {
        write(folder, &report, &outcome)
            .map_err(|e| Failure::output(format!("cannot write {}: {e}", folder.display())))?;
        eprintln!("moodring: see {}", folder.join("index.html").display());
    }
    Ok(if outcome.broken == 0 {
        Exit::Done
    } else {
        Exit::SomeFailed
    })
}

fn unreadable(error: DatasetError) -> Failure {
    Failure::new(Exit::Source, error)
}

/// What the net may have been trained on: the named sets, and the CSV's own training rows.
fn seen(args: &EvalArgs, dataset: &Dataset) -> Result<TrainingCrops, DatasetError> {
    let mut seen = TrainingCrops::default();
    for path in &args.trained_on {
        seen.add(&Dataset::open(path, None)?)?;
    }
    if let Some(training) = dataset.training() {
        seen.add(&training)?;
    }
    Ok(seen)
}

fn work_through(
    dataset: &Dataset,
    seen: &TrainingCrops,
    reader: &mut PhotoReader,
) -> Result<Outcome, Failure> {
    let bar = progress(dataset.len_hint().max(1000), true);
    let (mut counts, mut mistakes, mut broken) = (EvalCounts::default(), Mistakes::default(), 0);
    for sample in dataset.samples().map_err(unreadable)? {
        bar.inc(1);
        match sample {
            Ok(sample) => {
                let scores = reader.classify(&sample.crop)?.scores;
                counts.count(sample.label, &scores);
                mistakes.look(&sample, &scores);
                if let Some(majority) = sample.majority {
                    counts.count_majority(majority, &scores);
                }
                if !seen.is_empty() && !seen.contains(&sample.crop) {
                    counts.count_unseen(sample.label, &scores);
                }
            }
            Err(error) => {
                broken += 1;
                if broken <= MAX_LISTED_ERRORS {
                    bar.suspend(|| eprintln!("moodring: {error}"));
                }
            }
        }
    }
    bar.finish_and_clear();
    Ok(Outcome {
        counts,
        mistakes,
        broken,
    })
}

fn write(folder: &Path, report: &Report, outcome: &Outcome) -> io::Result<()> {
    let confusion = confusion(&outcome.counts).map_err(io::Error::other)?;
    let reliability = reliability(&outcome.counts).map_err(io::Error::other)?;
    let page = html_report(report, &outcome.mistakes, &confusion, &reliability)?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join("report.json"), json(report) + "\n")?;
    fs::write(folder.join("report.txt"), report.to_string())?;
    fs::write(folder.join("confusion.svg"), confusion)?;
    fs::write(folder.join("reliability.svg"), reliability)?;
    let sheet = outcome.mistakes.sheet();
    sheet
        .save(folder.join("mistakes.png"))
        .map_err(io::Error::other)?;
    fs::write(folder.join("index.html"), page)
}

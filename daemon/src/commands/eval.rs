//! `eval`: accuracy on labelled face crops.

use std::{fs, path::Path};

use super::{Failure, progress, quiet_settings};
use crate::{
    cli::EvalArgs,
    config::Overrides,
    evaluation::{Dataset, DatasetError, Report, Tally},
    exit::Exit,
    message::json,
    vision::PhotoReader,
};

/// At most so many broken samples are named; the rest is counted.
const NAMED: usize = 10;

/// Reads every crop and reports.
pub(super) fn eval(args: &EvalArgs) -> Result<Exit, Failure> {
    let settings = quiet_settings(args.config.config.as_deref(), &Overrides::default())?;
    let mut reader = PhotoReader::open(&settings)?;
    let source = |e: DatasetError| Failure::new(Exit::Source, e);
    let dataset = Dataset::open(&args.dataset, args.usage.as_deref()).map_err(source)?;
    let bar = progress(dataset.len_hint().max(1000), true);
    let mut tally = Tally::default();
    let mut broken = 0;
    for sample in dataset.samples().map_err(source)? {
        bar.inc(1);
        match sample {
            Ok(sample) => tally.count(sample.label, &reader.classify(&sample.crop)?),
            Err(error) => {
                broken += 1;
                if broken <= NAMED {
                    bar.suspend(|| eprintln!("moodring: {error}"));
                }
            }
        }
    }
    bar.finish_and_clear();
    if tally.total() == 0 {
        let text = format!(
            "{} holds no face that could be read",
            args.dataset.display()
        );
        return Err(Failure::new(Exit::Source, text));
    }
    let report = Report::new(args.dataset.display().to_string(), broken, &tally);
    if args.json {
        println!("{}", json(&report))
    } else {
        print!("{report}")
    }
    if let Some(folder) = &args.report {
        write(folder, &report)
            .map_err(|e| Failure::output(format!("cannot write {}: {e}", folder.display())))?;
    }
    Ok(if broken == 0 {
        Exit::Done
    } else {
        Exit::SomeFailed
    })
}

fn write(folder: &Path, report: &Report) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("report.json"), json(report) + "\n")?;
    fs::write(folder.join("report.txt"), report.to_string())
}

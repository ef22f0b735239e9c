//! `evals judge calibrate`: a scorer measured by people's labels.

use std::path::Path;

use super::labels::{self, Answers, Columns};
use crate::{
    base::text::one_line,
    cli::{
        Out,
        args::RunFormat,
        args_judge::JudgeCalibrateArgs,
        env,
        exit::{Exit, Failure},
    },
    config::error::suggestion,
    domain::{calibration::Label, run::RunHeader},
    metric::calibration::{Calibrate, calibrate},
    report::{calibration as report, table::Style},
    stats::same,
    store::Store,
};

pub(super) fn run(args: &JudgeCalibrateArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let store = Store::open_existing(db)?;
    let run = store.find_run(&args.run)?;
    let header = &run.header;
    let stored = if args.labels.is_none() { store.labels(&run)? } else { Vec::new() };
    if args.labels.is_none() && stored.is_empty() {
        let message = format!("no labels are kept with run {}", header.id);
        return Err(Failure::usage(message)
            .hint("`--labels human.csv` names a file of them; `evals judge label` makes one"));
    }
    let labelled: Vec<u32> = stored.iter().map(|(scorer, _)| *scorer).collect();
    let scorer = scorer(header, args.scorer.as_deref(), &labelled)?;
    let answers = Answers::of(&store, &run, scorer)?;
    let labels: Vec<Label> = match &args.labels {
        Some(path) => {
            let columns = Columns { sample: args.sample_column.as_deref(), labels: &args.columns };
            labels::read(path, &answers, columns)?
        }
        None => stored
            .into_iter()
            .find_map(|(known, labels)| (known == scorer).then_some(labels))
            .unwrap_or_default(),
    };
    let id = &header.scorers[scorer as usize].id;
    decides(header, scorer, &answers, &labels)?;
    let how = Calibrate { scorer, mark: 0.5, draws: Some(args.draws), seed: args.seed };
    let found = calibrate(&answers.judged, &labels, how).ok_or_else(|| {
        let message = if labels.is_empty() {
            format!("there is no label for `{id}`")
        } else {
            format!("none of the {} labelled answers has a score of `{id}`", labels.len())
        };
        Failure::usage(message).hint("`evals show --trials` says what is scored, and why not")
    })?;
    if args.save {
        store.put_labels(&run, scorer, &labels)?;
        out.note(&format!(
            "{} labels are kept with run {}; reports now give the corrected means",
            labels.len(),
            header.id
        ));
    }
    let text = match args.format {
        RunFormat::Table => {
            let style = Style { color: env::stdout_color(), unicode: env::unicode() };
            report::render(header, &found, env::width(), style)
        }
        RunFormat::Markdown => report::markdown(header, &found),
        RunFormat::Json => format!("{:#}\n", report::calibration_json(header, &found)),
    };
    out.data(&text)?;
    Ok(Exit::Done)
}

/// The index of the scorer that is meant.
pub(super) fn scorer(
    header: &RunHeader,
    named: Option<&str>,
    labelled: &[u32],
) -> Result<u32, Failure> {
    let ids = || header.scorers.iter().map(|scorer| scorer.id.as_str());
    let listed = ids().map(|id| format!("`{}`", one_line(id, 40))).collect::<Vec<_>>().join(", ");
    if let Some(named) = named {
        return ids().position(|id| id == named).map(|at| at as u32).ok_or_else(|| {
            Failure::usage(format!("run {} has no scorer `{named}`", header.id)).hint(suggestion(
                named,
                ids(),
                "scorers",
            ))
        });
    }
    match (header.scorers.len(), labelled) {
        (1, _) => Ok(0),
        (_, [one]) => Ok(*one),
        (0, _) => Err(Failure::usage(format!("run {} has no scorer", header.id))
            .hint("`evals score` scores its answers")),
        _ => Err(Failure::usage("several scorers could be meant")
            .hint(format!("say which by `--scorer`: {listed}"))),
    }
}

/// Passes and fails can only be compared with a scorer that says so, or whose values lie between 0
/// and 1.
fn decides(
    header: &RunHeader,
    scorer: u32,
    answers: &Answers<'_>,
    labels: &[Label],
) -> Result<(), Failure> {
    let info = &header.scorers[scorer as usize];
    let pass_fail = labels.iter().all(|label| same(label.value, 0.0) || same(label.value, 1.0));
    let silent =
        answers.judged.iter().any(|answer| answer.value.is_some() && answer.passed.is_none());
    if pass_fail && silent && !info.unit_range {
        let message = format!("the labels say pass or fail, and `{}` does not", info.id);
        return Err(Failure::usage(message).hint(format!(
            "give it a pass mark, as in `evals score {} -s '{{threshold: {{of: {}, min: 1}}}}'`, or \
             label with numbers",
            header.id, info.name
        )));
    }
    Ok(())
}

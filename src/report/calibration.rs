//! A scorer measured by people's labels.

use serde_json::{Map, Value, json};

use super::{
    json::number,
    number::{count, of, significant},
    sheet::{self, Sheet},
    table::Style,
};
use crate::domain::{
    calibration::{Calibration, Corrected, Figure, LabelKind, Told},
    run::RunHeader,
};

/// What calibration found, as JSON, schema `evals.calibration/1`. Unknown is `null`.
pub fn calibration_json(header: &RunHeader, found: &Calibration) -> Value {
    let named = |figures: &[(&'static str, Figure)]| -> Map<String, Value> {
        figures.iter().map(|(name, figure)| ((*name).to_owned(), figure_json(figure))).collect()
    };
    let told = |told: &Told| {
        json!({
            "accuracy": figure_json(&told.accuracy),
            "balanced_accuracy": figure_json(&told.balanced),
            "cohen_kappa": figure_json(&told.kappa),
        })
    };
    json!({
        "schema": "evals.calibration/1",
        "run_id": header.id,
        "scorer": header.scorers.get(found.scorer as usize).map(|scorer| &scorer.id),
        "labels": {
            "kind": found.kind.name(),
            "raters": found.raters,
            "labelled": found.labelled,
            "unscored": found.unscored,
            "split": found.split,
            "clustered": found.clustered,
        },
        "base_rate": {"human": figure_json(&found.human), "scorer": figure_json(&found.judge)},
        "agreement": named(&found.agreement),
        "raters_alpha": found.raters_agree.as_ref().map(figure_json),
        "confusion": found.confusion.as_ref().map(|table| json!({
            "values": table.values,
            "human_by_scorer": table.counts,
        })),
        "bias": named(&found.bias),
        "threshold": found.threshold.as_ref().map(|tuned| json!({
            "mark": number(Some(tuned.mark)),
            "found_by": tuned.found_by,
            "told_on": tuned.told_on,
            "tuned": told(&tuned.tuned),
            "given": told(&tuned.given),
        })),
        "corrected": found.corrected.iter().map(|own| corrected_json(header, own)).collect::<Value>(),
    })
}

/// The part of [`calibration_json`] that stands in the object of the run.
pub(super) fn in_run(header: &RunHeader, found: &Calibration) -> Value {
    let mut object = calibration_json(header, found);
    if let Value::Object(object) = &mut object {
        for elsewhere in ["schema", "run_id", "threshold"] {
            object.remove(elsewhere);
        }
    }
    object
}

fn corrected_json(header: &RunHeader, own: &Corrected) -> Value {
    json!({
        "model": header.models.get(own.model as usize).map(|model| &model.name),
        "scored": own.scored,
        "labelled": own.labelled,
        "scorer_mean": number(own.judge),
        "human_mean": figure_json(&own.human),
        "prediction_powered": figure_json(&own.powered),
        "lambda": number(own.lambda),
        "rogan_gladen": figure_json(&own.rogan_gladen),
        "sensitivity": number(own.sensitivity),
        "specificity": number(own.specificity),
    })
}

fn figure_json(figure: &Figure) -> Value {
    json!({
        "value": number(figure.value),
        "low": number(figure.low),
        "high": number(figure.high),
    })
}

/// What calibration found, for the terminal.
pub fn render(header: &RunHeader, found: &Calibration, width: Option<u16>, style: Style) -> String {
    sheet::text(&sheets(header, found), width, style)
}

/// What calibration found, in Markdown.
pub fn markdown(header: &RunHeader, found: &Calibration) -> String {
    sheet::markdown(&sheets(header, found))
}

/// All that calibration found, as tables.
pub(super) fn sheets(header: &RunHeader, found: &Calibration) -> Vec<Sheet> {
    let mut sheets = vec![beginning(header, found), agreement(found)];
    sheets.extend(confusion(found));
    sheets.push(bias(found));
    sheets.push(threshold(found));
    sheets.push(corrected(header, found));
    sheets
}

fn scorer<'a>(header: &'a RunHeader, found: &Calibration) -> &'a str {
    header.scorers.get(found.scorer as usize).map_or("", |scorer| &scorer.id)
}

fn beginning(header: &RunHeader, found: &Calibration) -> Sheet {
    let kind = match found.kind {
        LabelKind::PassFail => "pass or fail",
        LabelKind::Grades => "grades",
        LabelKind::Numbers => "numbers",
    };
    let labelled = of(found.labelled, "labelled answer", "labelled answers");
    let title = format!("{} by {labelled} ({kind})", scorer(header, found));
    let mut sheet = Sheet::new(title, &[":base rate", "mean", "95% interval"]);
    sheet.row(line("people", &found.human));
    sheet.row(line("scorer", &found.judge));
    if found.unscored > 0 {
        let unscored = of(found.unscored, "labelled answer has", "labelled answers have");
        sheet.note(format!("{unscored} no score and are left out."));
    }
    if found.split > 0 {
        let split = of(found.split, "answer", "answers");
        sheet.note(format!("On {split} as many raters said pass as fail; left out."));
    }
    if found.clustered {
        sheet.note("Answers about the same sample or of one cluster are taken together.");
    }
    sheet
}

fn agreement(found: &Calibration) -> Sheet {
    let mut sheet = Sheet::new("", &[":agreement", "value", "95% interval"]);
    for (name, figure) in &found.agreement {
        sheet.row(line(&name.replace('_', " "), figure));
    }
    if let Some(figure) = &found.raters_agree {
        sheet.row(line("raters among themselves (alpha)", figure));
    }
    sheet
}

fn confusion(found: &Calibration) -> Option<Sheet> {
    let table = found.confusion.as_ref()?;
    let name = |value: &f64| match found.kind {
        LabelKind::PassFail => if *value > 0.5 { "pass" } else { "fail" }.to_owned(),
        _ => significant(*value),
    };
    let mut sheet = Sheet::new("", &[":people, then scorer"]);
    sheet.columns.extend(table.values.iter().map(|value| (name(value), false)));
    for (value, counts) in table.values.iter().zip(&table.counts) {
        sheet.row([name(value)].into_iter().chain(counts.iter().map(|n| count(*n))));
    }
    Some(sheet)
}

fn bias(found: &Calibration) -> Sheet {
    let mut sheet = Sheet::new("", &[":bias", "value", "95% interval"]);
    for (name, figure) in &found.bias {
        let name = match *name {
            "excess" => "scorer less people, mean",
            "length" => "that with the length of the output (Spearman)",
            _ => "first place preferred, less last place",
        };
        sheet.row(line(name, figure));
    }
    sheet
}

fn threshold(found: &Calibration) -> Sheet {
    let Some(tuned) = &found.threshold else { return Sheet::default() };
    let title = format!(
        "Pass mark {}, found by {} labels and told on the other {}",
        significant(tuned.mark),
        count(tuned.found_by),
        count(tuned.told_on)
    );
    let mut sheet = Sheet::new(title, &[":mark", "accuracy", "balanced", "kappa"]);
    for (name, told) in [("this one", &tuned.tuned), ("the scorer's own", &tuned.given)] {
        let figures = [&told.accuracy, &told.balanced, &told.kappa].map(whole);
        sheet.row([name.to_owned()].into_iter().chain(figures));
    }
    sheet
}

fn corrected(header: &RunHeader, found: &Calibration) -> Sheet {
    let shares = found.kind == LabelKind::PassFail;
    let mut columns =
        vec![":model", "scored", "labelled", "scorer", "labels alone", "prediction-powered"];
    if shares {
        columns.push("Rogan-Gladen");
    }
    let mut sheet =
        Sheet::new(format!("Means of {} as people give them", scorer(header, found)), &columns);
    for own in &found.corrected {
        let cells = [
            header.label(own.model as usize).into_owned(),
            count(own.scored),
            count(own.labelled),
            own.judge.map(show).unwrap_or_default(),
            whole(&own.human),
            whole(&own.powered),
        ];
        let share = shares.then(|| whole(&own.rogan_gladen));
        sheet.row(cells.into_iter().chain(share));
    }
    if shares && found.corrected.iter().any(|own| own.rogan_gladen.value.is_none()) {
        sheet.note(
            "Rogan-Gladen needs labels of both kinds for the model, and a scorer that is better \
             than a guess.",
        );
    }
    sheet.note("This holds when the labelled answers were chosen at random.");
    sheet
}

/// What stands of calibrations under the results of a run.
pub(super) fn summary(header: &RunHeader, calibrations: &[Calibration]) -> Vec<Sheet> {
    calibrations.iter().map(|found| corrected(header, found)).collect()
}

fn line(name: &str, figure: &Figure) -> [String; 3] {
    [name.to_owned(), figure.value.map(show).unwrap_or_default(), interval(figure)]
}

fn interval(figure: &Figure) -> String {
    let ends = figure.low.zip(figure.high);
    ends.map(|(low, high)| format!("[{}, {}]", show(low), show(high))).unwrap_or_default()
}

/// A number with its interval in one cell.
fn whole(figure: &Figure) -> String {
    let Some(value) = figure.value else { return String::new() };
    format!("{} {}", show(value), interval(figure)).trim_end().to_owned()
}

fn show(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.3}") } else { significant(value) }
}

//! Models compared two at a time.

use serde_json::{Value, json};

use super::{
    json::number,
    number::{count, percent},
    sheet::Sheet,
};
use crate::{
    base::text::one_line,
    domain::{
        calibration::Figure,
        pairwise::{Apart, Matchup, Pairwise},
        run::RunHeader,
    },
};

/// What comparisons say, in the object of the run. Unknown is `null`.
pub(super) fn in_run(header: &RunHeader, found: &Pairwise) -> Value {
    let name = |model: u32| header.models.get(model as usize).map(|model| model.name.clone());
    let figure = |figure: &Figure| {
        json!({
            "value": number(figure.value),
            "low": number(figure.low),
            "high": number(figure.high),
        })
    };
    json!({
        "scorer": header.scorers.get(found.scorer as usize).map(|scorer| &scorer.id),
        "comparisons": found.n,
        "flip_rate": figure(&found.flipped),
        "first_won_both": found.first,
        "last_won_both": found.last,
        "pairs": found.pairs.iter().map(|pair| json!({
            "a": name(pair.a),
            "b": name(pair.b),
            "n": pair.n,
            "a_won": pair.won,
            "b_won": pair.lost,
            "tied": pair.tied,
            "flipped": pair.flipped,
            "a_share": figure(&pair.share),
        })).collect::<Value>(),
        "bradley_terry": found.strengths.iter().map(|(model, strength)| json!({
            "model": name(*model),
            "strength": figure(strength),
        })).collect::<Value>(),
        "no_strengths": found.apart.as_ref().map(|apart| why(header, apart)),
    })
}

/// A table of who won how often against whom, and one of strengths, for each scorer.
pub(super) fn sheets(header: &RunHeader, all: &[Pairwise]) -> Vec<Sheet> {
    all.iter().flat_map(|found| [wins(header, found), strengths(header, found)]).collect()
}

/// Each row's model against each column's.
fn wins(header: &RunHeader, found: &Pairwise) -> Sheet {
    let id = header.scorers.get(found.scorer as usize).map_or("", |scorer| scorer.id.as_str());
    let mut models: Vec<u32> = found.pairs.iter().flat_map(|pair| [pair.a, pair.b]).collect();
    models.sort_unstable();
    models.dedup();
    let title = format!("{id}: share won by the row against the column, ties as halves");
    let mut sheet = Sheet::new(title, &[":model"]);
    let label = |model: u32| header.label(model as usize).into_owned();
    sheet.columns.extend(models.iter().map(|model| (one_line(&label(*model), 24), false)));
    for row in &models {
        let share = |column: &u32| {
            let pair = found.pairs.iter().find(|pair| is_of(pair, *row, *column));
            let share = pair.and_then(|pair| {
                let share = pair.share.value?;
                Some(if pair.a == *row { share } else { 1.0 - share })
            });
            share.map(|share| format!("{share:.3}")).unwrap_or_default()
        };
        sheet.row([label(*row)].into_iter().chain(models.iter().map(share)));
    }
    let flipped: u64 = found.pairs.iter().map(|pair| pair.flipped).sum();
    sheet.note(format!(
        "Of {} comparisons, each in both orders, {} ({}) hung on the order: {} times the answer that \
         stood first was better both times, {} times the last; those are ties.",
        count(found.n),
        count(flipped),
        percent(flipped, found.n),
        count(found.first),
        count(found.last),
    ));
    sheet
}

fn is_of(pair: &Matchup, one: u32, other: u32) -> bool {
    (pair.a, pair.b) == (one.min(other), one.max(other))
}

fn strengths(header: &RunHeader, found: &Pairwise) -> Sheet {
    let mut sheet = Sheet::new("", &[":model", "Bradley-Terry strength", "95% interval"]);
    let mut ranked: Vec<&(u32, Figure)> = found.strengths.iter().collect();
    let by = |figure: &Figure| figure.value.unwrap_or(f64::NEG_INFINITY);
    ranked.sort_by(|one, other| by(&other.1).total_cmp(&by(&one.1)));
    for (model, figure) in ranked {
        let value = figure.value.map(|value| format!("{value:.3}")).unwrap_or_default();
        let ends = figure.low.zip(figure.high);
        let ends = ends.map(|(low, high)| format!("[{low:.3}, {high:.3}]")).unwrap_or_default();
        sheet.row([header.label(*model as usize).into_owned(), value, ends]);
    }
    if let Some(apart) = &found.apart {
        sheet.note(format!("There are no strengths: {}.", why(header, apart)));
    }
    sheet
}

/// Why there are no strengths, as a fragment.
fn why(header: &RunHeader, apart: &Apart) -> String {
    let names = |models: &[u32]| {
        let label = |model: &u32| header.label(*model as usize).into_owned();
        models.iter().map(label).collect::<Vec<_>>().join(", ")
    };
    match apart {
        Apart::Unconnected(models) => {
            format!("{} were never compared with the others", names(models))
        }
        Apart::Unbeaten(models) => {
            format!("the lead of {} has no end, since nothing of it was ever lost", names(models))
        }
    }
}

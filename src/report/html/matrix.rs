//! Models and prompts against scorers, with what the comparison says of each.

use serde::Serialize;

use crate::{
    domain::{comparison::PairVerdict, measure::Estimate},
    report::{
        View,
        facts::{results, unit_of},
        html::{
            side::{between, scorer},
            text::name,
        },
        number::{count, of, or_unknown},
    },
};

/// What `matrix.hbs` shows.
#[derive(Debug, Serialize)]
pub(super) struct Matrix {
    prompts_differ: bool,
    scorers: Vec<Head>,
    rows: Vec<Row>,
    /// Whether any cell is marked, so that the marks have to be explained.
    marked: bool,
    n_note: String,
}

#[derive(Debug, Serialize)]
struct Head {
    name: String,
    metric: &'static str,
    lower: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    model: String,
    prompt: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    value: String,
    interval: String,
    /// `best`, `tied`, `worse`, or nothing.
    mark: &'static str,
    sign: &'static str,
    word: &'static str,
    lacking: Option<String>,
}

/// The table; nothing without results.
pub(super) fn matrix(view: &View<'_>) -> Option<Matrix> {
    let (header, measures) = (&view.run.header, &view.measures.measures);
    let mut columns: Vec<(u32, &'static str)> = Vec::new();
    for measure in measures {
        if !columns.iter().any(|(scorer, _)| *scorer == measure.scorer) {
            columns.push((measure.scorer, measure.metric));
        }
    }
    let known = columns.iter().filter(|(at, _)| header.scorers.get(*at as usize).is_some());
    let columns: Vec<(u32, &'static str)> = known.copied().collect();
    let estimate = |model: usize, prompt: usize, scorer: u32| {
        let found = measures.iter().find(|measure| {
            (measure.model as usize, measure.prompt as usize, measure.scorer)
                == (model, prompt, scorer)
        });
        found.map(|measure| measure.estimate)
    };
    let sides = (0..header.models.len())
        .flat_map(|model| (0..header.prompts.len()).map(move |prompt| (model, prompt)));
    let rows = sides.map(|(model, prompt)| Row {
        model: name(&header.label(model)),
        prompt: name(&header.prompts[prompt].id),
        cells: columns
            .iter()
            .map(|(scorer, _)| {
                let id = &header.scorers[*scorer as usize].id;
                let mark = mark(view, model, prompt, id);
                cell(view, *scorer as usize, estimate(model, prompt, *scorer), mark)
            })
            .collect(),
    });
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() || columns.is_empty() {
        return None;
    }
    let lines = results(view);
    let samples = lines.iter().map(|line| line.estimate.n);
    let n_note = match (samples.clone().min(), samples.max()) {
        (Some(low), Some(high)) if low == high => format!("n = {} for each.", count(low)),
        (Some(low), Some(high)) => format!("n = {} to {}.", count(low), count(high)),
        _ => String::new(),
    };
    Some(Matrix {
        prompts_differ: header.prompts.len() > 1,
        marked: rows.iter().flat_map(|row| &row.cells).any(|cell| !cell.mark.is_empty()),
        scorers: columns.iter().map(|(at, metric)| head(view, *at as usize, metric)).collect(),
        rows,
        n_note,
    })
}

fn head(view: &View<'_>, at: usize, metric: &'static str) -> Head {
    let id = &view.run.header.scorers[at].id;
    let scores = view.comparison.iter().flat_map(|c| &c.pairs).flat_map(|pair| &pair.scores);
    let lower = scores.clone().any(|score| score.scorer == *id && score.lower_is_better);
    Head { name: name(id), metric, lower }
}

fn cell(view: &View<'_>, scorer: usize, estimate: Option<Estimate>, mark: Mark) -> Cell {
    let unit = unit_of(&view.run.header.scorers[scorer]);
    let show = |number: f64| unit.show(number);
    let ends = estimate.and_then(|estimate| estimate.low.zip(estimate.high));
    let interval = ends.map(|(low, high)| format!("{} to {}", show(low), show(high)));
    let unscored = estimate.map_or(0, |estimate| estimate.unscored);
    Cell {
        value: name(&or_unknown(estimate.and_then(|estimate| estimate.value).map(show))),
        interval: name(&interval.unwrap_or_default()),
        mark: mark.class,
        sign: mark.sign,
        word: mark.word,
        lacking: (unscored > 0).then(|| format!("{} unscored", of(unscored, "sample", "samples"))),
    }
}

/// What a cell is marked with: a sign, its word, and a class for the style sheet.
#[derive(Clone, Copy)]
struct Mark {
    class: &'static str,
    sign: &'static str,
    word: &'static str,
}

const NONE: Mark = Mark { class: "", sign: "", word: "" };
const BEST: Mark = Mark { class: "best", sign: "▲", word: "best" };
const TIED: Mark = Mark { class: "tied", sign: "≈", word: "tied with the best" };
const WORSE: Mark = Mark { class: "worse", sign: "▼", word: "worse than the best" };

/// How a model and prompt stands to the one with the best mean, by the paired comparison.
fn mark(view: &View<'_>, model: usize, prompt: usize, id: &str) -> Mark {
    let header = &view.run.header;
    let Some(comparison) = view.comparison else { return NONE };
    if scorer(header, id).is_none() {
        return NONE;
    }
    let own = |side: &crate::domain::comparison::Side| {
        side.model == header.models[model].name && side.prompt == header.prompts[prompt].id
    };
    let Some(own) = comparison.sides.iter().position(own) else { return NONE };
    // Ahead of how many others a side is.
    let ahead = |side: usize| {
        let others = (0..comparison.sides.len()).filter(|other| *other != side);
        others.filter(|other| leads(view, side, *other, id)).count()
    };
    let sides = 0..comparison.sides.len();
    let Some(best) = sides.max_by_key(|side| (ahead(*side), usize::MAX - side)) else {
        return NONE;
    };
    let others = (0..comparison.sides.len()).filter(|side| *side != best);
    let verdicts = others.filter_map(|side| verdict(view, best, side, id));
    let beats_one = verdicts.clone().any(|verdict| verdict != PairVerdict::Tied);
    let knows = verdicts.clone().next().is_some();
    if own == best {
        return match (knows, beats_one) {
            (false, _) => NONE,
            (true, true) => BEST,
            (true, false) => TIED,
        };
    }
    match verdict(view, best, own, id) {
        None => NONE,
        Some(PairVerdict::Tied) => TIED,
        Some(_) => WORSE,
    }
}

/// What was decided between two sides; `None` when that is unknown.
fn verdict(view: &View<'_>, a: usize, b: usize, id: &str) -> Option<PairVerdict> {
    let (score, _) = between(view.comparison?, a, b, id)?;
    (score.verdict != PairVerdict::Unknown).then_some(score.verdict)
}

/// Whether the mean of `a` is the better one.
fn leads(view: &View<'_>, a: usize, b: usize, id: &str) -> bool {
    let found = view.comparison.and_then(|comparison| between(comparison, a, b, id));
    found.is_some_and(|(score, turned)| {
        let gain = score.difference.unwrap_or(0.0);
        let gain = if turned { gain } else { -gain };
        if score.lower_is_better { gain < 0.0 } else { gain > 0.0 }
    })
}

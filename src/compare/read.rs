//! Runs, read once each, and compared side by side.

use super::{
    Asked, CompareError,
    likeness::differences,
    open::Source,
    sides::{Group, Place},
};
use crate::{
    domain::{
        comparison::{Pair, Side},
        run::ScorerInfo,
    },
    metric::{
        CONFIDENCE,
        paired::{self, Cell, Question, Roster, Subject, Values},
    },
    scorer::{self, Better},
};

/// Runs whose values are in memory, to be compared.
#[derive(Debug)]
pub struct Read<'a> {
    roster: Roster,
    runs: Vec<(Source<'a>, Values)>,
}

impl<'a> Read<'a> {
    /// Reads the models and prompts of each run.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn new(wanted: &[(Source<'a>, &[(u32, u32)])]) -> Result<Self, CompareError> {
        let (mut roster, mut runs) = (Roster::default(), Vec::new());
        for (source, cells) in wanted {
            let (store, run) = (source.store, source.run);
            let mut values = Values::new(&run.header, cells);
            store.marks(run, &mut |mark| values.add_sample(&mut roster, &mark))?;
            store.digests(run, &mut |digest| values.add(&digest))?;
            values.finish();
            runs.push((*source, values));
        }
        Ok(Self { roster, runs })
    }

    fn cell(&self, run: usize, cell: usize) -> &Cell {
        &self.runs[run].1.cells()[cell]
    }

    /// The side at `place`, without a label.
    pub(super) fn side(&self, place: Place<'_>) -> Side {
        let (opened, cell) = (self.runs[place.group].0, self.cell(place.group, place.cell));
        let header = &opened.run.header;
        Side {
            label: String::new(),
            run_id: header.id.clone(),
            run_name: header.name.clone(),
            created_ms: opened.file.is_none().then_some(header.created_ms),
            status: opened.run.status,
            branch: header.context.branch.clone(),
            commit: header.context.commit.clone(),
            file: opened.file.map(|path| path.display().to_string()),
            model: place.names.0.to_owned(),
            model_label: header.label(cell.model as usize).into_owned(),
            prompt: place.names.1.to_owned(),
            samples: header.samples,
            trials: cell.trials,
            errors: cell.errors,
            cost: cell.cost,
            unpriced_calls: cell.unpriced_calls,
            latency: cell.latency(),
        }
    }

    /// Two sides, by their indices and their places, compared by `scorers`, or by all.
    pub(super) fn pair(
        &self,
        (a, b): (usize, usize),
        places: (Place<'_>, Place<'_>),
        scorers: &[String],
    ) -> Result<Pair, CompareError> {
        let at = |place: Place<'_>| (place.group, place.cell);
        let mut pair = self.compare(at(places.0), at(places.1), scorers, CONFIDENCE)?;
        (pair.a, pair.b) = (a, b);
        Ok(pair)
    }

    /// Compares two models and prompts, each by the index of its run and its own among those that were
    /// read of it.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn compare(
        &self,
        a: (usize, usize),
        b: (usize, usize),
        scorers: &[String],
        confidence: f64,
    ) -> Result<Pair, CompareError> {
        let (here, there) = (&self.runs[a.0], &self.runs[b.0]);
        let id_of = |source: Source<'a>| {
            move |sample| source.store.sample_id(source.run, sample).ok().flatten()
        };
        let (id_a, id_b) = (id_of(here.0), id_of(there.0));
        let subjects = (
            Subject { values: &here.1, cell: a.1, id_of: &id_a },
            Subject { values: &there.1, cell: b.1, id_of: &id_b },
        );
        let (of_a, of_b) = (&here.0.run.header.scorers, &there.0.run.header.scorers);
        let wanted = |info: &&ScorerInfo| scorers.is_empty() || scorers.contains(&info.id);
        let (mut scores, mut unmatched) = (Vec::new(), Vec::new());
        for (place_a, info) in of_a.iter().enumerate().filter(|(_, info)| wanted(info)) {
            let Some(place_b) = of_b.iter().position(|other| other.id == info.id) else {
                unmatched.push(info.id.clone());
                continue;
            };
            // A file says less of its scorers than a run does.
            let info = if here.0.file.is_some() { &of_b[place_b] } else { info };
            let asked = Question {
                scorer: info,
                places: (place_a, place_b),
                lower_is_better: lower_is_better(info),
                confidence,
            };
            scores.push(paired::pair(&self.roster, subjects, &asked));
        }
        let only_there = of_b.iter().filter(wanted).map(|info| &info.id);
        unmatched.extend(only_there.filter(|id| !of_a.iter().any(|info| info.id == **id)).cloned());
        let (cell_a, cell_b) = (self.cell(a.0, a.1), self.cell(b.0, b.1));
        let overlap = here.1.overlap(&there.1);
        let found = differences((here.0, cell_a), (there.0, cell_b), overlap)?;
        Ok(Pair {
            a: 0,
            b: 1,
            scores,
            unmatched_scorers: unmatched,
            cost_ratio: paired::cost_ratio(subjects.0, subjects.1),
            latency_ratio: paired::latency_ratio(subjects.0, subjects.1),
            differences: found,
        })
    }
}

/// Reads what was asked for, a run for each group.
pub(super) fn runs<'a>(asked: &[Asked<'a>], groups: &[Group]) -> Result<Read<'a>, CompareError> {
    let wanted: Vec<(Source<'a>, &[(u32, u32)])> =
        groups.iter().map(|group| (asked[group.first].source, group.cells.as_slice())).collect();
    Read::new(&wanted)
}

/// Whether lower values of a scorer are better.
pub fn lower_is_better(info: &ScorerInfo) -> bool {
    let said = info.options.get("better").and_then(serde_json::Value::as_str);
    match said {
        Some(said) => said == "lower",
        None => scorer::find(&info.name).is_some_and(|kind| kind.card().better == Better::Lower),
    }
}

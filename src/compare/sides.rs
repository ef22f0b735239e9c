//! Which sides there are, which of them are compared with which, and what they are called.

use super::Asked;
use crate::{
    base::text::one_line,
    domain::{comparison::Side, run::RunHeader},
};

/// Longest name in a label, in characters.
const NAME_WIDTH: usize = 60;

/// What was named at once: the models and prompts of one run.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The first of what was asked for that it is made of.
    pub(super) first: usize,
    /// Index of the model and of the prompt of each side.
    pub(super) cells: Vec<(u32, u32)>,
    /// Whether a model or a prompt was named.
    pub(super) named: bool,
}

/// Where a side is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Index of its group.
    pub(super) group: usize,
    /// Index of its model and prompt in the group.
    pub(super) cell: usize,
    /// The model's name and the prompt's id.
    pub(super) names: (&'a str, &'a str),
    /// How many models and prompts its group has.
    pub(super) counts: (usize, usize),
    /// Whether a model or a prompt was named for it.
    pub(super) named: bool,
}

/// The groups: one for each thing that was asked for.
pub(super) fn groups(asked: &[Asked<'_>]) -> Vec<Group> {
    let group = |(first, asked): (usize, &Asked<'_>)| {
        let header = &asked.source.run.header;
        let models =
            (0..header.models.len() as u32).filter(|at| asked.model.is_none_or(|m| m == *at));
        let prompts: Vec<u32> = (0..header.prompts.len() as u32)
            .filter(|at| asked.prompt.is_none_or(|p| p == *at))
            .collect();
        let cells = models.flat_map(|model| prompts.iter().map(move |prompt| (model, *prompt)));
        let named = asked.model.is_some() || asked.prompt.is_some();
        Group { first, cells: cells.collect(), named }
    };
    asked.iter().enumerate().map(group).collect()
}

/// The sides of all groups, in order.
pub(super) fn places<'a>(asked: &[Asked<'a>], groups: &[Group]) -> Vec<Place<'a>> {
    let mut places = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let header: &'a RunHeader = &asked[group.first].source.run.header;
        let distinct = |of: fn(&(u32, u32)) -> u32| {
            let mut all: Vec<u32> = group.cells.iter().map(of).collect();
            all.sort_unstable();
            all.dedup();
            all.len()
        };
        let counts = (distinct(|cell| cell.0), distinct(|cell| cell.1));
        for (cell, (model, prompt)) in group.cells.iter().enumerate() {
            let model: &'a str = &header.models[*model as usize].name;
            let prompt: &'a str = &header.prompts[*prompt as usize].id;
            let (names, named) = ((model, prompt), group.named);
            places.push(Place { group: at, cell, names, counts, named });
        }
    }
    places
}

/// Which sides of two groups are compared: those of the same name; a model or a prompt that is the
/// only one of its group, or that was named, matches any.
pub(super) fn matched(places: &[Place<'_>], a: &[usize], b: &[usize]) -> Vec<(usize, usize)> {
    let all = || a.iter().flat_map(|a| b.iter().map(move |b| (*a, *b)));
    let either_named = all().next().is_some_and(|(a, b)| places[a].named || places[b].named);
    if either_named && (a.len() == 1 || b.len() == 1) {
        return all().collect();
    }
    let by = |same: &dyn Fn(&Place<'_>, &Place<'_>) -> bool| -> Vec<(usize, usize)> {
        all().filter(|(a, b)| same(&places[*a], &places[*b])).collect()
    };
    let exact = by(&|a, b| a.names == b.names);
    if !exact.is_empty() {
        return exact;
    }
    let lone = |a: &Place<'_>, b: &Place<'_>, count: fn(&Place<'_>) -> usize| {
        count(a) == 1 || count(b) == 1
    };
    by(&|a, b| {
        (a.names.0 == b.names.0 || lone(a, b, |place| place.counts.0))
            && (a.names.1 == b.names.1 || lone(a, b, |place| place.counts.1))
    })
}

/// Every model and prompt of a run, by their indices.
pub fn cells_of(header: &RunHeader) -> Vec<(u32, u32)> {
    let prompts = header.prompts.len() as u32;
    let models = 0..header.models.len() as u32;
    models.flat_map(|model| (0..prompts).map(move |prompt| (model, prompt))).collect()
}

/// Which model and prompt of one run is compared with which of another.
pub fn matched_cells(a: &RunHeader, b: &RunHeader) -> Vec<((u32, u32), (u32, u32))> {
    let (cells_a, cells_b) = (cells_of(a), cells_of(b));
    let place = |group: usize, header: &'_ RunHeader, cell: usize, (model, prompt): (u32, u32)| {
        let names = (
            header.models[model as usize].name.clone(),
            header.prompts[prompt as usize].id.clone(),
        );
        (group, cell, names, (header.models.len(), header.prompts.len()))
    };
    let named: Vec<_> = cells_a
        .iter()
        .enumerate()
        .map(|(at, cell)| place(0, a, at, *cell))
        .chain(cells_b.iter().enumerate().map(|(at, cell)| place(1, b, at, *cell)))
        .collect();
    let places: Vec<Place<'_>> = named
        .iter()
        .map(|(group, cell, names, counts)| Place {
            group: *group,
            cell: *cell,
            names: (&names.0, &names.1),
            counts: *counts,
            named: false,
        })
        .collect();
    let of_a: Vec<usize> = (0..cells_a.len()).collect();
    let of_b: Vec<usize> = (cells_a.len()..places.len()).collect();
    let found = matched(&places, &of_a, &of_b).into_iter();
    found.map(|(here, there)| (cells_a[here], cells_b[there - cells_a.len()])).collect()
}

/// Calls each side by what tells it from the others.
pub(super) fn label(sides: &mut [Side]) {
    let varies = |of: &dyn Fn(&Side) -> String| {
        let first = sides.first().map(of);
        sides.iter().any(|side| Some(of(side)) != first)
    };
    let model = varies(&|side| side.model.clone());
    let prompt = varies(&|side| side.prompt.clone());
    let run = varies(&|side| side.run_id.clone());
    let runs: Vec<Option<String>> =
        sides.iter().map(|side| run.then(|| run_label(side, sides))).collect();
    for (side, run) in sides.iter_mut().zip(runs) {
        let shown = |name: &str| one_line(name, NAME_WIDTH);
        let mut parts = Vec::new();
        if model || !(prompt || run.is_some()) {
            parts.push(shown(&side.model_label));
        }
        if prompt {
            parts.push(shown(&side.prompt));
        }
        parts.extend(run);
        side.label = parts.join(" · ");
    }
}

/// What tells a run from the others: a file, a name, a branch, or the end of the id.
fn run_label(side: &Side, all: &[Side]) -> String {
    if let Some(file) = &side.file {
        let name = std::path::Path::new(file).file_name();
        return one_line(
            &name.map_or_else(|| file.clone(), |n| n.to_string_lossy().into()),
            NAME_WIDTH,
        );
    }
    let others = || all.iter().filter(|other| other.run_id != side.run_id);
    if others().all(|other| other.run_name != side.run_name) {
        return one_line(&side.run_name, NAME_WIDTH);
    }
    let branch = side.branch.as_deref().filter(|branch| {
        others().all(|other| other.branch.as_deref() != Some(*branch) && other.branch.is_some())
    });
    if let Some(branch) = branch {
        return one_line(branch, NAME_WIDTH);
    }
    let tail: String =
        side.run_id.chars().skip(side.run_id.chars().count().saturating_sub(6)).collect();
    format!("{} …{tail}", one_line(&side.run_name, NAME_WIDTH))
}

//! Files of labels: whose answer a row is about, and what it says.

use std::{collections::HashMap, fs, path::Path};

use crate::{
    base::text::nearest,
    cli::exit::Failure,
    config::error::suggestion,
    domain::{
        calibration::{Judged, Label},
        run::{RunHeader, RunRecord},
    },
    store::{Store, StoreError},
};

/// Names of the column of the sample's id, the first one that is there counts.
const SAMPLE_COLUMNS: [&str; 3] = ["sample_id", "sample", "id"];
/// The column of a label when none is named.
const LABEL_COLUMN: &str = "label";
/// The column that says who labelled.
const RATER_COLUMN: &str = "rater";

/// The answers of a run, to be found by what people call them.
pub(super) struct Answers<'a> {
    header: &'a RunHeader,
    pub(super) judged: Vec<Judged>,
    samples: Vec<(u64, String)>,
    by_id: HashMap<String, u64>,
    by_seq: HashMap<u64, usize>,
}

impl<'a> Answers<'a> {
    /// The answers of `run` with what the scorer at `scorer` gave them.
    pub(super) fn of(store: &Store, run: &'a RunRecord, scorer: u32) -> Result<Self, StoreError> {
        let judged = store.judged(run, scorer)?;
        let samples = store.sample_ids(run)?;
        let by_id = samples.iter().map(|(sample, id)| (id.clone(), *sample)).collect();
        let by_seq = judged.iter().enumerate().map(|(at, answer)| (answer.seq, at)).collect();
        Ok(Self { header: &run.header, judged, samples, by_id, by_seq })
    }

    /// The id of a sample.
    pub(super) fn sample_id(&self, sample: u64) -> &str {
        let at = self.samples.binary_search_by_key(&sample, |(sample, _)| *sample);
        at.map_or("", |at| &self.samples[at].1)
    }
}

/// Which columns of a file mean what.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Columns<'a> {
    /// The sample's id; by default the first of the usual names.
    pub(super) sample: Option<&'a str>,
    /// The labels; by default the column `label`.
    pub(super) labels: &'a [String],
}

/// A file that is being read.
struct Reader<'a> {
    path: &'a Path,
    answers: &'a Answers<'a>,
    sample: usize,
    model: Option<usize>,
    prompt: Option<usize>,
    epoch: Option<usize>,
    rater: Option<usize>,
    /// The columns of labels, with their names.
    labels: Vec<(usize, String)>,
}

/// The labels in the file at `path`, in its order.
pub(super) fn read(
    path: &Path,
    answers: &Answers<'_>,
    columns: Columns<'_>,
) -> Result<Vec<Label>, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("failed to read `{shown}`: {error}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut csv = ::csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let head = csv
        .headers()
        .map_err(|error| Failure::usage(format!("failed to read `{shown}`: {error}")))?;
    let head: Vec<String> = head.iter().map(|name| name.trim().to_owned()).collect();
    let reader = Reader::new(path, answers, &head, columns)?;
    let mut labels: Vec<Label> = Vec::new();
    let mut seen: HashMap<(u64, String), u64> = HashMap::new();
    for row in csv.into_records() {
        let row = row.map_err(|error| Failure::usage(format!("`{shown}`: {error}")))?;
        let line = row.position().map_or(0, ::csv::Position::line);
        for label in reader.labels_of(&row, line)? {
            let key = (label.seq, label.rater.clone());
            if let Some(first) = seen.insert(key, line) {
                let rater = if reader.rater.is_some() || reader.labels.len() > 1 {
                    format!(" by `{}`", label.rater)
                } else {
                    String::new()
                };
                let message = format!("{shown}:{line}: this answer is labelled{rater} twice");
                return Err(Failure::usage(message).hint(format!("first in line {first}")));
            }
            labels.push(label);
        }
    }
    Ok(labels)
}

impl<'a> Reader<'a> {
    fn new(
        path: &'a Path,
        answers: &'a Answers<'a>,
        head: &[String],
        columns: Columns<'_>,
    ) -> Result<Self, Failure> {
        let find = |name: &str| head.iter().position(|column| column == name);
        let missing = |what: &str, name: &str| {
            let message = format!("{}:1: there is no column `{name}` {what}", path.display());
            let known = head.iter().map(String::as_str);
            Failure::usage(message).hint(suggestion(name, known, "columns"))
        };
        let sample = match columns.sample {
            Some(name) => find(name).ok_or_else(|| missing("for the sample's id", name))?,
            None => SAMPLE_COLUMNS
                .into_iter()
                .find_map(find)
                .ok_or_else(|| missing("for the sample's id", SAMPLE_COLUMNS[0]))?,
        };
        let default = [LABEL_COLUMN.to_owned()];
        let names = if columns.labels.is_empty() { &default[..] } else { columns.labels };
        let label = |name: &String| {
            find(name).map(|at| (at, name.clone())).ok_or_else(|| missing("for a label", name))
        };
        let labels = names.iter().map(label).collect::<Result<_, _>>()?;
        let header = answers.header;
        let needed = |name: &str, count: usize, many: &str| match find(name) {
            None if count > 1 => {
                let message = format!(
                    "{}:1: the run has {count} {many}, and there is no column `{name}`",
                    path.display()
                );
                Err(Failure::usage(message).hint("say in it which answer a row is about"))
            }
            found => Ok(found),
        };
        Ok(Self {
            path,
            answers,
            sample,
            model: needed("model", header.models.len(), "models")?,
            prompt: needed("prompt", header.prompts.len(), "prompts")?,
            epoch: needed("epoch", header.epochs as usize, "epochs")?,
            rater: find(RATER_COLUMN),
            labels,
        })
    }

    fn wrong(&self, line: u64, message: impl std::fmt::Display) -> Failure {
        Failure::usage(format!("{}:{line}: {message}", self.path.display()))
    }

    fn labels_of(&self, row: &::csv::StringRecord, line: u64) -> Result<Vec<Label>, Failure> {
        let cell = |at: usize| row.get(at).unwrap_or_default().trim();
        let given: Vec<&(usize, String)> =
            self.labels.iter().filter(|(at, _)| !cell(*at).is_empty()).collect();
        if given.is_empty() {
            return Ok(Vec::new());
        }
        let seq = self.answer(&cell, line)?;
        let rater = self.rater.map(cell).filter(|rater| !rater.is_empty());
        let label = |(at, column): &(usize, String)| {
            let text = cell(*at);
            let value = value(text).ok_or_else(|| {
                self.wrong(line, format!("`{text}` in column `{column}` is no label")).hint(
                    "write pass or fail, yes or no, true or false, or a number; leave it empty \
                     where there is none",
                )
            })?;
            let rater = match (rater, self.labels.len()) {
                (Some(rater), 1) => rater.to_owned(),
                (Some(rater), _) => format!("{rater}/{column}"),
                (None, _) => column.clone(),
            };
            Ok(Label { seq, rater, value })
        };
        given.into_iter().map(label).collect()
    }

    /// Which answer the row is about.
    fn answer<'r>(&self, cell: &dyn Fn(usize) -> &'r str, line: u64) -> Result<u64, Failure> {
        let header = self.answers.header;
        let id = cell(self.sample);
        let sample = *self.answers.by_id.get(id).ok_or_else(|| {
            let wrong = self.wrong(line, format!("the run has no sample `{id}`"));
            let known = self.answers.samples.iter().map(|(_, id)| id.as_str());
            match nearest(id, known) {
                Some(near) => wrong.hint(format!("did you mean `{near}`?")),
                None => wrong.hint("`evals export` lists the samples of a run with their ids"),
            }
        })?;
        let place = |column: Option<usize>, what: &str, names: Vec<&str>| {
            let Some(text) = column.map(cell) else { return Ok(0) };
            names.iter().position(|name| *name == text).map(|at| at as u32).ok_or_else(|| {
                self.wrong(line, format!("the run has no {what} `{text}`")).hint(suggestion(
                    text,
                    names.iter().copied(),
                    &format!("{what}s"),
                ))
            })
        };
        let models = header.models.iter().map(|model| model.name.as_str()).collect();
        let prompts = header.prompts.iter().map(|prompt| prompt.id.as_str()).collect();
        let model = place(self.model, "model", models)?;
        let prompt = place(self.prompt, "prompt", prompts)?;
        let epoch = match self.epoch.map(cell) {
            None => 0,
            Some(text) => {
                text.parse().ok().filter(|epoch| *epoch < header.epochs).ok_or_else(|| {
                    let message = format!("the run has no epoch `{text}`");
                    self.wrong(line, message)
                        .hint(format!("they go from 0 to {}", header.epochs - 1))
                })?
            }
        };
        let seq = header.place(sample, prompt, model, epoch);
        if !self.answers.by_seq.contains_key(&seq) {
            return Err(self
                .wrong(
                    line,
                    format!("sample `{id}` has no answer of `{}`", header.label(model as usize)),
                )
                .hint("its call failed, or has not been made; leave the label empty"));
        }
        Ok(seq)
    }
}

/// What a label is worth.
fn value(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        "pass" | "passed" | "yes" | "y" | "true" | "t" | "good" | "correct" => Some(1.0),
        "fail" | "failed" | "no" | "n" | "false" | "f" | "bad" | "incorrect" => Some(0.0),
        other => other.parse().ok().filter(|value: &f64| value.is_finite()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words_or_numbers() {
        for (text, expected) in [
            ("pass", Some(1.0)),
            ("No", Some(0.0)),
            ("TRUE", Some(1.0)),
            ("0.25", Some(0.25)),
            ("4", Some(4.0)),
            ("maybe", None),
            ("NaN", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }
}

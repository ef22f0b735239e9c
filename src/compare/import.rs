//! A run out of the file that `evals export` wrote of it: read twice, into a store of its own.
//!
//! A file says less than a run: not the templates, parameters and prices, not the options of scorers,
//! not the clusters. What it does not say is left open, and never guessed but for whether values lie
//! between 0 and 1.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io::{BufRead as _, BufReader, Lines},
    path::Path,
    sync::Arc,
};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::CompareError;
use crate::{
    base::{digest::sha256_u64, money::Money},
    domain::{
        event::Event,
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, Usage},
        run::{ModelInfo, PromptInfo, RunContext, RunHeader, RunRecord, RunStatus, ScorerInfo},
        sample::Sample,
        score::{Score, Verdict},
        trial::{Answer, Attempt, Hit, Scored, TrialKey},
    },
    scorer::{self, Range},
    store::Store,
};

/// The run in the file at `path`, in a store that lasts as long as the directory.
pub(super) fn import(
    path: &Path,
    like: Option<&RunHeader>,
) -> Result<(Store, RunRecord, TempDir), CompareError> {
    let names = Names::read(path)?;
    let header = names.header(path, like);
    let failed = |error: std::io::Error| CompareError::Export {
        path: path.to_owned(),
        line: None,
        message: format!("no room for a copy: {error}"),
    };
    let dir = tempfile::tempdir().map_err(failed)?;
    let store = Store::open(&dir.path().join("runs.db"))?;
    let mut trials = Trials::open(path, &header, names)?;
    store.write_run(&mut || trials.next())?;
    let run = store.find_run(&header.id)?;
    Ok((store, run, dir))
}

/// The lines of a file, each with its number.
struct Numbered {
    path: std::path::PathBuf,
    lines: Lines<BufReader<File>>,
    number: u64,
}

impl Numbered {
    fn open(path: &Path) -> Result<Self, CompareError> {
        let file = File::open(path).map_err(|error| CompareError::Export {
            path: path.to_owned(),
            line: None,
            message: format!("failed to read it: {error}"),
        })?;
        Ok(Self { path: path.to_owned(), lines: BufReader::new(file).lines(), number: 0 })
    }

    fn wrong(&self, message: impl Into<String>) -> CompareError {
        CompareError::Export {
            path: self.path.clone(),
            line: (self.number > 0).then_some(self.number),
            message: message.into(),
        }
    }

    /// The next line that is not empty.
    fn next(&mut self) -> Result<Option<Map<String, Value>>, CompareError> {
        loop {
            let Some(line) = self.lines.next() else { return Ok(None) };
            self.number += 1;
            let line = line.map_err(|error| self.wrong(format!("failed to read it: {error}")))?;
            if line.trim().is_empty() {
                continue;
            }
            let value: Value = serde_json::from_str(&line)
                .map_err(|error| self.wrong(format!("not a line of JSON: {error}")))?;
            let Value::Object(line) = value else {
                return Err(self.wrong("not an object"));
            };
            return Ok(Some(line));
        }
    }

    /// The text at `key`, which has to be there.
    fn text<'a>(&self, line: &'a Map<String, Value>, key: &str) -> Result<&'a str, CompareError> {
        let found = line.get(key).and_then(Value::as_str);
        found.ok_or_else(|| self.wrong(format!("there is no text `{key}`")))
    }
}

/// What the lines of a file name.
#[derive(Default)]
struct Names {
    run: String,
    models: Vec<String>,
    prompts: Vec<String>,
    scorers: Vec<String>,
    /// For each scorer: whether all its values lie between 0 and 1.
    unit: Vec<bool>,
    epochs: u32,
    /// Samples by hashes of their ids.
    samples: HashMap<u64, u64>,
    trials: u64,
}

fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

impl Names {
    fn read(path: &Path) -> Result<Self, CompareError> {
        let mut lines = Numbered::open(path)?;
        let mut names = Self { epochs: 1, ..Self::default() };
        while let Some(line) = lines.next()? {
            let run = lines.text(&line, "run_id")?;
            if names.run.is_empty() {
                run.clone_into(&mut names.run);
            }
            if names.run != run {
                let first = names.run;
                return Err(lines.wrong(format!("run {run} follows on run {first}")));
            }
            place(&mut names.models, lines.text(&line, "model")?);
            place(&mut names.prompts, lines.text(&line, "prompt")?);
            names.epochs = names.epochs.max(epoch(&line) + 1);
            let next = names.samples.len() as u64;
            let id = lines.text(&line, "sample_id")?;
            names.samples.entry(sha256_u64(id.as_bytes())).or_insert(next);
            names.trials += 1;
            let scores = line.get("scores").and_then(Value::as_object);
            for (scorer, score) in scores.into_iter().flatten() {
                let at = place(&mut names.scorers, scorer);
                names.unit.resize(names.scorers.len(), true);
                let value = score.get("value").and_then(Value::as_f64);
                names.unit[at] &= value.is_none_or(|value| (0.0..=1.0).contains(&value));
            }
        }
        if names.trials == 0 {
            return Err(lines.wrong("there is no trial in it"));
        }
        Ok(names)
    }

    fn header(&self, path: &Path, like: Option<&RunHeader>) -> RunHeader {
        let shown = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        let model = |name: &String| ModelInfo {
            name: name.clone(),
            title: None,
            provider: String::new(),
            model: name.clone(),
            origin: String::new(),
            params: Value::Null,
            price: None,
            fallback: Vec::new(),
            pool: Vec::new(),
            reference: None,
        };
        let scorer = |(id, unit): (&String, &bool)| {
            let known = like.and_then(|like| like.scorers.iter().find(|info| info.id == *id));
            if let Some(info) = known {
                return ScorerInfo { corpus: None, ..info.clone() };
            }
            let kind = scorer::find(id).map(|kind| kind.card().range);
            let unit_range = kind.map_or(*unit, |range| range == Range::Unit) && *unit;
            let (name, options) = (id.clone(), json!({}));
            ScorerInfo { id: id.clone(), name, options, extract: None, unit_range, corpus: None }
        };
        let named = |names: &[String]| -> Vec<PromptInfo> {
            let prompt = |id: &String| PromptInfo { id: id.clone(), template: Value::Null };
            names.iter().map(prompt).collect()
        };
        RunHeader {
            id: self.run.clone(),
            name: shown.unwrap_or_else(|| self.run.clone()),
            created_ms: 0,
            version: String::new(),
            config: json!({}),
            dataset: path.display().to_string(),
            dataset_digest: String::new(),
            samples: self.samples.len() as u64,
            prompts: named(&self.prompts),
            models: self.models.iter().map(model).collect(),
            scorers: self.scorers.iter().zip(&self.unit).map(scorer).collect(),
            extracts: Vec::new(),
            epochs: self.epochs,
            reduce: like.map_or_else(|| "mean".to_owned(), |like| like.reduce.clone()),
            gates: Vec::new(),
            command: None,
            forked_from: None,
            context: RunContext::default(),
            judges: Vec::new(),
        }
    }
}

fn epoch(line: &Map<String, Value>) -> u32 {
    line.get("epoch").and_then(Value::as_u64).map_or(0, |epoch| epoch.min(9_999) as u32)
}

/// The events of the run.
struct Trials {
    lines: Numbered,
    header: RunHeader,
    names: Names,
    seen: u64,
    queue: VecDeque<Event>,
    ended: bool,
}

impl Trials {
    fn open(path: &Path, header: &RunHeader, names: Names) -> Result<Self, CompareError> {
        let queue = VecDeque::from([Event::Started(Arc::new(header.clone()))]);
        let lines = Numbered::open(path)?;
        Ok(Self { lines, header: header.clone(), names, seen: 0, queue, ended: false })
    }

    fn next(&mut self) -> Result<Option<Event>, CompareError> {
        if self.queue.is_empty() && !self.ended {
            match self.lines.next()? {
                Some(line) => self.trial(&line)?,
                None => {
                    self.ended = true;
                    let whole = self.names.trials == self.header.planned_trials();
                    let status = if whole { RunStatus::Complete } else { RunStatus::Incomplete };
                    self.queue.push_back(Event::Finished(status));
                }
            }
        }
        Ok(self.queue.pop_front())
    }

    fn trial(&mut self, line: &Map<String, Value>) -> Result<(), CompareError> {
        let id = self.lines.text(line, "sample_id")?;
        let changed = || self.lines.wrong("the file has changed while it was read");
        let sample = *self.names.samples.get(&sha256_u64(id.as_bytes())).ok_or_else(changed)?;
        if sample == self.seen {
            self.seen += 1;
            self.queue.push_back(Event::Sample(Arc::new(row(line, sample, id))));
        }
        let index = |names: &[String], key: &str| {
            let name = self.lines.text(line, key)?;
            names.iter().position(|known| known == name).map(|at| at as u32).ok_or_else(changed)
        };
        let (model, prompt) =
            (index(&self.names.models, "model")?, index(&self.names.prompts, "prompt")?);
        let epoch = epoch(line);
        let seq = self.header.place(sample, prompt, model, epoch);
        let key = TrialKey { seq, sample, prompt, model, epoch };
        let answer = answer(line, key);
        self.queue.push_back(Event::Answered(Arc::new(answer)));
        let scores = line.get("scores").and_then(Value::as_object);
        let verdict = |id: &String| {
            scores
                .and_then(|scores| scores.get(id))
                .map_or_else(|| Verdict::Skipped("not scored".to_owned()), verdict)
        };
        if scores.is_some_and(|scores| !scores.is_empty()) {
            let verdicts = self.names.scorers.iter().map(verdict).collect();
            self.queue.push_back(Event::Scored(Arc::new(Scored { key, verdicts })));
        }
        Ok(())
    }
}

fn row(line: &Map<String, Value>, index: u64, id: &str) -> Sample {
    let expected = match line.get("expected") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    Sample {
        index,
        id: id.to_owned(),
        input: text(line, "input"),
        expected,
        vars: line.get("vars").and_then(Value::as_object).cloned().unwrap_or_default(),
        metadata: Map::new(),
        cluster: text(line, "cluster"),
        tags: Vec::new(),
    }
}

fn text(line: &Map<String, Value>, key: &str) -> Option<String> {
    line.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn answer(line: &Map<String, Value>, key: TrialKey) -> Answer {
    let number = |key: &str| line.get(key).and_then(Value::as_f64);
    let us = |key: &str| number(key).filter(|ms| *ms >= 0.0).map(|ms| (ms * 1e3).round() as u64);
    let usd = |key: &str| number(key).and_then(Money::from_usd);
    let error = line.get("error").filter(|error| error.is_object());
    let finish = text(line, "finish_reason");
    let usage: Option<Usage> =
        line.get("usage").and_then(|usage| serde_json::from_value(usage.clone()).ok());
    let result = match error {
        Some(error) => {
            let of = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
            let kind = FaultKind::from_name(of("kind")).unwrap_or(FaultKind::Protocol);
            Err(Fault::new(kind, of("message")))
        }
        None => Ok(Generation {
            text: text(line, "output").unwrap_or_default(),
            reasoning: text(line, "reasoning"),
            finish_reason: finish.as_deref().and_then(FinishReason::from_name).unwrap_or_default(),
            usage,
            ..Generation::default()
        }),
    };
    let cached = line.get("cached").and_then(Value::as_bool) == Some(true);
    let hit = cached.then(|| Hit {
        latency_us: us("cached_latency_ms"),
        ttft_us: us("cached_ttft_ms"),
        saved: usd("saved_usd"),
    });
    let attempt = us("latency_ms").map(|latency_us| Attempt {
        latency_us,
        ttft_us: us("ttft_ms"),
        fault: result.as_ref().err().cloned(),
        usage,
        cost: usd("cost_usd"),
        accepted: true,
        ..Attempt::default()
    });
    Answer {
        key,
        result,
        attempts: if cached { Vec::new() } else { attempt.into_iter().collect() },
        served_by: text(line, "served_by").unwrap_or_default(),
        cached: hit,
        extracted: Vec::new(),
    }
}

fn verdict(score: &Value) -> Verdict {
    let of = |key: &str| score.get(key).and_then(Value::as_str).map(str::to_owned);
    let error = score.get("error").filter(|error| error.is_object());
    match (score.get("value").and_then(Value::as_f64), error) {
        (Some(value), None) => Verdict::Scored(Score {
            value,
            passed: score.get("passed").and_then(Value::as_bool),
            label: of("label"),
            explanation: of("explanation"),
            counts: Vec::new(),
        }),
        (_, error) => {
            let of = |key| error.and_then(|error| error.get(key)).and_then(Value::as_str);
            let message = of("message").unwrap_or("not scored").to_owned();
            match of("kind") {
                Some("skipped") | None => Verdict::Skipped(message),
                Some("judge") => Verdict::Unanswered(message),
                Some(_) => Verdict::Failed(message),
            }
        }
    }
}

//! `--log`: what happens in a run, one JSON object a line, as it happens.
//!
//! A log tells how a run went; what was said stands in the database, and had reached the disk before
//! the log told of it. Its failure ends no run.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use serde_json::{Map, Value, json};

use super::stored::directory_of;
use crate::{
    base::clock,
    domain::{
        contract::{Receipt, Sink},
        event::Event,
        judgement::Judgement,
        run::RunHeader,
        score::Verdict,
        trial::{Answer, Scored, TrialKey},
    },
};

/// Writes events to a file.
#[derive(Debug)]
pub(super) struct Log {
    file: Mutex<File>,
    header: OnceLock<RunHeader>,
}

impl Log {
    /// Begins a log at `path`, in place of what stood there.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory_of(path))?;
        let file = Mutex::new(File::create(path)?);
        Ok(Self { file, header: OnceLock::new() })
    }

    fn line(&self, name: &str, facts: Value) {
        let mut line = Map::new();
        line.insert("at_ms".to_owned(), clock::now_ms().into());
        line.insert("event".to_owned(), name.into());
        if let Value::Object(facts) = facts {
            line.extend(facts);
        }
        let line = format!("{}\n", Value::Object(line));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A line at once: who follows the log sees it, and a process that is killed leaves it.
        file.write_all(line.as_bytes()).ok();
    }

    fn trial(&self, key: TrialKey) -> Map<String, Value> {
        let mut facts = Map::new();
        facts.insert("trial".to_owned(), key.seq.into());
        if let Some(header) = self.header.get() {
            let model = header.models.get(key.model as usize).map(|model| model.name.as_str());
            let prompt = header.prompts.get(key.prompt as usize).map(|prompt| prompt.id.as_str());
            facts.insert("model".to_owned(), model.into());
            facts.insert("prompt".to_owned(), prompt.into());
        }
        facts.insert("sample".to_owned(), key.sample.into());
        facts.insert("epoch".to_owned(), key.epoch.into());
        facts
    }

    fn answered(&self, answer: &Answer) {
        let mut facts = self.trial(answer.key);
        facts.insert("status".to_owned(), answer.status().name().into());
        let error = answer.result.as_ref().err();
        let error =
            error.map(|fault| json!({ "kind": fault.kind.name(), "message": fault.message }));
        facts.insert("error".to_owned(), error.into());
        facts.insert("attempts".to_owned(), answer.attempts.len().into());
        let latency = answer.latency_us().map(|us| us as f64 / 1e3);
        facts.insert("latency_ms".to_owned(), latency.into());
        if answer.cached.is_some() {
            facts.insert("cached".to_owned(), true.into());
        }
        self.line("answered", Value::Object(facts));
    }

    fn judged(&self, judgement: &Judgement) {
        let scorers = self.header.get().map(|header| header.scorers.as_slice()).unwrap_or_default();
        let scorer = scorers.get(judgement.scorer as usize).map(|scorer| scorer.id.as_str());
        let error = judgement.result.as_ref().err();
        let error =
            error.map(|fault| json!({ "kind": fault.kind.name(), "message": fault.message }));
        let problem = judgement.read.as_ref().and_then(|read| read.as_ref().err());
        let latency = judgement.latency_us().map(|us| us as f64 / 1e3);
        let mut facts = json!({
            "trial": judgement.seq,
            "scorer": scorer,
            "judge": judgement.model,
            "step": judgement.step,
            "error": error,
            "problem": problem,
            "attempts": judgement.attempts.len(),
            "latency_ms": latency,
        });
        if judgement.cached.is_some() {
            facts["cached"] = true.into();
        }
        self.line("judged", facts);
    }

    fn scored(&self, scored: &Scored) {
        let mut facts = self.trial(scored.key);
        let value = |verdict: &Verdict| match verdict {
            Verdict::Scored(score) => Some(score.value),
            Verdict::Skipped(_) | Verdict::Failed(_) | Verdict::Unanswered(_) => None,
        };
        let scorers = self.header.get().map(|header| header.scorers.as_slice()).unwrap_or_default();
        let scores: Map<String, Value> = scorers
            .iter()
            .zip(&scored.verdicts)
            .map(|(scorer, verdict)| (scorer.id.clone(), value(verdict).into()))
            .collect();
        facts.insert("scores".to_owned(), scores.into());
        self.line("scored", Value::Object(facts));
    }
}

impl Sink for Log {
    fn emit(&self, event: &Event) -> Option<Receipt> {
        match event {
            Event::Started(header) | Event::Resumed(header) | Event::Retried(header) => {
                self.header.set(RunHeader::clone(header)).ok();
                let trials = header.planned_trials();
                let name = if matches!(event, Event::Started(_)) { "started" } else { "resumed" };
                self.line(name, json!({ "run_id": header.id, "trials": trials }));
            }
            Event::Sample(_) | Event::Rendered { .. } | Event::Left { .. } => {}
            Event::Answered(answer) => self.answered(answer),
            Event::Judged(judgement) => self.judged(judgement),
            Event::Scored(scored) => self.scored(scored),
            Event::Finished(status) => self.line("finished", json!({ "status": status.name() })),
        }
        None
    }
}

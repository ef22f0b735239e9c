//! The data of one trial in the page.

use serde::Serialize;

use crate::{
    base::money::Money,
    domain::{
        message::{Part, Role},
        run::{RunHeader, ScoreRecord, TrialRecord},
        trial::Status,
    },
    report::{
        facts::{Tone, unit_of},
        html::text::{Text, name, text},
        jsonl::{milliseconds, model_name, prompt_id},
        number::{UNKNOWN, duration_ms, of},
    },
};

/// Scores that are shown before a trial is opened.
const BRIEF_SCORES: usize = 4;

/// What `trial.hbs` shows.
#[derive(Debug, Serialize)]
pub(super) struct Trial {
    class: &'static str,
    tone: &'static str,
    word: &'static str,
    sample: String,
    model: String,
    prompt: Option<String>,
    epoch: Option<String>,
    error: Option<Fault>,
    output: Option<Text>,
    expected: Vec<Text>,
    extracted: Vec<Extracted>,
    scores: Vec<Scored>,
    input: Option<Text>,
    reasoning: Option<Text>,
    n_messages: usize,
    messages: Vec<Said>,
    trivia: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Fault {
    kind: String,
    message: Text,
}

#[derive(Debug, Serialize)]
struct Extracted {
    id: String,
    found: Option<Text>,
}

#[derive(Debug, Serialize)]
struct Scored {
    scorer: String,
    brief: bool,
    value: String,
    tone: &'static str,
    result: &'static str,
    label: Option<String>,
    why: Option<Text>,
}

#[derive(Debug, Serialize)]
struct Said {
    role: &'static str,
    text: Text,
}

/// Whether a reader who looks for trouble should see the trial first: there is no whole answer, a
/// scorer says that it is wrong, or a score is missing.
pub(super) fn went_wrong(trial: &TrialRecord) -> bool {
    trial.status != Status::Ok || trial.scores.iter().any(is_bad)
}

fn is_bad(score: &ScoreRecord) -> bool {
    score.passed == Some(false) || score.error.as_ref().is_some_and(|(kind, _)| kind != "skipped")
}

/// The data of `record`.
pub(super) fn trial(header: &RunHeader, record: &TrialRecord) -> Trial {
    let (tone, word) = outcome(record);
    let class = if went_wrong(record) { "wrong" } else { "fine" };
    let mut left = BRIEF_SCORES;
    let scores = record.scores.iter().map(|score| scored(header, score, &mut left)).collect();
    let found = record.extracted.iter().zip(&header.extracts);
    Trial {
        class,
        tone: tone.name(),
        word,
        sample: name(&record.sample_id),
        model: name(&header.label(record.key.model as usize)),
        prompt: (header.prompts.len() > 1).then(|| name(prompt_id(header, record))),
        epoch: (header.epochs > 1).then(|| record.key.epoch.to_string()),
        error: record
            .error
            .as_ref()
            .map(|(kind, message)| Fault { kind: name(kind), message: text(message) }),
        output: record.output.as_deref().map(text),
        expected: record.expected.iter().map(|expected| text(expected)).collect(),
        extracted: found
            .map(|(found, id)| Extracted { id: name(id), found: found.as_deref().map(text) })
            .collect(),
        scores,
        input: record.input.as_deref().map(text),
        reasoning: record.reasoning.as_deref().map(text),
        n_messages: record.messages.len(),
        messages: record
            .messages
            .iter()
            .flat_map(|message| {
                message.content.iter().map(|part| Said {
                    role: role(message.role),
                    text: match part {
                        Part::Text { text: said } => text(said),
                        Part::Image { url } => text(&format!("image: {url}")),
                    },
                })
            })
            .collect(),
        trivia: trivia(header, record),
    }
}

fn outcome(trial: &TrialRecord) -> (Tone, &'static str) {
    let says = |passed| trial.scores.iter().any(|score| score.passed == Some(passed));
    match trial.status {
        Status::Error => (Tone::Bad, "error"),
        Status::Ok if says(false) => (Tone::Bad, "failed"),
        Status::Ok if trial.scores.iter().any(is_bad) => (Tone::Unsure, "unscored"),
        Status::Ok if says(true) => (Tone::Good, "passed"),
        Status::Ok => (Tone::Neutral, "answered"),
        Status::Refused | Status::Length | Status::Empty => (Tone::Unsure, trial.status.name()),
    }
}

fn scored(header: &RunHeader, score: &ScoreRecord, left: &mut usize) -> Scored {
    let info = header.scorers.get(score.scorer as usize);
    let brief = *left > 0 && score.value.is_some();
    *left -= usize::from(brief);
    let value = score.value.filter(|value| value.is_finite());
    let shown = |value| info.map_or_else(|| format!("{value}"), |info| unit_of(info).show(value));
    let (tone, result) = match (&score.error, score.passed) {
        (Some(_), _) => (Tone::Unsure, "not scored"),
        (None, Some(true)) => (Tone::Good, "passed"),
        (None, Some(false)) => (Tone::Bad, "failed"),
        (None, None) => (Tone::Neutral, ""),
    };
    let error = score.error.as_ref().map(|(kind, message)| text(&format!("{kind}: {message}")));
    Scored {
        scorer: info.map_or_else(|| UNKNOWN.to_owned(), |info| name(&info.id)),
        brief,
        value: value.map_or_else(|| UNKNOWN.to_owned(), |value| name(&shown(value))),
        tone: tone.name(),
        result,
        label: score.label.as_deref().map(name),
        why: error.or_else(|| score.explanation.as_deref().map(text)),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::Developer => "developer",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

fn trivia(header: &RunHeader, trial: &TrialRecord) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(ms) = milliseconds(trial.latency_us) {
        facts.push(format!("took {}", duration_ms(ms)));
    }
    if let Some(ms) = milliseconds(trial.ttft_us) {
        facts.push(format!("first token after {}", duration_ms(ms)));
    }
    if let Some(usage) = trial.usage {
        facts.push(format!("{} in, {} out", of(usage.input, "token", "tokens"), usage.output));
    }
    if let Some(pico) = trial.cost_pico {
        facts.push(format!("cost {}", Money::from_pico(pico)));
    }
    if trial.attempts > 1 {
        facts.push(format!("{} attempts", trial.attempts));
    }
    if let Some(reason) = &trial.finish_reason {
        facts.push(format!("finish reason {}", name(reason)));
    }
    if trial.served_by != model_name(header, trial) {
        facts.push(format!("answered by {}", name(&trial.served_by)));
    }
    if let Some(hit) = trial.cached {
        let mut fact = "from the cache".to_owned();
        if let Some(ms) = milliseconds(hit.latency_us) {
            fact.extend([", took ", &duration_ms(ms), " when it was asked"]);
        }
        if let Some(saved) = hit.saved {
            fact.extend([", saved ", &saved.to_string()]);
        }
        facts.push(fact);
    }
    if !trial.tags.is_empty() {
        facts.push(format!("tags {}", name(&trial.tags.join(", "))));
    }
    facts
}

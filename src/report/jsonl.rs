//! Trials as JSON lines, one a trial, in the order of the plan. Scripts depend on the keys, their
//! order and the number formats, so that two exports can be diffed.

use std::{
    io::{BufWriter, Write},
    ops::ControlFlow,
};

use serde_json::{Map, Value, json};

use crate::{
    base::money::Money,
    domain::{
        judgement::JudgementRecord,
        message::{Message, Part},
        run::{RunHeader, ScoreRecord, TrialRecord},
    },
    report::{ReportError, TrialSource, for_each, json::number},
};

/// Writes every trial as one line.
///
/// # Errors
///
/// When the trials cannot be read or `to` cannot be written.
pub fn write_jsonl(
    header: &RunHeader,
    trials: &dyn TrialSource,
    to: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut to = BufWriter::new(to);
    for_each(trials, |trial| {
        serde_json::to_writer(&mut to, &trial_json(header, &trial))
            .map_err(std::io::Error::from)?;
        to.write_all(b"\n")?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(to.flush()?)
}

/// The object of one line. Unknown is `null`.
///
/// `cached_latency_ms`, `cached_ttft_ms` and `saved_usd` follow `cached` only where that is true:
/// what the call took and cost that the answer is from. `cost_source` says whose figure the cost is:
/// `provider`, `price` (ours, by its prices) or `mixed`. `logprobs` is there only where there are
/// some, `masked` only where a secret was masked in what came back. `reasoning` follows `output` only
/// where the model showed some; `extractions` follows `extracted` only in a run of several extraction
/// pipelines. `judgements`, before `scores`, is there only where a scorer asked a model: every question
/// and its reply, those that could not be used included. `scores` is empty when the trial is not
/// scored.
pub fn trial_json(header: &RunHeader, trial: &TrialRecord) -> Value {
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| {
        line.insert(key.to_owned(), value);
    };
    put("run_id", json!(header.id));
    put("sample_id", json!(trial.sample_id));
    put("model", json!(model_name(header, trial)));
    put("prompt", json!(prompt_id(header, trial)));
    put("epoch", json!(trial.key.epoch));
    put("vars", Value::Object(trial.vars.clone()));
    put("input", json!(trial.input));
    put("expected", one_or_many(&trial.expected));
    put("messages", trial.messages.iter().map(message).collect());
    put("output", json!(trial.output));
    if let Some(reasoning) = &trial.reasoning {
        put("reasoning", json!(reasoning));
    }
    put("extracted", json!(trial.extracted.first().and_then(Option::as_ref)));
    if header.extracts.len() > 1 {
        let found =
            trial.extracted.iter().map(|value| json!(value)).chain(std::iter::repeat(Value::Null));
        put("extractions", header.extracts.iter().cloned().zip(found).collect());
    }
    put("status", json!(trial.status.name()));
    put("error", fault(trial.error.as_ref()));
    put("finish_reason", json!(trial.finish_reason));
    put("served_by", json!(trial.served_by));
    put("cached", json!(trial.cached.is_some()));
    if let Some(hit) = trial.cached {
        put("cached_latency_ms", number(milliseconds(hit.latency_us)));
        put("cached_ttft_ms", number(milliseconds(hit.ttft_us)));
        put("saved_usd", number(dollars(hit.saved.map(Money::pico))));
    }
    put("attempts", json!(trial.attempts));
    if trial.masked {
        put("masked", json!(true));
    }
    put("latency_ms", number(milliseconds(trial.latency_us)));
    put("ttft_ms", number(milliseconds(trial.ttft_us)));
    put("usage", json!(trial.usage));
    put("cost_usd", number(dollars(trial.cost_pico)));
    put("cost_source", json!(trial.cost_source));
    if !trial.logprobs.is_empty() {
        put("logprobs", json!(trial.logprobs));
    }
    if !trial.judgements.is_empty() {
        put("judgements", trial.judgements.iter().map(|said| judgement(header, said)).collect());
    }
    put("scores", trial.scores.iter().map(|record| score(header, record)).collect());
    Value::Object(line)
}

/// The model's name in results; empty when the run does not know it.
pub(super) fn model_name<'a>(header: &'a RunHeader, trial: &TrialRecord) -> &'a str {
    header.models.get(trial.key.model as usize).map_or("", |model| &model.name)
}

/// The prompt's id; empty when the run does not know it.
pub(super) fn prompt_id<'a>(header: &'a RunHeader, trial: &TrialRecord) -> &'a str {
    header.prompts.get(trial.key.prompt as usize).map_or("", |prompt| &prompt.id)
}

/// Messages as they are exported: text as a string, anything with an image as its parts.
pub(super) fn message(message: &Message) -> Value {
    let text_only = message.content.iter().all(|part| matches!(part, Part::Text { .. }));
    let content = if text_only { json!(message.joined_text()) } else { json!(message.content) };
    json!({"role": message.role, "content": content})
}

/// None as null, one as a string, several as an array.
pub(super) fn one_or_many(texts: &[String]) -> Value {
    match texts {
        [] => Value::Null,
        [one] => json!(one),
        many => json!(many),
    }
}

/// Milliseconds of microseconds.
pub(super) fn milliseconds(us: Option<u64>) -> Option<f64> {
    us.map(|us| us as f64 / 1e3)
}

/// Dollars of picodollars.
pub(super) fn dollars(pico: Option<i64>) -> Option<f64> {
    pico.map(|pico| Money::from_pico(pico).usd())
}

/// What a model said when a scorer asked it.
fn judgement(header: &RunHeader, said: &JudgementRecord) -> Value {
    json!({
        "scorer": header.scorers.get(said.scorer as usize).map(|scorer| &scorer.id),
        "judge": said.model,
        "step": said.step,
        "repeat": said.repeat,
        "turn": said.turn,
        "round": said.round,
        "messages": said.messages.iter().map(message).collect::<Value>(),
        "output": said.output,
        "arguments": said.arguments,
        "finish_reason": said.finish_reason,
        "served_by": said.served_by,
        "error": fault(said.error.as_ref()),
        "verdict": said.verdict,
        "problem": said.problem,
        "cached": said.cached,
        "attempts": said.attempts,
        "latency_ms": number(milliseconds(said.latency_us)),
        "usage": said.usage,
        "cost_usd": number(dollars(said.cost_pico)),
    })
}

fn fault(error: Option<&(String, String)>) -> Value {
    error.map_or(Value::Null, |(kind, message)| json!({"kind": kind, "message": message}))
}

fn score(header: &RunHeader, record: &ScoreRecord) -> (String, Value) {
    let id = header
        .scorers
        .get(record.scorer as usize)
        .map_or_else(|| record.scorer.to_string(), |scorer| scorer.id.clone());
    let value = json!({
        "value": number(record.value),
        "passed": record.passed,
        "label": record.label,
        "explanation": record.explanation,
        "error": fault(record.error.as_ref()),
    });
    (id, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::message::Role, report::sample};

    fn lines(data: &sample::Data) -> String {
        let mut written = Vec::new();
        write_jsonl(&data.run.header, &data.trials, &mut written).expect("written");
        String::from_utf8(written).expect("UTF-8")
    }

    #[test]
    fn the_contract() {
        insta::assert_snapshot!(lines(&sample::run()));
    }

    #[test]
    fn what_is_said_only_where_there_is_some() {
        let mut data = sample::run();
        data.run.header.extracts = vec!["final".to_owned(), "thought".to_owned()];
        let mut trial = data.trials.0[0].clone();
        trial.reasoning = Some("Hm.".to_owned());
        trial.extracted = vec![None, Some("b".to_owned())];
        trial.expected = vec!["Paris".to_owned(), "paris".to_owned()];
        trial.messages = vec![Message {
            role: Role::User,
            content: vec![
                Part::Text { text: "What is this?".to_owned() },
                Part::Image { url: "https://example.org/a.png".to_owned() },
            ],
        }];
        let line = trial_json(&data.run.header, &trial);
        let keys: Vec<&str> =
            line.as_object().expect("object").keys().map(String::as_str).collect();
        assert_eq!(keys[9..13], ["output", "reasoning", "extracted", "extractions"]);
        assert_eq!(line["extracted"], Value::Null);
        assert_eq!(line["extractions"], json!({"final": null, "thought": "b"}));
        assert_eq!(line["expected"], json!(["Paris", "paris"]));
        assert_eq!(line["messages"][0]["content"][1]["url"], "https://example.org/a.png");
    }

    #[test]
    fn a_closed_pipe_is_an_error_of_writing() {
        let data = sample::run();
        let mut full: &mut [u8] = &mut [0; 8];
        let error = write_jsonl(&data.run.header, &data.trials, &mut full).expect_err("too small");
        assert!(matches!(error, ReportError::Write(_)));
    }
}

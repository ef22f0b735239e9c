//! Recorded answers: scores what exists, calls nothing.

mod book;
mod row;

use std::sync::LazyLock;

pub use self::book::{ReplayBook, ReplayError};
use self::row::Recorded;
use crate::{
    base::{clock, money::Money},
    client::not_sent,
    domain::{
        contract::{Call, Reply},
        fault::{Fault, FaultKind},
        generation::Generation,
        target::ReplaySource,
        trial::Attempt,
    },
};

/// Columns that hold the answer, where none is named: the first that a row has.
pub(super) static OUTPUT_COLUMNS: &[&str] =
    &["output", "completion", "response", "prediction", "generation"];

static OUTPUT_LIST: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<String> = OUTPUT_COLUMNS.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
});

/// Answers `call` out of `book`, or, where `source` names no file, out of its own sample.
pub(super) fn send(call: &Call, source: &ReplaySource, book: Option<&ReplayBook>) -> Reply {
    let found = match (&source.path, book) {
        (None, _) => of_sample(call, source),
        (Some(_), Some(book)) => book.find(&call.sample, call.epoch),
        (Some(path), None) => {
            let path = path.display();
            Err(Fault::new(FaultKind::NotRecorded, format!("`{path}` has not been opened")))
        }
    };
    match found {
        Ok(recorded) => reply(call, recorded),
        Err(fault) => not_sent(call, fault),
    }
}

/// The answer that stands in a column of the sample itself.
fn of_sample(call: &Call, source: &ReplaySource) -> Result<Recorded, Fault> {
    let sample = &call.sample;
    let recorded = row::recorded(&sample.vars, source.output.as_deref());
    recorded.ok_or_else(|| {
        let wanted = source.output.as_ref();
        let wanted = wanted.map_or_else(
            || format!("none of {}", OUTPUT_LIST.as_str()),
            |output| format!("no `{output}`"),
        );
        let message = format!("the sample `{}` has {wanted}", sample.id);
        Fault::new(FaultKind::NotRecorded, message)
    })
}

/// The reply that was recorded. Without a recorded latency there is no attempt to tell of: an
/// attempt that took no time would be a lie. A call that is not made costs nothing.
fn reply(call: &Call, recorded: Recorded) -> Reply {
    let cost = recorded.cost_usd.and_then(Money::from_usd);
    let result = match (recorded.fault(), recorded.text) {
        (Some(fault), _) => Err(fault),
        (None, Some(text)) => Ok(Generation {
            text,
            finish_reason: recorded.finish_reason.unwrap_or_default(),
            raw_finish_reason: recorded.finish_reason.map(|reason| reason.name().to_owned()),
            usage: recorded.usage,
            served_model: Some(call.target.model.clone()).filter(|model| !model.is_empty()),
            reported_cost: cost,
            ..Generation::default()
        }),
        (None, None) => {
            let message = format!("the recorded answer for `{}` is null", call.sample.id);
            Err(Fault::new(FaultKind::NotRecorded, message))
        }
    };
    let attempts = recorded.latency_us.map(|latency_us| Attempt {
        started_ms: clock::now_ms(),
        latency_us,
        ttft_us: recorded.ttft_us,
        fault: result.as_ref().err().cloned(),
        usage: recorded.usage,
        cost: cost.or(Some(Money::ZERO)),
        ..Attempt::default()
    });
    Reply {
        result,
        attempts: attempts.into_iter().collect(),
        served_by: call.target.name.clone(),
        cached: None,
        limits: None,
    }
}

#[cfg(test)]
mod tests;

//! What another run has found out already: a run that is made from it asks only what is new.
//!
//! A trial is the same when its request is: the same messages, to the same model under the same
//! name, with the same parameters, in the same repeat. Which row it belongs to does not count, and
//! neither do scorers, prices and the names of prompts.

use std::sync::{Mutex, PoisonError};

use crate::{
    base::digest::sha256_u64,
    domain::{
        contract::Reply,
        message::Message,
        run::{ModelInfo, RunHeader, RunRecord},
        target::Endpoint,
        trial::{Hit, TrialKey},
    },
    plan::Plan,
    store::{Store, StoreError},
};

/// The answers of another run.
#[derive(Debug)]
pub struct Fork {
    store: Mutex<Store>,
    run: RunRecord,
    /// For each model of the plan, the index of the same one in the other run.
    models: Vec<Option<u32>>,
    /// Digests of messages with the place of these in the other run, rows before prompts, in
    /// ascending order.
    places: Vec<(u64, u64)>,
}

impl Fork {
    /// What `store` holds of `run` that `plan` would ask again.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn read(store: Store, run: RunRecord, plan: &Plan) -> Result<Self, StoreError> {
        let fresh = plan.header.models.iter().zip(&plan.targets);
        let models = fresh
            .map(|(fresh, target)| {
                // Simulated and recorded models answer for nothing. Which model of a pool is asked
                // depends on more than the request.
                let asked = matches!(target.endpoint, Endpoint::Http(_)) && target.pool.is_empty();
                let stored = run.header.models.iter().position(|stored| is_same(stored, fresh));
                stored.filter(|_| asked).and_then(|index| u32::try_from(index).ok())
            })
            .collect();
        let prompts = run.header.prompts.len().max(1) as u64;
        let mut places = Vec::new();
        store.rendered(&run, &mut |sample, prompt, messages| {
            let place = sample.saturating_mul(prompts).saturating_add(u64::from(prompt));
            places.push((sha256_u64(messages.as_bytes()), place));
        })?;
        places.sort_unstable();
        Ok(Self { store: Mutex::new(store), run, models, places })
    }

    /// The answer that the other run has to the request of `key`, which says `messages`, as a hit:
    /// this run makes no request and pays nothing for it.
    pub(super) fn answer(
        &self,
        key: TrialKey,
        messages: &[Message],
    ) -> Result<Option<Reply>, StoreError> {
        let Some(model) = self.models.get(key.model as usize).copied().flatten() else {
            return Ok(None);
        };
        if key.epoch >= self.run.header.epochs {
            return Ok(None);
        }
        let Ok(text) = serde_json::to_string(messages) else { return Ok(None) };
        let digest = sha256_u64(text.as_bytes());
        // Of several rows that say the same, the first.
        let first = self.places.partition_point(|(known, _)| *known < digest);
        let Some(&(_, place)) = self.places.get(first).filter(|(known, _)| *known == digest) else {
            return Ok(None);
        };
        let prompts = self.run.header.prompts.len().max(1) as u64;
        let (sample, prompt) = (place / prompts, (place % prompts) as u32);
        let there = there(&self.run.header, TrialKey { seq: 0, sample, prompt, model, ..key });
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        // Digests may be alike by chance.
        if store.rendered_at(&self.run, sample, prompt)?.as_deref() != Some(text.as_str()) {
            return Ok(None);
        }
        let Some(recorded) = store.recorded(&self.run, there.seq)? else { return Ok(None) };
        drop(store);
        let answer = recorded.answer;
        let last = answer.attempts.last();
        let hit = answer.cached.unwrap_or_else(|| Hit {
            latency_us: last.map(|attempt| attempt.latency_us),
            ttft_us: last.and_then(|attempt| attempt.ttft_us),
            saved: last.and_then(|attempt| attempt.cost),
        });
        let whole = answer.key == there && answer.result.is_ok();
        Ok(whole.then(|| Reply {
            result: answer.result,
            attempts: Vec::new(),
            served_by: answer.served_by,
            cached: Some(hit),
            limits: None,
        }))
    }
}

/// `key` with its place in the plan of the run that `header` describes.
fn there(header: &RunHeader, key: TrialKey) -> TrialKey {
    TrialKey { seq: header.place(key.sample, key.prompt, key.model, key.epoch), ..key }
}

/// Whether two models are asked alike, and so are those that stand in for them.
fn is_same(one: &ModelInfo, other: &ModelInfo) -> bool {
    let asked = |model: &ModelInfo| {
        let ModelInfo { name, provider, model, origin, .. } = model;
        (name.clone(), provider.clone(), model.clone(), origin.clone())
    };
    asked(one) == asked(other)
        && one.params == other.params
        && one.fallback.len() == other.fallback.len()
        && one.fallback.iter().zip(&other.fallback).all(|(one, other)| is_same(one, other))
}

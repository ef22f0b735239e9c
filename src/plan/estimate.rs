//! What a plan will call and cost, before it does.

use std::{fmt, sync::Arc, time::Duration};

use super::{Plan, judges};
use crate::{
    base::money::Money,
    client::{Tokens, cache_key},
    dataset::DatasetError,
    domain::{
        contract::{CacheKey, Call},
        generation::Usage,
        message::Message,
        run::ModelInfo,
        sample::Sample,
        target::{Endpoint, Target},
    },
    scorer::Foreseen,
};

/// What earlier runs tell of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    /// Tokens of an answer, the mean; `None` is not known.
    pub output: Option<f64>,
    /// Latency of an answer, the mean.
    pub latency: Duration,
}

/// What is known before anything is asked.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// What earlier runs tell of a model.
    pub past: &'a dyn Fn(&ModelInfo) -> Option<Past>,
    /// What they tell of a model that scorers ask.
    pub past_judge: &'a dyn Fn(&ModelInfo) -> Option<Past>,
    /// Whether an answer is in the response cache; `None` when it is not looked at.
    pub cached: Option<&'a dyn Fn(&CacheKey) -> bool>,
}

impl fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

/// What one model of a plan will be asked. Answers that are in the response cache are no part of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelEstimate {
    /// Calls, one a trial. What is tried again comes on top.
    pub calls: u64,
    /// Trials whose answers are in the response cache, of the rows that were looked at.
    pub cached: u64,
    /// Tokens of the prompts.
    pub input: u64,
    /// Tokens of the answers, as far as earlier runs tell.
    pub output: Option<u64>,
    /// Tokens of prompts and answers together that no run without repetitions exceeds.
    pub tokens_at_most: u64,
    /// The cost that is to be expected; `None` without a price or without earlier runs.
    pub cost: Option<Money>,
    /// The cost that no run without repetitions exceeds; `None` without a price.
    pub cost_at_most: Option<Money>,
    /// The time that its answers take together, one after the other.
    pub latency: Option<Duration>,
}

/// What a plan will call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Estimate {
    /// Rows that were looked at; the rest is taken to be like them.
    pub seen: u64,
    /// One entry a model, in the order of the plan.
    pub models: Vec<ModelEstimate>,
    /// One entry a model that scorers ask, in the order of the plan. What `when` leaves out and what is
    /// known already is part of it.
    pub judges: Vec<ModelEstimate>,
}

impl Estimate {
    /// The sum over models of what is known of all of them.
    pub fn sum<T: std::iter::Sum>(&self, part: impl Fn(&ModelEstimate) -> Option<T>) -> Option<T> {
        self.models.iter().chain(&self.judges).map(part).sum()
    }

    /// How long the calls take when so many are in flight.
    pub fn time(&self, concurrency: u32) -> Option<Duration> {
        let latency: Duration = self.sum(|model| model.latency)?;
        let calls: u64 = self.models.iter().chain(&self.judges).map(|model| model.calls).sum();
        let side_by_side = u64::from(concurrency).min(calls).max(1);
        Duration::try_from_secs_f64(latency.as_secs_f64() / side_by_side as f64).ok()
    }
}

impl Plan {
    /// Estimates the plan from its first `rows` rows.
    ///
    /// # Errors
    /// The dataset cannot be read.
    pub fn estimate(&self, rows: u64, known: Known<'_>) -> Result<Estimate, DatasetError> {
        let models = self.targets.iter().zip(&self.header.models);
        let pasts: Vec<Option<Past>> =
            models.map(|(target, info)| expected(target).or_else(|| (known.past)(info))).collect();
        let judges = self.judges.iter().zip(&self.header.judges);
        let judge_pasts: Vec<Option<Past>> = judges
            .map(|(target, info)| expected(target).or_else(|| (known.past_judge)(info)))
            .collect();
        let mut estimate = Estimate {
            seen: 0,
            models: self.targets.iter().map(|target| empty(target)).collect(),
            judges: self.judges.iter().map(|target| empty(target)).collect(),
        };
        let mut cached = estimate.models.clone();
        let wanted = usize::try_from(rows).unwrap_or(usize::MAX);
        for row in self.rows()?.take(wanted) {
            let row = row?;
            estimate.seen += 1;
            let foreseen = self.foreseen(&row.sample);
            for (prompt, messages) in (0_u32..).zip(&row.prompts) {
                let Ok(messages) = messages else { continue };
                for (index, (target, past)) in self.targets.iter().zip(&pasts).enumerate() {
                    estimate.models[index].add(target, *past, messages);
                    let answer = Answered::of(target, *past);
                    for (judge, call) in &foreseen {
                        let judge_past = judge_pasts[*judge];
                        estimate.judges[*judge].judge(call, judge_past, answer);
                    }
                    let about = (&row.sample, prompt, messages);
                    for _ in 0..known.cached.map_or(0, |has| self.kept(target, about, has)) {
                        cached[index].add(target, *past, messages);
                    }
                }
            }
        }
        let repeats = f64::from(self.header.epochs)
            * (self.header.samples as f64 / estimate.seen.max(1) as f64);
        for (model, cached) in estimate.models.iter_mut().zip(&cached) {
            model.scale(repeats);
            model.leave_out(cached);
        }
        estimate.judges.iter_mut().for_each(|judge| judge.scale(repeats));
        Ok(estimate)
    }

    /// The calls that scorers will make about an answer to `sample`, each with the place of its model
    /// among the judges.
    fn foreseen(&self, sample: &Sample) -> Vec<(usize, Foreseen)> {
        let asking = self.scoring.scorers.iter().filter_map(|planned| planned.scorer.asks());
        let calls = asking.flat_map(|scorer| scorer.foreseen(sample));
        let place = |call: &Foreseen| {
            self.judges.iter().position(|judge| judges::is_same(judge, &call.target))
        };
        calls.filter_map(|call| Some((place(&call)?, call))).collect()
    }

    /// Of the repeats of a trial, those whose answers are kept.
    fn kept(
        &self,
        target: &Arc<Target>,
        (sample, prompt, messages): (&Arc<Sample>, u32, &Arc<[Message]>),
        has: &dyn Fn(&CacheKey) -> bool,
    ) -> usize {
        let key = |epoch| {
            cache_key(&Call {
                target: Arc::clone(target),
                messages: Arc::clone(messages),
                sample: Arc::clone(sample),
                prompt,
                epoch,
                requests: Call::MOST_REQUESTS,
                encoded: None,
            })
        };
        (0..self.header.epochs).filter_map(key).filter(has).count()
    }
}

/// How long an answer is that will be judged, in tokens.
#[derive(Debug, Clone, Copy)]
struct Answered {
    likely: u64,
    most: u64,
}

impl Answered {
    fn of(target: &Target, past: Option<Past>) -> Self {
        let most = Tokens::bound(target, &[]).output;
        let likely = past.and_then(|past| past.output).map_or(most, |output| output.round() as u64);
        Self { likely, most }
    }
}

/// Simulated and recorded models are known without having been asked.
fn expected(target: &Target) -> Option<Past> {
    match &target.endpoint {
        Endpoint::Http(_) => None,
        Endpoint::Sim(sim) => {
            let output = sim.output_tokens.map(|tokens| tokens as f64);
            Some(Past { output, latency: sim.latency })
        }
        Endpoint::Replay(_) => Some(Past { output: None, latency: Duration::ZERO }),
    }
}

fn empty(target: &Target) -> ModelEstimate {
    let none = target.price.as_ref().map(|_| Money::ZERO);
    ModelEstimate {
        output: Some(0),
        cost: none,
        cost_at_most: none,
        latency: Some(Duration::ZERO),
        ..ModelEstimate::default()
    }
}

impl ModelEstimate {
    /// One more call.
    fn add(&mut self, target: &Target, past: Option<Past>, messages: &[Message]) {
        let most = Tokens::bound(target, messages);
        let input = Tokens::likely_input(messages);
        self.calls += 1;
        self.input = self.input.saturating_add(input);
        self.tokens_at_most = self.tokens_at_most.saturating_add(most.total());
        self.cost_at_most = self.cost_at_most.zip(most.cost(target)).map(|(sum, one)| sum + one);
        let output = past.and_then(|past| past.output).map(|output| output.round() as u64);
        self.output = self.output.zip(output).map(|(sum, one)| sum.saturating_add(one));
        let usage = |output| Usage { input, output, ..Usage::default() };
        let cost = target.price.as_ref().zip(output).map(|(price, out)| price.cost(&usage(out)));
        self.cost = self.cost.zip(cost).map(|(sum, one)| sum + one);
        if self.cost_at_most == Some(Money::ZERO) {
            // However long its answers are, they are free.
            self.cost = self.cost_at_most;
        }
        self.latency = self.latency.zip(past).map(|(sum, past)| sum.saturating_add(past.latency));
    }

    /// Calls about one answer more.
    fn judge(&mut self, call: &Foreseen, past: Option<Past>, answer: Answered) {
        let mut one = empty(&call.target);
        one.add(&call.target, past, &call.messages);
        let price = |tokens| {
            let usage = Usage { input: tokens, ..Usage::default() };
            call.target.price.as_ref().map(|price| price.cost(&usage))
        };
        let plus = |sum: Option<Money>, more: Option<Money>| Some(sum? + more?);
        one.input = one.input.saturating_add(answer.likely);
        one.tokens_at_most = one.tokens_at_most.saturating_add(answer.most);
        one.cost = plus(one.cost, price(answer.likely));
        one.cost_at_most = plus(one.cost_at_most, price(answer.most));
        one.scale(call.times as f64);
        self.calls += one.calls;
        self.input = self.input.saturating_add(one.input);
        self.output = self.output.zip(one.output).map(|(sum, one)| sum.saturating_add(one));
        self.tokens_at_most = self.tokens_at_most.saturating_add(one.tokens_at_most);
        self.cost = plus(self.cost, one.cost);
        self.cost_at_most = plus(self.cost_at_most, one.cost_at_most);
        self.latency = self.latency.zip(one.latency).map(|(sum, one)| sum.saturating_add(one));
    }

    /// Takes away what the answers in the cache would use up if they were asked for.
    fn leave_out(&mut self, cached: &Self) {
        let less = |all: Option<Money>, part: Option<Money>| {
            let (all, part) = all.zip(part)?;
            Some(Money::from_pico((all.pico() - part.pico()).max(0)))
        };
        self.cached = cached.calls;
        self.calls = self.calls.saturating_sub(cached.calls);
        if self.calls == 0 {
            // Nothing is asked, so nothing of it is unknown.
            let none = Some(Money::ZERO);
            let latency = Some(Duration::ZERO);
            *self = Self {
                output: Some(0),
                cost: none,
                cost_at_most: none,
                latency,
                cached: self.cached,
                ..Self::default()
            };
            return;
        }
        self.input = self.input.saturating_sub(cached.input);
        self.tokens_at_most = self.tokens_at_most.saturating_sub(cached.tokens_at_most);
        self.output = self.output.zip(cached.output).map(|(all, part)| all.saturating_sub(part));
        self.cost = less(self.cost, cached.cost);
        self.cost_at_most = less(self.cost_at_most, cached.cost_at_most);
        self.latency = self.latency.zip(cached.latency).map(|(all, part)| all.saturating_sub(part));
    }

    fn scale(&mut self, by: f64) {
        let count = |count: u64| (count as f64 * by).round() as u64;
        let money = |money: Money| Money::from_usd(money.usd() * by).unwrap_or(money);
        self.calls = count(self.calls);
        self.input = count(self.input);
        self.tokens_at_most = count(self.tokens_at_most);
        self.output = self.output.map(count);
        self.cost = self.cost.map(money);
        self.cost_at_most = self.cost_at_most.map(money);
        self.latency = self
            .latency
            .and_then(|latency| Duration::try_from_secs_f64(latency.as_secs_f64() * by).ok());
    }
}

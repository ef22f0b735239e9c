//! Scorers ask models: through the client of the run, and nothing is made of a reply before it is on
//! the disk.
//!
//! A question is known by whom it goes to and what it says. One that was asked before in the same run,
//! be it of another trial or before the run was stopped, is answered out of the record; what is asked
//! several times at once is asked once.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::BoxFuture;
use serde_json::json;

use crate::{
    base::digest::Hasher,
    client::Embedder,
    domain::{
        contract::{Call, Generate, Reply, Sink, SinkError},
        event::Event,
        fault::{Fault, FaultKind},
        generation::{FinishReason, Generation, Texts},
        judgement::{Judgement, JudgementKey, KnownReply},
        message::{Message, Role},
        run::RunRecord,
        target::{Endpoint, Target},
        trial::{Hit, TrialKey},
    },
    scorer::{Consult, Consulted, Question, Read, judge::declined},
    store::{Recorded, Store, StoreError},
};

/// Told apart from keys that were made in another way.
const VERSION: &str = "evals.judgement/1";

/// Repeats of the response cache that belong to one round: a judge that is asked anew after it had
/// failed is not to be answered by what it had said then.
const ROUND: u32 = 1 << 16;

/// Where judgements of a run are found again.
#[derive(Debug)]
pub struct Judged {
    store: Mutex<Store>,
    run: String,
}

impl Judged {
    /// Those of the run with this id, in `store`.
    pub fn read(store: Store, run: String) -> Self {
        Self { store: Mutex::new(store), run }
    }

    fn reply(&self, key: &JudgementKey, round: u32) -> Result<Option<KnownReply>, StoreError> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.known_reply(&self.run, key, round)
    }

    fn recorded(&self, run: &RunRecord, seq: u64) -> Result<Option<Recorded>, StoreError> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.recorded(run, seq)
    }

    fn round(&self, seq: u64, scorer: u32) -> Result<u32, StoreError> {
        let store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.judging_round(&self.run, seq, scorer)
    }
}

/// Through what the scorers of a run ask.
pub(super) struct Bench {
    client: Arc<dyn Generate>,
    vectors: Arc<Embedder>,
    sinks: Arc<[Arc<dyn Sink>]>,
    judged: Option<Judged>,
    /// The questions that are open, by their keys.
    open: Mutex<HashMap<JudgementKey, Weak<tokio::sync::Mutex<()>>>>,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("judged", &self.judged).finish_non_exhaustive()
    }
}

impl Bench {
    pub(super) fn new(
        (client, vectors): (Arc<dyn Generate>, Arc<Embedder>),
        sinks: Arc<[Arc<dyn Sink>]>,
        judged: Option<Judged>,
    ) -> Self {
        Self { client, vectors, sinks, judged, open: Mutex::default() }
    }

    /// The answer at the place `seq` of `run`.
    pub(super) fn recorded(
        &self,
        run: &RunRecord,
        seq: u64,
    ) -> Result<Option<Recorded>, SinkError> {
        let found = self.judged.as_ref().map(|judged| judged.recorded(run, seq)).transpose();
        Ok(found.map_err(|error| SinkError(error.to_string()))?.flatten())
    }

    /// For the questions of one scorer about one trial.
    pub(super) fn about(&self, key: TrialKey, scorer: usize) -> Asking<'_> {
        let (seq, scorer) = (key.seq, scorer as u32);
        Asking {
            bench: self,
            seq,
            scorer,
            round: Mutex::new(None),
            used: AtomicBool::new(false),
            end: Mutex::new(End::None),
        }
    }

    /// The lock of the question with this key: whoever holds it looks for a reply, or gets one.
    fn turn(&self, key: JudgementKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = open.get(&key).and_then(Weak::upgrade) {
            return lock;
        }
        // What nobody holds any more is taken out now and then.
        if open.len() >= 1_024 && open.len().is_power_of_two() {
            open.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        open.insert(key, Arc::downgrade(&lock));
        lock
    }

    async fn record(&self, judgement: Judgement) -> Result<(), SinkError> {
        let event = Event::Judged(Arc::new(judgement));
        for sink in self.sinks.iter() {
            if let Some(receipt) = sink.emit(&event) {
                receipt.await?;
            }
        }
        Ok(())
    }
}

/// Why the questions of a scorer came to an end that is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// They did not.
    None,
    /// The run was stopped.
    Stopped,
    /// The next question could go over the budget, for this reason.
    Budget(String),
    /// What came back could not be recorded, or what is recorded not be read.
    Broken(SinkError),
}

/// The questions of one scorer about one trial.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    bench: &'a Bench,
    seq: u64,
    scorer: u32,
    /// How often the trial was judged before and that came to nothing, once it is known.
    round: Mutex<Option<u32>>,
    used: AtomicBool,
    end: Mutex<End>,
}

impl Asking<'_> {
    /// Whether a model was asked.
    pub(super) fn used(&self) -> bool {
        self.used.load(Ordering::SeqCst)
    }

    /// Why there can be no verdict now.
    pub(super) fn end(&self) -> End {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ends(&self, end: End) {
        let mut now = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        // What is broken matters more than that the run ends.
        if !matches!(*now, End::Broken(_)) {
            *now = end;
        }
    }

    fn broken(&self, error: &impl ToString) -> Fault {
        let error = SinkError(error.to_string());
        let fault = Fault::new(FaultKind::Stopped, error.0.clone());
        self.ends(End::Broken(error));
        fault
    }

    fn round(&self) -> Result<u32, StoreError> {
        let Some(judged) = &self.bench.judged else { return Ok(0) };
        let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
        match *round {
            Some(round) => Ok(round),
            None => {
                let found = judged.round(self.seq, self.scorer)?;
                *round = Some(found);
                Ok(found)
            }
        }
    }

    async fn asked(&self, question: &Question, read: &Read<'_>) -> Result<Consulted, Fault> {
        self.used.store(true, Ordering::SeqCst);
        let key = key(question);
        let lock = self.bench.turn(key);
        let _mine = lock.lock().await;
        let round = self.round().map_err(|error| self.broken(&error))?;
        let known = self.bench.judged.as_ref().map(|judged| judged.reply(&key, round));
        let known = known.transpose().map_err(|error| self.broken(&error))?.flatten();
        let mine = known.as_ref().is_some_and(|k| (k.seq, k.scorer) == (self.seq, self.scorer));
        let reply = match known {
            Some(known) => Reply {
                result: Ok(known.generation),
                attempts: Vec::new(),
                served_by: known.served_by,
                cached: Some(known.origin),
                limits: None,
            },
            None => self.bench.client.generate(&call(question, round)).await,
        };
        let read = reply.result.as_ref().ok().map(read);
        let consulted = match (&reply.result, &read) {
            (Ok(generation), Some(read)) => {
                Ok(Consulted { generation: generation.clone(), read: read.clone() })
            }
            (Err(fault), _) => Err(fault.clone()),
            (Ok(_), None) => Err(Fault::new(FaultKind::Protocol, "the reply was lost")),
        };
        let stopped = consulted.as_ref().err().and_then(|fault| match fault.kind {
            FaultKind::Stopped => Some(End::Stopped),
            FaultKind::Budget => Some(End::Budget(fault.message.clone())),
            _ => None,
        });
        if let Some(end) = stopped.clone() {
            self.ends(end);
        }
        // What is recorded of this trial is recorded; what was not sent leaves nothing to record.
        if mine || (stopped.is_some() && reply.attempts.is_empty()) {
            return consulted;
        }
        let last = match &consulted {
            Err(_) => stopped.is_none(),
            Ok(Consulted { generation, read }) => {
                read.is_err() && (question.last || declined(generation))
            }
        };
        let judgement = self.judgement(question, (key, round), reply, (read, last));
        self.bench.record(judgement).await.map_err(|error| self.broken(&error))?;
        consulted
    }

    /// Vectors, recorded as one question for all of them. They themselves are in the response cache.
    async fn embedded(
        &self,
        target: &Arc<Target>,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f32>>, Fault> {
        self.used.store(true, Ordering::SeqCst);
        let asked = Texts { target: Arc::clone(target), texts, kind: None };
        let came = self.bench.vectors.embed(&asked).await;
        let stopped = match came.result.as_ref().map_err(|fault| fault.kind) {
            Err(FaultKind::Stopped) => Some(End::Stopped),
            Err(FaultKind::Budget) => {
                let why = came.result.as_ref().err().map(|fault| fault.message.clone());
                Some(End::Budget(why.unwrap_or_default()))
            }
            _ => None,
        };
        if let Some(end) = stopped.clone() {
            self.ends(end);
        }
        if came.attempts.is_empty() && (stopped.is_some() || came.result.is_ok()) {
            return came.result.map(|made| made.vectors);
        }
        let round = self.round().map_err(|error| self.broken(&error))?;
        let (count, last) = (asked.texts.len(), came.result.is_err() && stopped.is_none());
        let messages = asked.texts.iter().map(|text| Message::text(Role::User, text)).collect();
        let generation = came.result.as_ref().map_err(Clone::clone).map(|made| Generation {
            usage: made.usage,
            served_model: made.served_model.clone(),
            finish_reason: FinishReason::Stop,
            ..Generation::default()
        });
        let read = generation.is_ok().then(|| Ok(json!({ "vectors": count })));
        let judgement = Judgement {
            seq: self.seq,
            scorer: self.scorer,
            step: "vectors".to_owned(),
            model: target.name.clone(),
            repeat: 0,
            turn: 0,
            round,
            key: key_of_vectors(target, &asked.texts),
            messages,
            result: generation,
            attempts: came.attempts,
            served_by: target.name.clone(),
            cached: None,
            read,
            last,
        };
        self.bench.record(judgement).await.map_err(|error| self.broken(&error))?;
        came.result.map(|made| made.vectors)
    }

    fn judgement(
        &self,
        question: &Question,
        (key, round): (JudgementKey, u32),
        reply: Reply,
        (read, last): (Option<Result<serde_json::Value, String>>, bool),
    ) -> Judgement {
        Judgement {
            seq: self.seq,
            scorer: self.scorer,
            step: question.step.clone(),
            model: question.target.name.clone(),
            repeat: question.repeat,
            turn: question.turn,
            round,
            key,
            messages: question.messages.clone().into(),
            result: reply.result,
            attempts: reply.attempts,
            served_by: reply.served_by,
            // How long it had taken is another call's; what it saved is what that had cost.
            cached: reply.cached.map(|hit| Hit { ttft_us: None, ..hit }),
            read,
            last,
        }
    }
}

impl Consult for Asking<'_> {
    fn consult<'a>(
        &'a self,
        question: &'a Question,
        read: &'a Read<'a>,
    ) -> BoxFuture<'a, Result<Consulted, Fault>> {
        Box::pin(self.asked(question, read))
    }

    fn vectors<'a>(
        &'a self,
        target: &'a Arc<Target>,
        texts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<Vec<f32>>, Fault>> {
        Box::pin(self.embedded(target, texts))
    }
}

/// What a question for vectors is known by.
fn key_of_vectors(target: &Target, texts: &[String]) -> JudgementKey {
    let mut hasher = Hasher::default();
    let parts = [VERSION, "vectors", &target.name, target.provider, &target.model];
    for part in parts.into_iter().chain(texts.iter().map(String::as_str)) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finish()
}

fn call(question: &Question, round: u32) -> Call {
    Call {
        target: Arc::clone(&question.target),
        messages: question.messages.clone().into(),
        sample: Arc::clone(&question.sample),
        prompt: 0,
        epoch: round.saturating_mul(ROUND).saturating_add(question.repeat),
        requests: Call::MOST_REQUESTS,
        encoded: None,
    }
}

/// What `question` is known by.
fn key(question: &Question) -> JudgementKey {
    let target = &question.target;
    let mut hasher = Hasher::default();
    let mut feed = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    feed(VERSION.as_bytes());
    feed(target.name.as_bytes());
    feed(target.provider.as_bytes());
    feed(target.model.as_bytes());
    feed(target.account().as_bytes());
    feed(target.params.to_value().to_string().as_bytes());
    match &target.endpoint {
        Endpoint::Http(endpoint) => feed(endpoint.base_url.as_bytes()),
        // These go by more than what is said to them.
        Endpoint::Sim(sim) => {
            feed(format!("{sim:?}").as_bytes());
            feed(format!("{:?}", question.sample.expected).as_bytes());
        }
        Endpoint::Replay(source) => {
            feed(format!("{source:?}").as_bytes());
            feed(question.sample.id.as_bytes());
        }
    }
    feed(&question.repeat.to_le_bytes());
    feed(serde_json::to_string(&question.messages).unwrap_or_default().as_bytes());
    hasher.finish()
}

//! Vectors for scorers: what many answers ask for at a time goes out together, and each text once.
//!
//! Whoever asks first sends what has gathered by then; what comes meanwhile gathers for the next
//! request. Vectors stay for a while, since the expected answer of a row is compared with the answer
//! of every model; the response cache keeps them for later runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Semaphore, watch};

use super::{ArgError, Args, Consult, Context, Foreseen};
use crate::{
    base::text::one_line,
    domain::{
        fault::{Fault, FaultKind},
        generation::Texts,
        message::{Message, Role},
        score::Verdict,
        target::{Endpoint, Target},
    },
    provider,
};

/// Requests under way at a time; each of them grows with what gathers meanwhile.
const REQUESTS: usize = 4;

/// Texts that are sent together at most. What a provider does not take at once the client divides.
const AT_ONCE: usize = 64;

/// Bytes of vectors and texts that are kept, and as many more that are older.
const KEPT: usize = 16 << 20;

/// Asks one model for vectors.
#[derive(Debug)]
pub(super) struct Vectors {
    target: Arc<Target>,
    state: Mutex<State>,
    turns: Semaphore,
    /// Counts what has happened, to wake those who wait.
    changes: watch::Sender<u64>,
}

/// The vector of a text.
pub(super) type Vector = Arc<[f32]>;

#[derive(Debug, Default)]
struct State {
    /// Texts that nobody has asked for yet, in order.
    waiting: Vec<Arc<Slot>>,
    /// Texts that are waiting or under way.
    open: HashMap<String, Arc<Slot>>,
    fresh: HashMap<String, Vector>,
    old: HashMap<String, Vector>,
    /// Bytes in `fresh`.
    bytes: usize,
}

/// A text on its way to a vector.
#[derive(Debug)]
struct Slot {
    text: String,
    outcome: Mutex<Option<Result<Vector, Fault>>>,
}

impl Slot {
    fn outcome(&self) -> MutexGuard<'_, Option<Result<Vector, Fault>>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The place of `text`, which may have its vector already.
    fn slot(&mut self, text: &str) -> Arc<Slot> {
        if let Some(slot) = self.open.get(text) {
            return Arc::clone(slot);
        }
        let known = match self.fresh.get(text) {
            Some(vector) => Some(Arc::clone(vector)),
            None => self.old.remove(text).inspect(|vector| self.keep(text, vector)),
        };
        let waits = known.is_none();
        let outcome = Mutex::new(known.map(Ok));
        let slot = Arc::new(Slot { text: text.to_owned(), outcome });
        if waits {
            self.open.insert(text.to_owned(), Arc::clone(&slot));
            self.waiting.push(Arc::clone(&slot));
        }
        slot
    }

    fn keep(&mut self, text: &str, vector: &Vector) {
        self.bytes += text.len() + size_of_val::<[f32]>(vector);
        if self.bytes > KEPT {
            self.old = std::mem::take(&mut self.fresh);
            self.bytes = text.len() + size_of_val::<[f32]>(vector);
        }
        self.fresh.insert(text.to_owned(), Arc::clone(vector));
    }
}

impl Vectors {
    /// Vectors of `target`.
    ///
    /// # Errors
    /// It makes none, or cannot be asked for any.
    pub(super) fn of(target: Arc<Target>) -> Result<Self, String> {
        match &target.endpoint {
            Endpoint::Sim(_) => {}
            Endpoint::Replay(_) => {
                return Err("a recording has no vectors; name a model that makes some".to_owned());
            }
            Endpoint::Http(endpoint) => {
                let provider = provider::find(target.provider)
                    .ok_or_else(|| format!("there is no provider `{}`", target.provider))?;
                let texts = vec!["a text".to_owned()];
                let asked = Texts { target: Arc::clone(&target), texts, kind: None };
                let request = provider.encode_embeddings(&asked, endpoint);
                request.map_err(|fault| format!("model `{}`: {}", target.name, fault.message))?;
            }
        }
        Ok(Self {
            target,
            state: Mutex::default(),
            turns: Semaphore::new(REQUESTS),
            changes: watch::Sender::default(),
        })
    }

    /// Vectors of the model that the option `name` names, if it is written.
    ///
    /// # Errors
    /// A model that makes none.
    pub(super) fn by(args: &Args, name: &str) -> Result<Option<Self>, ArgError> {
        let target = args.model(name)?;
        target.map(|target| Self::of(target).map_err(|why| args.error(name, why))).transpose()
    }

    /// The request for `texts` and those of an answer, for estimates.
    pub(super) fn foreseen(&self, texts: &[String]) -> Foreseen {
        let messages = texts.iter().map(|text| Message::text(Role::User, text)).collect();
        // There is no answer, so it is not long.
        let mut target = self.target.as_ref().clone();
        target.params.max_tokens = Some(0);
        Foreseen { target: Arc::new(target), messages, times: 1 }
    }

    /// Whom it asks.
    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The vectors of `texts`, in order.
    ///
    /// # Errors
    /// Why one of them has none.
    async fn embed(&self, texts: &[&str], through: &dyn Consult) -> Result<Vec<Vector>, Fault> {
        let mut changes = self.changes.subscribe();
        let slots: Vec<Arc<Slot>> = {
            let mut state = self.state();
            texts.iter().map(|text| state.slot(text)).collect()
        };
        loop {
            changes.borrow_and_update();
            let done: Option<Result<Vec<Vector>, Fault>> =
                slots.iter().map(|slot| slot.outcome().clone()).collect();
            if let Some(done) = done {
                return done;
            }
            tokio::select! {
                _ = changes.changed() => {}
                turn = self.turns.acquire() => {
                    let batch = self.take();
                    if batch.slots.is_empty() {
                        drop((turn, batch));
                        changes.changed().await.ok();
                    } else {
                        batch.send(through).await?;
                    }
                }
            }
        }
    }

    /// The vectors of `texts` for the scorer that `context` is about.
    ///
    /// # Errors
    /// The verdict where there are none.
    pub(super) async fn known(
        &self,
        texts: &[&str],
        context: &Context<'_>,
    ) -> Result<Vec<Vector>, Verdict> {
        self.embed(texts, context.models).await.map_err(|fault| {
            let (name, why) = (one_line(&self.target.name, 80), fault.to_string());
            Verdict::Unanswered(format!("model {name} gave no vectors: {}", one_line(&why, 200)))
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is waiting, as much as goes out together.
    fn take(&self) -> Batch<'_> {
        let mut state = self.state();
        // Those who had asked may be gone: then only the two lists here hold the text.
        let (waiting, left): (Vec<_>, Vec<_>) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(|slot| Arc::strong_count(slot) > 2);
        for slot in left {
            state.open.remove(&slot.text);
        }
        state.waiting = waiting;
        let count = state.waiting.len().min(AT_ONCE);
        Batch { of: self, slots: state.waiting.drain(..count).collect() }
    }
}

/// Texts that one of those who ask sends for all of them. Whatever becomes of it, nobody waits in
/// vain: a batch that is dropped gives its texts back.
struct Batch<'a> {
    of: &'a Vectors,
    slots: Vec<Arc<Slot>>,
}

impl Batch<'_> {
    /// Sends it; the fault when the run ends first, which is for everybody to find out for himself.
    async fn send(mut self, through: &dyn Consult) -> Result<(), Fault> {
        let texts = self.slots.iter().map(|slot| slot.text.clone()).collect();
        let made = through.vectors(&self.of.target, texts).await;
        if let Err(fault) = &made
            && matches!(fault.kind, FaultKind::Stopped | FaultKind::Budget)
        {
            return Err(fault.clone());
        }
        let mut state = self.of.state();
        let mut made = made.map(Vec::into_iter);
        for slot in std::mem::take(&mut self.slots) {
            state.open.remove(&slot.text);
            let outcome = match &mut made {
                Ok(vectors) => vectors.next().map(Vector::from).ok_or_else(lost),
                Err(fault) => Err(fault.clone()),
            };
            if let Ok(vector) = &outcome {
                state.keep(&slot.text, vector);
            }
            *slot.outcome() = Some(outcome);
        }
        Ok(())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if !self.slots.is_empty() {
            let mut state = self.of.state();
            let rest = std::mem::take(&mut state.waiting);
            state.waiting = self.slots.drain(..).chain(rest).collect();
        }
        self.of.changes.send_modify(|count| *count += 1);
    }
}

fn lost() -> Fault {
    Fault::new(FaultKind::Protocol, "a text has no vector".to_owned())
}

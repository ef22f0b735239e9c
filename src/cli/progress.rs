//! The progress of a run, on standard error: a bar at a terminal, a line now and then elsewhere.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::env;
use crate::{
    base::{clock, money::Money},
    domain::{
        contract::{Receipt, Sink},
        event::Event,
        trial::Status,
    },
};

/// Between two lines where no bar can be drawn.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How a run goes, told as it goes.
pub(super) struct Progress {
    counts: Arc<Counts>,
    shown: Shown,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    errors: AtomicU64,
    cached: AtomicU64,
    spent_pico: AtomicI64,
}

enum Shown {
    Bar(ProgressBar),
    Lines { total: u64, started: Instant, last: Mutex<Instant> },
    Nothing,
}

impl Progress {
    /// Progress towards `total` trials.
    pub(super) fn new(total: u64, quiet: bool) -> Self {
        let counts = Arc::new(Counts::default());
        let shown = if quiet {
            Shown::Nothing
        } else if env::can_draw() {
            Shown::Bar(bar(total, &counts))
        } else {
            let now = clock::instant();
            Shown::Lines { total, started: now, last: Mutex::new(now) }
        };
        Self { counts, shown }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    /// Says something above the bar.
    pub(super) fn say(&self, text: &str, out: &mut super::Out) {
        match &self.shown {
            Shown::Bar(bar) => bar.suspend(|| out.note(text)),
            _ => out.note(text),
        }
    }

    fn line(&self, total: u64, started: Instant, last: &Mutex<Instant>) {
        let now = clock::instant();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(*last) < LINE_EVERY {
            return;
        }
        *last = now;
        drop(last);
        let answered = self.counts.answered.load(Ordering::Relaxed);
        let rate = answered as f64 / now.duration_since(started).as_secs_f64();
        let rest = self.counts.rest();
        super::Out::new().note(&format!("{answered}/{total} trials, {rate:.1}/s, {rest}"));
    }
}

impl Counts {
    /// Errors, answers from the cache and spend, as shown.
    fn rest(&self) -> String {
        let errors = self.errors.load(Ordering::Relaxed);
        let spent = Money::from_pico(self.spent_pico.load(Ordering::Relaxed));
        match self.cached.load(Ordering::Relaxed) {
            0 => format!("{errors} errors, {spent}"),
            cached => format!("{errors} errors, {cached} cached, {spent}"),
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

impl Sink for Progress {
    fn emit(&self, event: &Event) -> Option<Receipt> {
        let answer = match event {
            Event::Answered(answer) => answer,
            Event::Judged(judgement) => {
                if let Some(cost) = judgement.cost() {
                    self.counts.spent_pico.fetch_add(cost.pico(), Ordering::Relaxed);
                }
                return None;
            }
            _ => return None,
        };
        self.counts.answered.fetch_add(1, Ordering::Relaxed);
        let error = answer.status() == Status::Error;
        self.counts.errors.fetch_add(u64::from(error), Ordering::Relaxed);
        self.counts.cached.fetch_add(u64::from(answer.cached.is_some()), Ordering::Relaxed);
        if let Some(cost) = answer.cost() {
            self.counts.spent_pico.fetch_add(cost.pico(), Ordering::Relaxed);
        }
        match &self.shown {
            Shown::Bar(bar) => bar.inc(1),
            Shown::Lines { total, started, last } => self.line(*total, *started, last),
            Shown::Nothing => {}
        }
        None
    }
}

fn bar(total: u64, counts: &Arc<Counts>) -> ProgressBar {
    let counts = Arc::clone(counts);
    let template = "{bar:24} {pos}/{len} trials  {per_sec}  eta {eta}  {rest}";
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rest", move |_: &ProgressState, to: &mut dyn fmt::Write| {
            to.write_str(&counts.rest()).ok();
        });
    let bar = ProgressBar::new(total).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

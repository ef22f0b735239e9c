//! `evals score`: score answers that exist, and call no model.
//!
//! A file of outputs becomes a run like any other, whose model is the file. The answers of a run are
//! scored anew as a run of its own that names the old one; the old one stays as it is.

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};

use super::{
    Out,
    args::{RunArgs, RunFormat},
    args_score::ScoreArgs,
    asked::Asked,
    cache,
    catalog::OwnTable,
    ci, env,
    execute::{self, Interrupts},
    exit::{Exit, Failure},
    home::Home,
    progress::Progress,
    run::{self, Begin},
    stored::{Stored, report_path},
};
use crate::{
    base::{
        clock, id,
        text::{one_line, visible},
    },
    client::{self, ClientOptions, Notice},
    config::variables,
    domain::{
        contract::Sink,
        run::{RunHeader, RunRecord, ScorerInfo},
        score::Verdict,
    },
    metric::derived,
    plan::{self, Inputs, PlannedScorer, Rows, ScorePlan},
    report,
    run::{Brake, Change, Rescore, Rescored, rescore},
    store::{self, RunLock, Store, Writer},
};

pub(super) fn run(args: &ScoreArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let runtime = run::runtime()?;
    if Path::new(&args.subject).is_file() {
        let begin = Begin::New { forked_from: None };
        return run::once(&recorded(args), begin, db, out, &runtime);
    }
    if let Some(flag) =
        [("--output", &args.output), ("--expected", &args.expected), ("--id", &args.id)]
            .iter()
            .find_map(|(flag, value)| value.is_some().then_some(flag))
    {
        let message = format!("`{flag}` is about a file, and `{}` is none", args.subject);
        return Err(Failure::usage(message)
            .hint("a scorer reads another column of a run with `expected`: {exact_match: {expected: COLUMN}}"));
    }
    anew(args, db, out, &runtime)
}

/// The arguments of a run whose model is the file.
fn recorded(args: &ScoreArgs) -> RunArgs {
    let output = args.output.as_deref().unwrap_or("output");
    let model = json!({"id": "recorded", "provider": "replay", "output": output});
    RunArgs {
        source: Some(args.subject.clone()),
        // What the outputs are answers to is not known.
        prompt: vec!["(recorded)".to_owned()],
        model: vec![model.to_string()],
        expected: args.expected.clone(),
        id: args.id.clone(),
        format: args.format,
        quiet: args.quiet,
        files: args.files.clone(),
        ..scoring_args(args)
    }
}

fn scoring_args(args: &ScoreArgs) -> RunArgs {
    RunArgs {
        config: args.config.clone(),
        define: args.define.clone(),
        name: args.name.clone(),
        scorer: args.scorer.clone(),
        extract: args.extract.clone(),
        metric: args.metric.clone(),
        gate: args.gate.clone(),
        allow_errors: args.allow_errors.clone(),
        report: args.report.clone(),
        no_report: args.no_report,
        unsafe_no_sandbox: args.unsafe_no_sandbox,
        judge_budget: args.judge_budget.clone(),
        concurrency: args.concurrency.clone(),
        no_cache: args.no_cache,
        ..RunArgs::default()
    }
}

/// Scores a run's answers anew.
fn anew(
    args: &ScoreArgs,
    db: &Path,
    out: &mut Out,
    runtime: &tokio::runtime::Runtime,
) -> Result<Exit, Failure> {
    let store = Store::open_existing(db)?;
    let old = store.find_run(&args.subject)?;
    // Nobody may add to what is read.
    let _old_lock = RunLock::take(db, &old.header.id)?;
    let run_args = scoring_args(args);
    let asked = Asked::to_score(&run_args)?;
    let (plan, header) = planned(&run_args, &asked, &store, &old)?;
    let gates = run::parsed_gates(&header, &asked)?;
    let allowed = run::allowed_errors(&run_args, &gates)?;
    let report = (!args.no_report).then(|| {
        let named = asked.file.report.as_ref().map(|path| path.value.clone());
        named.unwrap_or_else(|| report_path(db, &header.id))
    });
    if let Some(path) = &report {
        run::check_writable(path)?;
    }
    for notice in plan.notices.iter().filter(|_| !args.quiet) {
        out.note(&format!("note: {notice}"));
    }
    let books = runtime.block_on(run::books_of(&[], &plan.judges, &asked))?;
    run::note_keys(plan.judges.iter(), &header.id)?;
    store::check_room(db)?;
    let _lock = RunLock::take(db, &header.id)?;
    let brake = Arc::new(Brake::default());
    let on_trouble = Arc::clone(&brake);
    let writer = Arc::new(Writer::guarded(db, Box::new(move || on_trouble.halt()))?);
    let progress = Arc::new(Progress::new(header.planned_trials(), args.quiet));
    let sinks: Vec<Arc<dyn Sink>> = vec![Arc::clone(&writer) as _, Arc::clone(&progress) as _];
    let id = header.id.clone();
    let mut changes = Changes::new(&plan.scoring.scorers, args.limit);
    let called = cache::are_called(plan.judges.iter());
    let cached = plan.cache_ttl.filter(|_| called).map(|ttl| (ttl, plan.cache_max_bytes));
    let cached = cached.and_then(|keep| cache::Used::keeping(keep, false, db, out));
    let told = Arc::clone(&progress);
    let client = client::client(ClientOptions {
        concurrency: plan.concurrency,
        cache: cached.as_ref().map(cache::Used::caching),
        judge_budget: plan.budget,
        stop: Some(brake.halted()),
        retry: Some(plan.retry),
        limits: plan.limits,
        adaptive: plan.adaptive,
        shared: env::home().map(|home| home.join("limits")),
        notice: Some(Notice::new(move |text| told.say(text, &mut Out::new()))),
        ..books
    });
    let job = Rescore {
        judges: client.judges,
        vectors: client.vectors,
        judged: execute::judged(&plan.judges, &id, db)?,
        header,
        scoring: Arc::new(plan.scoring),
        store: &store,
        run: &old,
        sinks: sinks.into(),
        brake: Arc::clone(&brake),
        allowed,
    };
    let rescored = runtime.block_on(async {
        let mut take = |change| changes.take(change);
        let work = rescore(job, &mut take);
        tokio::pin!(work);
        let mut interrupts = Interrupts::new();
        loop {
            tokio::select! {
                rescored = &mut work => return rescored,
                () = interrupts.next() => brake.stop(),
            }
        }
    });
    progress.finish();
    if let Some(cached) = cached {
        cached.close(out);
    }
    let recorded = Arc::try_unwrap(writer).map_or(Ok(()), Writer::close);
    let Rescored { outcome, compared } = rescored?;
    recorded.map_err(|error| Failure::incomplete(error.to_string()))?;
    let store = Store::open_existing(db)?;
    let record = store.find_run(&id)?;
    let stored = Stored::measure(store, record)?;
    let text = match args.format {
        RunFormat::Json => {
            let mut value = report::json::run_json(&stored.view());
            value["changes"] = changes.json(&compared, &old.header, &stored.run.header);
            format!("{value:#}\n")
        }
        RunFormat::Table | RunFormat::Markdown => {
            let listed = changes.table(&compared, &old.header, &stored.run.header);
            format!("{}\n{listed}", run::rendered(&stored, args.format))
        }
    };
    let printed = out.data(&text);
    let reported = report.map(|path| run::write_report(&stored, &path, args.format, out));
    printed.and(reported.unwrap_or(Ok(())))?;
    ci::write(&stored, &args.files, None, out)?;
    Ok(run::exit(&outcome, &stored.gates))
}

/// How the answers are scored, checked whole, and the header of the new run.
fn planned(
    args: &RunArgs,
    asked: &Asked,
    store: &Store,
    old: &RunRecord,
) -> Result<(ScorePlan, RunHeader), Failure> {
    let definitions = variables::definitions(&args.define)
        .map_err(|message| Failure::usage(format!("--define: {message}")))?;
    let (lookup, own, home) = (env::lookup(&definitions), OwnTable::load()?, Home::default());
    let program = env::program();
    let inputs = Inputs {
        registered: &home,
        origin: &asked.origin,
        base_dir: &asked.base_dir,
        lookup: &lookup,
        only_ids: None,
        table: own.table(),
        unsafe_no_sandbox: args.unsafe_no_sandbox,
        confiner: program.as_deref(),
        shard: None,
    };
    let first = store.sample(old, 0)?;
    let columns: Vec<String> =
        first.map_or_else(Vec::new, |sample| sample.vars.keys().cloned().collect());
    let names: Vec<String> = old.header.models.iter().map(|model| model.name.clone()).collect();
    let have_expected = store.has_expected(old)?;
    let rows = Rows { columns: &columns, have_expected, models: &names };
    let mut plan = plan::scoring(&asked.file, inputs, rows, &old.header.models)?;
    let scoring = &mut plan.scoring;
    if scoring.scorers.is_empty() {
        return Err(
            Failure::usage("no scorer is named").hint("name one: evals score last -s exact_match")
        );
    }
    scoring.models = names;
    scoring.prompts = old.header.prompts.iter().map(|prompt| prompt.id.clone()).collect();
    let mut config = old.header.config.clone();
    if !config.is_object() {
        config = json!({});
    }
    config["scored_from"] = json!(old.header.id);
    config["unsafe_no_sandbox"] = json!(plan::unsandboxed(&scoring.scorers, inputs));
    config["scored_with"] = json!(asked.origin);
    config["extract"] = json!(asked.file.extract.as_ref().map(|at| &at.value));
    config["score_also"] =
        scoring.score_also.iter().map(|status| json!(status.name())).collect::<Value>();
    let infos: Vec<ScorerInfo> = scoring.scorers.iter().map(PlannedScorer::info).collect();
    config[derived::KEY] = derived::as_json(&plan::metrics(&asked.file, inputs, &infos)?);
    let header = RunHeader {
        id: id::new_run_id(),
        name: args.name.clone().unwrap_or_else(|| old.header.name.clone()),
        created_ms: clock::now_ms(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config,
        scorers: infos,
        extracts: scoring.extracts.iter().map(|pipeline| pipeline.id().to_owned()).collect(),
        gates: asked.file.gates.iter().map(|gate| gate.value.clone()).collect(),
        command: None,
        forked_from: None,
        judges: plan.judge_infos.clone(),
        ..old.header.clone()
    };
    Ok((plan, header))
}

/// Verdicts that are others now: how many of each scorer, and the first ones.
struct Changes {
    limit: usize,
    counts: Vec<Counts>,
    listed: Vec<Change>,
    all: u64,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    changed: u64,
    now_passed: u64,
    now_failed: u64,
    now_scored: u64,
    now_unscored: u64,
}

impl Changes {
    fn new(scorers: &[PlannedScorer], limit: usize) -> Self {
        let counts = vec![Counts::default(); scorers.len()];
        Self { limit, counts, listed: Vec::new(), all: 0 }
    }

    fn take(&mut self, change: Change) {
        self.all += 1;
        if let Some(counts) = self.counts.get_mut(change.scorer) {
            counts.changed += 1;
            match (&change.before, &change.now) {
                (Verdict::Scored(before), Verdict::Scored(now)) if before.passed != now.passed => {
                    counts.now_passed += u64::from(now.passed == Some(true));
                    counts.now_failed += u64::from(now.passed == Some(false));
                }
                (Verdict::Scored(_), Verdict::Scored(_)) => {}
                (_, Verdict::Scored(_)) => counts.now_scored += 1,
                (Verdict::Scored(_), _) => counts.now_unscored += 1,
                _ => {}
            }
        }
        if self.listed.len() < self.limit {
            self.listed.push(change);
        }
    }

    fn json(&self, compared: &[Option<u64>], old: &RunHeader, new: &RunHeader) -> Value {
        let scorers = new.scorers.iter().zip(compared).zip(&self.counts);
        let scorers: Value = scorers
            .map(|((scorer, compared), counts)| {
                json!({
                    "scorer": scorer.id,
                    "compared": compared,
                    "changed": compared.map(|_| counts.changed),
                    "now_passed": counts.now_passed,
                    "now_failed": counts.now_failed,
                    "now_scored": counts.now_scored,
                    "now_unscored": counts.now_unscored,
                })
            })
            .collect();
        let listed: Value = self
            .listed
            .iter()
            .map(|change| {
                json!({
                    "sample_id": change.sample,
                    "model": new.models.get(change.key.model as usize).map(|model| &model.name),
                    "prompt": new.prompts.get(change.key.prompt as usize).map(|prompt| &prompt.id),
                    "epoch": change.key.epoch,
                    "scorer": new.scorers[change.scorer].id,
                    "before": verdict_json(&change.before),
                    "now": verdict_json(&change.now),
                })
            })
            .collect();
        json!({
            "scored_from": old.id,
            "changed": self.all,
            "scorers": scorers,
            "no_longer": gone(old, new),
            "listed": listed,
        })
    }

    fn table(&self, compared: &[Option<u64>], old: &RunHeader, new: &RunHeader) -> String {
        use std::fmt::Write as _;
        let mut text = format!("scored anew from run {}, which keeps its scores\n", old.id);
        for ((scorer, compared), counts) in new.scorers.iter().zip(compared).zip(&self.counts) {
            let id = one_line(&scorer.id, 40);
            let Some(compared) = compared else {
                writeln!(text, "  {id}: new").ok();
                continue;
            };
            write!(text, "  {id}: {} of {compared} verdicts changed", counts.changed).ok();
            for (count, word) in [
                (counts.now_passed, "now pass"),
                (counts.now_failed, "now fail"),
                (counts.now_scored, "now scored"),
                (counts.now_unscored, "no longer scored"),
            ] {
                if count > 0 {
                    write!(text, ", {count} {word}").ok();
                }
            }
            text.push('\n');
        }
        for id in gone(old, new) {
            writeln!(text, "  {}: no longer scored with", one_line(id, 40)).ok();
        }
        if self.listed.is_empty() {
            return text;
        }
        text.push('\n');
        for change in &self.listed {
            let (sample, scorer) = (one_line(&change.sample, 40), &new.scorers[change.scorer].id);
            let mut place = vec![sample];
            if new.models.len() > 1 {
                place.push(one_line(&new.label(change.key.model as usize), 40));
            }
            if let Some(prompt) = new.prompts.get(change.key.prompt as usize)
                && new.prompts.len() > 1
            {
                place.push(one_line(&prompt.id, 40));
            }
            if new.epochs > 1 {
                place.push(format!("epoch {}", change.key.epoch));
            }
            let (before, now) = (shown(&change.before), shown(&change.now));
            let place = place.join(" · ");
            writeln!(text, "  {place} · {}: {before} -> {now}", one_line(scorer, 40)).ok();
        }
        let more = self.all - self.listed.len() as u64;
        if more > 0 {
            writeln!(text, "  and {more} more; `-n` lists more of them").ok();
        }
        text
    }
}

/// Scorers of the old run that the new one lacks.
fn gone<'a>(old: &'a RunHeader, new: &RunHeader) -> Vec<&'a str> {
    let kept = |id: &str| new.scorers.iter().any(|scorer| scorer.id == id);
    old.scorers.iter().map(|scorer| scorer.id.as_str()).filter(|id| !kept(id)).collect()
}

fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Scored(score) => {
            let mark = match score.passed {
                Some(true) => " passed",
                Some(false) => " failed",
                None => "",
            };
            format!("{}{mark}", score.value)
        }
        Verdict::Skipped(why) | Verdict::Failed(why) | Verdict::Unanswered(why) => {
            format!("not scored ({})", one_line(&visible(why), 80))
        }
    }
}

fn verdict_json(verdict: &Verdict) -> Value {
    let error = |kind: &str, why: &str| json!({"kind": kind, "message": why});
    let (value, passed, error) = match verdict {
        Verdict::Scored(score) => (Some(score.value), score.passed, Value::Null),
        Verdict::Skipped(why) => (None, None, error("skipped", why)),
        Verdict::Failed(why) => (None, None, error("scorer", why)),
        Verdict::Unanswered(why) => (None, None, error("judge", why)),
    };
    json!({"value": value, "passed": passed, "error": error})
}

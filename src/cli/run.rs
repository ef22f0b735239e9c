//! `evals run`: ask the models, score the answers, say which is better.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Out,
    args::{RunArgs, RunFormat},
    asked::Asked,
    baseline,
    catalog::OwnTable,
    ci, command, env,
    execute::{Executed, Work, execute},
    exit::{Exit, Failure},
    home::Home,
    resume::Taken,
    stored::{Stored, report_path},
    watch,
};
use crate::{
    base::quantity,
    client::{ClientOptions, ReplayBook},
    config::{self, Place, variables},
    dataset,
    domain::{
        measure::GateResult,
        run::{RunHeader, RunStatus},
        target::{Endpoint, Target},
    },
    gate::{self, Gate, Measured},
    plan::{self, Inputs, Plan},
    report,
    run::{Allowed, Fork, Outcome},
    store::{self, RunLock, Store},
};

/// Runs the command.
pub(super) fn run(args: &RunArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    if args.watch {
        return watch::run(args, db, out, &runtime);
    }
    once(args, Begin::New { forked_from: None }, db, out, &runtime)
}

/// Which run is meant.
pub(super) enum Begin {
    /// A new one; made from another one, if so.
    New { forked_from: Option<String> },
    /// One that is recorded in part.
    Again(Box<Taken>),
}

/// What calls are made in: half of the processors. Threads that read rows, write the store and score
/// have the others; and where there are two, none of the threads of calls has to wake another one.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.div_ceil(2))
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("failed to start: {error}")))
}

/// The plan that the arguments describe, checked whole; nothing is called or written.
pub(super) fn planned(
    args: &RunArgs,
    db: &Path,
    runtime: &tokio::runtime::Runtime,
) -> Result<Plan, Failure> {
    let asked = Asked::read(args)?;
    let plan = resolve(args, &asked, &Home::default(), db, runtime)?;
    gates(&plan, &asked)?;
    Ok(plan)
}

fn resolve(
    args: &RunArgs,
    asked: &Asked,
    home: &Home,
    db: &Path,
    runtime: &tokio::runtime::Runtime,
) -> Result<Plan, Failure> {
    let definitions = variables::definitions(&args.define)
        .map_err(|message| Failure::usage(format!("--define: {message}")))?;
    let lookup = env::lookup(&definitions);
    let own = OwnTable::load()?;
    let only_ids = args.failed_of.as_deref().map(|run| failed_ids(db, run)).transpose()?;
    let program = env::program();
    let inputs = Inputs {
        registered: home,
        origin: &asked.origin,
        base_dir: &asked.base_dir,
        lookup: &lookup,
        only_ids: only_ids.as_ref(),
        table: own.table(),
        unsafe_no_sandbox: args.unsafe_no_sandbox,
        confiner: program.as_deref(),
        shard: args.shard.as_deref().map(shard).transpose()?,
    };
    Ok(runtime.block_on(plan::resolve(&asked.file, inputs))?)
}

/// The shard that `text` says: `1/4`.
fn shard(text: &str) -> Result<(u32, u32), Failure> {
    let parts = text.split_once('/');
    let parts = parts.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    parts.filter(|(index, of)| (1..=*of).contains(index) && *of <= 10_000).ok_or_else(|| {
        Failure::usage(format!("--shard: `{text}` is no shard"))
            .hint("the first of four is written `1/4`")
    })
}

/// One run, from the arguments to the exit code.
pub(super) fn once(
    args: &RunArgs,
    begin: Begin,
    db: &Path,
    out: &mut Out,
    runtime: &tokio::runtime::Runtime,
) -> Result<Exit, Failure> {
    let asked = Asked::read(args)?;
    let home = Home::default();
    let mut plan = resolve(args, &asked, &home, db, runtime)?;
    let gates = gates(&plan, &asked)?;
    let allowed = allowed_errors(args, &gates)?;
    let mut books = runtime.block_on(books(&plan, &asked))?;
    let (before, lock) = match begin {
        Begin::Again(taken) => {
            let (header, before, lock) = taken.take_up(&plan.header)?;
            let store = Store::open_existing(db)?;
            let record = store.find_run(&header.id)?;
            books.spent = store.spent(&record)?;
            books.judge_spent = store.spent_by_judges(&record)?;
            plan.header = header;
            (Some(before), Some(lock))
        }
        Begin::New { forked_from } => {
            let failed_of = args.failed_of.as_deref().map(|run| id_of(db, run)).transpose()?;
            baseline::settle(&mut plan, &asked, args, &gates, db)?;
            let baseline = plan.header.context.baseline.clone();
            let kept = RunArgs { baseline, ..args.clone() };
            plan.header.command = Some(command::keep(&kept, failed_of));
            plan.header.forked_from = forked_from;
            (None, None)
        }
    };
    let report = (!args.no_report).then(|| {
        let named = asked.file.report.as_ref().map(|path| path.value.clone());
        named.unwrap_or_else(|| report_path(db, &plan.header.id))
    });
    if let Some(path) = &report {
        check_writable(path)?;
    }
    for notice in plan.notices.iter().filter(|_| !args.quiet) {
        out.note(&format!("note: {notice}"));
    }
    if plan.scoring.scorers.is_empty() {
        out.note(
            "note: no scorer is named, so answers are recorded and not judged (-s exact_match)",
        );
    }
    if !args.quiet {
        out.note(&super::plan::line(&plan, args.refresh, db)?);
    }

    let fork = fork(&plan, db)?;
    if let Some(from) = plan.header.forked_from.as_ref().filter(|_| fork.is_some() && !args.quiet) {
        out.note(&format!("note: what run {from} has answers to is not asked again"));
    }
    note_use(&plan)?;
    store::check_room(db)?;
    let _lock = lock.map_or_else(|| RunLock::take(db, &plan.header.id), Ok)?;
    let outcome = execute(Work { plan, books, allowed, before, fork }, db, args, out, runtime)?;
    let Executed { id: header_id, outcome, trouble } = outcome;
    let store = Store::open_existing(db)?;
    let record = store.find_run(&header_id)?;
    args.tag.iter().try_for_each(|name| store.tag(&record, name))?;
    let stored = Stored::measure(store, record)?;
    // The results come first: nothing that goes wrong with a file may cost them.
    let printed = out.data(&rendered(&stored, args.format));
    let reported = report.as_deref().map(|path| write_report(&stored, path, args.format, out));
    printed.and(reported.unwrap_or(Ok(()))).map_err(|failure| Failure {
        exit: Exit::Incomplete,
        hint: Some(format!("the run is recorded: evals show {header_id}")),
        ..failure
    })?;
    ci::write(&stored, &args.files, None, out)?;
    if let Some(shard) = stored.run.header.context.shard.as_ref().filter(|_| !gates.is_empty()) {
        let (index, of) = (shard.index, shard.of);
        out.note(&format!("note: this is shard {index}/{of}; `evals merge` decides the gates"));
    }
    if let Some(trouble) = trouble
        && outcome.status == RunStatus::Interrupted
    {
        let message = format!("stopped: failed to {trouble}; what was answered is recorded");
        return Err(Failure::incomplete(message)
            .hint(format!("make room, then go on: {}", resume_command(db, &header_id))));
    }
    if matches!(outcome.status, RunStatus::Interrupted | RunStatus::Budget) {
        let (ended, planned) = (stored.measures.ended(), stored.measures.planned);
        let why = outcome.over.as_ref().map_or_else(
            || "interrupted".to_owned(),
            |over| format!("the budget is reached ({over})"),
        );
        out.note(&format!(
            "{why}: {ended} of {planned} trials are recorded in run {header_id}; to go on: {}",
            resume_command(db, &header_id)
        ));
    }
    Ok(exit(&outcome, &stored.gates))
}

/// The run that the plan's is made from, unless it was deleted in the meantime.
fn fork(plan: &Plan, db: &Path) -> Result<Option<Fork>, Failure> {
    let Some(from) = &plan.header.forked_from else { return Ok(None) };
    let store = Store::open_existing(db)?;
    let Ok(run) = store.find_run(from) else { return Ok(None) };
    Ok(Some(Fork::read(store, run, plan)?))
}

/// What to type to go on with run `id`.
pub(super) fn resume_command(db: &Path, id: &str) -> String {
    match env::shown(db) {
        db if db == env::DEFAULT_DB => format!("evals resume {id}"),
        db => format!("evals resume {id} --db {db}"),
    }
}

/// Notes in the audit log which registered credentials the run uses: once each, however many calls
/// there will be.
fn note_use(plan: &Plan) -> Result<(), Failure> {
    note_keys(plan.targets.iter().chain(&plan.judges), &plan.header.id)
}

/// The same for the credentials of `targets`.
pub(super) fn note_keys<'a>(
    targets: impl Iterator<Item = &'a Arc<Target>>,
    run: &str,
) -> Result<(), Failure> {
    let used: BTreeSet<_> = targets.filter_map(|target| target.credential_slug()).collect();
    let run = Some(run);
    used.iter().try_for_each(|slug| super::vault::note("key.use", Some(slug), run))
}

/// The id of the run that `reference` means now.
fn id_of(db: &Path, reference: &str) -> Result<String, Failure> {
    Ok(Store::open_existing(db)?.find_run(reference)?.header.id)
}

/// Ids of the samples that failed in a stored run.
fn failed_ids(db: &Path, reference: &str) -> Result<HashSet<String>, Failure> {
    let store = Store::open_existing(db)?;
    let run = store.find_run(reference)?;
    let ids = store.failed_sample_ids(&run)?;
    if ids.is_empty() {
        let message = format!("no sample failed in run {}", run.header.id);
        return Err(Failure::usage(message));
    }
    Ok(ids)
}

/// Reads the gates, and refuses those that could never be decided.
fn gates(plan: &Plan, asked: &Asked) -> Result<Vec<Gate>, Failure> {
    let gates = parsed_gates(&plan.header, asked)?;
    for (gate, written) in gates.iter().zip(&asked.file.gates) {
        let refuse = |message: String, hint: String| {
            let origin = asked.origin_of(written.place, "--gate");
            Failure::from(config::ConfigError::new(origin, written.place, message).hint(hint))
        };
        if let Some(slice) = &gate.slice
            && slice.column != "tag"
            && !plan.dataset.columns().contains(&slice.column)
        {
            let known: Vec<String> =
                plan.dataset.columns().iter().map(|name| format!("`{name}`")).collect();
            return Err(refuse(
                format!("gate `{}`: the dataset has no column `{}`", gate.text, slice.column),
                format!("its columns: {}", known.join(", ")),
            ));
        }
        if let Measured::Score(_, stat) = gate.measured
            && stat.repeats() > plan.header.epochs
        {
            let (wanted, epochs) = (stat.repeats(), plan.header.epochs);
            return Err(refuse(
                format!("gate `{}` needs {wanted} repeats, and there are {epochs}", gate.text),
                format!("write `epochs: {wanted}`, or add `--epochs {wanted}`"),
            ));
        }
        let unpriced =
            plan.targets.iter().chain(&plan.judges).find(|target| {
                target.price.is_none() && matches!(target.endpoint, Endpoint::Http(_))
            });
        if let (Measured::CostTotal, Some(target)) = (&gate.measured, unpriced) {
            let name = &target.name;
            return Err(refuse(
                format!("gate `{}` needs prices, and model `{name}` has none", gate.text),
                "add `price: {input: …, output: …}` in USD per million tokens; 0 where it is free"
                    .to_owned(),
            ));
        }
    }
    Ok(gates)
}

/// Reads the gates, which are about the run of `header`.
pub(super) fn parsed_gates(header: &RunHeader, asked: &Asked) -> Result<Vec<Gate>, Failure> {
    let read = |written: &config::At<String>| {
        gate::parse(&written.value, header).map_err(|error| {
            let origin = asked.origin_of(written.place, "--gate");
            config::ConfigError::new(origin, written.place, error.message).hint(error.hint).into()
        })
    };
    asked.file.gates.iter().map(read).collect()
}

/// The failed trials that still make a complete run: said by flag, else by gates on errors, else
/// none.
pub(super) fn allowed_errors(args: &RunArgs, gates: &[Gate]) -> Result<Allowed, Failure> {
    if let Some(text) = &args.allow_errors {
        let share = quantity::share(text).filter(|share| (0.0..=1.0).contains(share));
        return share.map(|share| Allowed { share, count: 0 }).ok_or_else(|| {
            Failure::usage(format!("--allow-errors: `{text}` is no share, such as 1%"))
        });
    }
    let least = |measured: Measured| {
        let bounds = gates.iter().filter(|gate| gate.measured == measured).map(|gate| gate.bound);
        bounds.reduce(f64::min).unwrap_or(0.0)
    };
    let count = least(Measured::ErrorCount) as u64;
    Ok(Allowed { share: least(Measured::ErrorRate), count })
}

/// Opens the recordings that the plan replays.
async fn books(plan: &Plan, asked: &Asked) -> Result<ClientOptions, Failure> {
    let models = plan.targets.iter().zip(asked.file.models.iter().map(|entry| entry.place));
    let all: Vec<_> = models.collect();
    books_of(&all, &plan.judges, asked).await
}

/// Opens the recordings of models, which are named at their places, and of those that scorers ask.
pub(super) async fn books_of(
    models: &[(&Arc<Target>, Place)],
    judges: &[Arc<Target>],
    asked: &Asked,
) -> Result<ClientOptions, Failure> {
    let mut options = ClientOptions::default();
    // A scorer's models are named where it is; which scorer that is, their names say.
    let judges = judges.iter().map(|target| (target, Place::default()));
    let all = models.iter().copied().chain(judges);
    let all = all.flat_map(|(target, place)| target.with_stand_ins().map(move |t| (t, place)));
    for (target, place) in all {
        let Endpoint::Replay(source) = &target.endpoint else { continue };
        let Some(path) = &source.path else { continue };
        if options.books.iter().any(|(known, _)| known == source) {
            continue;
        }
        let failed = |message: String| {
            let message = format!("model `{}`: {message}", target.name);
            let origin = asked.origin_of(place, "--model");
            Failure::from(config::ConfigError::new(origin, place, message))
        };
        let source_of_rows = dataset::Source {
            location: path.display().to_string(),
            format: None,
            base_dir: PathBuf::new(),
        };
        let local = dataset::fetch(&source_of_rows, &mut tokio::io::empty())
            .await
            .map_err(|error| failed(error.to_string()))?;
        let source_of_book = source.clone();
        let book = tokio::task::spawn_blocking(move || {
            let rows = dataset::rows(&local).map(|row| row.map_err(|error| error.to_string()));
            ReplayBook::build(rows, &source_of_book).map_err(|error| error.to_string())
        })
        .await
        .map_err(|_| failed("reading the recording broke off".to_owned()))?
        .map_err(failed)?;
        options.books.push((source.clone(), Arc::new(book)));
    }
    Ok(options)
}

/// Refuses a report that could not be written, before anything is paid for.
pub(super) fn check_writable(path: &Path) -> Result<(), Failure> {
    let directory = super::stored::directory_of(path);
    let existing = directory.ancestors().find(|path| path.exists() && !path.as_os_str().is_empty());
    let writable = match existing {
        Some(directory) => tempfile::tempfile_in(directory),
        None => tempfile::tempfile_in("."),
    };
    writable.map(drop).map_err(|error| {
        Failure::usage(format!("failed to write the report `{}`: {error}", path.display()))
            .hint("`--report` names another place, `--no-report` leaves it out")
    })
}

pub(super) fn write_report(
    stored: &Stored,
    path: &Path,
    format: RunFormat,
    out: &mut Out,
) -> Result<(), Failure> {
    stored.write_html(path, None)?;
    let line = format!("report: {}", env::shown(path));
    match format {
        RunFormat::Table => out.data(&format!("\n{line}\n")),
        RunFormat::Json | RunFormat::Markdown => {
            out.note(&line);
            Ok(())
        }
    }
}

/// A run's results as text that ends in a line feed.
pub(super) fn rendered(stored: &Stored, format: RunFormat) -> String {
    let view = stored.view();
    let text = match format {
        RunFormat::Table => {
            let style =
                report::table::Style { color: env::stdout_color(), unicode: env::unicode() };
            report::table::render(&view, env::width(), style)
        }
        RunFormat::Json => format!("{:#}", report::json::run_json(&view)),
        RunFormat::Markdown => report::markdown::render(&view),
    };
    format!("{}\n", text.trim_end())
}

/// Incomplete comes before gates: an outage must look neither like a regression nor like success.
/// A gate on errors is about outages, so failing it makes the run incomplete too.
pub(super) fn exit(outcome: &Outcome, gates: &[GateResult]) -> Exit {
    gates_exit(outcome.status, gates)
}

/// The same, of a run that is recorded.
pub(super) fn gates_exit(status: RunStatus, gates: &[GateResult]) -> Exit {
    let failed = || gates.iter().filter(|gate| gate.passed == Some(false));
    match status {
        RunStatus::Interrupted => Exit::Interrupted,
        RunStatus::Budget => Exit::Budget,
        RunStatus::Complete if failed().any(|gate| gate.gate.starts_with("errors.")) => {
            Exit::Incomplete
        }
        RunStatus::Complete if failed().next().is_some() => Exit::GateFailed,
        RunStatus::Complete if gates.iter().all(|gate| gate.passed == Some(true)) => Exit::Done,
        _ => Exit::Incomplete,
    }
}

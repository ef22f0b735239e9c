//! `evals merge`: shards of a run become one run.

use std::path::Path;

use super::{
    Out,
    args_compare::MergeArgs,
    baseline, ci,
    exit::{Exit, Failure},
    resume::difference,
    run::{check_writable, gates_exit, rendered, write_report},
    stored::{Stored, report_path},
    tag,
};
use crate::{
    base::{clock, id},
    domain::run::{RunContext, RunHeader, RunRecord, RunStatus, Shard},
    gate::Allow,
    store::{self, RunLock, ShardOf, Store},
};

/// A shard as it was named.
struct Named {
    /// What was typed.
    text: String,
    store: Store,
    run: RunRecord,
    shard: Shard,
    places: Vec<u64>,
}

pub(super) fn run(args: &MergeArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let mut shards: Vec<Named> =
        args.shards.iter().map(|text| named(text, db)).collect::<Result<_, _>>()?;
    shards.sort_by_key(|shard| shard.shard.index);
    alike(&shards)?;
    let missing = missing(&shards);
    if !missing.is_empty() && !args.partial {
        let of = shards[0].shard.of;
        let list: Vec<String> = missing.iter().map(|index| format!("{index}/{of}")).collect();
        return Err(Failure::usage(format!("shards are missing: {}", list.join(", ")))
            .hint("name them too; `--partial` merges what there is into an incomplete run"));
    }
    for name in &args.tag {
        tag::checked(name)?;
    }
    Allow::parse(args.allow.iter().map(String::as_str))?;
    let mut header = merged(&shards, args);
    if let Some(reference) = &args.baseline {
        header.context.baseline = Some(baseline::find(db, reference, Some(&header))?.1);
    }
    let report = (!args.no_report)
        .then(|| args.report.clone().unwrap_or_else(|| report_path(db, &header.id)));
    if let Some(path) = &report {
        check_writable(path)?;
    }
    let store = Store::open(db)?;
    store::check_room(db)?;
    let _lock = RunLock::take(db, &header.id)?;
    let complete =
        missing.is_empty() && shards.iter().all(|shard| shard.run.status == RunStatus::Complete);
    let status = if complete { RunStatus::Complete } else { RunStatus::Incomplete };
    let parts: Vec<ShardOf<'_>> = shards
        .iter()
        .map(|s| ShardOf { store: &s.store, run: &s.run, places: s.places.clone() })
        .collect();
    store.merge(&header, &parts, (status, clock::now_ms()))?;
    let record = store.find_run(&header.id)?;
    for name in &args.tag {
        store.tag(&record, name)?;
    }
    let stored = Stored::measure(store, record)?;
    out.data(&rendered(&stored, args.format))?;
    if let Some(path) = &report {
        write_report(&stored, path, args.format, out)?;
    }
    ci::write(&stored, &args.files, None, out)?;
    let of = shards[0].shard.of;
    out.note(&format!("merged {} of {of} shards into run {}", shards.len(), header.id));
    Ok(gates_exit(status, &stored.gates))
}

fn named(text: &str, db: &Path) -> Result<Named, Failure> {
    let (path, reference) = match text.rsplit_once('#') {
        Some((path, run)) if Path::new(path).is_file() => (Path::new(path), run),
        _ if Path::new(text).is_file() => (Path::new(text), "last"),
        _ => (db, text),
    };
    let store = Store::open_existing(path)?;
    let run = store.find_run(reference)?;
    let no_shard = |message: String| {
        Failure::usage(message).hint("shards are made by `evals run --shard 1/4` and its like")
    };
    let id = &run.header.id;
    let Some(shard) = run.header.context.shard.clone() else {
        return Err(no_shard(format!("run {id} (`{text}`) is no shard")));
    };
    if run.status == RunStatus::Running {
        return Err(Failure::usage(format!("run {id} (`{text}`) has not ended"))
            .hint("wait for it, or go on with it: evals resume"));
    }
    let places = shard.samples();
    let places = places.filter(|places| places.len() as u64 == run.header.samples);
    let places =
        places.ok_or_else(|| no_shard(format!("run {id} (`{text}`): its shard is damaged")))?;
    Ok(Named { text: text.to_owned(), store, run, shard, places })
}

/// Refuses shards that are not of one run, or are there twice.
fn alike(shards: &[Named]) -> Result<(), Failure> {
    let first = &shards[0];
    for other in &shards[1..] {
        let who = format!("`{}` and `{}`", first.text, other.text);
        if first.shard.of != other.shard.of {
            let (a, b) = (first.shard.of, other.shard.of);
            return Err(Failure::usage(format!(
                "{who} are not shards of one run: of {a} and of {b} shards"
            )));
        }
        // How many samples a shard has is not what they have in common.
        let there = RunHeader { samples: first.run.header.samples, ..other.run.header.clone() };
        let differs = difference(&first.run.header, &there);
        let reduce = (first.run.header.reduce != there.reduce)
            .then(|| "how repeats fold has changed".to_owned());
        if let Some(what) = differs.or(reduce) {
            return Err(Failure::usage(format!("{who} are not shards of one run: {what}"))
                .hint("run all shards of the same dataset, with the same config"));
        }
    }
    for pair in shards.windows(2) {
        if pair[0].shard.index == pair[1].shard.index {
            let (index, of) = (pair[0].shard.index, pair[0].shard.of);
            let (a, b) = (&pair[0].text, &pair[1].text);
            return Err(Failure::usage(format!(
                "`{a}` and `{b}` overlap: both are shard {index}/{of}"
            ))
            .hint("name each shard once"));
        }
    }
    let mut places: Vec<u64> = shards.iter().flat_map(|shard| shard.places.clone()).collect();
    places.sort_unstable();
    if places.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Failure::usage("the shards overlap: a sample is in two of them"));
    }
    Ok(())
}

/// The shards that were not named.
fn missing(shards: &[Named]) -> Vec<u32> {
    let there = |index: &u32| shards.iter().any(|shard| shard.shard.index == *index);
    (1..=shards[0].shard.of).filter(|index| !there(index)).collect()
}

fn merged(shards: &[Named], args: &MergeArgs) -> RunHeader {
    let first = &shards[0];
    let old = &first.run.header.context;
    let context = RunContext {
        branch: old.branch.clone(),
        commit: old.commit.clone(),
        shard: None,
        merged_from: shards.iter().map(|shard| shard.run.header.id.clone()).collect(),
        // The id of a run in another database means nothing here, unless it is there too.
        baseline: old.baseline.clone(),
        allow: if args.allow.is_empty() { old.allow.clone() } else { args.allow.clone() },
    };
    RunHeader {
        id: id::new_run_id(),
        name: args.name.clone().unwrap_or_else(|| first.run.header.name.clone()),
        created_ms: clock::now_ms(),
        samples: first.shard.total,
        command: None,
        forked_from: None,
        context,
        ..first.run.header.clone()
    }
}

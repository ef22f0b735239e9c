//! `evals compare`: which of two or more is better, and how sure one can be.

use std::path::Path;

use super::{
    Out,
    args_compare::{CompareArgs, CompareFormat},
    env,
    exit::{Exit, Failure},
    report::as_io,
    stored::write_file,
};
use crate::{
    base::text::nearest,
    compare::{Asked, CompareError, Opened, Reference, Wanted, compare, open},
    domain::{comparison::Comparison, run::RunHeader},
    report::{ReportError, compare as reports, html::write_comparison},
    store::StoreError,
};

/// A side as it was named.
struct Named {
    opened: Opened,
    model: Option<u32>,
    prompt: Option<u32>,
}

pub(super) fn run(args: &CompareArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let texts = args.baseline.iter().chain(&args.sides);
    let mut named: Vec<Named> = Vec::new();
    for text in texts {
        let reference = reference(db, text)?;
        let same = |known: &&Named| !reference.is_file() && known.opened.file.is_none();
        let like = named.iter().find(same).map(|known| &known.opened.run.header);
        named.push(side(db, &reference, like)?);
    }
    if args.baseline.is_some() {
        // Whoever names the baseline again among the others does not compare it with itself.
        let key = |n: &Named| (n.opened.run.header.id.clone(), n.model, n.prompt);
        let first = key(&named[0]);
        let rest = named.split_off(1);
        named.extend(rest.into_iter().filter(|n| key(n) != first));
        if named.len() == 1 {
            return Err(Failure::usage("there is nothing to compare with the baseline")
                .hint("name what is: evals compare last --baseline last:main"));
        }
    }
    for scorer in &args.scorer {
        known_scorer(&named, scorer)?;
    }
    let asked: Vec<Asked<'_>> = named
        .iter()
        .map(|n| Asked { source: n.opened.source(), model: n.model, prompt: n.prompt })
        .collect();
    let wanted = Wanted { scorers: &args.scorer, baseline: args.baseline.is_some() };
    let comparison = compare(&asked, wanted)?;
    let write = |to: &mut dyn std::io::Write| written(&comparison, args, to);
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        None => out.with(|to| write(to).map_err(as_io))?,
        Some(path) => {
            write_file(path, |file| write(file).map_err(Failure::from))?;
            out.note(&format!("wrote {}", env::shown(path)));
        }
    }
    Ok(Exit::Done)
}

fn written(
    comparison: &Comparison,
    args: &CompareArgs,
    to: &mut dyn std::io::Write,
) -> Result<(), ReportError> {
    let text = match args.format {
        CompareFormat::Html => return write_comparison(comparison, to),
        CompareFormat::Csv => return Ok(reports::csv::write_csv(comparison, to)?),
        CompareFormat::Json => format!("{:#}\n", reports::json::compare_json(comparison)),
        CompareFormat::Markdown => reports::markdown::render(comparison),
        CompareFormat::Table => {
            let shown = args.output.is_none();
            let color = shown && env::stdout_color();
            let style = crate::report::table::Style { color, unicode: env::unicode() };
            reports::table::render(comparison, env::width().filter(|_| shown), style)
        }
    };
    Ok(to.write_all(text.as_bytes())?)
}

/// What `text` names. `last:NAME` is a branch, unless there is none of that name and the last run has
/// such a model.
fn reference(db: &Path, text: &str) -> Result<Reference, Failure> {
    let found = Reference::parse(text);
    let Some(name) = found.run.strip_prefix("last:") else { return Ok(found) };
    if found.model.is_some() || found.is_file() {
        return Ok(found);
    }
    let Err(CompareError::Store(StoreError::UnknownRun { .. })) = open(db, &found, None) else {
        return Ok(found);
    };
    let last = Reference { run: "last".to_owned(), model: None, prompt: None };
    let header = open(db, &last, None)?.run.header;
    let is_model = header.models.iter().any(|model| model.name == name);
    Ok(if is_model { Reference { model: Some(name.to_owned()), ..last } } else { found })
}

fn side(db: &Path, reference: &Reference, like: Option<&RunHeader>) -> Result<Named, Failure> {
    let opened = open(db, reference, like)?;
    let header = &opened.run.header;
    let index = |what: &'static str, name: &Option<String>, known: Vec<String>| {
        let Some(name) = name else { return Ok(None) };
        let found = known.iter().position(|known| known == name);
        match found.and_then(|found| u32::try_from(found).ok()) {
            Some(found) => Ok(Some(found)),
            None => Err(CompareError::Unknown {
                run: header.id.clone(),
                what,
                name: name.clone(),
                known,
            }),
        }
    };
    let models = header.models.iter().map(|model| model.name.clone()).collect();
    let prompts = header.prompts.iter().map(|prompt| prompt.id.clone()).collect();
    let model = index("model", &reference.model, models)?;
    let prompt = index("prompt", &reference.prompt, prompts)?;
    Ok(Named { opened, model, prompt })
}

fn known_scorer(named: &[Named], wanted: &str) -> Result<(), Failure> {
    let known = || {
        let headers = named.iter().map(|named| &named.opened.run.header);
        headers.flat_map(|header| header.scorers.iter().map(|info| info.id.as_str()))
    };
    if known().any(|id| id == wanted) {
        return Ok(());
    }
    let mut list: Vec<String> = known().map(|id| format!("`{id}`")).collect();
    list.sort();
    list.dedup();
    let near = nearest(wanted, known()).map(|near| format!("did you mean `{near}`? "));
    Err(Failure::usage(format!("no run has a scorer `{wanted}`")).hint(format!(
        "{}there are {}",
        near.unwrap_or_default(),
        list.join(", ")
    )))
}

//! `evals init`: a starter experiment to change into one's own.

use std::{fs, path::Path};

use super::{
    Out,
    args::InitArgs,
    env,
    exit::{Exit, Failure},
};

const CONFIG: &str = include_str!("../../datasets/starter.yaml");
const DATASET: &str = include_str!("../../datasets/capitals.csv");

pub(super) fn run(args: &InitArgs, out: &mut Out) -> Result<Exit, Failure> {
    let failed = |path: &Path| {
        let shown = path.display().to_string();
        move |error: std::io::Error| Failure::usage(format!("failed to write `{shown}`: {error}"))
    };
    fs::create_dir_all(&args.dir).map_err(failed(&args.dir))?;
    let config = CONFIG
        .replace("evals run datasets/starter.yaml", "evals run")
        .replace("datasets/eval.schema.json", "eval.schema.json");
    let files = [("evals.yaml", config.as_str()), ("capitals.csv", DATASET)];
    let existing: Vec<&str> =
        files.iter().map(|(name, _)| *name).filter(|name| args.dir.join(name).exists()).collect();
    if !existing.is_empty() && !args.force {
        let message = format!("{} exists already", existing.join(", "));
        return Err(Failure::usage(message).hint("`--force` replaces it"));
    }
    for (name, text) in files {
        let path = args.dir.join(name);
        fs::write(&path, text).map_err(failed(&path))?;
        out.data(&format!("wrote {}\n", env::shown(&path)))?;
    }
    ignore_results(&args.dir)?;
    let change = match args.dir.as_path() {
        dir if dir == Path::new(".") => String::new(),
        dir => format!("cd {} && ", dir.display()),
    };
    out.data(&format!("next: {change}evals run\n"))?;
    Ok(Exit::Done)
}

/// Keeps results out of a repository, where there is one.
fn ignore_results(dir: &Path) -> Result<(), Failure> {
    let path = dir.join(".gitignore");
    let before = fs::read_to_string(&path).unwrap_or_default();
    if before.lines().any(|line| line.trim_end_matches('/') == ".evals") {
        return Ok(());
    }
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    fs::write(&path, format!("{before}{gap}.evals/\n"))
        .map_err(|error| Failure::usage(format!("failed to write `{}`: {error}", path.display())))
}

//! The command that began a run: kept with it, without secrets, so that it can be done again.

use std::{
    env,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{args::RunArgs, args_resume::ResumeArgs, exit::Failure};
use crate::domain::run::{CommandInfo, RunHeader};

/// `args` as they are kept. `failed_of` is the run that was meant by it, whose name may come to mean
/// another one.
pub(super) fn keep(args: &RunArgs, failed_of: Option<String>) -> CommandInfo {
    let mut kept = RunArgs { failed_of, ..args.clone() };
    let mut withheld = Vec::new();
    // A definition is how a key is given that is in no environment.
    for definition in std::mem::take(&mut kept.define) {
        let name = definition.split('=').next().unwrap_or_default().trim();
        withheld.push(format!("-D {name}"));
    }
    if kept.source.as_deref().is_some_and(may_hold_secret) {
        kept.source = None;
        withheld.push("--source".to_owned());
    }
    if kept.model.iter().any(|model| model.contains("headers") || may_hold_secret(model)) {
        kept.model.clear();
        withheld.push("--model".to_owned());
    }
    let mut arguments = serde_json::to_value(&kept).unwrap_or_default();
    if let Value::Object(arguments) = &mut arguments {
        arguments.retain(|_, value| {
            !value.is_null() && *value != Value::Bool(false) && value.as_array() != Some(&vec![])
        });
    }
    let directory = env::current_dir().unwrap_or_default().display().to_string();
    CommandInfo { directory, arguments, withheld }
}

/// Whether an address is among `text` that has a user or a query.
fn may_hold_secret(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains(['@', '?']))
}

/// The command that began the run of `header`, with what `over` says laid over it. From here on the
/// program works in the directory in which the command was typed, if there still is one.
pub(super) fn repeat(header: &RunHeader, over: &ResumeArgs) -> Result<RunArgs, Failure> {
    let id = &header.id;
    let unknown = || {
        Failure::usage(format!("how run {id} was begun is not recorded"))
            .hint("begin it anew with `evals run`")
    };
    let command = header.command.as_ref().ok_or_else(unknown)?;
    let begun: RunArgs =
        serde_json::from_value(command.arguments.clone()).map_err(|_| unknown())?;
    for missing in &command.withheld {
        let given = match missing.as_str() {
            "--source" => over.source.is_some(),
            "--model" => !over.model.is_empty(),
            define => over.define.iter().any(|given| {
                let name = given.split('=').next().unwrap_or_default().trim();
                define.strip_prefix("-D ") == Some(name)
            }),
        };
        if !given {
            let message = format!("run {id} was begun with `{missing}`, which is not kept");
            return Err(Failure::usage(message)
                .hint(format!("it may be a secret: add `{missing}…` as it was given then")));
        }
    }
    // What is typed now is relative to where it is typed now.
    let here = env::current_dir().unwrap_or_default();
    let absolute = |path: &PathBuf| here.join(path);
    let source = over.source.as_ref().map(|source| {
        let local = source != "-" && !source.contains("://");
        if local { here.join(source).display().to_string() } else { source.clone() }
    });
    let args = RunArgs {
        define: over.define.clone(),
        source: source.or(begun.source),
        model: if over.model.is_empty() { begun.model } else { over.model.clone() },
        concurrency: over.concurrency.clone().or(begun.concurrency),
        budget: over.budget.clone().or(begun.budget),
        judge_budget: over.judge_budget.clone().or(begun.judge_budget),
        budget_tokens: over.budget_tokens.or(begun.budget_tokens),
        budget_time: over.budget_time.clone().or(begun.budget_time),
        budget_error_rate: over.budget_error_rate.clone().or(begun.budget_error_rate),
        max_outage: over.max_outage.clone().or(begun.max_outage),
        allow_errors: over.allow_errors.clone().or(begun.allow_errors),
        format: over.format,
        report: over.report.as_ref().map(absolute).or(begun.report),
        no_report: over.no_report || (begun.no_report && over.report.is_none()),
        log: over.log.as_ref().map(absolute),
        quiet: over.quiet,
        ..begun
    };
    if Path::new(&command.directory) != here {
        env::set_current_dir(&command.directory).map_err(|error| {
            let directory = &command.directory;
            Failure::usage(format!("run {id} was begun in `{directory}`: {error}"))
                .hint("its config and dataset are looked for there")
        })?;
    }
    Ok(args)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn typed(line: &[&str]) -> RunArgs {
        let cli = Cli::try_parse_from([&["evals", "run"], line].concat()).expect("parsed");
        let Command::Run(args) = cli.command else { panic!("another command") };
        *args
    }

    #[test]
    fn what_is_typed_is_kept_but_for_secrets_and_looks() {
        let line = ["rows.csv", "-m", "sim/good", "-n", "5", "-D", "KEY=sk-canary", "--quiet"];
        let kept = keep(&typed(&line), Some("01RUN".to_owned()));
        let wanted = json!({
            "source": "rows.csv", "model": ["sim/good"], "limit": 5, "failed_of": "01RUN",
        });
        assert_eq!((kept.arguments, kept.withheld), (wanted, vec!["-D KEY".to_owned()]));

        for secret in [
            &["https://host/rows.csv?token=canary", "-m", "sim/good"][..],
            &["https://u:canary@host/rows.csv", "-m", "sim/good"],
            &["rows.csv", "-m", "{provider: openai, headers: {x-key: canary}}"],
            &["rows.csv", "-m", "replay:https://host/rows.jsonl?token=canary"],
        ] {
            let kept = keep(&typed(secret), None);
            let text = serde_json::to_string(&kept).expect("JSON");
            assert!(!text.contains("canary"), "{text}");
            assert_eq!(kept.withheld.len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_the_same_command() {
        let line = [
            "-c",
            "a.yaml",
            "rows.csv",
            "--temperature",
            "0.5",
            "--epochs",
            "3",
            "-s",
            "contains",
            "--where",
            "a > 1",
            "--sample",
            "5:7",
            "--no-report",
            "-p",
            "{{q}}",
            "--system",
            "s",
        ];
        let args = typed(&line);
        let kept = keep(&args, None);
        let again: RunArgs = serde_json::from_value(kept.arguments).expect("arguments");
        assert_eq!(format!("{again:?}"), format!("{args:?}"));
    }
}

//! What people read about the judges, made from their files: one, and the page of all.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    builtin,
    card::{Definition, Scale, VARIABLES},
};

/// Where the Markdown page begins.
const HEAD: &str = include_str!("page.txt");

/// What a judge may answer, a line each: the answer, what it is worth, and what it means.
fn answers(judge: &Definition) -> Vec<(String, String, String)> {
    match &judge.scale {
        Scale::Choices(choices) => choices
            .iter()
            .map(|choice| {
                let means = choice.means.clone().unwrap_or_default();
                (choice.label.clone(), choice.score.to_string(), means)
            })
            .collect(),
        Scale::Number { least, most, whole, means } => {
            let kind = if *whole { "whole numbers" } else { "numbers" };
            let lines = means.as_deref().unwrap_or_default().lines();
            let place = |line: &str| {
                let (number, means) = line.split_once(": ")?;
                let value: f64 = number.trim().parse().ok()?;
                let score = ((value - least) / (most - least) * 1e4).round() / 1e4;
                Some((number.trim().to_owned(), score.to_string(), means.to_owned()))
            };
            let places: Vec<_> = lines.filter_map(place).collect();
            if places.is_empty() {
                let worth = "0 to 1".to_owned();
                return vec![(format!("{kind} from {least} to {most}"), worth, String::new())];
            }
            places
        }
    }
}

/// Everything about one judge, for the terminal.
pub fn described(judge: &Definition) -> String {
    let Definition { name, version, summary, source, needs, cot, threshold, .. } = judge;
    let mut text = format!("{name} · version {version}\n{summary}\n\n");
    let mut line = |name: &str, value: &str| {
        writeln!(text, "{name:<10} {value}").ok();
    };
    line("needs", &needs.join(", "));
    line("reasons", if *cot { "before its verdict" } else { "no" });
    line("passes", &format!("from {threshold} on"));
    line("source", source);
    text += "\nanswers\n";
    for (answer, score, means) in answers(judge) {
        writeln!(text, "  {answer} ({score}): {means}").ok();
    }
    if !judge.with.is_empty() {
        text += "\nwith\n";
    }
    for (name, parameter) in &judge.with {
        let default = parameter.default.as_deref();
        let default = default.map_or("required".to_owned(), |text| format!("default: {text}"));
        writeln!(text, "  {name} ({default}): {}", parameter.doc).ok();
    }
    write!(text, "\nprompt\n").ok();
    for line in judge.prompt.source().trim_end().lines() {
        writeln!(text, "  {line}").ok();
    }
    writeln!(text, "\nexample\n  scorers:\n    - {}", example(judge)).ok();
    text
}

/// An entry for `scorers` in a config.
pub fn example(judge: &Definition) -> String {
    let needed = judge.with.iter().filter(|(_, parameter)| parameter.default.is_none());
    let needed: String = needed
        .map(|(name, _)| match name.as_str() {
            "criterion" => ", criterion: It says where the facts are from".to_owned(),
            name => format!(", with: {{{name}: …}}"),
        })
        .collect();
    format!("judge: {{use: {}, model: anthropic/claude-sonnet-4-5{needed}}}", judge.name)
}

/// Everything about one judge, as data.
pub fn json(judge: &Definition) -> Value {
    let answers = answers(judge).into_iter().map(|(answer, score, means)| {
        json!({ "answer": answer, "score": score.parse::<f64>().ok(), "means": means })
    });
    let with = judge.with.iter().map(|(name, parameter)| {
        json!({ "name": name, "doc": parameter.doc, "default": parameter.default })
    });
    json!({
        "name": judge.name,
        "version": judge.version,
        "summary": judge.summary,
        "needs": judge.needs,
        "cot": judge.cot,
        "threshold": judge.threshold,
        "answers": answers.collect::<Vec<_>>(),
        "with": with.collect::<Vec<_>>(),
        "prompt": judge.prompt.source(),
        "source": judge.source,
        "digest": judge.digest,
    })
}

/// The page of all judges, in Markdown.
pub fn page() -> String {
    let mut page = HEAD.trim_end().to_owned();
    page += "\n\n## What a prompt can show\n\n| variable | what it is |\n| --- | --- |\n";
    for (name, what) in VARIABLES {
        writeln!(page, "| `{name}` | {what} |").ok();
    }
    page += "\n## The judges\n\n| judge | what it judges | needs |\n| --- | --- | --- |\n";
    for judge in builtin::all() {
        let Definition { name, summary, needs, .. } = judge;
        writeln!(page, "| [`{name}`](#{name}) | {summary} | {} |", needs.join(", ")).ok();
    }
    for judge in builtin::all() {
        section(&mut page, judge);
    }
    page
}

fn section(page: &mut String, judge: &Definition) {
    let Definition { name, version, summary, source, needs, cot, threshold, .. } = judge;
    write!(page, "\n### {name}\n\n{summary}\n\n").ok();
    write!(page, "```yaml\nscorers:\n  - {}\n```\n\n", example(judge)).ok();
    *page += "| answer | score | what it means |\n| --- | --- | --- |\n";
    for (answer, score, means) in answers(judge) {
        writeln!(page, "| {answer} | {score} | {means} |").ok();
    }
    page.push('\n');
    writeln!(page, "- Needs {}.", needs.join(", ")).ok();
    for (name, parameter) in &judge.with {
        let default = match &parameter.default {
            Some(text) => format!(" Default: {text}."),
            None => " Required.".to_owned(),
        };
        writeln!(page, "- Takes `{name}`: {}{default}", parameter.doc).ok();
    }
    let reasons =
        if *cot { "It reasons before its verdict" } else { "It gives its verdict at once" };
    writeln!(page, "- {reasons}, and an answer passes from {threshold} on.").ok();
    writeln!(page, "- Version {version}. Source: {}.", source.trim_end_matches('.')).ok();
    write!(page, "\n```handlebars\n{}\n```\n", judge.prompt.source().trim_end()).ok();
}

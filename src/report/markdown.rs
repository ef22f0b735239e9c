//! A short summary of a run in Markdown, fit for a comment on a pull request.
//!
//! Names stand in code spans, in which nothing is rendered, mentioned or linked; sentences are
//! escaped. What a forge would turn into a mention, a reference or a link gets a character without
//! width behind its mark.

use std::fmt::Write as _;

use crate::{
    base::text::{one_line, prefix},
    report::{
        View, calibration, compare, details,
        facts::{
            derived, gate_scope, gate_word, judge_cost, judge_spread, model_cost, models, results,
            run_cost, trials_line, verdict, warnings,
        },
        number::{UNKNOWN, count, duration_ms, or_unknown, tokens},
        pairwise, sheet, slices,
    },
};

/// Longest name or sentence of others that is shown, in characters.
const NAME_WIDTH: usize = 120;
const SENTENCE_WIDTH: usize = 600;

/// The summary, ended by a line feed.
pub fn render(view: &View<'_>) -> String {
    let header = &view.run.header;
    let mut out = format!("### {}: {}\n\n", code(&header.name), view.run.status.name());
    let (_, verdict) = verdict(view);
    write!(out, "**{verdict}** {}.", trials_line(view)).ok();
    if let Some(cost) = run_cost(view) {
        write!(out, " Cost: {}.", cost.show("≥ ")).ok();
    }
    if let Some(cost) = judge_cost(view) {
        write!(out, " Judges: {}.", cost.show("≥ ")).ok();
    }
    out += "\n\n";
    gates(view, &mut out);
    scores(view, &mut out);
    made_of_others(view, &mut out);
    models_table(view, &mut out);
    if let Some(comparison) = view.comparison {
        out += &compare::markdown::short(comparison);
    }
    out += &sheet::markdown(&details::sheets(view));
    out += &sheet::markdown(&slices::sheets(view));
    let spread = judge_spread(view);
    for line in &spread {
        writeln!(out, "- {}", sentence(line)).ok();
    }
    if !spread.is_empty() {
        out.push('\n');
    }
    out += &sheet::markdown(&pairwise::sheets(header, &view.measures.pairwise));
    out += &sheet::markdown(&calibration::summary(header, &view.measures.calibrations));
    let warnings = warnings(view);
    for warning in &warnings {
        writeln!(out, "- ⚠️ {}", sentence(warning)).ok();
    }
    if !warnings.is_empty() {
        out.push('\n');
    }
    let (run, dataset) = (code(&header.id), code(&header.dataset));
    let digest: String = header.dataset_digest.chars().take(12).collect();
    writeln!(out, "Run {run} · dataset {dataset} ({})", code(&digest)).ok();
    out
}

/// The summary within `most` bytes, behind a mark by which a job finds the comment that it wrote before.
/// What does not fit is left out, gates last, and that is said.
pub fn comment(view: &View<'_>, most: usize) -> String {
    fitted(format!("<!-- evals -->\n{}", render(view)), most)
}

/// `whole` within `most` bytes, line by line.
pub(super) fn fitted(whole: String, most: usize) -> String {
    if whole.len() <= most {
        return whole;
    }
    let note = "\n\n_More did not fit here; the report has all of it._\n";
    let cut = prefix(&whole, most.saturating_sub(note.len()));
    // A line is kept whole or not at all: half of one may open what it does not close.
    let cut = cut.rfind('\n').map_or("", |end| &cut[..end]);
    format!("{cut}{note}")
}

fn gates(view: &View<'_>, out: &mut String) {
    if view.gates.is_empty() {
        return;
    }
    *out += "| | gate | for | reason |\n|---|---|---|---|\n";
    for gate in view.gates {
        let sign = match gate.passed {
            Some(true) => "✅",
            Some(false) => "❌",
            None => "❔",
        };
        let scope = gate_scope(&view.run.header, gate)
            .map_or_else(|| "run".to_owned(), |scope| cell(&scope));
        let (word, text) = (gate_word(gate), cell(&gate.gate));
        writeln!(out, "| {sign} {word} | {text} | {scope} | {} |", sentence(&gate.reason)).ok();
    }
    out.push('\n');
}

fn scores(view: &View<'_>, out: &mut String) {
    let lines = results(view);
    if lines.is_empty() {
        return;
    }
    let prompts = view.run.header.prompts.len() > 1;
    let (prompt, rule) = if prompts { (" prompt |", "---|") } else { ("", "") };
    writeln!(out, "| model |{prompt} scorer | metric | n | value | 95% interval | unscored |").ok();
    writeln!(out, "|---|{rule}---|---|--:|--:|--:|--:|").ok();
    for line in lines {
        let prompt = if prompts { format!(" {} |", cell(line.prompt)) } else { String::new() };
        writeln!(
            out,
            "| {} |{prompt} {} | {} | {} | {} | {} | {} |",
            cell(&line.model),
            cell(&line.scorer.id),
            line.metric,
            count(line.estimate.n),
            figure(&or_unknown(line.value())),
            figure(&or_unknown(line.interval())),
            count(line.estimate.unscored)
        )
        .ok();
    }
    out.push('\n');
}

fn made_of_others(view: &View<'_>, out: &mut String) {
    let lines = derived(view);
    if lines.is_empty() {
        return;
    }
    let prompts = view.run.header.prompts.len() > 1;
    let (prompt, rule) = if prompts { (" prompt |", "---|") } else { ("", "") };
    writeln!(out, "| model |{prompt} metric | value | made of |").ok();
    writeln!(out, "|---|{rule}---|--:|---|").ok();
    for line in lines {
        let prompt = if prompts { format!(" {} |", cell(line.prompt)) } else { String::new() };
        let value = line
            .value()
            .map_or_else(|why| format!("{UNKNOWN} ({})", sentence(why)), |value| figure(&value));
        let (name, expression) = (cell(&line.measure.name), cell(&line.measure.expression));
        writeln!(out, "| {} |{prompt} {name} | {value} | {expression} |", cell(&line.model)).ok();
    }
    out.push('\n');
}

fn models_table(view: &View<'_>, out: &mut String) {
    if view.measures.models.is_empty() {
        return;
    }
    *out += "| model | trials | errors | p50 | p95 | tokens in | tokens out | cost |\n";
    *out += "|---|--:|--:|--:|--:|--:|--:|--:|\n";
    for (label, model) in models(view) {
        let duration = |ms: Option<f64>| or_unknown(ms.map(duration_ms));
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            cell(&label),
            count(model.trials),
            count(model.errors),
            duration(model.latency.p50),
            duration(model.latency.p95),
            or_unknown(model.input_tokens.map(tokens)),
            or_unknown(model.output_tokens.map(tokens)),
            model_cost(model).map_or_else(|| UNKNOWN.to_owned(), |cost| cost.show("≥ "))
        )
        .ok();
    }
    out.push('\n');
}

/// `name` in a code span whose fence is longer than any run of backticks inside.
pub(super) fn code(name: &str) -> String {
    let name = one_line(name, NAME_WIDTH);
    if name.trim().is_empty() {
        return UNKNOWN.to_owned();
    }
    let longest = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if name.starts_with(['`', ' ']) || name.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{name}{pad}{fence}")
}

/// [`code`] in a cell of a table. A vertical bar ends a cell even in code, and a backslash in front of
/// it does not help where the name itself brings another: the bar becomes its look-alike.
pub(super) fn cell(name: &str) -> String {
    code(name).replace('|', "∣")
}

/// A number in a cell of a table; escaped when its unit needs it.
pub(super) fn figure(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || " .,+-[]%$–".contains(c);
    if text.chars().all(harmless) { text.to_owned() } else { sentence(text) }
}

/// `text` as a sentence in which nothing is rendered, mentioned or linked.
pub(super) fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in one_line(text, SENTENCE_WIDTH).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '|' => out += "&#124;",
            '@' => out += "@&#8203;",
            '#' => out += "\\#&#8203;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '{' | '}' | '$' => {
                out.extend(['\\', c]);
            }
            other => out.push(other),
        }
    }
    // Addresses and `GH-12` are linked without any of these marks.
    out.replace("://", ":&#8203;//")
        .replace("www.", "www&#8203;.")
        .replace("WWW.", "WWW&#8203;.")
        .replace("GH-", "GH&#8203;-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_summary() {
        insta::assert_snapshot!(render(&sample::run().view()));
    }

    #[test]
    fn names_stand_in_code() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code("@team #1 | <b>"), "`@team #1 | <b>`");
        assert_eq!(cell("a\\|b"), "`a\\∣b`");
        assert_eq!(code(" "), "–");
        assert_eq!(code("a\nb\u{202E}"), "`a b[U+202E]`");
    }

    #[test]
    fn sentences_are_escaped() {
        let cases = [
            ("thanks @octocat", "thanks @&#8203;octocat"),
            ("fixes #12", "fixes \\#&#8203;12"),
            ("<!-- x --> <img src=x>", "&lt;!-- x --&gt; &lt;img src=x&gt;"),
            ("a | b", "a &#124; b"),
            ("[x](https://e.org)", "\\[x\\](https:&#8203;//e.org)"),
            ("```\n# big", "\\`\\`\\` \\#&#8203; big"),
            ("see www.e.org", "see www&#8203;.e.org"),
        ];
        for (text, expected) in cases {
            assert_eq!(sentence(text), expected);
        }
    }

    #[test]
    fn tables_keep_their_shape_whatever_the_names() {
        let shape = |payload: &str| -> Vec<usize> {
            let shown = render(&sample::hostile(payload).view());
            let rows = shown.lines().filter(|line| line.starts_with('|'));
            rows.map(|line| line.matches('|').count()).collect()
        };
        let harmless = shape("x");
        for payload in ["a|b", "|||", "\n\n# x", "`|`", "\\|", "x\r\n| y |"] {
            assert_eq!(shape(payload), harmless, "{payload:?}");
        }
    }
}

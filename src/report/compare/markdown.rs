//! A comparison in Markdown, fit for a comment on a pull request.

use std::fmt::Write as _;

use super::words::{differences, lines, ratio, told};
use crate::{
    domain::comparison::{Comparison, PairVerdict},
    report::{
        markdown::{cell, code, figure, fitted, sentence},
        number::{count, or_unknown},
    },
};

/// Pairs that are listed at most.
const MOST: usize = 100;

/// Pairs that are listed at most in the summary of a run, where other tables stand beside.
const MOST_BESIDE: usize = 30;

/// Bytes of a comment: forges take 65,536 characters.
const COMMENT: usize = 65_000;

/// The comparison, ended by a line feed and short enough for a comment.
pub fn render(comparison: &Comparison) -> String {
    fitted(whole(comparison), COMMENT)
}

/// The comparison as a part of a run's summary: what was found, the pairs, and what differs besides.
pub(in crate::report) fn short(comparison: &Comparison) -> String {
    let title = match comparison.baseline.map(|side| &comparison.sides[side]) {
        Some(side) => {
            let run = side.file.as_deref().unwrap_or(&side.run_name);
            format!("**Compared with {}**\n\n", code(run))
        }
        None => "**Compared with each other**\n\n".to_owned(),
    };
    title + &body(comparison, MOST_BESIDE) + "\n"
}

fn whole(comparison: &Comparison) -> String {
    format!("### Comparison\n\n{}", body(comparison, MOST))
}

fn body(comparison: &Comparison, most: usize) -> String {
    let mut out = String::new();
    let all = lines(comparison);
    for line in all.iter().take(3) {
        writeln!(out, "- {}", sentence(&line.sentence())).ok();
    }
    out += "\n| | a | b | scorer | n | a | b | difference | 95% interval | p (Holm) | better / worse / equal |\n";
    out += "|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n";
    for line in all.iter().take(most) {
        let sign = match line.score.verdict {
            PairVerdict::A => "⬇️ a",
            PairVerdict::B => "⬆️ b",
            PairVerdict::Tied => "= tied",
            PairVerdict::Unknown => "❔",
        };
        let score = line.score;
        let known = |text: Option<String>| figure(&or_unknown(text));
        writeln!(
            out,
            "| {sign} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} / {} / {} |",
            cell(line.a),
            cell(line.b),
            cell(&score.scorer),
            count(score.n),
            known(line.mean(score.mean_a)),
            known(line.mean(score.mean_b)),
            known(line.difference()),
            known(line.interval()),
            known(line.p()),
            count(score.wins),
            count(score.losses),
            count(score.ties),
        )
        .ok();
    }
    if all.len() > most {
        writeln!(out, "\n{} more are in the other formats.", all.len() - most).ok();
    }
    out.push('\n');
    for pair in comparison.pairs.iter().take(most) {
        let (a, b) = comparison.sides_of(pair);
        let parts: Vec<String> = [(pair.cost_ratio, "cost"), (pair.latency_ratio, "latency")]
            .into_iter()
            .filter_map(|(found, what)| Some(format!("{} the {what}", ratio(found?))))
            .collect();
        if !parts.is_empty() {
            writeln!(out, "- {} against {}: {}", code(&b.label), code(&a.label), parts.join(", "))
                .ok();
        }
    }
    let found = differences(comparison);
    if !found.is_empty() {
        out += "\nWhat differs besides:\n\n";
    }
    for (difference, _) in found {
        writeln!(out, "- {}", sentence(&told(difference))).ok();
    }
    if !comparison.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &comparison.warnings {
        writeln!(out, "- ⚠️ {}", sentence(warning)).ok();
    }
    out
}

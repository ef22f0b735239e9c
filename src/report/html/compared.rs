//! A comparison of several runs, models or prompts as a page of its own: the parts of a run's report
//! that are about pairs, and who was compared. It has no script.

use std::io::{BufWriter, Write};

use serde::Serialize;

use crate::{
    base::{clock::rfc3339, text::one_line},
    domain::comparison::{Comparison, Side},
    report::{
        ReportError,
        html::{
            STYLE,
            page::{Foot, Head, SENTENCE_WIDTH},
            pairs::{Pairs, pairs},
            policy, templates,
            text::name,
            write,
        },
        number::{UNKNOWN, count, duration_ms, of, or_unknown},
        verdict::{leading, sentence},
    },
};

/// What `compared.hbs` shows.
#[derive(Debug, Serialize)]
struct Page {
    title: String,
    verdict: String,
    warnings: Vec<String>,
    sides: Vec<Row>,
    pairs: Pairs,
}

/// A side, and how it did by itself.
#[derive(Debug, Serialize)]
struct Row {
    label: String,
    baseline: bool,
    run: String,
    id: String,
    when: String,
    model: String,
    prompt: String,
    trials: String,
    errors: String,
    failing: bool,
    p50: String,
    cost: String,
}

/// Writes the page.
///
/// # Errors
///
/// When `to` cannot be written.
pub fn write_comparison(comparison: &Comparison, to: &mut dyn Write) -> Result<(), ReportError> {
    let templates = templates()?;
    let mut to = BufWriter::new(to);
    let title = format!("{} compared", of(comparison.sides.len() as u64, "side", "sides"));
    let policy = policy(None);
    let head = Head { policy: &policy, style: STYLE, title: title.clone() };
    write(&templates, "head", &head, &mut to)?;
    let found = sentence(comparison).unwrap_or_else(|| "There is nothing to compare.".to_owned());
    let sides = comparison.sides.iter().enumerate();
    let page = Page {
        title,
        verdict: one_line(&found, SENTENCE_WIDTH),
        warnings: comparison.warnings.iter().map(|text| one_line(text, SENTENCE_WIDTH)).collect(),
        sides: sides.map(|(at, side)| row(side, comparison.baseline == Some(at))).collect(),
        pairs: pairs(comparison, leading(comparison).map(|score| score.scorer.as_str())),
    };
    write(&templates, "compared", &page, &mut to)?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    write(&templates, "foot", &Foot { script: None, version }, &mut to)?;
    Ok(to.flush()?)
}

fn row(side: &Side, baseline: bool) -> Row {
    Row {
        label: name(&side.label),
        baseline,
        run: name(side.file.as_deref().unwrap_or(&side.run_name)),
        id: name(&side.run_id),
        when: side.created_ms.map_or_else(|| UNKNOWN.to_owned(), rfc3339),
        model: name(&side.model_label),
        prompt: name(&side.prompt),
        trials: count(side.trials),
        errors: count(side.errors),
        failing: side.errors > 0,
        p50: or_unknown(side.latency.p50.map(duration_ms)),
        cost: side.known_cost().map_or_else(|| "unknown".to_owned(), |cost| cost.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, pairs};

    fn page(comparison: &Comparison) -> String {
        let mut page = Vec::new();
        write_comparison(comparison, &mut page).expect("written");
        String::from_utf8(page).expect("UTF-8")
    }

    #[test]
    fn who_was_compared_and_what_was_found() {
        let mut comparison = pairs::comparison(&sample::run());
        comparison.baseline = Some(0);
        let page = page(&comparison);
        for part in [
            "<title>3 sides compared: evals report</title>",
            "is better than openrouter/meta-llama/llama-4-maverick on exact_match",
            "(baseline)",
            "parameters: temperature",
            "script-src &#x27;none&#x27;",
            "1.8 ×",
        ] {
            assert!(page.contains(part), "no {part:?} in {page}");
        }
        assert!(!page.contains("<script") && page.ends_with("</html>\n"));
    }

    #[test]
    fn nothing_that_others_wrote_becomes_markup() {
        let tags = |payload: &str| {
            let mut comparison = pairs::comparison(&sample::run());
            pairs::hostile(&mut comparison, payload);
            page(&comparison).matches('<').count()
        };
        let harmless = tags("x");
        for payload in ["</td><script>alert(1)</script>", "\"><img src=x onerror=alert(1)>"] {
            assert_eq!(tags(payload), harmless);
        }
    }
}

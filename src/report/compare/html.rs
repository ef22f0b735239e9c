//! A comparison as one HTML file that needs nothing else: every value goes through Handlebars'
//! escaping, and the page forbids itself scripts, loading and foreign styles.

use std::io::Write;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use handlebars::Handlebars;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::words::{differences, lines, ratio, told};
use crate::{
    base::text::one_line,
    domain::comparison::Comparison,
    report::{
        ReportError,
        number::{count, duration_ms, or_unknown},
    },
};

const STYLE: &str = include_str!("../../../reports/assets/style.css");
const PAGE: &str = include_str!("../../../reports/html/compare.hbs");

/// Longest name that is shown, in characters.
const NAME_WIDTH: usize = 300;

/// Writes the page.
///
/// # Errors
///
/// When `to` cannot be written.
pub fn write_html(comparison: &Comparison, to: &mut dyn Write) -> Result<(), ReportError> {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates.set_prevent_indent(true);
    let of = |error: handlebars::TemplateError| ReportError::Template(Box::new(error));
    templates.register_template_string("compare", PAGE).map_err(of)?;
    let shown = |text: &str| one_line(text, NAME_WIDTH);
    let all = lines(comparison);
    let rows: Vec<_> = all
        .iter()
        .map(|line| {
            let score = line.score;
            json!({
                "a": shown(line.a), "b": shown(line.b), "scorer": shown(&score.scorer),
                "n": count(score.n),
                "mean_a": or_unknown(line.mean(score.mean_a)),
                "mean_b": or_unknown(line.mean(score.mean_b)),
                "difference": or_unknown(line.difference()),
                "interval": or_unknown(line.interval()),
                "p": or_unknown(line.p()),
                "test": score.test,
                "wins": count(score.wins), "losses": count(score.losses), "ties": count(score.ties),
                "verdict": shown(&line.verdict()),
            })
        })
        .collect();
    let sides: Vec<_> = comparison
        .sides
        .iter()
        .map(|side| {
            json!({
                "label": shown(&side.label),
                "run": shown(side.file.as_deref().unwrap_or(&side.run_id)),
                "model": shown(&side.model_label), "prompt": shown(&side.prompt),
                "trials": count(side.trials), "errors": count(side.errors),
                "p50": or_unknown(side.latency.p50.map(duration_ms)),
                "cost": or_unknown(side.known_cost().map(|cost| cost.to_string())),
            })
        })
        .collect();
    let ratios: Vec<_> = comparison
        .pairs
        .iter()
        .map(|pair| {
            let (a, b) = comparison.sides_of(pair);
            json!({
                "a": shown(&a.label), "b": shown(&b.label),
                "cost": or_unknown(pair.cost_ratio.map(ratio)),
                "latency": or_unknown(pair.latency_ratio.map(ratio)),
            })
        })
        .collect();
    let told: Vec<String> =
        differences(comparison).iter().map(|(found, _)| one_line(&told(found), 600)).collect();
    let page = json!({
        "style": STYLE,
        "policy": format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()))
        ),
        "verdicts": all.iter().take(10).map(|line| shown(&line.sentence())).collect::<Vec<_>>(),
        "rows": rows, "sides": sides, "ratios": ratios, "differences": told,
        "warnings": comparison.warnings.iter().map(|text| one_line(text, 600)).collect::<Vec<_>>(),
        "tests": count(comparison.tests),
    });
    let text = templates
        .render("compare", &page)
        .map_err(|error| ReportError::Template(Box::new(error)))?;
    Ok(to.write_all(text.as_bytes())?)
}

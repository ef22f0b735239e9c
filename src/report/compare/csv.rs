//! A comparison as CSV for spreadsheets: a row for each pair and scorer.

use std::io::{self, Write};

use ::csv::{QuoteStyle, Terminator, WriterBuilder};

use super::words::lines;
use crate::{
    domain::comparison::Comparison,
    report::csv::{guarded, io_error},
};

const COLUMNS: [&str; 24] = [
    "a",
    "b",
    "scorer",
    "n",
    "units",
    "mean_a",
    "mean_b",
    "difference",
    "low",
    "high",
    "p",
    "p_adjusted",
    "test",
    "interval_method",
    "effect",
    "wins",
    "losses",
    "ties",
    "verdict",
    "missing_a",
    "missing_b",
    "cost_ratio",
    "latency_ratio",
    "differences",
];

/// Writes a header and the rows. Unknown is an empty field; what a spreadsheet would take for a formula
/// gets an apostrophe.
///
/// # Errors
///
/// When `to` cannot be written.
pub fn write_csv(comparison: &Comparison, to: &mut dyn Write) -> io::Result<()> {
    let mut table = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer(to);
    table.write_record(COLUMNS).map_err(io_error)?;
    let known = |value: Option<f64>| {
        value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
    };
    for line in lines(comparison) {
        let (score, pair) = (line.score, line.pair);
        let differing: Vec<&str> = pair.differences.iter().map(|d| d.what.name()).collect();
        let mut differing = differing;
        differing.dedup();
        table
            .write_record([
                guarded(line.a),
                guarded(line.b),
                guarded(&score.scorer),
                score.n.to_string(),
                score.units.to_string(),
                known(score.mean_a),
                known(score.mean_b),
                known(score.difference),
                known(score.low),
                known(score.high),
                known(score.p),
                known(score.p_adjusted),
                score.test.to_owned(),
                score.interval_method.to_owned(),
                known(score.effect),
                score.wins.to_string(),
                score.losses.to_string(),
                score.ties.to_string(),
                score.verdict.name().to_owned(),
                score.missing_a.samples.to_string(),
                score.missing_b.samples.to_string(),
                known(pair.cost_ratio),
                known(pair.latency_ratio),
                differing.join(" "),
            ])
            .map_err(io_error)?;
    }
    table.flush()
}

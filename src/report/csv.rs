//! Trials as CSV for spreadsheets: RFC 4180, every field quoted, one row a trial.
//!
//! The dataset's own columns are left out: the header row is written before the rows are known. They
//! are in the other exports. Spreadsheets take some text for formulas; such cells get a leading
//! apostrophe, which makes them text.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use ::csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::{
    domain::run::RunHeader,
    report::{
        ReportError, TrialSource, for_each,
        row::{Cell, cells, columns},
    },
};

/// Writes a header and every trial as a row. Unknown is an empty field; several expected answers
/// are a JSON array; `raw` leaves cells that look like formulas as they are.
///
/// # Errors
///
/// When the trials cannot be read or `to` cannot be written.
pub fn write_csv(
    header: &RunHeader,
    trials: &dyn TrialSource,
    to: &mut dyn Write,
    raw: bool,
) -> Result<(), ReportError> {
    let mut table = WriterBuilder::new()
        .quote_style(QuoteStyle::Always)
        .terminator(Terminator::CRLF)
        .from_writer(to);
    let names =
        columns(header, &[]).into_iter().map(|(name, _)| if raw { name } else { guarded(&name) });
    write(&mut table, names)?;
    for_each(trials, |trial| {
        write(&mut table, cells(header, &trial).into_iter().map(|cell| field(cell, raw)))?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(table.flush()?)
}

fn write(
    table: &mut Writer<&mut dyn Write>,
    fields: impl Iterator<Item = String>,
) -> Result<(), ReportError> {
    table.write_record(fields).map_err(|error| ReportError::Write(io_error(error)))
}

/// The I/O error that `error` is, its kind kept: a closed pipe must be told from a full disk.
pub fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn field(cell: Cell, raw: bool) -> String {
    match cell {
        Cell::Text(text) if raw => text.unwrap_or_default(),
        Cell::Text(text) => guarded(&text.unwrap_or_default()),
        Cell::Int(number) => number.map_or_else(String::new, |number| number.to_string()),
        Cell::Float(number) => number
            .filter(|number| number.is_finite())
            .map_or_else(String::new, |number| number.to_string()),
        Cell::Bool(truth) => truth.map_or_else(String::new, |truth| truth.to_string()),
    }
}

/// `text` as a cell that no spreadsheet takes for a formula.
pub fn guarded(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

/// Whether a spreadsheet may take the text for a formula. What it passes over in front of one
/// counts for nothing: white space, control characters, characters without width.
fn is_formula(text: &str) -> bool {
    if text.starts_with(['\t', '\r']) {
        return true;
    }
    let passed_over = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c.general_category_group(), GeneralCategoryGroup::Other)
    };
    let begins = text.trim_start_matches(passed_over);
    // The wide forms are read like the narrow ones where East Asian input methods make them.
    begins.starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠'])
        && !text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn csv(data: &sample::Data, raw: bool) -> String {
        let mut written = Vec::new();
        write_csv(&data.run.header, &data.trials, &mut written, raw).expect("written");
        String::from_utf8(written).expect("UTF-8")
    }

    #[test]
    fn a_row_a_trial() {
        let text = csv(&sample::run(), false);
        assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn formulas_are_made_text() {
        let harmful = [
            "=1+1",
            "+1+1",
            "-2+3",
            "@SUM(A1)",
            "|calc",
            "%0A",
            "\t=1",
            "\r=1",
            "  =1",
            "\u{FEFF}=1",
            "\u{200B}\u{A0}=1",
            "\u{202E}=1",
            "\n=1",
            "\0=1",
            "＝1",
            "\ttext",
            "-inf",
            "-",
            "-7 ",
        ];
        for text in harmful {
            assert_eq!(guarded(text), format!("'{text}"), "{text:?}");
        }
        for text in ["-5", "+1.5e3", "-0.25", "1=1", "a", "", " ", "'=1", "\n", "é="] {
            assert_eq!(guarded(text), text);
        }
    }

    #[test]
    fn every_field_is_quoted_and_read_back_as_it_was() {
        let mut data = sample::run();
        let hostile = "line 1\r\nline \"2\", \u{202E}\0;\ttab";
        data.trials.0[0].output = Some(hostile.to_owned());
        data.run.header.scorers[0].id = "=cmd".to_owned();
        let text = csv(&data, false);
        assert!(text.lines().next().is_some_and(|line| line.starts_with("\"run_id\",\"")));
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().expect("header").clone();
        assert_eq!(names.get(21), Some("'=cmd"));
        let rows: Vec<::csv::StringRecord> =
            reader.records().map(|row| row.expect("row")).collect();
        assert_eq!(rows.len(), data.trials.0.len());
        assert_eq!(rows[0].get(8), Some(hostile));
    }
}

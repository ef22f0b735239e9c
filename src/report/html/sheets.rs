//! Tables that other parts of reports make for all formats: what judges and people agree on, and who
//! won against whom.

use serde::Serialize;

use crate::{
    base::text::one_line,
    report::{
        View, calibration, details,
        html::{page::SENTENCE_WIDTH, text::name},
        number::or_unknown,
        pairwise,
        sheet::Sheet,
        slices,
    },
};

/// What `sheets.hbs` shows: tables under a heading.
#[derive(Debug, Serialize)]
pub(super) struct Sheets {
    id: &'static str,
    title: &'static str,
    tables: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
    title: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Column {
    name: String,
    number: bool,
}

#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    number: bool,
}

/// What is known beside means, repeats, and metrics that are made of others.
pub(super) fn beside(view: &View<'_>) -> Vec<Sheets> {
    let repeats = slices::repeats(view);
    let made = details::made_of_others(view);
    let groups = [
        ("derived", "Metrics made of others", made.into_iter().collect()),
        ("medians", "Medians and costs", details::sheets(view)),
        ("repeats", "Repeats", repeats.into_iter().collect()),
    ];
    grouped(groups)
}

/// What judges of the run came to, where it has any.
pub(super) fn judged(view: &View<'_>) -> Vec<Sheets> {
    let (header, measures) = (&view.run.header, view.measures);
    let agreement = measures.calibrations.iter();
    let agreement = agreement.flat_map(|found| calibration::sheets(header, found));
    let groups = [
        (
            "duels",
            "Answers judged against each other",
            pairwise::sheets(header, &measures.pairwise),
        ),
        ("agreement", "Judges measured by people", agreement.collect()),
    ];
    grouped(groups)
}

fn grouped<const N: usize>(groups: [(&'static str, &'static str, Vec<Sheet>); N]) -> Vec<Sheets> {
    let groups = groups.into_iter().filter(|(.., sheets)| !sheets.is_empty());
    let shown = |(id, title, sheets): (_, _, Vec<Sheet>)| Sheets {
        id,
        title,
        tables: sheets.into_iter().map(shown).collect(),
    };
    groups.map(shown).collect()
}

fn shown(sheet: Sheet) -> Shown {
    let numbers: Vec<bool> = sheet.columns.iter().map(|(_, names)| !names).collect();
    let cell = |(text, number): (String, &bool)| Cell {
        text: name(&or_unknown((!text.is_empty()).then_some(text))),
        number: *number,
    };
    let rows = sheet.rows.into_iter();
    Shown {
        title: name(&sheet.title),
        columns: sheet
            .columns
            .iter()
            .map(|(heading, names)| Column { name: name(heading), number: !names })
            .collect(),
        rows: rows.map(|row| row.into_iter().zip(&numbers).map(cell).collect()).collect(),
        notes: sheet.notes.iter().map(|note| one_line(note, SENTENCE_WIDTH)).collect(),
    }
}

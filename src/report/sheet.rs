//! Small tables under headings, for the terminal and for Markdown.

use std::fmt::Write as _;

use super::{
    markdown::{cell, figure, sentence},
    table::{Grid, Style},
};

/// A table with its heading and what has to be said under it.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) title: String,
    /// The heading of each column, and whether it holds names.
    pub(super) columns: Vec<(String, bool)>,
    pub(super) rows: Vec<Vec<String>>,
    /// A sentence each.
    pub(super) notes: Vec<String>,
}

impl Sheet {
    /// An empty table; a heading that begins with `:` is that of a column of names.
    pub(super) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        let column = |heading: &&str| {
            let names = heading.strip_prefix(':');
            (names.unwrap_or(heading).to_owned(), names.is_some())
        };
        let columns = columns.iter().map(column).collect();
        Self { title: title.into(), columns, ..Self::default() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// The sheets as text, with a line between two.
pub(super) fn text(sheets: &[Sheet], width: Option<u16>, style: Style) -> String {
    let mut out = String::new();
    for sheet in sheets {
        if !out.is_empty() {
            out.push('\n');
        }
        if !sheet.title.is_empty() {
            writeln!(out, "{}", style.bold(&style.sentence(&sheet.title))).ok();
        }
        if !sheet.rows.is_empty() {
            let mut grid = Grid::new(style);
            for (heading, names) in &sheet.columns {
                let heading = style.name(heading);
                if *names {
                    grid.names(&heading)
                } else {
                    grid.numbers(&heading)
                };
            }
            let known = |(text, (_, names)): (&String, &(String, bool))| match text.as_str() {
                "" => style.unknown(),
                text if *names => style.name(text),
                text => text.to_owned(),
            };
            grid.rows.extend(
                sheet.rows.iter().map(|row| row.iter().zip(&sheet.columns).map(known).collect()),
            );
            out += &grid.render(width);
        }
        for note in &sheet.notes {
            writeln!(out, "{}", style.sentence(note)).ok();
        }
    }
    out
}

/// The sheets in Markdown, each ended by an empty line.
pub(super) fn markdown(sheets: &[Sheet]) -> String {
    let mut out = String::new();
    for sheet in sheets {
        if !sheet.title.is_empty() {
            writeln!(out, "**{}**\n", sentence(&sheet.title)).ok();
        }
        if !sheet.rows.is_empty() {
            out.push('|');
            for (heading, _) in &sheet.columns {
                write!(out, " {} |", sentence(heading)).ok();
            }
            out += "\n|";
            for (_, names) in &sheet.columns {
                out += if *names { "---|" } else { "--:|" };
            }
            out.push('\n');
            for row in &sheet.rows {
                out.push('|');
                for (text, (_, names)) in row.iter().zip(&sheet.columns) {
                    let text = match text.as_str() {
                        "" => "–".to_owned(),
                        text if *names => cell(text),
                        text => figure(text),
                    };
                    write!(out, " {text} |").ok();
                }
                out.push('\n');
            }
            out.push('\n');
        }
        for note in &sheet.notes {
            writeln!(out, "{}\n", sentence(note)).ok();
        }
    }
    out
}

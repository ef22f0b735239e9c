//! A run as one HTML file that needs nothing else and is safe to open although models wrote what is
//! in it.
//!
//! Safety rests on three things: every value goes through Handlebars' escaping, every text of others
//! goes through `text` on its way into a template, and the page forbids itself scripts, loading
//! and foreign styles by a content security policy. The page is written piece by piece; of the
//! trials one at a time is held.

mod bar;
mod page;
#[cfg(test)]
mod tests;
mod text;
mod trial;

use std::{
    io::{BufWriter, Write},
    ops::ControlFlow,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use handlebars::Handlebars;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::report::{ReportError, TrialSource, View, for_each};

/// Trials that are listed when nobody says how many.
pub const MAX_TRIALS: u64 = 500;

const STYLE: &str = include_str!("../../../reports/assets/style.css");

/// The templates by name: three that are rendered, then the parts of these.
const TEMPLATES: [(&str, &str); 7] = [
    ("head", include_str!("../../../reports/html/head.hbs")),
    ("trial", include_str!("../../../reports/html/trial.hbs")),
    ("foot", include_str!("../../../reports/html/foot.hbs")),
    ("results", include_str!("../../../reports/html/results.hbs")),
    ("models", include_str!("../../../reports/html/models.hbs")),
    ("setup", include_str!("../../../reports/html/setup.hbs")),
    ("text", include_str!("../../../reports/html/text.hbs")),
];

/// Writes the page, with at most `max_trials` trials: first those in which something went wrong,
/// then the others, both in the order of the plan.
///
/// # Errors
///
/// When the trials cannot be read or `to` cannot be written.
pub fn write_html(
    view: &View<'_>,
    trials: &dyn TrialSource,
    to: &mut dyn Write,
    max_trials: u64,
) -> Result<(), ReportError> {
    let templates = templates()?;
    let mut to = BufWriter::new(to);
    write(&templates, "head", &page::head(view, STYLE, &policy(), max_trials), &mut to)?;
    let mut listed = 0;
    for wrong in [true, false] {
        if listed >= max_trials {
            break;
        }
        for_each(trials, |record| {
            if trial::went_wrong(&record) == wrong {
                write(&templates, "trial", &trial::trial(&view.run.header, &record), &mut to)?;
                listed += 1;
            }
            let full = listed >= max_trials;
            Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
    }
    write(&templates, "foot", &page::foot(view, listed), &mut to)?;
    Ok(to.flush()?)
}

fn templates() -> Result<Handlebars<'static>, ReportError> {
    let mut templates = Handlebars::new();
    // A value that a template names and the data lacks is a mistake of ours; and a part that is
    // indented must not indent the text inside its `<pre>`.
    templates.set_strict_mode(true);
    templates.set_prevent_indent(true);
    for (name, source) in TEMPLATES {
        templates
            .register_template_string(name, source)
            .map_err(|error| ReportError::Template(Box::new(error)))?;
    }
    Ok(templates)
}

fn write(
    templates: &Handlebars<'_>,
    name: &str,
    data: &impl Serialize,
    to: &mut impl Write,
) -> Result<(), ReportError> {
    // Rendered to text first, so that a closed pipe stays an error of writing.
    let text =
        templates.render(name, data).map_err(|error| ReportError::Template(Box::new(error)))?;
    Ok(to.write_all(text.as_bytes())?)
}

/// The content security policy: nothing at all but this very style sheet.
fn policy() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

//! A run as one HTML file that needs nothing else and is safe to open although models wrote what is
//! in it.
//!
//! Safety rests on four things. Every value in the page's markup goes through Handlebars' escaping,
//! and every text of others through `text` on its way into a template. The trials are not markup at
//! all but packed data, in characters that end no element; the page's one script shows them as text
//! and has no way of making markup of it. And the page forbids itself everything but this very script
//! and this very style sheet, by a content security policy.
//!
//! The trials are read once and one at a time; what the page has of them waits in a temporary file until
//! the summary above them is written, and is packed then.

mod bar;
mod chart;
mod compared;
mod data;
mod gathered;
mod matrix;
mod page;
mod pairs;
mod results;
mod setup;
mod sheets;
mod side;
mod slices;
#[cfg(test)]
mod tests;
mod text;

use std::{
    io::{BufWriter, Write},
    ops::ControlFlow,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use handlebars::Handlebars;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    domain::{
        run::{ScoreRecord, TrialRecord},
        trial::Status,
    },
    report::{ReportError, TrialSource, View, for_each},
};
pub use compared::write_comparison;
use data::{Block, Spool};
use gathered::Gathered;

const STYLE: &str = include_str!("../../../reports/assets/style.css");

/// The page's script; its parts share one scope.
const SCRIPT: &str = concat!(
    include_str!("../../../reports/assets/zstd.js"),
    include_str!("../../../reports/assets/data.js"),
    include_str!("../../../reports/assets/text.js"),
    include_str!("../../../reports/assets/filter.js"),
    include_str!("../../../reports/assets/list.js"),
    include_str!("../../../reports/assets/diff.js"),
    include_str!("../../../reports/assets/trial.js"),
    include_str!("../../../reports/assets/save.js"),
    include_str!("../../../reports/assets/main.js"),
);

/// The templates by name: those that are rendered, then the parts of these.
const TEMPLATES: [(&str, &str); 19] = [
    ("head", include_str!("../../../reports/html/head.hbs")),
    ("run", include_str!("../../../reports/html/run.hbs")),
    ("compared", include_str!("../../../reports/html/compared.hbs")),
    ("data", include_str!("../../../reports/html/data.hbs")),
    ("foot", include_str!("../../../reports/html/foot.hbs")),
    ("verdict", include_str!("../../../reports/html/verdict.hbs")),
    ("matrix", include_str!("../../../reports/html/matrix.hbs")),
    ("scatter", include_str!("../../../reports/html/scatter.hbs")),
    ("pairs", include_str!("../../../reports/html/pairs.hbs")),
    ("differences", include_str!("../../../reports/html/differences.hbs")),
    ("results", include_str!("../../../reports/html/results.hbs")),
    ("models", include_str!("../../../reports/html/models.hbs")),
    ("spread", include_str!("../../../reports/html/spread.hbs")),
    ("trouble", include_str!("../../../reports/html/trouble.hbs")),
    ("sheets", include_str!("../../../reports/html/sheets.hbs")),
    ("slices", include_str!("../../../reports/html/slices.hbs")),
    ("setup", include_str!("../../../reports/html/setup.hbs")),
    ("trials", include_str!("../../../reports/html/trials.hbs")),
    ("text", include_str!("../../../reports/html/text.hbs")),
];

/// Writes the page with all trials; with at most `max_trials` where that is said, those first in which
/// something went wrong.
///
/// # Errors
///
/// When the trials cannot be read or `to` cannot be written.
pub fn write_html(
    view: &View<'_>,
    trials: &dyn TrialSource,
    to: &mut dyn Write,
    max_trials: Option<u64>,
) -> Result<(), ReportError> {
    let (templates, header) = (templates()?, &view.run.header);
    let mut spool = Spool::new()?;
    spool.put("about", &data::about(header, view.measures.planned)?)?;
    let (mut block, mut gathered) = (Block::default(), Gathered::default());
    each(trials, max_trials, &mut |trial| {
        gathered.add(header, trial);
        Ok(block.add(header, trial, &mut spool)?)
    })?;
    block.finish(&mut spool)?;

    let mut to = BufWriter::new(to);
    let policy = policy(Some(SCRIPT));
    let title = text::name(&header.name);
    write(&templates, "head", &page::Head { policy: &policy, style: STYLE, title }, &mut to)?;
    write(&templates, "run", &page::summary(view, &gathered), &mut to)?;
    spool.pack(&mut |piece| write(&templates, "data", piece, &mut to))?;
    let version = text::name(&header.version);
    write(&templates, "foot", &page::Foot { script: Some(SCRIPT), version }, &mut to)?;
    Ok(to.flush()?)
}

/// Acts on the trials that are to be listed.
fn each(
    trials: &dyn TrialSource,
    max_trials: Option<u64>,
    act: &mut dyn FnMut(&TrialRecord) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    let Some(most) = max_trials else {
        return for_each(trials, |trial| act(&trial).map(ControlFlow::Continue));
    };
    let mut listed = 0;
    for wrong in [true, false] {
        if listed >= most {
            break;
        }
        for_each(trials, |trial| {
            if went_wrong(&trial) == wrong {
                act(&trial)?;
                listed += 1;
            }
            let full = listed >= most;
            Ok(if full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
    }
    Ok(())
}

/// Whether a reader who looks for trouble should see the trial first: there is no whole answer, a
/// scorer says that it is wrong, or a score is missing.
fn went_wrong(trial: &TrialRecord) -> bool {
    let is_bad = |score: &ScoreRecord| {
        score.passed == Some(false)
            || score.error.as_ref().is_some_and(|(kind, _)| kind != "skipped")
    };
    trial.status != Status::Ok || trial.scores.iter().any(is_bad)
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

/// The content security policy: nothing at all but this very style sheet and this very script, which
/// may not make markup out of text.
fn policy(script: Option<&str>) -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    let scripts = script.map_or_else(
        || "script-src 'none'".to_owned(),
        |script| format!("script-src 'sha256-{}'", hash(script)),
    );
    format!(
        "default-src 'none'; {scripts}; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(STYLE)
    )
}

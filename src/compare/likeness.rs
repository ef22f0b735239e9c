//! What differs between two sides besides what was to be compared.

use serde_json::Value;

use super::{CompareError, open::Source};
use crate::{
    base::digest::sha256_hex,
    domain::{
        comparison::{Difference, What},
        run::{ModelInfo, RunHeader, ScorerInfo},
    },
    metric::paired::{Cell, Overlap},
};

/// Everything that differs between a model and prompt of one run and those of another, in the order of
/// [`What`]. Within one run, only parameters can.
///
/// # Errors
/// A store cannot be read.
pub fn differences(
    (a, cell_a): (Source<'_>, &Cell),
    (b, cell_b): (Source<'_>, &Cell),
    overlap: Overlap,
) -> Result<Vec<Difference>, CompareError> {
    let (here, there) = (&a.run.header, &b.run.header);
    let models = (&here.models[cell_a.model as usize], &there.models[cell_b.model as usize]);
    let mut found = Found(Vec::new());
    if here.id == there.id && a.file.is_none() && b.file.is_none() {
        found.params(&models.0.params, &models.1.params);
        return Ok(found.0);
    }
    found.dataset((here, there), overlap, a.file.is_some() || b.file.is_some());
    if a.file.is_some() || b.file.is_some() {
        for what in [What::Prompt, What::Model, What::Params, What::Scorer] {
            found.unknown(what);
        }
        return Ok(found.0);
    }
    let prompts = (&here.prompts[cell_a.prompt as usize], &there.prompts[cell_b.prompt as usize]);
    if prompts.0.template != prompts.1.template {
        let shown = |prompt: &crate::domain::run::PromptInfo| {
            format!("{} ({})", prompt.id, digest(&prompt.template.to_string()))
        };
        found.add(What::Prompt, "", Some(shown(prompts.0)), Some(shown(prompts.1)));
    }
    found.models(models.0, models.1);
    let served =
        |source: Source<'_>, cell: &Cell| source.store.served_models(source.run, cell.model);
    let (served_a, served_b) = (served(a, cell_a)?, served(b, cell_b)?);
    if served_a != served_b {
        let shown = |served: &[String]| (!served.is_empty()).then(|| served.join(", "));
        found.add(What::ServedModel, "", shown(&served_a), shown(&served_b));
    }
    found.params(&models.0.params, &models.1.params);
    found.scorers(here, there);
    found.judges(here, there);
    let epochs = |header: &RunHeader| format!("{}, folded by {}", header.epochs, header.reduce);
    if (here.epochs, &here.reduce) != (there.epochs, &there.reduce) {
        found.add(What::Epochs, "", Some(epochs(here)), Some(epochs(there)));
    }
    found.prices(models.0, models.1);
    if here.version != there.version {
        let versions = [here, there].map(|header| Some(header.version.clone()));
        let [a, b] = versions;
        found.add(What::Version, "", a, b);
    }
    Ok(found.0)
}

struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, what: What, of: &str, a: Option<String>, b: Option<String>) {
        self.0.push(Difference { what, of: of.to_owned(), a, b, unknown: false });
    }

    fn unknown(&mut self, what: What) {
        self.0.push(Difference { what, of: String::new(), a: None, b: None, unknown: true });
    }

    fn dataset(&mut self, (here, there): (&RunHeader, &RunHeader), overlap: Overlap, file: bool) {
        let same = if file {
            // A file has no digest of its own; what it has of each row is looked at.
            overlap.changed == 0 && overlap.only_here == 0 && overlap.only_there == 0
        } else {
            here.dataset_digest == there.dataset_digest
        };
        if same {
            return;
        }
        let shown = |header: &RunHeader, alone: u64| {
            let mut text = format!("{} samples", header.samples);
            if alone > 0 {
                text.extend([", ", &alone.to_string(), " of them here only"]);
            }
            if overlap.changed > 0 {
                text.extend([", ", &overlap.changed.to_string(), " with other content"]);
            }
            if !header.dataset_digest.is_empty() {
                let short: String = header.dataset_digest.chars().take(8).collect();
                text.extend([" (", &short, ")"]);
            }
            text
        };
        let (a, b) = (shown(here, overlap.only_here), shown(there, overlap.only_there));
        self.add(What::Dataset, "", Some(a), Some(b));
    }

    fn models(&mut self, a: &ModelInfo, b: &ModelInfo) {
        for ((of, a), (_, b)) in parts(a).into_iter().zip(parts(b)) {
            if a != b {
                let shown = |text: String| (!text.is_empty()).then_some(text);
                self.add(What::Model, of, shown(a), shown(b));
            }
        }
    }

    fn params(&mut self, a: &Value, b: &Value) {
        for (name, a, b) in unlike(a, b) {
            self.add(What::Params, &name, a, b);
        }
    }

    fn scorers(&mut self, here: &RunHeader, there: &RunHeader) {
        for a in &here.scorers {
            let Some(b) = there.scorers.iter().find(|b| b.id == a.id) else { continue };
            let what = if asks_a_model(a) || asks_a_model(b) { What::Judge } else { What::Scorer };
            if a.name != b.name {
                self.add(what, &a.id, Some(a.name.clone()), Some(b.name.clone()));
            }
            for (name, in_a, in_b) in unlike(&a.options, &b.options) {
                self.add(what, &format!("{}.{name}", a.id), in_a, in_b);
            }
            if a.extract != b.extract {
                self.add(what, &format!("{}.extract", a.id), a.extract.clone(), b.extract.clone());
            }
        }
        for part in ["extract", "score_also"] {
            let of =
                |header: &RunHeader| header.config.get(part).filter(|v| !is_nothing(v)).cloned();
            let (a, b) = (of(here), of(there));
            if a != b {
                let shown = |value: Option<Value>| value.map(|value| value.to_string());
                self.add(What::Scorer, part, shown(a), shown(b));
            }
        }
    }

    /// The models that scorers ask, those of one name: who they are, and with which parameters. That
    /// another is named is a difference of the scorer's options.
    fn judges(&mut self, here: &RunHeader, there: &RunHeader) {
        for a in &here.judges {
            let Some(b) = there.judges.iter().find(|b| b.name == a.name) else { continue };
            for ((of, in_a), (_, in_b)) in parts(a).into_iter().zip(parts(b)) {
                if in_a != in_b {
                    let shown = |text: String| (!text.is_empty()).then_some(text);
                    self.add(What::Judge, &format!("{}, {of}", a.name), shown(in_a), shown(in_b));
                }
            }
            for (name, in_a, in_b) in unlike(&a.params, &b.params) {
                self.add(What::Judge, &format!("{}, {name}", a.name), in_a, in_b);
            }
        }
    }

    fn prices(&mut self, a: &ModelInfo, b: &ModelInfo) {
        if a.price == b.price {
            return;
        }
        let shown = |model: &ModelInfo| {
            let price = model.price.as_ref()?;
            let million = |money: crate::base::money::Money| money.times(1_000_000);
            Some(format!(
                "{} in, {} out for a million tokens",
                million(price.input),
                million(price.output)
            ))
        };
        self.add(What::Price, "", shown(a), shown(b));
    }
}

/// Whether the scorer is a judge.
fn asks_a_model(scorer: &ScorerInfo) -> bool {
    let asks = |option: &str| scorer.options.get(option).is_some_and(|value| !value.is_null());
    scorer.name == "judge" || asks("model") || asks("models")
}

/// What a model is, by what may differ of it.
fn parts(model: &ModelInfo) -> [(&'static str, String); 5] {
    [
        ("provider", model.provider.clone()),
        ("name", model.model.clone()),
        ("address", model.origin.clone()),
        ("fallback", names(model.fallback.iter())),
        ("pool", names(model.pool.iter().map(|(_, model)| model))),
    ]
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn names<'a>(models: impl Iterator<Item = &'a ModelInfo>) -> String {
    models.map(|model| model.model.as_str()).collect::<Vec<_>>().join(", ")
}

/// The entries of two objects that are not the same in both.
fn unlike(a: &Value, b: &Value) -> Vec<(String, Option<String>, Option<String>)> {
    let of = |value: &Value, name: &str| value.get(name).filter(|value| !value.is_null()).cloned();
    let keys = |value: &Value| -> Vec<String> {
        value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
    };
    let mut names = keys(a);
    names.extend(keys(b).into_iter().filter(|name| !keys(a).contains(name)));
    let shown = |value: Option<Value>| {
        value.map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
    };
    let each = names.into_iter().filter_map(|name| {
        let (in_a, in_b) = (of(a, &name), of(b, &name));
        (in_a != in_b).then(|| (name, shown(in_a), shown(in_b)))
    });
    each.collect()
}

fn digest(text: &str) -> String {
    sha256_hex(text.as_bytes()).chars().take(8).collect()
}

//! JSON Schemas for scorers: compiled once, bounded, and without looking anything up outside.
//!
//! The validator cuts references that come back to themselves and remembers what it found out about
//! objects; [`shape`] refuses what it would take too long over. Patterns take linear time.

mod folder;
mod shape;
#[cfg(test)]
mod suite;

use std::{
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use jsonschema::{Draft, PatternOptions, Registry, Retrieve, Uri, ValidationError, Validator};
use serde_json::{Value, json as value};

use self::{
    folder::Folder,
    shape::{Shape, shape},
};
use crate::{
    base::text::one_line,
    scorer::{deep::on_large_stack, json},
};

pub(in crate::scorer) use self::folder::read_file;

/// The drafts by their names in configs.
const DRAFTS: &[(&str, Draft)] = &[
    ("4", Draft::Draft4),
    ("6", Draft::Draft6),
    ("7", Draft::Draft7),
    ("2019-09", Draft::Draft201909),
    ("2020-12", Draft::Draft202012),
];

/// Names of the drafts.
pub(super) const DRAFT_NAMES: &[&str] = &["4", "6", "7", "2019-09", "2020-12"];

/// What a compiled pattern may take of memory.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Most documents that a schema may be made of.
const MAX_DOCUMENTS: usize = 64;

/// Longest reason, in characters.
const REASON_CHARS: usize = 240;

/// Nested so little that any stack will do: subschemas over one value, times levels of the value.
const SHALLOW: usize = 300;

/// A value nested no deeper than this is looked at once more for a reason, whatever the schema is.
const EXPLAINED_DEPTH: usize = 5;

/// The meta-schemas of all drafts: by itself, the validator knows those of the schema's own draft
/// only. It adds all of them for a document that names one of a vocabulary.
static META_SCHEMAS: LazyLock<Option<Registry<'static>>> = LazyLock::new(|| {
    let names_one = value!({"$schema": "https://json-schema.org/draft/2020-12/meta/core"});
    Registry::new().add("known:///", names_one).ok()?.prepare().ok()
});

/// How a schema is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading<'a> {
    /// The draft; `None` goes by `$schema`, and by the newest without one.
    pub(super) draft: Option<&'a str>,
    /// Whether `format` is checked; `None` does as the draft says.
    pub(super) formats: Option<bool>,
    /// The folder that relative references may reach.
    pub(super) folder: Option<&'a Path>,
}

/// A schema, ready to be used.
#[derive(Debug)]
pub(super) struct Schema {
    validator: Validator,
    shape: Shape,
}

/// Documents that references led to.
#[derive(Debug, Clone)]
struct Loader {
    folder: Arc<Folder>,
    loaded: Arc<Mutex<Vec<Value>>>,
}

impl Retrieve for Loader {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if loaded.len() >= MAX_DOCUMENTS {
            return Err(format!("a schema of over {MAX_DOCUMENTS} documents").into());
        }
        let document = self.folder.retrieve(uri)?;
        loaded.push(document.clone());
        Ok(document)
    }
}

impl Schema {
    /// Compiles `schema`; the error says what is wrong with it.
    pub(super) fn compile(schema: &Value, reading: Reading<'_>) -> Result<Self, String> {
        on_large_stack(|| Self::build(schema, reading))
            .unwrap_or_else(|| Err("cannot be compiled: out of memory".to_owned()))
    }

    fn build(schema: &Value, reading: Reading<'_>) -> Result<Self, String> {
        if !schema.is_object() && !schema.is_boolean() {
            return Err("is an object, `true` or `false`".to_owned());
        }
        let max = json::MAX_DEPTH;
        json::value_depth(schema).ok_or(format!("is nested over {max} levels deep"))?;
        let mut whole = shape(schema)?;
        let loader =
            Loader { folder: Arc::new(Folder::new(reading.folder)), loaded: Arc::default() };
        let patterns =
            PatternOptions::regex().size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES);
        let mut options = jsonschema::options()
            .with_pattern_options(patterns)
            .with_retriever(loader.clone())
            .should_ignore_unknown_formats(true);
        if let Some(draft) = reading.draft
            && let Some((_, draft)) = DRAFTS.iter().find(|(name, _)| *name == draft)
        {
            options = options.with_draft(*draft);
        }
        if let Some(formats) = reading.formats {
            options = options.should_validate_formats(formats);
        }
        if let Some(known) = &*META_SCHEMAS {
            options = options.with_registry(known);
        }
        if let Some(base) = loader.folder.base() {
            options = options.with_base_uri(base);
        }
        let validator = options.build(schema).map_err(|error| reason(&error))?;
        let loaded = loader.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        for document in loaded.iter() {
            // What leads from one document to the next is not followed, so it is not called finite.
            let shape = shape(document)?;
            whole = Shape { chain: whole.chain + shape.chain, is_finite: false };
        }
        Ok(Self { validator, shape: whole })
    }

    /// Whether `value` is as the schema says; where not, why. The outer error says why nothing can
    /// be said.
    pub(super) fn check(&self, value: &Value) -> Result<Result<(), String>, String> {
        let depth = json::value_depth(value).ok_or("is nested too deep")?;
        if (self.shape.chain + 1) * (depth + 1) <= SHALLOW {
            return Ok(self.look(value, depth));
        }
        on_large_stack(|| self.look(value, depth)).ok_or("cannot be checked: out of memory".into())
    }

    fn look(&self, value: &Value, depth: usize) -> Result<(), String> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        // Finding the first error remembers nothing, and may take time beyond all measure where a
        // schema branches into itself at every level.
        if !self.shape.is_finite && depth > EXPLAINED_DEPTH {
            return Err("it is not as the schema says, which is recursive".to_owned());
        }
        let error = self.validator.validate(value).err();
        Err(error.map_or_else(|| "it is not as the schema says".to_owned(), |error| reason(&error)))
    }
}

/// An error on one line, with the place in the value.
fn reason(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().to_string();
    let masked = error.masked();
    let message = one_line(&error.to_string(), REASON_CHARS);
    // Errors quote the value; where that leaves no room for the reason, it is left out.
    let message = match message {
        message if message.ends_with('…') => one_line(&masked.to_string(), REASON_CHARS),
        message => message,
    };
    match place.as_str() {
        "" => message,
        place => one_line(&format!("at `{place}`: {message}"), REASON_CHARS + 60),
    }
}

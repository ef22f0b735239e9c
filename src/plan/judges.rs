//! The models that scorers ask: resolved as those that are judged, and checked before any call.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use super::{Inputs, scorers::PlannedScorer};
use crate::{
    catalog,
    config::{self, At, ConfigError, File, Place, entry::ModelEntry},
    domain::{
        self,
        params::Params,
        target::{Endpoint, Target},
    },
    scorer::{self, MODEL, MODELS, ScorerKind, spelled_out},
};

/// What of a model as written is kept with a run: neither keys nor what may hold some.
const KEPT: [&str; 8] =
    ["id", "use", "provider", "model", "params", "flavour", "fallback", "capabilities"];

/// The models that the options of a scorer of `kind` name, as they are written there, each resolved.
pub(super) fn resolved(
    kind: &'static dyn ScorerKind,
    options: &Map<String, Value>,
    (file, inputs): (&File, Inputs<'_>),
    (origin, place): (&str, Place),
) -> Result<Vec<(Value, Arc<Target>)>, ConfigError> {
    let mut found: Vec<(Value, Arc<Target>)> = Vec::new();
    for written in named(kind, options, 0) {
        if !found.iter().any(|(known, _)| known == written) {
            let target = resolve(written, (file, inputs), (origin, place))?;
            found.push((written.clone(), target));
        }
    }
    Ok(found)
}

/// Every model that options name, those of scorers within scorers too.
fn named<'a>(
    kind: &'static dyn ScorerKind,
    options: &'a Map<String, Value>,
    depth: usize,
) -> Vec<&'a Value> {
    let mut found = Vec::new();
    if depth > 16 {
        // The scorer itself says that this is too deep.
        return found;
    }
    for card in kind.card().options {
        let Some(value) = options.get(card.name) else { continue };
        match (card.kind, value) {
            (MODEL, value) if !value.is_null() => found.push(value),
            (MODELS, Value::Array(items)) => found.extend(items),
            ("scorer" | "list of scorers", parts) => {
                let one = std::slice::from_ref(parts);
                let parts = parts.as_array().map_or(one, Vec::as_slice);
                let parts = parts.iter().filter_map(|part| part.as_object()?.iter().next());
                for (name, options) in parts {
                    if let (Some(kind), Some(options)) = (scorer::find(name), options.as_object()) {
                        found.extend(named(kind, options, depth + 1));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn resolve(
    written: &Value,
    (file, inputs): (&File, Inputs<'_>),
    (origin, place): (&str, Place),
) -> Result<Arc<Target>, ConfigError> {
    // JSON is YAML; where it stood in the config is where the scorer stands.
    let here = |error: ConfigError| ConfigError { origin: origin.to_owned(), place, ..error };
    let entry: ModelEntry = config::parse_flag(&written.to_string(), origin).map_err(here)?;
    // What is set for the models that are judged is not meant for those that judge.
    let params = Params::default();
    let context = catalog::Context {
        origin,
        lookup: inputs.lookup,
        params: &params,
        base_dir: inputs.base_dir,
        table: inputs.table,
        registered: inputs.registered,
        project: file.project.as_ref().map(|project| project.value.as_str()),
        aliases: &file.aliases,
    };
    let target = catalog::resolve(&At { value: entry, place }, context).map_err(here)?;
    for asked in target.with_stand_ins() {
        crate::client::check(asked).map_err(|fault| {
            here(ConfigError::new(
                origin,
                place,
                format!("model `{}`, which a scorer asks: {}", asked.name, fault.message),
            ))
        })?;
    }
    Ok(Arc::new(target))
}

/// The models that `scorers` ask, each once, with the place of the first scorer that does.
pub(super) fn of(scorers: &[PlannedScorer], file: &File) -> Vec<(Arc<Target>, Place)> {
    let mut found: Vec<(Arc<Target>, Place)> = Vec::new();
    for (index, planned) in scorers.iter().enumerate() {
        let place = file.scorers.get(index).map_or(Place::default(), |entry| entry.place);
        for target in planned.scorer.targets() {
            if !found.iter().any(|(known, _)| is_same(known, &target)) {
                found.push((target, place));
            }
        }
    }
    found
}

/// Whether two judges are one model with one price: how they are made to answer does not count.
pub(super) fn is_same(one: &Target, other: &Target) -> bool {
    one.name == other.name
        && one.provider == other.provider
        && one.model == other.model
        && one.price == other.price
        && one.account() == other.account()
}

/// Options as they are kept with a run: of models that stand there as mappings, nothing that may hold
/// a key.
pub(super) fn without_keys(
    kind: &'static dyn ScorerKind,
    options: &Map<String, Value>,
) -> Map<String, Value> {
    let mut kept = options.clone();
    let strip = |value: &mut Value| {
        if let Value::Object(map) = value {
            map.retain(|key, _| KEPT.contains(&key.as_str()));
        }
    };
    for card in kind.card().options {
        let Some(value) = kept.get_mut(card.name) else { continue };
        match card.kind {
            MODEL => strip(value),
            MODELS => value.as_array_mut().into_iter().flatten().for_each(strip),
            "scorer" | "list of scorers" => {
                let parts = match value {
                    Value::Array(items) => items.as_mut_slice(),
                    one => std::slice::from_mut(one),
                };
                for part in parts.iter_mut().filter_map(Value::as_object_mut) {
                    for (name, options) in part.iter_mut() {
                        let Some(kind) = scorer::find(name) else { continue };
                        let Value::Object(written) = options else { continue };
                        let spelled = spelled_out(kind.card(), written.clone());
                        *options = Value::Object(without_keys(kind, &spelled));
                    }
                }
            }
            _ => {}
        }
    }
    kept
}

/// That a judge judges its own family, in a sentence each.
pub(super) fn notices(scorers: &[PlannedScorer], targets: &[Arc<Target>]) -> Vec<String> {
    let mut notices = BTreeSet::new();
    for planned in scorers {
        for judge in planned.scorer.targets() {
            for target in targets {
                let (Some(one), Some(other)) = (family(&judge), family(target)) else { continue };
                if one == other {
                    notices.insert(format!(
                        "scorer `{}`: judge {} is of the family of {}, which it judges ({one}); judges \
                         tend to favour their own",
                        planned.id, judge.name, target.name
                    ));
                }
            }
        }
    }
    notices.into_iter().collect()
}

/// The family of a model that is called.
fn family(target: &Target) -> Option<&'static str> {
    let called = matches!(target.endpoint, Endpoint::Http(_));
    called.then(|| domain::family::of(target.ruling_model())).flatten()
}

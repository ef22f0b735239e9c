//! What is known of a plan's models before they are called: whether they can do what is asked, and
//! what the user should be told.

use std::sync::Arc;

use super::Inputs;
use crate::{
    base::clock,
    catalog::{
        self, Row, Table,
        registry::{Kind, Toggles},
    },
    config::{At, ConfigError, File, Place, entry::ModelEntry},
    domain::{
        params::{Effort, Reasoning, ResponseFormat},
        target::{Capabilities, Endpoint, Target},
    },
    prompt::Prompt,
    provider,
};

/// Of models that could, this many are named at most.
const NAMED: usize = 3;

/// Something that a run may ask of a model and that not every model can do.
struct Need {
    /// The capability's name in configs.
    name: &'static str,
    /// Its name in the catalog.
    listed: &'static str,
    /// The flag of `evals models edit` that says it.
    flag: &'static str,
    /// Its switch in what a registered model takes.
    switch: fn(&Toggles) -> Option<bool>,
    /// What a model is asked to do.
    asked: &'static str,
    /// What is said of one that cannot.
    cannot: &'static str,
    /// Whether a model can.
    can: fn(&Capabilities) -> Option<bool>,
    /// Whether the parameters of a model ask for it.
    is_asked: fn(&Target) -> bool,
}

const SEES: Need = Need {
    name: "vision",
    listed: "vision",
    flag: "--vision",
    switch: |takes| takes.vision,
    asked: "shows an image",
    cannot: "cannot see",
    can: |model| model.vision,
    is_asked: |_| false,
};

/// What parameters ask for.
const NEEDS: [Need; 4] = [
    Need {
        name: "json",
        listed: "schema",
        flag: "--json-mode",
        switch: |takes| takes.json,
        asked: "`response_format` asks for JSON",
        cannot: "cannot be made to answer in it",
        can: |model| model.json,
        is_asked: |target| {
            let format = &target.params.response_format;
            matches!(format, Some(ResponseFormat::Json | ResponseFormat::Schema(_)))
        },
    },
    Need {
        name: "schema",
        listed: "schema",
        flag: "--json-mode",
        switch: |takes| takes.json,
        asked: "`response_format` has a schema",
        cannot: "takes none",
        can: |model| model.schema,
        is_asked: |target| matches!(target.params.response_format, Some(ResponseFormat::Schema(_))),
    },
    Need {
        name: "tools",
        listed: "tools",
        flag: "--tools",
        switch: |takes| takes.tools,
        asked: "`tools` are set",
        cannot: "calls no functions",
        can: |model| model.tools,
        is_asked: |target| !target.params.tools.is_empty(),
    },
    Need {
        name: "reasoning",
        listed: "reasoning",
        flag: "--reasoning",
        switch: |takes| takes.reasoning,
        asked: "`reasoning` is set",
        cannot: "does not reason",
        can: |model| model.reasoning,
        is_asked: |target| match target.params.reasoning {
            Some(Reasoning::Effort(effort)) => effort != Effort::None,
            Some(Reasoning::MaxTokens(tokens)) => tokens > 0,
            None => false,
        },
    },
];

/// Refuses what a model is known not to do.
pub(super) fn check(
    prompts: &[(Place, Prompt)],
    targets: &[Arc<Target>],
    file: &File,
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    // Those that stand in are asked the same.
    let asked = || {
        let each = targets.iter().zip(&file.models).enumerate();
        each.flat_map(|(index, (target, entry))| {
            target.with_stand_ins().map(move |target| (index, target, entry))
        })
    };
    if let Some((place, prompt)) = prompts.iter().find(|(_, prompt)| prompt.has_image())
        && let Some((index, blind, _)) =
            asked().find(|(_, target, _)| target.capabilities.vision == Some(false))
    {
        let why = format!("prompt `{}` {}", prompt.id(), SEES.asked);
        let origin = inputs.origin_of(*place, "--prompt");
        let at = (*place, reference(&file.models, index));
        return Err(refused(&SEES, &why, (blind, targets), inputs, (origin, at)));
    }
    for (index, target, entry) in asked() {
        let unable = |need: &&Need| {
            (need.is_asked)(target) && (need.can)(&target.capabilities) == Some(false)
        };
        if let Some(need) = NEEDS.iter().find(unable) {
            let origin = inputs.origin_of(entry.place, "--model");
            let at = (entry.place, reference(&file.models, index));
            return Err(refused(need, need.asked, (target, targets), inputs, (origin, at)));
        }
    }
    Ok(())
}

/// The reference of the entry at `index`, as written.
fn reference(entries: &[At<ModelEntry>], index: usize) -> Option<&str> {
    Some(entries.get(index)?.value.0.reference.as_ref()?.value.as_str())
}

fn refused(
    need: &Need,
    asked: &str,
    (target, targets): (&Target, &[Arc<Target>]),
    inputs: Inputs<'_>,
    (origin, at): (&str, (Place, Option<&str>)),
) -> ConfigError {
    let (place, reference) = at;
    let message = format!("{asked}, and model `{}` {}", target.name, need.cannot);
    let able = able(need, target, targets, inputs);
    let able = if able.is_empty() {
        "of no other model is it known here that it can".to_owned()
    } else {
        format!("models that can: {}", able.join(", "))
    };
    let mend = match reference.and_then(|reference| reference.trim().strip_prefix("byo:")) {
        Some(rest) => {
            let (kind, slug) = match rest.split_once('/') {
                Some((slug, _)) => (Kind::Endpoint, slug),
                None => (Kind::Model, rest),
            };
            format!("`evals {} edit {slug} {} on` says so", kind.command(), need.flag)
        }
        None => format!("give it `capabilities: {{{}: true}}`", need.name),
    };
    ConfigError::new(origin, place, message).hint(format!("{able}; if this one can, {mend}"))
}

/// The models that can do what is needed: those of the run, or else those that are registered, or
/// else the nearest ones that the catalog knows of the same provider.
fn able(need: &Need, target: &Target, targets: &[Arc<Target>], inputs: Inputs<'_>) -> Vec<String> {
    let of_run = targets.iter().filter(|other| (need.can)(&other.capabilities) == Some(true));
    let of_run: Vec<String> = of_run.map(|other| other.name.clone()).collect();
    if !of_run.is_empty() {
        return of_run;
    }
    let registered = inputs.registered.registry().map(|registry| registry.models.as_slice());
    let registered = registered.unwrap_or_default().iter().filter(|entry| {
        let takes = entry.takes(Kind::Model, inputs.table);
        entry.is_active() && (need.switch)(&takes.toggles) == Some(true)
    });
    let registered: Vec<String> =
        registered.take(NAMED).map(|entry| format!("byo:{}", entry.slug)).collect();
    if !registered.is_empty() {
        return registered;
    }
    let today = today();
    let mut rows: Vec<(usize, Row<'_>)> = inputs
        .table
        .rows()
        .filter(|row| row.provider == target.provider && row.mode == "chat")
        .filter(|row| row.can(need.listed) == Some(true) && !row.is_withdrawn(&today))
        .map(|row| (strsim::damerau_levenshtein(row.model, target.ruling_model()), row))
        .collect();
    rows.sort_by_key(|(distance, row)| (*distance, row.model));
    let names = rows.iter().take(NAMED);
    names.map(|(_, row)| format!("{}/{}", row.provider, row.model)).collect()
}

/// What people call a model that is registered, unless the config gives it a name of its own.
pub(super) fn title(entry: &ModelEntry, inputs: Inputs<'_>) -> Option<String> {
    let map = &entry.0;
    let reference = map.reference.as_ref().filter(|_| map.id.is_none())?;
    let rest = reference.value.trim().strip_prefix("byo:")?;
    let (found, upstream) = inputs.registered.registry().ok()?.resolve(rest).ok()?;
    let name = found.name.as_deref()?;
    Some(if rest.contains('/') { format!("{name}: {upstream}") } else { name.to_owned() })
}

/// The date in UTC, as `2026-11-30`.
fn today() -> String {
    clock::rfc3339(clock::now_ms()).chars().take(10).collect()
}

/// What the providers and the catalog have to say of the models, each once.
pub(super) fn notices(targets: &[Arc<Target>], table: Table<'_>) -> Vec<String> {
    let today = &today();
    let mut notices = Vec::new();
    for target in targets {
        for notice in notices_of(target, table, today) {
            let notice = format!("model {}: {notice}", target.name);
            if !notices.contains(&notice) {
                notices.push(notice);
            }
        }
    }
    notices
}

fn notices_of(target: &Target, table: Table<'_>, today: &str) -> Vec<String> {
    let Endpoint::Http(endpoint) = &target.endpoint else { return Vec::new() };
    let mut notices = provider::find(target.provider)
        .map(|provider| provider.notices(target, endpoint))
        .unwrap_or_default();
    let params = &target.params;
    let sampled = params.temperature.is_some() || params.top_p.is_some() || params.top_k.is_some();
    if notices.is_empty() && sampled && target.capabilities.sampling == Some(false) {
        notices
            .push("it is not known to take sampling parameters such as `temperature`".to_owned());
    }
    let row = catalog::known(table, target.provider, &target.model, &target.endpoint);
    notices.extend(row.as_ref().and_then(|row| withdrawn(row, today)));
    if target.price.is_none() && table.knows(target.provider) && !target.model.is_empty() {
        notices.push(unpriced(target.provider, &target.model, row.is_some(), table));
    }
    notices
}

fn withdrawn(row: &Row<'_>, today: &str) -> Option<String> {
    let date = row.deprecation.filter(|_| row.is_withdrawn(today))?;
    Some(format!("by the catalog, the provider withdrew `{}` on {date}", row.model))
}

fn unpriced(provider: &str, model: &str, is_known: bool, table: Table<'_>) -> String {
    if is_known {
        return "the catalog knows no price of it, so its cost is unknown".to_owned();
    }
    let notice = format!("the catalog does not know `{model}`, so its cost is unknown");
    let near = table.nearest(provider, model, 3);
    if near.is_empty() { notice } else { format!("{notice}; near: {}", near.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_withdrawn_is_told_from_the_day_after() {
        let table = Table::shipped();
        let row = table.find("anthropic", "claude-sonnet-4-5", None).expect("a row");
        assert_eq!(withdrawn(&row, "2026-11-30"), None);
        let told = withdrawn(&row, "2026-12-01").expect("a notice");
        assert!(told.contains("`claude-sonnet-4-5` on 2026-11-30"), "{told}");
    }

    #[test]
    fn a_misspelt_model_has_no_price_and_near_ones_are_named() {
        let table = Table::shipped();
        let told = unpriced("anthropic", "claude-sonet-4-5", false, table);
        assert!(told.contains("near: claude-sonnet-4-5"), "{told}");
        assert!(unpriced("anthropic", "other", true, table).contains("no price"));
    }
}

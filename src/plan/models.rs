//! What is known of a plan's models before they are called: whether they can do what is asked, and
//! what the user should be told.

use std::sync::Arc;

use super::Inputs;
use crate::{
    base::clock,
    catalog::{self, Row, Table},
    config::{ConfigError, File, Place},
    domain::{
        params::{Effort, Reasoning, ResponseFormat},
        target::{Capabilities, Endpoint, Target},
    },
    prompt::Prompt,
    provider,
};

/// Something that a run may ask of a model and that not every model can do.
struct Need {
    /// The capability's name in configs.
    name: &'static str,
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
    asked: "shows an image",
    cannot: "cannot see",
    can: |model| model.vision,
    is_asked: |_| false,
};

/// What parameters ask for.
const NEEDS: [Need; 4] = [
    Need {
        name: "json",
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
        asked: "`response_format` has a schema",
        cannot: "takes none",
        can: |model| model.schema,
        is_asked: |target| matches!(target.params.response_format, Some(ResponseFormat::Schema(_))),
    },
    Need {
        name: "tools",
        asked: "`tools` are set",
        cannot: "calls no functions",
        can: |model| model.tools,
        is_asked: |target| !target.params.tools.is_empty(),
    },
    Need {
        name: "reasoning",
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
    if let Some((place, prompt)) = prompts.iter().find(|(_, prompt)| prompt.has_image())
        && let Some(blind) = targets.iter().find(|target| target.capabilities.vision == Some(false))
    {
        let asked = format!("prompt `{}` {}", prompt.id(), SEES.asked);
        let origin = inputs.origin_of(*place, "--prompt");
        return Err(refused(&SEES, &asked, blind, targets, (origin, *place)));
    }
    for (target, entry) in targets.iter().zip(&file.models) {
        let unable = |need: &&Need| {
            (need.is_asked)(target) && (need.can)(&target.capabilities) == Some(false)
        };
        if let Some(need) = NEEDS.iter().find(unable) {
            let origin = inputs.origin_of(entry.place, "--model");
            return Err(refused(need, need.asked, target, targets, (origin, entry.place)));
        }
    }
    Ok(())
}

fn refused(
    need: &Need,
    asked: &str,
    target: &Target,
    targets: &[Arc<Target>],
    (origin, place): (&str, Place),
) -> ConfigError {
    let message = format!("{asked}, and model `{}` {}", target.name, need.cannot);
    let able = targets.iter().filter(|other| (need.can)(&other.capabilities) == Some(true));
    let able: Vec<&str> = able.map(|target| target.name.as_str()).collect();
    let able = if able.is_empty() {
        "of no other model of this run it is known that it can".to_owned()
    } else {
        format!("models that can: {}", able.join(", "))
    };
    let name = need.name;
    ConfigError::new(origin, place, message)
        .hint(format!("{able}; if this one can, give it `capabilities: {{{name}: true}}`"))
}

/// What the providers and the catalog have to say of the models, each once.
pub(super) fn notices(targets: &[Arc<Target>], table: Table<'_>) -> Vec<String> {
    let today = clock::rfc3339(clock::now_ms());
    let today = today.get(..10).unwrap_or_default();
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

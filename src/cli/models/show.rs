//! `show`: one entry, without its secrets.

use serde_json::{Value, json};

use super::{
    super::{
        Out,
        args_models::{ShowEntryArgs, ShowFormat},
        catalog::OwnTable,
        exit::Failure,
        vault,
    },
    load,
};
use crate::{
    base::{clock, text::one_line},
    catalog::{
        Table,
        registry::{Entry, Kind, Registry, price_line, shown_price},
    },
};

/// Characters of a value that are shown.
const SHOWN: usize = 200;

pub(super) fn run(kind: Kind, args: &ShowEntryArgs, out: &mut Out) -> Result<(), Failure> {
    let registry = load()?;
    let own = OwnTable::load()?;
    let around = (&registry, own.table());
    let slug = args.slug.strip_prefix("byo:").unwrap_or(&args.slug);
    // What was removed can be looked at, too.
    let removed = registry.entries(kind).iter().find(|entry| entry.slug == slug);
    let entry = match removed {
        Some(entry) => entry,
        None => registry.find(kind, slug)?,
    };
    match args.format {
        ShowFormat::Json => {
            let mut json = to_json(kind, entry, around);
            if let Some(shown) = shown(entry, &registry) {
                json["credential"]["shown"] = shown.into();
            }
            out.data(&format!("{json:#}\n"))
        }
        ShowFormat::Table => out.data(&lines(kind, entry, around)),
    }
}

/// The secret that the vault keeps for the entry, masked.
fn shown(entry: &Entry, registry: &Registry) -> Option<String> {
    let credential = registry.credential(entry.credential.as_deref()?).ok()?;
    credential.key_env.is_none().then(|| vault::shown(&credential.vault_key()))
}

/// How the entry stands, in a word.
pub(super) fn status(entry: &Entry) -> &'static str {
    match (entry.is_active(), entry.disabled) {
        (false, _) => "removed",
        (true, true) => "disabled",
        (true, false) => "active",
    }
}

/// The reference that configs use.
pub(super) fn reference(kind: Kind, entry: &Entry) -> String {
    match kind {
        Kind::Model => format!("byo:{}", entry.slug),
        Kind::Endpoint => format!("byo:{}/MODEL", entry.slug),
    }
}

/// The entry for programs. Headers are named and not shown.
pub(super) fn to_json(
    kind: Kind,
    entry: &Entry,
    (registry, table): (&Registry, Table<'_>),
) -> Value {
    let takes = entry.takes(kind, table);
    let credential = entry.credential.as_deref().and_then(|slug| registry.credential(slug).ok());
    let toggles: serde_json::Map<String, Value> =
        takes.toggles.named().into_iter().map(|(name, on)| (name.to_owned(), json!(on))).collect();
    let prices: serde_json::Map<String, Value> = entry
        .price_pico
        .iter()
        .map(|(category, pico)| (category.clone(), json!(shown_price(category, *pico))))
        .collect();
    json!({
        "kind": kind.name(),
        "slug": entry.slug,
        "reference": reference(kind, entry),
        "name": entry.title(),
        "status": status(entry),
        "provider": entry.provider,
        "model": entry.model,
        "base_model": entry.base_model,
        "format": entry.format.map(crate::catalog::registry::Format::name),
        "flavour": entry.flavour.map(crate::domain::target::Flavour::name),
        "base_url": entry.base_url,
        "settings": entry.settings,
        "headers": entry.headers.keys().collect::<Vec<_>>(),
        "max_tokens": takes.max_tokens,
        "limits": entry.limits,
        "capabilities": toggles,
        "reasoning_param": entry.reasoning_param,
        "tags": entry.tags,
        "allow": entry.allow,
        "price_usd_per_million": prices,
        "credential": credential.map(|credential| json!({
            "slug": credential.slug,
            "auth": credential.auth.name(),
            "key_env": credential.key_env,
            "access_key_id": credential.access_key_id,
            "origin": credential.origin,
            "projects": credential.projects,
        })),
        "tested": entry.tested.map(|tested| json!({
            "at": clock::rfc3339(tested.at_ms),
            "latency_ms": tested.latency_us as f64 / 1000.0,
            "input_tokens": tested.input_tokens,
            "output_tokens": tested.output_tokens,
        })),
        "added": clock::rfc3339(entry.added_ms),
        "removed": entry.removed_ms.map(clock::rfc3339),
    })
}

fn lines(kind: Kind, entry: &Entry, (registry, table): (&Registry, Table<'_>)) -> String {
    let takes = entry.takes(kind, table);
    let mut rows: Vec<(&str, String)> = vec![
        (kind.name(), entry.title().to_owned()),
        ("reference", reference(kind, entry)),
        ("status", status(entry).to_owned()),
        ("provider", entry.provider.clone()),
    ];
    let mut put = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
    put("model id", entry.model.clone());
    put("base model", entry.base_model.clone());
    put("format", entry.format.map(|format| format.name().to_owned()));
    put("flavour", entry.flavour.map(|flavour| flavour.name().to_owned()));
    put("address", entry.base_url.clone());
    for (name, value) in &entry.settings {
        put("setting", Some(format!("{name} = {value}")));
    }
    let names: Vec<&str> = entry.headers.keys().map(String::as_str).collect();
    put("headers", (!names.is_empty()).then(|| format!("{} (values not shown)", names.join(", "))));
    if kind == Kind::Endpoint {
        let allow = if entry.allow.is_empty() { "any".to_owned() } else { entry.allow.join(", ") };
        put("models", Some(allow));
    }
    put("max tokens", takes.max_tokens.map(|tokens| tokens.to_string()));
    let limits = [
        (entry.limits.rpm, "requests a minute"),
        (entry.limits.tpm, "tokens a minute"),
        (entry.limits.concurrency.map(u64::from), "requests in flight"),
    ];
    let limits = limits.into_iter().filter_map(|(limit, what)| Some(format!("{} {what}", limit?)));
    let limits: Vec<String> = limits.collect();
    put("limits", (!limits.is_empty()).then(|| limits.join(", ")));
    let known =
        takes.toggles.named().into_iter().filter_map(|(name, on)| {
            on.map(|on| format!("{name} {}", if on { "on" } else { "off" }))
        });
    let known: Vec<String> = known.collect();
    put("takes", (!known.is_empty()).then(|| known.join(", ")));
    put("reasoning", entry.reasoning_param.clone().map(|field| format!("in `{field}`")));
    put("tags", (!entry.tags.is_empty()).then(|| entry.tags.join(", ")));
    put("prices", Some(price_line(&entry.price_pico)));
    put("credential", Some(credential(entry, registry)));
    put("tested", Some(tested(entry)));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line =
        |(name, value): &(&str, String)| format!("{name:<width$}  {}\n", one_line(value, SHOWN));
    rows.iter().map(line).collect()
}

fn credential(entry: &Entry, registry: &Registry) -> String {
    let Some(slug) = &entry.credential else { return "none of its own".to_owned() };
    let Ok(credential) = registry.credential(slug) else { return slug.clone() };
    let id = credential.access_key_id.as_deref().map(|id| format!(", key {id}"));
    let limit = (!credential.projects.is_empty())
        .then(|| format!(", only for projects {}", credential.projects.join(", ")));
    let masked = shown(entry, registry).map(|masked| format!(" ({masked})"));
    format!(
        "{slug}: {} in {}{}, for {}{}{}",
        credential.auth.name(),
        credential.shown(),
        masked.unwrap_or_default(),
        credential.origin,
        id.unwrap_or_default(),
        limit.unwrap_or_default()
    )
}

fn tested(entry: &Entry) -> String {
    let Some(tested) = entry.tested else { return "not since it last changed".to_owned() };
    format!("{}, {} ms", clock::rfc3339(tested.at_ms), tested.latency_us / 1000)
}

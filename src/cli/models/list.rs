//! `list`: what is registered.

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::{
    super::{
        Out, args::ListFormat, args_models::ListEntriesArgs, catalog::OwnTable, env, exit::Failure,
    },
    load, show,
};
use crate::{
    base::text::one_line,
    catalog::{
        self,
        registry::{Entry, Kind, Registry, shown_price},
    },
    report::csv::{guarded, io_error},
};

pub(super) fn run(kind: Kind, args: &ListEntriesArgs, out: &mut Out) -> Result<(), Failure> {
    let registry = load()?;
    let own = OwnTable::load()?;
    let table = own.table();
    let entries: Vec<&Entry> =
        registry.entries(kind).iter().filter(|entry| args.all || entry.is_active()).collect();
    match args.format {
        ListFormat::Json => {
            let rows: Vec<Value> = entries
                .iter()
                .map(|entry| show::to_json(kind, entry, (&registry, table)))
                .collect();
            out.data(&format!("{:#}\n", json!(rows)))
        }
        ListFormat::Csv => out.with(|to| write_csv(kind, &entries, (&registry, table), to)),
        ListFormat::Table if entries.is_empty() => {
            let command = kind.command();
            out.note(&format!("no {command} are registered; `evals {command} add` registers one"));
            Ok(())
        }
        ListFormat::Table => out.data(&rendered(kind, &entries, &registry)),
    }
}

fn price(entry: &Entry, category: &str) -> Option<f64> {
    entry.price_pico.get(category).map(|pico| shown_price(category, *pico))
}

fn write_csv(
    kind: Kind,
    entries: &[&Entry],
    (registry, known): (&Registry, catalog::Table<'_>),
    to: &mut dyn std::io::Write,
) -> std::io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record([
        "slug",
        "name",
        "status",
        "provider",
        "model",
        "base_url",
        "credential",
        "max_tokens",
        "price_input",
        "price_output",
        "tags",
        "access_key_id",
    ])
    .map_err(io_error)?;
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    for entry in entries {
        let model = match kind {
            Kind::Model => entry.model.clone().unwrap_or_default(),
            Kind::Endpoint => entry.allow.join(";"),
        };
        let credential = entry.credential.as_deref();
        let credential = credential.and_then(|slug| registry.credential(slug).ok());
        let id = credential.and_then(|credential| credential.access_key_id.as_deref());
        let id = id.unwrap_or_default();
        csv.write_record([
            entry.slug.as_str(),
            &guarded(entry.title()),
            show::status(entry),
            &entry.provider,
            &guarded(&model),
            &guarded(entry.base_url.as_deref().unwrap_or_default()),
            entry.credential.as_deref().unwrap_or_default(),
            &entry.takes(kind, known).max_tokens.map(|n| n.to_string()).unwrap_or_default(),
            &number(price(entry, "input")),
            &number(price(entry, "output")),
            &guarded(&entry.tags.join(";")),
            &guarded(id),
        ])
        .map_err(io_error)?;
    }
    csv.flush()
}

fn rendered(kind: Kind, entries: &[&Entry], registry: &Registry) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = env::width() {
        table.set_width(width);
    }
    let models = if kind == Kind::Model { "MODEL ID" } else { "MODELS" };
    table.set_header(["SLUG", "NAME", "PROVIDER", models, "CREDENTIAL", "USD/M IN/OUT", "STATUS"]);
    for entry in entries {
        let model = match kind {
            Kind::Model => entry.model.clone().unwrap_or_default(),
            Kind::Endpoint if entry.allow.is_empty() => "any".to_owned(),
            Kind::Endpoint => entry.allow.join(", "),
        };
        let credential =
            entry.credential.as_deref().and_then(|slug| registry.credential(slug).ok());
        let credential = credential.map_or_else(
            || "-".to_owned(),
            |credential| {
                // The id of a key pair is no secret; without all of it pairs cannot be told apart.
                let id = credential.access_key_id.as_deref();
                let id = id.map(|id| format!(", {}", one_line(id, 200))).unwrap_or_default();
                format!("{} ({}{id})", credential.slug, credential.shown())
            },
        );
        let price = |category| price(entry, category).map_or("?".to_owned(), |usd| usd.to_string());
        let status = match show::status(entry) {
            "active" if entry.tested.is_none() => "untested",
            other => other,
        };
        table.add_row([
            entry.slug.clone(),
            one_line(entry.title(), 30),
            entry.provider.clone(),
            one_line(&model, 40),
            credential,
            format!("{}/{}", price("input"), price("output")),
            status.to_owned(),
        ]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

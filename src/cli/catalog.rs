//! `evals catalog`: what is known of models.

use std::{
    cmp::Reverse,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use comfy_table::{ContentArrangement, Table as Grid, presets};
use serde_json::{Map, Value, json};

use super::{
    Out,
    args::{
        CatalogArgs, CatalogCommand, CatalogListArgs, CatalogShowArgs, CatalogSort,
        CatalogUpdateArgs, ListFormat,
    },
    env,
    exit::{Exit, Failure},
};
use crate::{
    base::{clock, money::Money, text},
    catalog::{self, Origin, Row, Table},
    dataset,
    domain::target::Price,
    report::csv::{guarded, io_error},
};

/// The user's own table, which stands instead of the shipped one.
const FILE: &str = "catalog.tsv";

/// The table in use: the user's own where there is one.
#[derive(Debug)]
pub(super) struct OwnTable(Option<String>);

impl OwnTable {
    /// Reads the user's own table, if there is one.
    pub(super) fn load() -> Result<Self, Failure> {
        let Some(path) = own_path() else { return Ok(Self(None)) };
        let broken = |problem: String| {
            let shown = path.display();
            Failure::usage(format!("failed to read the catalog `{shown}`: {problem}"))
                .hint("`evals catalog update` replaces it; with `--shipped` it is removed")
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                Table::read(&text).map_err(|error| broken(error.to_string()))?;
                Ok(Self(Some(text)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(broken(error.to_string())),
        }
    }

    /// The table.
    pub(super) fn table(&self) -> Table<'_> {
        // It was checked when it was loaded.
        self.0.as_deref().and_then(|text| Table::read(text).ok()).unwrap_or_default()
    }
}

fn own_path() -> Option<PathBuf> {
    Some(env::home()?.join(FILE))
}

pub(super) fn run(args: &CatalogArgs, out: &mut Out) -> Result<Exit, Failure> {
    if let CatalogCommand::Update(args) = &args.command {
        return update(args, out);
    }
    let own = OwnTable::load()?;
    let table = own.table();
    match &args.command {
        CatalogCommand::List(args) => list(table, args, &[], out),
        CatalogCommand::Search(args) => list(table, &args.list, &args.words, out),
        CatalogCommand::Show(args) => show(table, args, out),
        CatalogCommand::Update(_) => Ok(Exit::Done),
    }
}

fn list(
    table: Table<'_>,
    args: &CatalogListArgs,
    words: &[String],
    out: &mut Out,
) -> Result<Exit, Failure> {
    if let Some(provider) = args.provider.as_deref().filter(|provider| !table.knows(provider)) {
        let mut known: Vec<&str> = table.rows().map(|row| row.provider).collect();
        known.dedup();
        let hint = crate::config::error::suggestion(provider, known.iter().copied(), "providers");
        return Err(Failure::usage(format!("the catalog has no provider `{provider}`")).hint(hint));
    }
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let is_wanted = |row: &Row<'_>| {
        let name = format!("{}/{}", row.provider, row.model).to_lowercase();
        args.provider.as_deref().is_none_or(|provider| provider == row.provider)
            && args.mode.as_deref().is_none_or(|mode| mode == row.mode)
            && words.iter().all(|word| name.contains(word))
    };
    let mut rows: Vec<Row<'_>> = table.rows().filter(is_wanted).collect();
    let price = |row: &Row<'_>, of: fn(&Price) -> Money| row.price.as_ref().map(of);
    match args.sort {
        CatalogSort::Name => {}
        // What is unknown comes last.
        CatalogSort::Input => rows.sort_by_key(|row| {
            let price = price(row, |price| price.input);
            (price.is_none(), price)
        }),
        CatalogSort::Output => rows.sort_by_key(|row| {
            let price = price(row, |price| price.output);
            (price.is_none(), price)
        }),
        CatalogSort::Context => rows.sort_by_key(|row| Reverse(row.max_input)),
    }
    match args.format {
        ListFormat::Json => {
            let rows: Vec<Value> = rows.iter().map(row_json).collect();
            out.data(&format!("{:#}\n", json!(rows)))?;
        }
        ListFormat::Csv => out.with(|to| write_csv(&rows, to))?,
        ListFormat::Table if rows.is_empty() => out.note("no model is called so"),
        ListFormat::Table => {
            out.data(&grid(&rows))?;
            let count = rows.len();
            out.note(&format!("{count} models; prices in USD per million tokens; {}", told(table)));
        }
    }
    Ok(Exit::Done)
}

/// Where the table is from.
fn told(table: Table<'_>) -> String {
    let head = |name| table.head(name).unwrap_or("unknown");
    format!("{} of {}", head("source"), head("date"))
}

fn show(table: Table<'_>, args: &CatalogShowArgs, out: &mut Out) -> Result<Exit, Failure> {
    let asked = args.model.as_str();
    let named =
        asked.split_once('/').and_then(|(provider, model)| table.find(provider, model, None));
    let rows = match named {
        Some(row) => vec![row],
        None => table.rows().filter(|row| row.model == asked).collect(),
    };
    let [row] = rows.as_slice() else { return Err(not_one(table, asked, &rows)) };
    match args.format {
        ListFormat::Json => {
            let mut value = row_json(row);
            let head = |name| table.head(name);
            value["catalog"] = json!({
                "source": head("source"), "date": head("date"), "licence": head("licence"),
            });
            out.data(&format!("{value:#}\n"))?;
        }
        ListFormat::Csv => out.with(|to| write_csv(&rows, to))?,
        ListFormat::Table => out.data(&facts(table, row))?,
    }
    Ok(Exit::Done)
}

fn not_one(table: Table<'_>, asked: &str, rows: &[Row<'_>]) -> Failure {
    let name = |row: &Row<'_>| format!("`{}/{}`", row.provider, row.model);
    if !rows.is_empty() {
        let all: Vec<String> = rows.iter().map(name).collect();
        return Failure::usage(format!("several providers have a model `{asked}`"))
            .hint(format!("name one of {}", all.join(", ")));
    }
    let failure = Failure::usage(format!("the catalog does not know `{asked}`"));
    let (provider, model) = match asked.split_once('/') {
        Some((provider, model)) if table.knows(provider) => (Some(provider), model),
        _ => (None, asked),
    };
    let mut near = Vec::new();
    let mut known: Vec<&str> = table.rows().map(|row| row.provider).collect();
    known.dedup();
    for known in known.into_iter().filter(|known| provider.is_none_or(|only| only == *known)) {
        let count = if provider.is_some() { 5 } else { 1 };
        let ids = table.nearest(known, model, count);
        near.extend(ids.into_iter().map(|id| format!("`{known}/{id}`")));
    }
    near.truncate(5);
    match near.as_slice() {
        [] => failure.hint("`evals catalog search WORD` looks for a part of the name"),
        near => failure.hint(format!("near: {}", near.join(", "))),
    }
}

fn update(args: &CatalogUpdateArgs, out: &mut Out) -> Result<Exit, Failure> {
    let path = own_path().ok_or_else(|| {
        Failure::usage("there is no home to keep the catalog in").hint("set EVALS_HOME to a folder")
    })?;
    let Some(source) = args.source.as_deref() else {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(not_written(&path, &error));
            }
            _ => out.note("the catalog is the shipped one"),
        }
        return Ok(Exit::Done);
    };
    if source.starts_with("http://") && !is_this_machine(source) {
        return Err(Failure::usage(
            "prices are not fetched in clear: anyone on the way could change \
                                   them",
        )
        .hint("use an https:// address, or a file"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("failed to start: {error}")))?;
    let read = runtime
        .block_on(dataset::document(source))
        .map_err(|error| Failure::usage(error.to_string()))?;
    let today = clock::rfc3339(clock::now_ms());
    let shown = source.split(['?', '#', '\t', '\n']).next().unwrap_or_default();
    let origin = Origin { date: today.get(..10).unwrap_or_default(), source: shown };
    let text = catalog::import(&read, origin)
        .map_err(|error| Failure::usage(format!("`{shown}` is no catalog: {error}")))?;
    keep(&path, &text).map_err(|error| not_written(&path, &error))?;
    let table = Table::read(&text).map_err(|error| Failure::usage(error.to_string()))?;
    let (now, shipped) = (table.rows().count(), Table::shipped().rows().count());
    let priced = table.rows().filter(|row| row.price.is_some()).count();
    out.note(&format!(
        "`{}` now has {now} models, {priced} of them with a price; the shipped table has {shipped}",
        env::shown(&path)
    ));
    Ok(Exit::Done)
}

/// Replaces the file, whole or not at all.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let folder = super::stored::directory_of(path);
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("failed to write the catalog `{}`: {error}", path.display()))
}

/// Whether nobody stands between here and the server.
fn is_this_machine(address: &str) -> bool {
    let rest = address.strip_prefix("http://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

/// A price of a token in USD per million.
fn per_million(money: Money) -> f64 {
    money.pico() as f64 / 1e6
}

/// The prices by name, those of a call in USD.
fn prices(price: &Price) -> Vec<(&'static str, f64)> {
    let some = |name, money: Option<Money>| money.map(|money| (name, per_million(money)));
    [
        some("input", Some(price.input)),
        some("output", Some(price.output)),
        some("cache_read", Some(price.cache_read)),
        some("cache_write", Some(price.cache_write)),
        some("cache_write_1h", price.cache_write_1h),
        some("reasoning", price.reasoning),
        price.request.map(|money| ("request", money.usd())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The same of each threshold.
fn tiers(price: &Price) -> impl Iterator<Item = (u64, Vec<(&'static str, f64)>)> {
    price.above.iter().map(|tier| {
        let whole = Price {
            cache_read: tier.cache_read,
            cache_write: tier.cache_write,
            cache_write_1h: tier.cache_write_1h,
            reasoning: tier.reasoning,
            ..Price::new(tier.input, tier.output)
        };
        (tier.tokens, prices(&whole))
    })
}

fn row_json(row: &Row<'_>) -> Value {
    let map = |pairs: Vec<(&str, f64)>| {
        let pairs = pairs.into_iter().map(|(name, usd)| (name.to_owned(), json!(usd)));
        pairs.collect::<Map<String, Value>>()
    };
    let price = row.price.as_ref().map(|price| {
        let mut value = map(prices(price));
        let above = tiers(price).map(|(tokens, prices)| {
            let mut tier = Map::from_iter([("tokens".to_owned(), json!(tokens))]);
            tier.extend(map(prices));
            Value::Object(tier)
        });
        value.insert("above".to_owned(), above.collect());
        value
    });
    let others = row.other_prices.iter().map(|(name, money)| (*name, per_million(*money)));
    let able: Map<String, Value> =
        row.capabilities.iter().map(|(name, can)| ((*name).to_owned(), json!(can))).collect();
    json!({
        "provider": row.provider,
        "model": row.model,
        "mode": row.mode,
        "max_input_tokens": row.max_input,
        "max_output_tokens": row.max_output,
        "price": price,
        "other_prices": map(others.collect()),
        "capabilities": able,
        "deprecation_date": row.deprecation,
        "source": row.source,
    })
}

fn count(tokens: Option<u64>) -> String {
    tokens.map_or_else(String::new, |tokens| tokens.to_string())
}

fn write_csv(rows: &[Row<'_>], to: &mut dyn io::Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record([
        "provider",
        "model",
        "mode",
        "max_input_tokens",
        "max_output_tokens",
        "input_usd_per_million",
        "output_usd_per_million",
        "cache_read_usd_per_million",
        "cache_write_usd_per_million",
        "vision",
        "tools",
        "reasoning",
        "schema",
        "deprecation_date",
        "source",
    ])
    .map_err(io_error)?;
    for row in rows {
        let price = |of: fn(&Price) -> Money| {
            row.price.as_ref().map_or_else(String::new, |price| per_million(of(price)).to_string())
        };
        let can = |name| row.can(name).map_or_else(String::new, |can| can.to_string());
        csv.write_record([
            row.provider,
            &guarded(row.model),
            row.mode,
            &count(row.max_input),
            &count(row.max_output),
            &price(|price| price.input),
            &price(|price| price.output),
            &price(|price| price.cache_read),
            &price(|price| price.cache_write),
            &can("vision"),
            &can("tools"),
            &can("reasoning"),
            &can("schema"),
            row.deprecation.unwrap_or_default(),
            &guarded(row.source.unwrap_or_default()),
        ])
        .map_err(io_error)?;
    }
    csv.flush()
}

fn grid(rows: &[Row<'_>]) -> String {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = env::width() {
        grid.set_width(width);
    }
    grid.set_header(["MODEL", "MODE", "CONTEXT", "ANSWER", "INPUT", "OUTPUT", "CAN"]);
    for row in rows {
        let price = |of: fn(&Price) -> Money| {
            let shown = |price: &Price| {
                let more = if price.above.is_empty() { "" } else { "+" };
                format!("{}{more}", per_million(of(price)))
            };
            row.price.as_ref().map_or_else(|| "?".to_owned(), shown)
        };
        let able = ["vision", "tools", "schema", "reasoning"];
        let able = able.into_iter().filter(|name| row.can(name) == Some(true));
        grid.add_row([
            text::one_line(&format!("{}/{}", row.provider, row.model), 80),
            text::one_line(row.mode, 12),
            count(row.max_input),
            count(row.max_output),
            price(|price| price.input),
            price(|price| price.output),
            able.collect::<Vec<_>>().join(" "),
        ]);
    }
    let lines: Vec<String> = grid.lines().map(|line| line.trim().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

/// Everything that is known of a model, one fact a line.
fn facts(table: Table<'_>, row: &Row<'_>) -> String {
    let unknown = || "unknown".to_owned();
    let limit =
        |tokens: Option<u64>| tokens.map_or_else(unknown, |tokens| format!("{tokens} tokens"));
    let listed = |pairs: Vec<(&str, f64)>| {
        let pairs = pairs.into_iter().map(|(name, usd)| format!("{name} {usd}"));
        pairs.collect::<Vec<_>>().join(", ")
    };
    let named = |wanted: bool| {
        let names = row.capabilities.iter().filter(|(_, can)| *can == wanted);
        names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        ("model", format!("{}/{}", row.provider, row.model)),
        ("mode", row.mode.to_owned()),
        ("prompt", limit(row.max_input)),
        ("answer", limit(row.max_output)),
        ("price", row.price.as_ref().map_or_else(unknown, |price| listed(prices(price)))),
    ];
    for (tokens, prices) in row.price.iter().flat_map(tiers) {
        lines.push(("", format!("above {tokens} prompt tokens: {}", listed(prices))));
    }
    let others = row.other_prices.iter().map(|(name, money)| (*name, per_million(*money)));
    let others: Vec<(&str, f64)> = others.collect();
    if !others.is_empty() {
        lines.push(("other prices", format!("{}; not computed with", listed(others))));
    }
    if row.price.is_some() {
        lines.push(("", "in USD per million tokens; `request` in USD per call".to_owned()));
    }
    for (name, value) in [
        ("can", named(true)),
        ("cannot", named(false)),
        ("withdrawn", row.deprecation.unwrap_or_default().to_owned()),
        ("source", row.source.unwrap_or_default().to_owned()),
    ] {
        if !value.is_empty() {
            lines.push((name, value));
        }
    }
    lines.push(("catalog", told(table)));
    let lines = lines.iter().map(|(name, value)| format!("{name:<13}{}\n", text::visible(value)));
    lines.collect()
}

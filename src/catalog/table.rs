//! The table of models: limits, prices and capabilities by provider and model id.
//!
//! Sorted text, one model a line, compiled in; a look-up is a binary search and reads one line, so
//! that starting costs nothing. `catalogs/README.md` says what the columns mean.

use std::cmp::Ordering;

use super::price::{Rates, price};
use crate::{
    base::money::Money,
    domain::target::{Capabilities, Price},
};

/// The version of the columns.
const FORMAT: &str = "1";

static SHIPPED: &str = include_str!("../../catalogs/models.tsv");

/// A table of models.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    text: &'a str,
}

/// A model of the table. What is `None` or not there is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The model id sent upstream; of Amazon's regional prices with `REGION/` before it.
    pub model: &'a str,
    /// `chat`, `completion`, `embedding` or `responses`.
    pub mode: &'a str,
    /// The longest prompt, in tokens.
    pub max_input: Option<u64>,
    /// The longest answer, in tokens.
    pub max_output: Option<u64>,
    /// What it costs.
    pub price: Option<Price>,
    /// Prices of tokens that no call here uses, such as `batch_input`.
    pub other_prices: Vec<(&'a str, Money)>,
    /// What it can and cannot do, by name.
    pub capabilities: Vec<(&'a str, bool)>,
    /// The day on which the provider withdraws it, as `2026-11-30`.
    pub deprecation: Option<&'a str>,
    /// The page that the price is from.
    pub source: Option<&'a str>,
}

/// Why a text is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is not in a form that is known.
    #[error("it is neither a table of version {FORMAT} nor LiteLLM's JSON: {0}")]
    Format(String),
    /// A line does not say what it must.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// It has no model.
    #[error("it names no model of a provider that is known here")]
    Empty,
}

impl Table<'static> {
    /// The table that is compiled in.
    pub const fn shipped() -> Self {
        Self { text: SHIPPED }
    }
}

impl Default for Table<'_> {
    fn default() -> Self {
        Self { text: SHIPPED }
    }
}

impl std::fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("bytes", &self.text.len()).finish()
    }
}

impl<'a> Table<'a> {
    /// The table in `text`, after every line of it has been checked.
    ///
    /// # Errors
    ///
    /// The first line that is wrong or out of order, or that there is no model.
    pub fn read(text: &'a str) -> Result<Self, TableError> {
        let table = Self { text };
        match table.head("format") {
            Some(FORMAT) => {}
            Some(other) => return Err(TableError::Format(format!("its version is `{other}`"))),
            None => return Err(TableError::Format("the line `# format` is missing".to_owned())),
        }
        let mut before = "";
        let mut any = false;
        for (index, line) in text.lines().enumerate() {
            let wrong = |problem: String| TableError::Line { line: index + 1, problem };
            let twice = key(before) == key(line) && !before.is_empty();
            if before > line || twice {
                return Err(wrong("it is there twice, or out of order".to_owned()));
            }
            if !line.starts_with(['#', '@']) {
                table.row(line).map_err(wrong)?;
                any = true;
            }
            before = line;
        }
        if any { Ok(table) } else { Err(TableError::Empty) }
    }

    /// What the head says of `name`: `date`, `format`, `licence` or `source`.
    pub fn head(&self, name: &str) -> Option<&'a str> {
        self.after(&format!("# {name}\t"))
    }

    /// The model that `model` of `provider` is, in `region` where prices depend on it.
    ///
    /// Only what is the same model by the provider's own rules is found: a resource name is its
    /// last part, a fine-tuned model has the price of all that are tuned from its base.
    pub fn find(&self, provider: &str, model: &str, region: Option<&str>) -> Option<Row<'a>> {
        if let Some(region) = region.filter(|_| provider == "bedrock")
            && let Some(row) = self.exact(provider, &format!("{region}/{model}"))
        {
            return Some(row);
        }
        self.exact(provider, model).or_else(|| match provider {
            "google" | "vertex" => {
                let (_, id) = model.rsplit_once("models/")?;
                self.exact(provider, id)
            }
            "openai" => {
                let (base, _) = model.strip_prefix("ft:")?.split_once(':')?;
                self.exact(provider, &format!("ft:{base}"))
            }
            _ => None,
        })
    }

    /// All models, by provider and id.
    pub fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let table = *self;
        let lines = self.text.lines().skip_while(|line| line.starts_with(['#', '@']));
        lines.filter_map(move |line| table.row(line).ok())
    }

    /// Whether the table knows any model of `provider`.
    pub fn knows(&self, provider: &str) -> bool {
        let prefix = format!("{provider}\t");
        self.line_from(&prefix).is_some_and(|line| line.starts_with(&prefix))
    }

    /// The ids of `provider` that are nearest to `model`, at most `count`, nearest first: those
    /// that are part of the other, then those that are spelled alike.
    pub fn nearest(&self, provider: &str, model: &str, count: usize) -> Vec<&'a str> {
        let wanted = model.to_lowercase();
        let mut near: Vec<(usize, &str)> = self
            .rows()
            .filter(|row| row.provider == provider)
            .filter_map(|row| {
                let id = row.model.to_lowercase();
                let distance = strsim::damerau_levenshtein(&wanted, &id);
                let part = id.contains(&wanted) || (id.len() > 3 && wanted.contains(&id));
                let longest = id.chars().count().max(wanted.chars().count());
                (part || distance <= longest.div_ceil(4)).then_some((distance, row.model))
            })
            .collect();
        near.sort_unstable();
        near.into_iter().map(|(_, id)| id).take(count).collect()
    }

    fn exact(&self, provider: &str, model: &str) -> Option<Row<'a>> {
        let prefix = format!("{provider}\t{model}\t");
        let line = self.line_from(&prefix).filter(|line| line.starts_with(&prefix))?;
        self.row(line).ok()
    }

    /// What follows `prefix` in its line.
    fn after(&self, prefix: &str) -> Option<&'a str> {
        self.line_from(prefix)?.strip_prefix(prefix)
    }

    /// The first line that does not sort before `wanted`.
    fn line_from(&self, wanted: &str) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        // Both are the beginnings of lines; the line looked for begins in between, ends included.
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let begin = bytes[low..middle].iter().rposition(|byte| *byte == b'\n');
            let begin = begin.map_or(low, |at| low + at + 1);
            let end = bytes[middle..].iter().position(|byte| *byte == b'\n');
            let end = end.map_or(bytes.len(), |at| middle + at);
            match bytes[begin..end].cmp(wanted.as_bytes()) {
                Ordering::Less => low = (end + 1).min(bytes.len()),
                _ => high = begin,
            }
        }
        self.text[low..].lines().next()
    }

    fn row(&self, line: &'a str) -> Result<Row<'a>, String> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [provider, model, mode, max_input, max_output, prices, able, date, source] = cells[..]
        else {
            return Err(format!("it has {} columns and not 9", cells.len()));
        };
        if provider.is_empty() || model.is_empty() || mode.is_empty() {
            return Err("the provider, the model or its mode is missing".to_owned());
        }
        let limit = |cell: &str| match cell {
            "" => Ok(None),
            cell => cell.parse().map(Some).map_err(|_| format!("`{cell}` is no count of tokens")),
        };
        let (price, other_prices) = read_prices(prices)?;
        let source = match source {
            "" => None,
            number => {
                let found = number.parse::<u32>().ok();
                let found = found.and_then(|number| self.after(&format!("@{number:04}\t")));
                Some(found.ok_or_else(|| format!("there is no source `{number}`"))?)
            }
        };
        let capabilities = able.split(' ').filter(|word| !word.is_empty());
        Ok(Row {
            provider,
            model,
            mode,
            max_input: limit(max_input)?,
            max_output: limit(max_output)?,
            price,
            other_prices,
            capabilities: capabilities
                .map(|word| word.strip_prefix('!').map_or((word, true), |name| (name, false)))
                .collect(),
            deprecation: (!date.is_empty()).then_some(date),
            source,
        })
    }
}

/// The cells that tell a line from others.
fn key(line: &str) -> (Option<&str>, Option<&str>) {
    let mut cells = line.split('\t');
    let first = cells.next();
    (first, cells.next().filter(|_| !line.starts_with(['#', '@'])))
}

type Prices<'a> = (Option<Price>, Vec<(&'a str, Money)>);

/// The cell of prices: `input=5 output=7 request=9 batch_input=2 >200000 input=6 output=8`.
fn read_prices(cell: &str) -> Result<Prices<'_>, String> {
    let mut base = Rates::default();
    let mut above: Vec<(u64, Rates)> = Vec::new();
    let mut request = None;
    let mut others = Vec::new();
    for word in cell.split(' ').filter(|word| !word.is_empty()) {
        let wrong = || format!("`{word}` is no price");
        if let Some(tokens) = word.strip_prefix('>') {
            above.push((tokens.parse().map_err(|_| wrong())?, Rates::default()));
            continue;
        }
        let (name, pico) = word.split_once('=').ok_or_else(wrong)?;
        let pico: i64 = pico.parse().ok().filter(|pico| *pico >= 0).ok_or_else(wrong)?;
        let money = Money::from_pico(pico);
        let rates = above.last_mut().map_or(&mut base, |(_, rates)| rates);
        match rates.slot(name) {
            Some(slot) => *slot = Some(money),
            None if name == "request" => request = Some(money),
            None => others.push((name, money)),
        }
    }
    if cell.is_empty() {
        return Ok((None, others));
    }
    let price = price(base, request, above).map_err(|name| format!("a price has no `{name}`"))?;
    Ok((Some(price), others))
}

impl Row<'_> {
    /// Whether it can do what is called `name`.
    pub fn can(&self, name: &str) -> Option<bool> {
        self.capabilities.iter().find(|(have, _)| *have == name).map(|(_, can)| *can)
    }

    /// What a target needs to know of it.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities {
            vision: self.can("vision"),
            // Without schemas there may still be a mode.
            json: self.can("schema").filter(|can| *can),
            schema: self.can("schema"),
            tools: self.can("tools"),
            reasoning: self.can("reasoning"),
            sampling: self.can("sampling"),
        }
    }

    /// Whether the provider has withdrawn it by `today`, a date as `2026-11-30`.
    pub fn is_withdrawn(&self, today: &str) -> bool {
        self.deprecation.is_some_and(|date| date < today)
    }
}

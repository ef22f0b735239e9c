//! The table, and its making from other files.

use std::fs;

use super::*;
use crate::{
    base::money::Money,
    domain::{generation::Usage, target::Price},
};

const PINNED: Origin<'_> = Origin { date: "2026-10-21", source: "litellm 1.106.2" };

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/catalog/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn shipped(reference: &str) -> Row<'static> {
    let (provider, model) = reference.split_once('/').expect("a reference");
    Table::shipped().find(provider, model, None).unwrap_or_else(|| panic!("no {reference}"))
}

#[test]
fn the_shipped_table_is_sound() {
    let text = include_str!("../../catalogs/models.tsv");
    let table = Table::read(text).expect("every line is right");
    assert!(table.rows().count() > 2_000 && text.len() < 600_000);
    assert_eq!(table.head("source"), Some(PINNED.source));
    assert_eq!(table.head("date"), Some(PINNED.date));
    assert!(table.head("licence").is_some_and(|licence| licence.contains("Berri AI")));
    for row in table.rows() {
        assert_eq!(table.find(row.provider, row.model, None).as_ref(), Some(&row));
    }
}

#[test]
fn a_model_and_all_that_is_known_of_it() {
    let row = shipped("anthropic/claude-sonnet-4-5");
    assert_eq!((row.mode, row.max_input, row.max_output), ("chat", Some(200_000), Some(64_000)));
    let price = row.price.as_ref().expect("a price");
    assert_eq!((price.input.usd() * 1e6, price.output.usd() * 1e6), (3.0, 15.0));
    assert_eq!(price.cache_read, Money::from_pico(300_000));
    assert_eq!(price.cache_write, Money::from_pico(3_750_000));
    assert_eq!(price.cache_write_1h, Some(Money::from_pico(6_000_000)));
    assert_eq!(
        (row.can("vision"), row.can("schema"), row.can("moving")),
        (Some(true), Some(true), None)
    );
    assert!(row.source.is_some_and(|source| source.starts_with("https://")));
    assert!(!row.is_withdrawn("2026-11-30") && row.is_withdrawn("2026-12-01"));
}

#[test]
fn a_threshold_is_passed_by_the_token_after_it_and_with_xai_by_the_token_at_it() {
    let cost = |reference: &str, input| {
        let price = shipped(reference).price.expect("a price");
        price.cost(&Usage { input, ..Usage::default() }).pico()
    };
    assert_eq!(cost("google/gemini-2.5-pro", 200_000), 200_000 * 1_250_000);
    assert_eq!(cost("google/gemini-2.5-pro", 200_001), 200_001 * 2_500_000);
    assert_eq!(cost("xai/grok-4.3", 199_999), 199_999 * 1_250_000);
    assert_eq!(cost("xai/grok-4.3", 200_000), 200_000 * 2_500_000);
}

#[test]
fn only_the_same_model_is_found() {
    let table = Table::shipped();
    let find = |provider, model, region| table.find(provider, model, region).map(|row| row.model);
    assert_eq!(find("openai", "gpt-5", None), Some("gpt-5"));
    for model in
        ["gpt-5-", "gpt", "GPT-5", "gpt-5 ", "", "gpt-5\t", "openai/gpt-5", "gpt-5-2099-01-01"]
    {
        assert_eq!(find("openai", model, None), None, "{model}");
    }
    assert_eq!(find("openai-compatible", "gpt-5", None), None);
    assert_eq!(find("", "", None), None);
    assert_eq!(find("zzz", "zzz", None), None);
    let tuned = "ft:gpt-4o-2024-08-06:acme::abc";
    assert_eq!(find("openai", tuned, None), Some("ft:gpt-4o-2024-08-06"));
    assert_eq!(find("openai", "ft:gpt-9:acme", None), None);
    let resource = "publishers/google/models/gemini-2.5-pro";
    assert_eq!(find("vertex", resource, None), Some("gemini-2.5-pro"));
    assert_eq!(find("google", "models/gemini-2.5-pro", None), Some("gemini-2.5-pro"));
    let nova = "amazon.nova-pro-v1:0";
    assert_eq!(find("bedrock", nova, None), Some(nova));
    let regional = Some("us-gov-west-1/amazon.nova-pro-v1:0");
    assert_eq!(find("bedrock", nova, Some("us-gov-west-1")), regional);
    assert_eq!(find("bedrock", nova, Some("mars-1")), Some(nova));
}

#[test]
fn the_nearest_ids() {
    let near = |provider, model| Table::shipped().nearest(provider, model, 3);
    assert_eq!(near("anthropic", "claude-sonet-4-5")[0], "claude-sonnet-4-5");
    assert!(near("openai", "gpt5-mini").contains(&"gpt-5-mini"));
    assert_eq!(near("openai", "completely different thing"), [""; 0]);
    assert_eq!(near("nobody", "gpt-5"), [""; 0]);
}

#[test]
fn the_conversion_is_that_of_the_script() {
    let table = import(&fixture("litellm.json"), PINNED).expect("a table");
    assert_eq!(table, fixture("litellm.tsv"));
    // The whole file, where somebody has it: `LITELLM_PRICES` is its path.
    let Some(path) = std::env::var_os("LITELLM_PRICES") else {
        eprintln!("skipped the whole file: LITELLM_PRICES does not name it");
        return;
    };
    let whole = fs::read_to_string(path).expect("LiteLLM's file");
    let table = import(&whole, PINNED).expect("a table");
    assert!(table == include_str!("../../catalogs/models.tsv"), "the script makes another table");
}

#[test]
fn unreliable_prices_are_unknown() {
    let text = import(&fixture("litellm.json"), PINNED).expect("a table");
    let table = Table::read(&text).expect("a table");
    let price = |reference: &str| {
        let (provider, model) = reference.split_once('/').expect("a reference");
        table.find(provider, model, None).expect(reference).price
    };
    for reference in [
        "azure/jais-30b-chat",
        "azure/model-router",
        "azure/mistral-large-latest",
        "cohere/command-a-plus-05-2026",
        "google/gemini-exp-1206",
        "openai/ft:gpt-4-0613",
        "openai/negative",
        "openai/odd-types",
        "openai/true",
    ] {
        assert_eq!(price(reference), None, "{reference}");
    }
    let online = price("perplexity/pplx-7b-online").expect("a price");
    assert_eq!(online.request, Some(Money::from_pico(5_000_000_000)));
    assert!(table.find("openai", "odd one", None).is_none());
}

#[test]
fn our_own_lines_may_come_in_any_order() {
    let text = "openai\tb\tchat\t10\t\tinput=5 output=7\tvision !tools\t\t0\n\
                # format\t1\r\n\n@0000\thttps://example.com\nopenai\ta\tchat\t\t\t\t\t\t\n";
    let table = import(text, PINNED).expect("a table");
    let table = Table::read(&table).expect("sorted");
    let row = table.find("openai", "b", None).expect("a row");
    assert_eq!(row.price, Some(Price::new(Money::from_pico(5), Money::from_pico(7))));
    assert_eq!(row.source, Some("https://example.com"));
    assert_eq!(row.capabilities().tools, Some(false));
    assert_eq!(table.find("openai", "a", None).expect("a row").price, None);
}

#[test]
fn what_is_no_table() {
    let said = |text: &str| import(text, PINNED).expect_err("refused").to_string();
    let line = |cells: &str| said(&format!("# format\t1\n{cells}\n"));
    assert!(said("").contains("`# format`"));
    assert!(said("<html>").contains("`# format`"));
    assert!(said("# format\t2\n").contains("version is `2`"));
    assert!(said("{\"a\": ").contains("JSON"));
    assert!(said("{\"a\": {\"mode\": \"chat\"}}").contains("no model"));
    assert!(line("openai\ta\tchat").contains("line 2: it has 3 columns"));
    assert!(line("\ta\tchat\t\t\t\t\t\t").contains("missing"));
    assert!(line("openai\ta\tchat\tmany\t\t\t\t\t").contains("`many`"));
    assert!(line("openai\ta\tchat\t\t\tinput=1\t\t\t").contains("`output`"));
    assert!(line("openai\ta\tchat\t\t\tinput=-1 output=1\t\t\t").contains("`input=-1`"));
    assert!(line("openai\ta\tchat\t\t\tinput=1 output=1 >x\t\t\t").contains("`>x`"));
    assert!(line("openai\ta\tchat\t\t\tinput=1 output=1 >5 input=2\t\t\t").contains("`output`"));
    assert!(line("openai\ta\tchat\t\t\t\t\t\t7").contains("source `7`"));
    let twice = "openai\ta\tchat\t\t\t\t\t\t\nopenai\ta\tembedding\t\t\t\t\t\t";
    assert!(line(twice).contains("twice"));
}

proptest::proptest! {
    /// Whatever a server sends as a table is refused or read, and looked through, without a panic.
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}", cells in "[a-z0-9@#=>!\t\n -]{0,80}") {
        for text in [text, format!("# format\t1\n{cells}")] {
            if let Ok(table) = import(&text, PINNED) {
                let table = Table::read(&table).expect("it was checked");
                proptest::prop_assert!(table.rows().count() > 0);
            }
            let raw = Table::read(&text).unwrap_or_default();
            raw.find("openai", &text, None);
        }
    }
}

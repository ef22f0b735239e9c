//! Gates and metrics made of others, as people write them.
#![no_main]

use evals::{domain::run::RunHeader, gate, metric::derived};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let header: RunHeader = serde_json::from_value(json!({
        "id": "r", "name": "n", "created_ms": 0, "version": "1",
        "config": {"metrics": {"twice": "2 * a.mean"}}, "dataset": "d", "dataset_digest": "x",
        "samples": 1, "prompts": [], "models": [],
        "scorers": [{"id": "a", "name": "a", "options": {}, "extract": null, "unit_range": true}],
        "extracts": [], "epochs": 1, "reduce": "mean", "gates": []
    }))
    .expect("a header");
    drop(gate::parse(text, &header));
    drop(derived::derived(&[("made".to_owned(), text.to_owned())], &header.scorers));
});

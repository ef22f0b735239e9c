//! Pipelines of extraction: steps in JSON before the first line feed, an output behind it.
#![no_main]

use evals::extract::Pipeline;
use libfuzzer_sys::fuzz_target;

/// Pipelines for inputs whose first line is none.
const PIPELINES: [&str; 6] = [
    r#""last_number""#,
    r#"{"regex": "(?i)answer is (.+?)\\.?$"}"#,
    r#"{"json_path": "$..name"}"#,
    r#"["strip_think", "code_block", "trim"]"#,
    r#"["first_line", {"json_path": "$.a[0]"}, "lower"]"#,
    r#"[{"after": "<a>"}, {"before": "</a>"}, "first_number"]"#,
];

fuzz_target!(|text: &str| {
    let (steps, output) = text.split_once('\n').unwrap_or(("", text));
    for steps in PIPELINES.iter().copied().chain([steps]) {
        let Ok(steps) = serde_json::from_str(steps) else { continue };
        if let Ok(pipeline) = Pipeline::from_value("fuzz", &steps) {
            pipeline.apply(output);
        }
    }
});

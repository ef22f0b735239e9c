//! Configs as people write them, and not as they should.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = evals::config::parse(text, "fuzz.yaml") {
        assert!(!error.to_string().is_empty());
    }
});

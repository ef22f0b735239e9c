# The same lines stand in `.ci/run`; the tests compare them. Without `just`, run a recipe's lines.

export RUSTDOCFLAGS := "-Dwarnings"

# `Cargo.toml` turns it off to spare the first build.
export CARGO_INCREMENTAL := "1"

# Day to day the program is linked once, under the name `evals` only.
once := "--no-default-features --features polars"

_default:
    @just --list

# Every check, in the order of what fails soonest.
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo clippy --locked --no-default-features -- -D warnings
    cargo test --locked {{once}}
    cargo doc --locked --no-deps
    cargo deny --locked check bans licenses sources

# Unit, integration and doc tests; `just test scorer` for those with a name.
test *filter:
    cargo test --locked {{once}} {{filter}}

# A thousand random kills; the server's ledger says what was paid. `just crash 50` for fewer, and
# `just crash 1000 15` for as many as fit into 15 minutes. The last line says how many there were.
crash kills="1000" minutes="60":
    EVALS_TEST_KILLS={{kills}} EVALS_TEST_MINUTES={{minutes}} cargo test --locked {{once}} --test it row_39_random -- --nocapture

# Against llama.cpp with a random model. The first time it builds llama.cpp, which takes a
# quarter of an hour or more on two cores, and a C++ compiler.
test-llama:
    tests/doubles/llama.sh

# The reference documentation of the library.
docs:
    cargo doc --locked --no-deps

# Speed, start-up and memory against a mock server; prints a Markdown table. Not part of `check`.
bench *args:
    python3 benches/run.py {{args}}

# The scorers of overlap and distance against the Python programs that they follow.
bench-scorers *args:
    python3 benches/scorers.py {{args}}

# Each fuzz target for so many seconds; needs cargo-fuzz (`cargo install cargo-fuzz`) and no nightly
# toolchain: our code has no `unsafe`, so no sanitizer. `just fuzz 600 dataset` for one of them.
fuzz seconds="60" target="":
    #!/usr/bin/env sh
    set -eu
    target="{{target}}"
    for name in ${target:-dataset config extract scorers stream measures}; do
        cargo fuzz run --fuzz-dir fuzz --sanitizer none "$name" -- -max_total_time={{seconds}} -max_len=65536 -timeout=20 -rss_limit_mb=4096
    done

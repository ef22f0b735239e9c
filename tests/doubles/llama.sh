#!/usr/bin/env bash
# Installs llama-cpp-python, which builds llama.cpp (a quarter of an hour on two cores, once), and runs
# the tests that ask it. Kept outside the checkout, in EVALS_CI_STATE (default: ~/.cache/evals-ci).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

state=${EVALS_CI_STATE:-$HOME/.cache/evals-ci}
dir=$state/python/llama-cpp
packages='llama-cpp-python[server]==0.3.36 gguf==0.19.0 numpy==2.4.6'

if [ "$(cat "$dir/packages" 2>/dev/null)" != "$packages" ]; then
  rm -rf "$dir"
  python3 -m venv "$dir"
  # shellcheck disable=SC2086 # several packages
  nice "$dir/bin/python" -m pip install --no-input --disable-pip-version-check --no-cache-dir $packages
  echo "$packages" >"$dir/packages"
fi
export EVALS_TEST_LLAMA_CPP=$dir/bin/python
cargo test --locked --no-default-features --features polars --test it llama_cpp -- --nocapture

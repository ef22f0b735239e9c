//! docs/provider-tests.md, made of the rows and of the fixtures.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use evals::{domain::fault::FaultKind, provider::PROVIDERS};
use serde_json::Value;

use super::{Double, Proof, rows};
use crate::support::root;

/// The variable that has the page written instead of compared.
const UPDATE: &str = "EVALS_UPDATE_DOCS";
const PAGE: &str = "docs/provider-tests.md";

const HEAD: &str = "\
# How each provider is tested

Made by the tests from what they run: `EVALS_UPDATE_DOCS=1 cargo test --test it proof::page` writes it anew, and without the variable the test fails when a cell is not true any more.
No provider itself was called.

A cell names what stands behind it; a dash means that nothing does.

| mark | what it is |
| --- | --- |
| Q | a fixture of a request, compared with all its headers |
| A | a fixture of a whole answer |
| S | a fixture of a streamed answer, cut at every byte |
| X | a fixture of a call that is refused before it is sent, with what to change |
| L | a fixture of a call that leaves it out, with a note before the run |
| a name | this program, which others wrote, was asked by the built `evals` and everything in the cell came out |

";

const DOUBLES: &str = "\
The programs:

| name | what it is | what it can show |
| --- | --- | --- |
| aimock | npm `@copilotkit/aimock` 1.43.0 | speaks nine wire formats by a script; an emulation, so it shows that two programs agree and not that the provider does |
| litellm | PyPI `litellm[proxy]` 1.106.2, its mock mode | a gateway's answers, errors and costs |
| mlflow | PyPI `mlflow[genai]` 3.17.2, in front of aimock | a gateway without `[DONE]` and without usage in streams |
| moto | PyPI `moto[server]` 5.2.5 | verifies signatures for Amazon, of key pairs and of sessions; it has no Converse |
| google-auth | PyPI `google-auth` 2.62.2 behind a small endpoint, aimock behind it | verifies a service account's assertion; aimock then wants the token |
| llama.cpp | PyPI `llama-cpp-python` 0.3.36 with random weights | real tokens, log probabilities, grammars (by `extra`, in its own form) and a context that ends; `just test-llama` builds it and asks it, which takes a quarter of an hour and is no part of CI |
| botocore | PyPI `botocore` 1.44.5 | its model of the service judges the fixtures of requests; its parser reads those of streams; 53 signatures equal its own |
| openai SDK | PyPI `openai` 3.52.0 | its types judge the fixtures of requests |
| anthropic SDK | PyPI `anthropic` 2.11.0 | its types judge the fixtures of requests |

Where a double is known to be wrong, fixtures are written from the documentation instead: aimock's text streams for Bedrock begin with an event that Bedrock does not send, and its Cohere says reasoning as text.

";

const FEATURES: &str = "\
## What can be asked and read

From `mistral` to `cerebras` the hosts share the code of `openai-compatible`: what is a dash there and not in its row was tried for the format, not for the host.
A credential is a key in its header, or a signature.

";

const FAULTS: &str = "
## Errors

Each kind, as a reply of the provider or within its stream.
Faults of the connection (`timeout`, `dns`, `tls`, `redirect_refused`, `too_large`) know no provider; servers that misbehave by script show them in `tests/it/http.rs`.

";

const COLUMNS: &[(&str, Proof)] = &[
    ("plain", Proof::Plain),
    ("streaming", Proof::Stream),
    ("JSON schema", Proof::Schema),
    ("tools", Proof::Tools),
    ("image", Proof::Image),
    ("usage with cache", Proof::Cache),
    ("reasoning", Proof::Reasoning),
    ("logprobs", Proof::Logprobs),
    ("reported cost", Proof::Cost),
    ("credential", Proof::Credential),
];

const KINDS: &[FaultKind] = &[
    FaultKind::Auth,
    FaultKind::BadRequest,
    FaultKind::ContextLength,
    FaultKind::ContentFilter,
    FaultKind::RateLimited,
    FaultKind::Quota,
    FaultKind::Transient,
    FaultKind::Truncated,
    FaultKind::Protocol,
];

impl Double {
    const fn name(self) -> &'static str {
        match self {
            Self::Aimock => "aimock",
            Self::LiteLlm => "litellm",
            Self::Mlflow => "mlflow",
            Self::Moto => "moto",
            Self::GoogleAuth => "google-auth",
            Self::LlamaCpp => "llama.cpp",
            Self::Botocore => "botocore",
            Self::OpenAiSdk => "openai SDK",
            Self::AnthropicSdk => "anthropic SDK",
        }
    }
}

/// A fixture of a provider; `provider::contract` runs them.
pub(super) struct Case {
    pub(super) name: String,
    value: Value,
}

impl Case {
    fn is_request(&self) -> bool {
        self.name.starts_with("request")
    }

    /// The body that the request becomes; `None` for replies, and for what is refused.
    pub(super) fn body(&self) -> Option<&Value> {
        self.is_request().then(|| self.value.pointer("/becomes/body")).flatten()
    }

    /// Where the request goes.
    pub(super) fn url(&self) -> Option<&str> {
        self.value.pointer("/becomes/url")?.as_str()
    }

    /// What it proves, with its mark.
    pub(super) fn evidence(&self) -> Vec<(Proof, char)> {
        if self.is_request() { self.asked() } else { self.answered() }
    }

    fn asked(&self) -> Vec<(Proof, char)> {
        let value = &self.value;
        let refused = value.pointer("/becomes/refused").is_some();
        let given = |path: &str| value.pointer(path).is_some_and(|given| !given.is_null());
        let parts = value["messages"].as_array().into_iter().flatten();
        let mut parts =
            parts.flat_map(|message| message["content"].as_array().into_iter().flatten());
        let headers = value.pointer("/becomes/headers").and_then(Value::as_object);
        let mut headers = headers.into_iter().flatten().filter_map(|(_, value)| value.as_str());
        let key = value["api_key"].as_str();
        let form = &value["params"]["response_format"];
        let features = [
            (Proof::Plain, true),
            (Proof::Stream, value["stream"] == true),
            (Proof::Schema, form["schema"].is_object() || form["json_schema"].is_object()),
            (Proof::Tools, given("/params/tools/0")),
            (Proof::Image, parts.any(|part| part["type"] == "image")),
            (Proof::Reasoning, given("/params/reasoning")),
            (Proof::Logprobs, given("/params/logprobs")),
            (Proof::Credential, key.is_some_and(|key| headers.any(|value| value.contains(key)))),
        ];
        let found = features.into_iter().filter(|(_, there)| *there).map(|(proof, _)| proof);
        // What else was in a call that is refused is not what it was refused for.
        let found: Vec<Proof> = found.collect();
        let body = value.pointer("/becomes/body").map(Value::to_string).unwrap_or_default();
        let body = body.to_ascii_lowercase();
        let sent = |proof: Proof| match proof {
            Proof::Logprobs => {
                ["logprob", "details", "top_n_tokens"].iter().any(|n| body.contains(n))
            }
            _ => true,
        };
        match (refused, found.as_slice()) {
            (false, _) => {
                let mark = |proof| (proof, if sent(proof) { 'Q' } else { 'L' });
                found.into_iter().map(mark).collect()
            }
            (true, [Proof::Plain, one]) => vec![(*one, 'X')],
            (true, [Proof::Plain, one, Proof::Credential]) => vec![(*one, 'X')],
            (true, _) => Vec::new(),
        }
    }

    fn answered(&self) -> Vec<(Proof, char)> {
        let streams = self.value["stream"].is_string();
        let mark = if streams { 'S' } else { 'A' };
        let fault = self.value["fault"]["kind"].as_str();
        let kind = KINDS.iter().find(|kind| Some(kind.name()) == fault);
        if let Some(kind) = kind {
            return vec![(Proof::Fault(*kind), mark)];
        }
        let made = &self.value["generation"];
        let some = |field: &str| made.get(field).is_some_and(|value| !value.is_null());
        let count = |field: &str| made["usage"][field].as_u64().unwrap_or(0) > 0;
        let features = [
            (if streams { Proof::Stream } else { Proof::Plain }, some("text")),
            (Proof::Tools, some("tool_calls")),
            (Proof::Cache, count("cache_read") || count("cache_write")),
            (Proof::Reasoning, some("reasoning") || count("reasoning")),
            (Proof::Logprobs, some("logprobs")),
            (Proof::Cost, some("reported_cost_pico")),
        ];
        features.into_iter().filter(|(_, there)| *there).map(|(proof, _)| (proof, mark)).collect()
    }
}

/// The fixtures of a provider, without those of embeddings.
pub(super) fn cases(provider: &str) -> Vec<Case> {
    let folder = root().join("tests/fixtures/providers").join(provider);
    let files =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files = files.map(|file| file.unwrap().path());
    let mut cases: Vec<Case> = files
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| {
            let value = serde_json::from_slice(&fs::read(&path).expect("a fixture"));
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            Case { name, value: value.expect("JSON") }
        })
        .filter(|case| !case.name.starts_with("embed-"))
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// What stands behind a cell: marks of fixtures, and programs.
type Evidence = (BTreeSet<char>, BTreeSet<Double>);

fn evidence() -> BTreeMap<(&'static str, Proof), Evidence> {
    let mut all: BTreeMap<_, Evidence> = BTreeMap::new();
    for provider in PROVIDERS {
        for (proof, mark) in cases(provider.name()).iter().flat_map(Case::evidence) {
            all.entry((provider.name(), proof)).or_default().0.insert(mark);
        }
    }
    for row in rows::ROWS {
        for proof in row.proves() {
            all.entry((row.provider, proof)).or_default().1.insert(row.double);
        }
    }
    // `provider::bedrock::sign` compares them.
    let signatures = root().join("tests/fixtures/providers/bedrock-sigv4.json");
    let signatures: Value = serde_json::from_slice(&fs::read(signatures).unwrap()).expect("JSON");
    assert_eq!(signatures["cases"].as_array().map(Vec::len), Some(53), "the page says 53");
    all.entry(("bedrock", Proof::Credential)).or_default().1.insert(Double::Botocore);
    all
}

fn table(columns: &[(&str, Proof)]) -> String {
    let evidence = evidence();
    let titles: Vec<&str> = columns.iter().map(|(title, _)| *title).collect();
    let rule = " --- |".repeat(columns.len());
    let mut rows = vec![format!("| provider | {} |\n| --- |{rule}\n", titles.join(" | "))];
    for provider in PROVIDERS {
        let cell = |(_, proof): &(&str, Proof)| {
            let (marks, doubles) = evidence.get(&(provider.name(), *proof))?;
            // In the order of the legend.
            let marks: String = "QASXL".chars().filter(|mark| marks.contains(mark)).collect();
            let names = doubles.iter().map(|double| double.name().to_owned());
            let words: Vec<String> =
                Some(marks).into_iter().filter(|marks| !marks.is_empty()).chain(names).collect();
            Some(words.join(", "))
        };
        let cells: Vec<String> =
            columns.iter().map(|column| cell(column).unwrap_or_else(|| "–".to_owned())).collect();
        rows.push(format!("| `{}` | {} |\n", provider.name(), cells.join(" | ")));
    }
    rows.concat()
}

#[test]
fn the_page_is_what_the_tests_prove() {
    let faults: Vec<(&str, Proof)> =
        KINDS.iter().map(|kind| (kind.name(), Proof::Fault(*kind))).collect();
    let page = [HEAD, DOUBLES, FEATURES, &table(COLUMNS), FAULTS, &table(&faults)].concat();
    let path = root().join(PAGE);
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, &page).expect("it is written");
    }
    let have = fs::read_to_string(&path).unwrap_or_default();
    let differs = have.lines().zip(page.lines()).find(|(have, made)| have != made);
    assert!(have == page, "{PAGE} is not true any more; {UPDATE}=1 writes it anew: {differs:?}");
}

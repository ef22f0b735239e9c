//! The rows: who stood in for whom, and what that proves.

use evals::domain::fault::FaultKind::{
    Auth, BadRequest, ContentFilter, ContextLength, Quota, RateLimited, Transient,
};

use super::{
    Double,
    Proof::{
        self, Cache, Cost, Credential, Fault, Image, Logprobs, Plain, Reasoning, Schema, Stream,
        Tools,
    },
    Row,
};

const BOTH: &[Proof] = &[Plain, Stream];
const FAULTS: &[Proof] = &[
    Fault(Auth),
    Fault(BadRequest),
    Fault(ContextLength),
    Fault(RateLimited),
    Fault(Quota),
    Fault(Transient),
];
/// What aimock does in `OpenAI`'s format. A row claims no more than the provider documents: aimock
/// would take anything.
const CHAT: &[Proof] = &[Plain, Stream, Tools, Image, Reasoning, Fault(ContentFilter)];
/// As [`CHAT`], of hosts that document no images.
const TEXT: &[Proof] = &[Plain, Stream, Tools, Reasoning, Fault(ContentFilter)];
/// moto has no Converse, so a good signature is all that it can show.
const SIGNED: &[Proof] = &[Credential];
const PAIR: &[(&str, &str)] =
    &[("AWS_ACCESS_KEY_ID", "{key}"), ("AWS_SECRET_ACCESS_KEY", "{secret}")];
const SESSION: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "{session_key}"),
    ("AWS_SECRET_ACCESS_KEY", "{session_secret}"),
    ("AWS_SESSION_TOKEN", "{session_token}"),
];
/// Far more than any double says that it cost.
const PRICE: &str = "price: {input: 1000000000, output: 1000000000}";
const KEY: &[(&str, &str)] = &[("KEY", "sk-double-0123456789")];
const VERTEX: &[&str] =
    &["base_url: '{base}'", "service_account: '${ACCOUNT}'", "model: gemini-2.5-flash"];
const API_KEY: &str = "api_key: '${KEY}'";

/// A host that speaks `OpenAI`'s format, in front of aimock.
const fn host(provider: &'static str, proves: &'static [&'static [Proof]]) -> Row {
    const MODEL: &[&str] = &["base_url: '{base}/v1'", API_KEY, "model: org/model"];
    Row { double: Double::Aimock, provider, model: MODEL, env: KEY, proves }
}

/// Bodies of the fixtures, judged by those who know them; `oracles` does it.
const fn oracle(
    double: Double,
    provider: &'static str,
    proves: &'static [&'static [Proof]],
) -> Row {
    Row { double, provider, model: &[], env: &[], proves }
}

pub(super) static ROWS: &[Row] = &[
    Row {
        double: Double::Aimock,
        provider: "openai",
        model: &["base_url: '{base}/v1'", API_KEY, "model: gpt-4o-mini"],
        env: KEY,
        proves: &[BOTH, &[Schema, Tools, Image, Fault(ContentFilter)], FAULTS],
    },
    Row {
        double: Double::Aimock,
        provider: "openai",
        model: &["base_url: '{base}/v1'", API_KEY, "model: gpt-4o-mini", "flavour: responses"],
        env: KEY,
        // It looks for the form where chats have it.
        proves: &[BOTH, &[Tools], FAULTS],
    },
    Row {
        double: Double::Aimock,
        provider: "anthropic",
        model: &["base_url: '{base}'", API_KEY, "model: claude-haiku-4-5"],
        env: KEY,
        proves: &[BOTH, &[Tools, Reasoning], FAULTS],
    },
    Row {
        double: Double::Aimock,
        provider: "google",
        model: &["base_url: '{base}'", API_KEY, "model: gemini-2.5-flash"],
        env: KEY,
        proves: &[BOTH, &[Tools, Reasoning], FAULTS],
    },
    Row {
        double: Double::Aimock,
        provider: "vertex",
        model: VERTEX,
        env: &[("ACCOUNT", "{account}")],
        proves: &[BOTH, &[Tools, Reasoning], FAULTS],
    },
    Row {
        double: Double::GoogleAuth,
        provider: "vertex",
        model: VERTEX,
        env: &[("ACCOUNT", "{account}")],
        proves: &[BOTH, &[Credential]],
    },
    Row {
        double: Double::GoogleAuth,
        provider: "vertex",
        model: VERTEX,
        env: &[("ACCOUNT", "{forged}")],
        proves: &[&[Fault(Auth)]],
    },
    Row {
        double: Double::Aimock,
        provider: "azure",
        model: &["base_url: '{base}/openai/v1'", API_KEY, "model: dep"],
        env: KEY,
        proves: &[CHAT, &[Schema], FAULTS],
    },
    Row {
        double: Double::Aimock,
        provider: "azure",
        model: &[
            "base_url: '{base}'",
            API_KEY,
            "model: dep",
            "deployment: dep",
            "api_version: '2024-10-21'",
        ],
        env: KEY,
        proves: &[CHAT, &[Schema], FAULTS],
    },
    Row {
        double: Double::Aimock,
        provider: "bedrock",
        model: &["base_url: '{base}'", "model: 'us.anthropic.claude-x-v1:0'"],
        env: &[
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
            ("AWS_SESSION_TOKEN", "a-session-token"),
            ("AWS_REGION", "us-east-1"),
        ],
        proves: &[BOTH, &[Tools, Reasoning], FAULTS],
    },
    Row {
        double: Double::Aimock,
        provider: "bedrock",
        model: &["base_url: '{base}'", "model: x.y", "region: us-east-1"],
        env: &[("AWS_BEARER_TOKEN_BEDROCK", "a-bearer-token")],
        proves: &[BOTH],
    },
    Row {
        double: Double::Aimock,
        provider: "cohere",
        model: &["base_url: '{base}'", API_KEY, "model: command-a-03-2025"],
        env: KEY,
        proves: &[BOTH, &[Schema, Tools], FAULTS],
    },
    host("huggingface", &[CHAT, &[Schema], FAULTS]),
    host("mistral", &[CHAT, &[Schema], FAULTS]),
    Row {
        double: Double::Aimock,
        provider: "openrouter",
        model: &["base_url: '{base}/api/v1'", API_KEY, "model: author/model"],
        env: KEY,
        // The names of errors, which it has in place of codes, are not among aimock's.
        proves: &[BOTH, &[Schema, Tools, Image, Reasoning, Cache], FAULTS],
    },
    host("fireworks", &[CHAT, &[Schema], FAULTS]),
    host("together", &[CHAT, &[Schema], FAULTS]),
    host("groq", &[CHAT, &[Schema], FAULTS]),
    host("deepinfra", &[CHAT, &[Schema], FAULTS]),
    host("xai", &[CHAT, &[Schema], FAULTS]),
    host("perplexity", &[BOTH, &[Schema, Image, Reasoning, Fault(ContentFilter)], FAULTS]),
    host("baseten", &[CHAT, &[Schema], FAULTS]),
    host("minimax", &[TEXT, &[Schema], FAULTS]),
    host("moonshot", &[CHAT, &[Schema], FAULTS]),
    host("nebius", &[CHAT, &[Schema], FAULTS]),
    host("sambanova", &[CHAT, &[Schema], FAULTS]),
    host("deepseek", &[TEXT, FAULTS]),
    host("cerebras", &[TEXT, &[Schema], FAULTS]),
    host("openai-compatible", &[CHAT, &[Schema], FAULTS]),
    Row {
        double: Double::LiteLlm,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", API_KEY, "model: answers", PRICE],
        env: KEY,
        proves: &[BOTH, &[Cost]],
    },
    Row {
        double: Double::LiteLlm,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", API_KEY, "model: answers", "flavour: completion"],
        env: KEY,
        proves: &[BOTH],
    },
    Row {
        double: Double::LiteLlm,
        provider: "anthropic",
        model: &["base_url: '{base}'", API_KEY, "model: answers"],
        env: KEY,
        // As a stream, its mock answers whole.
        proves: &[&[Plain]],
    },
    Row {
        double: Double::LiteLlm,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", API_KEY, "model: limited"],
        env: KEY,
        proves: &[&[Fault(RateLimited)]],
    },
    Row {
        double: Double::LiteLlm,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", API_KEY, "model: overlong"],
        env: KEY,
        proves: &[&[Fault(ContextLength)]],
    },
    Row {
        double: Double::LiteLlm,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", API_KEY, "model: broken"],
        env: KEY,
        proves: &[&[Fault(Transient)]],
    },
    Row {
        double: Double::LiteLlm,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", API_KEY, "model: nobody"],
        env: KEY,
        proves: &[&[Fault(BadRequest)]],
    },
    Row {
        double: Double::Mlflow,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", "model: chat"],
        env: &[],
        proves: &[BOTH],
    },
    Row {
        double: Double::Mlflow,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", "model: chat"],
        env: &[],
        // As a stream, it says 200 and breaks off.
        proves: &[FAULTS],
    },
    Row {
        double: Double::Moto,
        provider: "bedrock",
        model: &["base_url: '{base}'", "model: 'us.anthropic.claude-x-v1:0'", "region: us-east-1"],
        env: PAIR,
        proves: &[SIGNED],
    },
    Row {
        double: Double::Moto,
        provider: "bedrock",
        model: &[
            "base_url: '{base}'",
            "model: 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.x-v1:0'",
            "region: us-east-1",
        ],
        env: SESSION,
        proves: &[SIGNED],
    },
    Row {
        double: Double::Moto,
        provider: "bedrock",
        model: &["base_url: '{base}'", "model: x.y", "region: us-east-1"],
        env: &[("AWS_ACCESS_KEY_ID", "{key}"), ("AWS_SECRET_ACCESS_KEY", "another-secret")],
        proves: &[&[Fault(Auth)]],
    },
    Row {
        double: Double::Moto,
        provider: "bedrock",
        model: &["base_url: '{base}'", "model: x.y", "region: us-east-1"],
        env: &[
            ("AWS_ACCESS_KEY_ID", "{session_key}"),
            ("AWS_SECRET_ACCESS_KEY", "{session_secret}"),
            ("AWS_SESSION_TOKEN", "another-token"),
        ],
        proves: &[&[Fault(Auth)]],
    },
    Row {
        double: Double::LlamaCpp,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", "model: tiny"],
        env: &[],
        proves: &[BOTH, &[Logprobs, Schema]],
    },
    // Streamed, it breaks off without a word instead.
    Row {
        double: Double::LlamaCpp,
        provider: "openai-compatible",
        model: &["base_url: '{base}/v1'", "model: tiny"],
        env: &[],
        proves: &[&[Fault(ContextLength)]],
    },
    oracle(Double::Botocore, "bedrock", &[&[Plain, Schema, Tools, Image, Reasoning]]),
    oracle(
        Double::OpenAiSdk,
        "openai",
        &[&[Plain, Stream, Schema, Tools, Image, Reasoning, Logprobs]],
    ),
    oracle(Double::AnthropicSdk, "anthropic", &[&[Plain, Stream, Schema, Tools, Image, Reasoning]]),
];

//! Embeddings over the client's own call, against a server that speaks three of the formats.

use std::sync::Arc;

use evals::{
    base::secret::Secret,
    client::Embedder,
    domain::{
        generation::{TextKind, Texts},
        limits::Limits,
        params::Params,
        target::{
            Capabilities, Credential, Endpoint, Flavour, HttpEndpoint, Settings, Target, Timeouts,
        },
    },
};
use serde_json::json;

use crate::support::Aimock;

const REGION: &str = "eu-west-1";

#[test]
fn vectors_in_three_wire_formats() {
    let vector = [0.1_f32, 0.2, 0.3, 0.4];
    let fixtures = json!({"fixtures": [{"match": {"endpoint": "embedding"}, "response": {"embedding": vector}}]});
    let Some(aimock) = Aimock::start(&fixtures) else { return };
    let root = aimock.base_url().replace("/v1", "");
    let cases = [
        ("openai-compatible", "text-embedding-3-small", aimock.base_url(), 2),
        // It has Google's method for one text only.
        ("google", "gemini-embedding-001", root.clone(), 1),
        ("cohere", "embed-v4.0", root, 2),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for (provider, model, base_url, most) in cases {
        let settings = Settings { region: Some(REGION.to_owned()), ..Settings::default() };
        let endpoint = HttpEndpoint {
            base_url,
            credential: Credential::Key(Secret::new("sk-canary-123456")),
            headers: Vec::new(),
            flavour: Flavour::Chat,
            stream: false,
            settings,
            credential_slug: None,
            insecure_http: false,
            header_digest: String::new(),
        };
        let target = Target {
            name: "vectors".to_owned(),
            provider,
            model: model.to_owned(),
            endpoint: Endpoint::Http(endpoint),
            params: Params::default(),
            price: None,
            capabilities: Capabilities::default(),
            max_output: None,
            timeouts: Timeouts::default(),
            fallback: Vec::new(),
            pool: Vec::new(),
            base_model: None,
            limits: Limits::default(),
        };
        for count in 1..=most {
            let texts = vec!["a text".to_owned(); count];
            let kind = Some(TextKind::Query);
            let asked = Texts { target: Arc::new(target.clone()), texts, kind };
            let made = runtime.block_on(Embedder::default().embed(&asked));
            let made = made.result.unwrap_or_else(|fault| panic!("{provider}: {fault}"));
            assert_eq!(made.vectors, vec![vector.to_vec(); count], "{provider}");
        }
    }
}

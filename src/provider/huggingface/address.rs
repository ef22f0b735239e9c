//! Where the router and rented endpoints are reached, from what people write as the base.

/// The router for chat.
pub(super) const ROUTER: &str = "https://router.huggingface.co/v1";

/// The part of the router that runs models for one task each.
const TASKS: &str = "https://router.huggingface.co/hf-inference/models";

/// The base for chat, which `/chat/completions` is appended to unless it is there.
pub(super) fn chat(base: &str) -> String {
    let (path, query) = split(base);
    let path = match path {
        whole if whole.ends_with("/chat/completions") || whole.ends_with("/v1") => whole.to_owned(),
        other => format!("{other}/v1"),
    };
    format!("{path}{query}")
}

/// The address of a text generation server, whichever of its paths is written behind it.
pub(super) fn native(base: &str) -> String {
    let (path, query) = split(base);
    let path = path.strip_suffix("/chat/completions").unwrap_or(path);
    format!("{}{query}", path.strip_suffix("/v1").unwrap_or(path))
}

/// The address that gives the vectors of `model`.
pub(super) fn vectors(base: &str, model: &str) -> String {
    if base.trim_end_matches('/') == ROUTER {
        return format!("{TASKS}/{model}/pipeline/feature-extraction");
    }
    native(base)
}

/// Whether nobody but Hugging Face itself answers at `base`.
pub(super) fn is_huggingface(base: &str) -> bool {
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    let host = host.split(['/', ':', '?']).next().unwrap_or_default();
    host.ends_with(".huggingface.co")
}

/// Whether `base` is the router, which speaks no format but that of chat.
pub(super) fn is_router(base: &str) -> bool {
    base.trim_end_matches('/') == ROUTER
}

fn split(base: &str) -> (&str, &str) {
    let (path, query) = base.split_at(base.find('?').unwrap_or(base.len()));
    (path.trim_end_matches('/'), query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_taken_as_people_write_them() {
        let host = "https://x.eu.aws.endpoints.huggingface.cloud";
        for (written, becomes) in [
            ("", "/v1"),
            ("/", "/v1"),
            ("/v1", "/v1"),
            ("/v1/", "/v1"),
            ("/v1/chat/completions", "/v1/chat/completions"),
            ("/models/a/b", "/models/a/b/v1"),
            ("/a?x=1", "/a/v1?x=1"),
        ] {
            assert_eq!(chat(&format!("{host}{written}")), format!("{host}{becomes}"), "{written}");
        }
        for written in ["", "/", "/v1", "/v1/chat/completions"] {
            assert_eq!(native(&format!("{host}{written}")), host, "{written}");
        }
        assert_eq!(native("http://h/generate"), "http://h/generate");
        assert_eq!(
            vectors(ROUTER, "org/model"),
            "https://router.huggingface.co/hf-inference/models/org/model/pipeline/feature-extraction"
        );
        assert_eq!(vectors(host, "m"), host);
        assert!(is_huggingface(ROUTER) && !is_huggingface("http://localhost/huggingface.co"));
    }
}

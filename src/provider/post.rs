//! What requests of several wire formats have in common: addresses, headers, further parameters,
//! images, and the sentences about what is not sent.

use std::{borrow::Cow, collections::BTreeMap};

use serde_json::{Map, Value};

use crate::{
    base::secret::Secret,
    domain::{
        fault::{Fault, FaultKind},
        params::Params,
        target::HttpEndpoint,
    },
    provider::HttpRequest,
};

/// The name under which configs written for `OpenAI` limit an answer.
pub(super) const OTHER_LIMIT: &str = "max_completion_tokens";

/// A request that no server is asked.
pub(super) fn bad(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, message)
}

/// The request that carries `body`; a header that the endpoint sets itself takes the place of ours.
pub(super) fn request(
    url: String,
    ours: Vec<(&'static str, Secret)>,
    endpoint: &HttpEndpoint,
    body: &Map<String, Value>,
) -> Result<HttpRequest, Fault> {
    let body = serde_json::to_vec(body)
        .map_err(|error| bad(format!("the request cannot be written as JSON: {error}")))?;
    let mut headers = vec![(Cow::Borrowed("content-type"), Secret::new("application/json"))];
    headers.extend(ours.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)));
    for (name, value) in &endpoint.headers {
        let name = name.to_ascii_lowercase();
        headers.retain(|(have, _)| *have != name);
        headers.push((Cow::Owned(name), value.clone()));
    }
    Ok(HttpRequest { url, headers, body })
}

/// `base` with `path` behind it, and with `query` beside the query that it may have.
pub(super) fn url(base: &str, path: &str, query: Option<&str>) -> String {
    let (base, own) = base.split_once('?').map_or((base, None), |(base, own)| (base, Some(own)));
    let mut url = format!("{}{path}", base.trim_end_matches('/'));
    for (mark, query) in ['?', '&'].into_iter().zip([own, query].into_iter().flatten()) {
        url.push(mark);
        url.push_str(query);
    }
    url
}

/// The longest answer, in tokens, under either of its names.
pub(super) fn limit(params: &Params) -> Option<u64> {
    params.extra.get(OTHER_LIMIT).and_then(Value::as_u64).or(params.max_tokens)
}

/// Adds the further parameters to `fields`, which must not hold them yet. `own` are the fields that
/// belong to every request.
pub(super) fn add_extra(
    fields: &mut Map<String, Value>,
    extra: &BTreeMap<String, Value>,
    own: &[&str],
) -> Result<(), Fault> {
    for (name, value) in extra.iter().filter(|(name, _)| *name != OTHER_LIMIT) {
        if own.contains(&name.as_str()) {
            return Err(bad(format!(
                "the parameter `{name}` is part of every request and cannot be set; remove it"
            )));
        }
        if fields.contains_key(name) {
            return Err(bad(format!("the parameter `{name}` is set twice; remove one of the two")));
        }
        fields.insert(name.clone(), value.clone());
    }
    Ok(())
}

/// The names of the parameters that are set, of `candidates`.
pub(super) fn set(candidates: &[(&'static str, bool)]) -> Vec<&'static str> {
    candidates.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect()
}

/// "`a` and `b` are not sent: why"; `None` without names.
pub(super) fn not_sent(names: &[&str], why: &str) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let (last, front) = names.split_last()?;
    Some(if front.is_empty() {
        format!("{last} is not sent: {why}")
    } else {
        format!("{} and {last} are not sent: {why}", front.join(", "))
    })
}

/// The media type and the base64 of an image inside a prompt; `None` for an image elsewhere.
pub(super) fn inline_image(url: &str) -> Result<Option<(&str, &str)>, Fault> {
    let Some(rest) = url.strip_prefix("data:") else { return Ok(None) };
    let (head, data) = rest.split_once(',').unwrap_or_default();
    match head.strip_suffix(";base64") {
        // Parameters such as a charset mean nothing for an image.
        Some(kind) => Ok(Some((kind.split(';').next().unwrap_or_default(), data))),
        None => Err(bad("an image in a prompt is a `data:` URL that is not in base64")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(url("https://h/", "/a", None), "https://h/a");
        assert_eq!(url("https://h?k=1", "/a", Some("alt=sse")), "https://h/a?k=1&alt=sse");
        assert_eq!(url("https://h", "/a", Some("alt=sse")), "https://h/a?alt=sse");
    }

    #[test]
    fn sentences() {
        assert_eq!(not_sent(&[], "x"), None);
        assert_eq!(not_sent(&["a"], "x").as_deref(), Some("`a` is not sent: x"));
        assert_eq!(
            not_sent(&["a", "b", "c"], "x").as_deref(),
            Some("`a`, `b` and `c` are not sent: x")
        );
    }

    #[test]
    fn images() {
        assert_eq!(inline_image("https://h/a.png"), Ok(None));
        assert_eq!(inline_image("data:image/png;base64,AA=="), Ok(Some(("image/png", "AA=="))));
        assert_eq!(inline_image("data:image/png;x=1;base64,"), Ok(Some(("image/png", ""))));
        assert!(inline_image("data:image/svg+xml,<svg>").is_err());
        assert!(inline_image("data:").is_err());
    }
}

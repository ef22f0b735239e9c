//! Log probabilities, in the forms that servers give them.

use serde_json::Value;

use crate::domain::generation::TokenLogprob;

/// The tokens in a choice's `logprobs`: a list of objects under `content`, as in chats, or parallel
/// arrays, as in text completions and at Together.
pub(super) fn read(logprobs: &Value) -> Vec<TokenLogprob> {
    match logprobs {
        Value::Object(fields) if fields.get("content").is_some_and(Value::is_array) => {
            objects(&logprobs["content"])
        }
        Value::Object(_) => arrays(logprobs),
        // The responses form has the list itself.
        list => objects(list),
    }
}

fn objects(list: &Value) -> Vec<TokenLogprob> {
    let entries = list.as_array().into_iter().flatten();
    let read = |entry: &Value| {
        let (token, logprob) = pair(entry)?;
        let mut top: Vec<(String, f64)> =
            entry["top_logprobs"].as_array().into_iter().flatten().filter_map(pair).collect();
        order(&mut top);
        Some(TokenLogprob { token, logprob, top })
    };
    entries.filter_map(read).collect()
}

/// A token and its logarithm. Tokens that are pieces of a character come with their bytes; some
/// servers write null for bytes, and some no text.
fn pair(entry: &Value) -> Option<(String, f64)> {
    let bytes = entry["bytes"].as_array().map(|bytes| {
        let bytes = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok());
        bytes.collect::<Vec<u8>>()
    });
    let token = match (entry["token"].as_str(), bytes) {
        (None, Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        (Some(_), Some(bytes)) if std::str::from_utf8(&bytes).is_err() => {
            String::from_utf8_lossy(&bytes).into_owned()
        }
        (token, _) => token?.to_owned(),
    };
    Some((token, entry["logprob"].as_f64()?))
}

fn arrays(logprobs: &Value) -> Vec<TokenLogprob> {
    let list = |name: &str| logprobs[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let tokens = list("tokens").iter().zip(list("token_logprobs")).enumerate();
    let read = |(place, (token, logprob)): (usize, (&Value, &Value))| {
        let mut top: Vec<(String, f64)> = match list("top_logprobs").get(place) {
            Some(Value::Object(likely)) => likely
                .iter()
                .filter_map(|(token, logprob)| Some((token.clone(), logprob.as_f64()?)))
                .collect(),
            Some(Value::Array(likely)) => likely.iter().filter_map(pair).collect(),
            _ => Vec::new(),
        };
        order(&mut top);
        // The first token of an echoed prompt has none.
        Some(TokenLogprob { token: token.as_str()?.to_owned(), logprob: logprob.as_f64()?, top })
    };
    tokens.filter_map(read).collect()
}

fn order(top: &mut [(String, f64)]) {
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn odd_forms_read_as_what_they_hold() {
        assert!(read(&Value::Null).is_empty());
        assert!(read(&json!({"content": null})).is_empty());
        assert!(read(&json!({"tokens": ["a"], "token_logprobs": [null]})).is_empty());
        assert!(read(&json!({"content": [{"token": "a"}, 7, {"logprob": -1}]})).is_empty());
        let found = read(&json!({"content": [
            {"token": "\\xe2", "bytes": [226], "logprob": -1, "top_logprobs": null},
            {"bytes": [104, 105], "logprob": -0.5,
             "top_logprobs": [{"token": "b", "logprob": -3}, {"token": "hi", "logprob": -0.5}]},
        ]}));
        assert_eq!(found[0].token, "\u{FFFD}");
        assert_eq!((found[1].token.as_str(), found[1].top[0].0.as_str()), ("hi", "hi"));
    }
}

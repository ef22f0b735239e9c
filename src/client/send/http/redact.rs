//! Masks secrets in what servers and models say.
//!
//! The secrets of the call are masked in every form that something on the way may have given them.
//! Messages of errors go through a second net, for keys that look like keys: those of a proxy, or
//! of whoever runs the server.

use std::ops::Range;

use base64::{
    Engine as _,
    engine::{
        GeneralPurpose,
        general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
    },
};
use url::form_urlencoded;

use crate::{
    base::{
        digest,
        secret::{Secret, carries_secret, key_marks},
    },
    domain::{
        fault::Fault,
        generation::Generation,
        target::{Credential, HttpEndpoint},
    },
};

const MASK: &str = "****";

/// Shorter keys are placeholders such as `x`, and masking them would only garble the message.
const SHORTEST_KEY: usize = 4;

/// Shorter header values are words such as `text/plain`'s kin rather than credentials.
const SHORTEST_HEADER: usize = 8;

/// Shorter fields of a form are words rather than credentials.
const SHORTEST_FIELD: usize = 64;

/// Shorter beginnings of a key are not taken for it: they are its vendor's mark.
const SHORTEST_PIECE: usize = 8;

/// The same for a key in base64 and in hexadecimal.
const SHORTEST_BASE64_PIECE: usize = 16;
const SHORTEST_HEX_PIECE: usize = 24;

/// Masks the secrets of one endpoint.
#[derive(Debug)]
pub(super) struct Redactor {
    secrets: Vec<Form>,
    /// Of these, those that nobody can take for words: keys, and headers that carry one.
    credentials: Vec<Form>,
}

/// A secret as it may be written.
#[derive(Debug)]
struct Form {
    text: Secret,
    /// Bytes of the shortest beginning that is taken for it, where a text was cut.
    piece: usize,
}

impl Redactor {
    /// The mask for the key and the headers of `endpoint`.
    pub(super) fn new(endpoint: &HttpEndpoint) -> Self {
        let long = |shortest: usize| move |text: &&str| text.len() >= shortest;
        let keys = match &endpoint.credential {
            // It is never sent, so nobody can repeat it; and as JSON it begins like any other.
            Credential::ServiceAccount(_) => Vec::new(),
            credential => credential.secrets(),
        };
        let keys = keys.into_iter().map(Secret::expose);
        let headers = endpoint.headers.iter().map(|(_, value)| bare(value));
        let telling = endpoint.headers.iter().filter(|(name, _)| carries_secret(name));
        let telling = telling.map(|(_, value)| bare(value)).filter(long(SHORTEST_HEADER));
        Self {
            credentials: forms(keys.clone().filter(long(SHORTEST_HEADER)).chain(telling)),
            secrets: forms(
                keys.filter(long(SHORTEST_KEY)).chain(headers.filter(long(SHORTEST_HEADER))),
            ),
        }
    }

    /// The same mask, with the token of one attempt.
    pub(super) fn knowing(&self, token: &Secret) -> Self {
        let with = |known: &[Form]| {
            let known = known.iter().map(|form| Form { text: form.text.clone(), ..*form });
            known.chain(forms(std::iter::once(token.expose()))).collect()
        };
        Self { secrets: with(&self.secrets), credentials: with(&self.credentials) }
    }

    /// Masks in an answer: a model, or what stands before it, may repeat the request. Whether there
    /// was anything to mask.
    pub(super) fn clean_answer(&self, generation: &mut Generation) -> bool {
        let calls = generation.tool_calls.iter_mut();
        let calls = calls.flat_map(|call| [&mut call.id, &mut call.name, &mut call.arguments]);
        let rest = [
            &mut generation.reasoning,
            &mut generation.raw_finish_reason,
            &mut generation.served_model,
            &mut generation.request_id,
        ];
        let rest = rest.into_iter().flatten();
        let mut masked = false;
        for text in std::iter::once(&mut generation.text).chain(rest).chain(calls) {
            for form in &self.credentials {
                if text.contains(form.text.expose()) {
                    *text = text.replace(form.text.expose(), MASK);
                    masked = true;
                }
            }
        }
        if masked {
            // Token by token they spell what was masked.
            generation.logprobs.clear();
        }
        masked
    }

    /// Masks in the message and the partial text. Whether there was anything to mask.
    pub(super) fn clean(&self, fault: &mut Fault) -> bool {
        let mut masked = false;
        for text in [Some(&mut fault.message), fault.partial.as_mut()].into_iter().flatten() {
            masked |= mask(text, &self.secrets);
        }
        mask_by_looks(&mut fault.message) || masked
    }

    /// `text`, masked.
    pub(super) fn cleaned(&self, mut text: String) -> String {
        mask(&mut text, &self.secrets);
        text
    }
}

/// Masks the long fields of a form that was sent.
pub(super) fn mask_form(fault: &mut Fault, form: &str) {
    let fields = form.split('&').filter_map(|field| field.split_once('='));
    for (_, value) in fields.filter(|(_, value)| value.len() >= SHORTEST_FIELD) {
        let form = Form { text: Secret::new(value), piece: SHORTEST_PIECE };
        mask(&mut fault.message, &[form]);
    }
}

fn bare(value: &Secret) -> &str {
    let value = value.expose();
    value.strip_prefix("Bearer ").unwrap_or(value)
}

/// All forms of all secrets, the longest first: one may be a part of another.
fn forms<'a>(secrets: impl Iterator<Item = &'a str>) -> Vec<Form> {
    let mut forms: Vec<Form> = secrets.flat_map(forms_of).collect();
    let by_length = |form: &Form| std::cmp::Reverse(form.text.expose().len());
    forms.sort_by(|a, b| {
        by_length(a).cmp(&by_length(b)).then_with(|| a.text.expose().cmp(b.text.expose()))
    });
    forms.dedup_by(|a, b| a.text == b.text);
    forms
}

/// As it is, in JSON, in a URL, and, where it is long enough to be told from words, in base64 and in
/// hexadecimal.
fn forms_of(secret: &str) -> Vec<Form> {
    let form = |text: String, piece| Form { text: Secret::new(text), piece };
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or_default();
    let url: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![
        form(secret.to_owned(), SHORTEST_PIECE),
        form(json.to_owned(), SHORTEST_PIECE),
        form(lower_escapes(&url), SHORTEST_PIECE),
        form(url, SHORTEST_PIECE),
    ];
    if secret.len() >= SHORTEST_HEADER {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            forms.push(form(engine.encode(secret), SHORTEST_BASE64_PIECE));
            let cores = (0..3).map(|lead| base64_core(engine, secret, lead));
            forms.extend(cores.map(|core| form(core, SHORTEST_BASE64_PIECE)));
        }
        let hex = digest::hex(secret.as_bytes());
        forms.push(form(hex.to_uppercase(), SHORTEST_HEX_PIECE));
        forms.push(form(hex, SHORTEST_HEX_PIECE));
    }
    // Nothing may become the empty text, which is everywhere.
    forms.retain(|form| form.text.expose().len() >= SHORTEST_KEY);
    forms
}

/// What stays of `secret` in base64 whatever stands around it, if `lead` bytes more than a multiple
/// of three stand before it: `user:key` is encoded as one.
fn base64_core(engine: &GeneralPurpose, secret: &str, lead: usize) -> String {
    let bytes = [&[0; 3][..lead], secret.as_bytes()].concat();
    let encoded = engine.encode(&bytes);
    let skip = [0, 2, 3][lead];
    let end = encoded.len() - usize::from(!bytes.len().is_multiple_of(3));
    encoded.get(skip..end).unwrap_or_default().to_owned()
}

/// `%2F` as `%2f`.
fn lower_escapes(url: &str) -> String {
    let mut left = 0_u8;
    let lowered = url.chars().map(|c| {
        if c == '%' {
            left = 2;
            c
        } else if left > 0 {
            left -= 1;
            c.to_ascii_lowercase()
        } else {
            c
        }
    });
    lowered.collect()
}

/// Masks all `forms`, also where only the beginning of one is left because the text was cut. Forms
/// begin alike, so the places of all are known before one is masked. Whether there were any.
fn mask(text: &mut String, forms: &[Form]) -> bool {
    let mut spans: Vec<Range<usize>> = forms.iter().flat_map(|form| spans(text, form)).collect();
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    let masked = !merged.is_empty();
    for span in merged.into_iter().rev() {
        text.replace_range(span, MASK);
    }
    masked
}

/// Where `form`, or the beginning of it, stands in `text`.
fn spans(text: &str, form: &Form) -> Vec<Range<usize>> {
    let whole = form.text.expose();
    let head = whole.get(..form.piece).unwrap_or(whole);
    let starts = text.match_indices(head).map(|(start, _)| start);
    let length = |start: usize| {
        let same = text[start..].chars().zip(whole.chars()).take_while(|(a, b)| a == b);
        same.map(|(a, _)| a.len_utf8()).sum::<usize>()
    };
    starts.map(|start| start..start + length(start)).collect()
}

/// Masks what looks like a key, whosever it is. Whether anything did.
fn mask_by_looks(text: &mut String) -> bool {
    let Some(pattern) = key_marks() else { return false };
    let found = pattern.is_match(text);
    if found {
        *text = pattern.replace_all(text, "${mark}${aws}${bearer}****").into_owned();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        fault::FaultKind,
        generation::TokenLogprob,
        target::{Credential, Flavour, Settings},
    };

    fn endpoint(key: &str) -> HttpEndpoint {
        HttpEndpoint {
            base_url: "https://api.example.com/v1".to_owned(),
            credential: Credential::Key(Secret::new(key)),
            credential_slug: None,
            headers: Vec::new(),
            flavour: Flavour::Chat,
            stream: false,
            settings: Settings::default(),
            insecure_http: false,
            header_digest: 0,
        }
    }

    fn cleaned(key: &str, message: &str) -> String {
        let mut fault = Fault::new(FaultKind::Auth, message);
        Redactor::new(&endpoint(key)).clean(&mut fault);
        fault.message
    }

    #[test]
    fn whole_and_cut_secrets_are_masked() {
        let masked = |text: &str, secret: &str| {
            let mut text = text.to_owned();
            let form = Form { text: Secret::new(secret), piece: SHORTEST_PIECE };
            mask(&mut text, &[form]);
            text
        };
        assert_eq!(masked("a sk-12345678 b sk-123456", "sk-12345678"), "a **** b ****");
        assert_eq!(masked("sk-123 stays", "sk-12345678"), "sk-123 stays");
        assert_eq!(masked("key1key1", "key1"), "********");
        assert_eq!(masked("żółćż żółć", "żółćż"), "**** ****");
    }

    /// Attacks 15 to 17: an error repeats the key, in whatever form.
    #[test]
    fn every_form_of_a_key_is_masked() {
        use base64::engine::general_purpose::{STANDARD, URL_SAFE};
        let key = "kY~CANARY/9?>+\"q\\7Zw=x";
        let bytes = key.as_bytes();
        let hex = digest::hex(bytes);
        let url = "kY%7ECANARY%2F9%3F%3E%2B%22q%5C7Zw%3Dx";
        let forms = [
            key.to_owned(),
            "kY~CANARY/9?>+\\\"q\\\\7Zw=x".to_owned(),
            url.to_owned(),
            url.to_lowercase().replace("ky%7ecanary", "kY%7eCANARY").replace("c7zw", "c7Zw"),
            STANDARD.encode(key),
            STANDARD_NO_PAD.encode(key),
            URL_SAFE.encode(key),
            URL_SAFE_NO_PAD.encode(key),
            hex.to_uppercase(),
            hex,
        ];
        for form in &forms {
            let said = cleaned(key, &format!("wrong key <{form}> given"));
            let inside = said.split(['<', '>']).nth(1).expect("in brackets").replace('=', "");
            assert_eq!(inside, MASK, "{form}: {said}");
        }
        for user in ["", "u", "us", "use"] {
            let encoded = STANDARD.encode(format!("{user}:{key}:rest"));
            let said = cleaned(key, &encoded);
            assert!(said.contains(MASK), "{said}");
            let core = base64_core(&STANDARD_NO_PAD, key, (user.len() + 1) % 3);
            assert!(encoded.contains(&core) && !said.contains(&core[4..12]), "{said}");
        }
    }

    #[test]
    fn errors_are_searched_for_keys_of_others_and_answers_are_not() {
        let other = "0123456789abcdefghij";
        for (text, expected) in [
            (format!("bad sk-{other}, sorry"), "bad sk-****, sorry"),
            (format!("bad sk-ant-api03-{other}"), "bad sk-ant-****"),
            (format!("?key=AIza{other}&x=1"), "?key=AIza****&x=1"),
            (format!("hf_{other} gsk_{other} fw_{other}"), "hf_**** gsk_**** fw_****"),
            ("AKIAIOSFODNN7EXAMPLE".to_owned(), "AKIA****"),
            (format!("authorization: Bearer {other}"), "authorization: Bearer ****"),
            (format!("bearer {other}=="), "bearer ****"),
            ("the bearer of bad news".to_owned(), "the bearer of bad news"),
            (format!("task-{other} risk-{other}"), &*format!("task-{other} risk-{other}")),
            ("sk-short".to_owned(), "sk-short"),
        ] {
            assert_eq!(cleaned("unrelated-key", &text), expected);
        }
        let text = format!("an example key is sk-{other}; yours is unrelated-key");
        let mut generation = Generation { text, ..Generation::default() };
        Redactor::new(&endpoint("unrelated-key")).clean_answer(&mut generation);
        assert_eq!(generation.text, format!("an example key is sk-{other}; yours is ****"));
    }

    #[test]
    fn every_part_of_an_answer_is_searched() {
        let said = || Some("of unrelated-key".to_owned());
        let token =
            |token: &str| TokenLogprob { token: token.to_owned(), logprob: -1.0, top: Vec::new() };
        let mut generation = Generation {
            text: "Paris".to_owned(),
            reasoning: said(),
            raw_finish_reason: said(),
            served_model: said(),
            request_id: said(),
            logprobs: vec![token("unrelated"), token("-key")],
            ..Generation::default()
        };
        let clean = Generation { logprobs: vec![token("Paris")], ..Generation::default() };
        Redactor::new(&endpoint("unrelated-key")).clean_answer(&mut generation);
        let masked = || Some("of ****".to_owned());
        let expected = Generation {
            text: "Paris".to_owned(),
            reasoning: masked(),
            raw_finish_reason: masked(),
            served_model: masked(),
            request_id: masked(),
            ..Generation::default()
        };
        assert_eq!(generation, expected);
        let mut same = clean.clone();
        Redactor::new(&endpoint("unrelated-key")).clean_answer(&mut same);
        assert_eq!(same, clean);
    }

    #[test]
    fn placeholders_garble_nothing() {
        assert_eq!(cleaned("x", "an example"), "an example");
        assert_eq!(cleaned("\"\"\"\"", "an \"example\""), "an \"example\"");
    }
}

//! From the errors of the network to faults, without keys and without queries.

use std::{error::Error, io, time::Duration};

use reqwest::Url;

use super::address::{self, Refusal};
use crate::{
    base::secret::Secret,
    domain::{
        fault::{Fault, FaultKind},
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

/// The fault that a failed request or a broken body is.
pub(super) fn fault(error: &reqwest::Error, url: &Url, connect: Duration) -> Fault {
    let origin = origin(url);
    if let Some(refusal) = find::<Refusal>(error) {
        return Fault::new(FaultKind::BadRequest, refusal.to_string());
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_fault(tls, &origin);
    }
    if error.is_timeout() {
        let seconds = connect.as_secs_f64();
        let message = format!("no connection to `{origin}` within {seconds} s");
        return Fault::new(FaultKind::Timeout, message);
    }
    let cause = deepest(error);
    if error.is_dns() {
        let host = url.host_str().unwrap_or_default();
        let passing = cause.contains("Temporary failure") || cause.contains("Try again");
        let kind = if passing { FaultKind::Transient } else { FaultKind::Dns };
        return Fault::new(kind, format!("the host `{host}` has no address ({cause})"));
    }
    if find::<io::Error>(error).is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
        let here = address::is_this_machine(url);
        let hint = if here { "; is the server running?" } else { "" };
        return Fault::new(
            FaultKind::Transient,
            format!("`{origin}` refused the connection{hint}"),
        );
    }
    if error.is_decode() && !came_from_connection(error) {
        let message = format!("the reply of `{origin}` cannot be decompressed ({cause})");
        return Fault::new(FaultKind::Protocol, message);
    }
    Fault::new(FaultKind::Transient, format!("the connection to `{origin}` broke ({cause})"))
}

fn tls_fault(error: &rustls::Error, origin: &str) -> Fault {
    let (what, hint) = match error {
        rustls::Error::InvalidCertificate(_) => (
            "is not trusted",
            "; if you run this server, set `SSL_CERT_FILE` to its authority's certificate",
        ),
        rustls::Error::InvalidMessage(_) => ("does not speak TLS", "; is its address `http://`?"),
        _ => ("made no TLS connection", ""),
    };
    Fault::new(FaultKind::Tls, format!("`{origin}` {what} ({error}){hint}"))
}

/// The fault of a reply that points elsewhere, naming where.
pub(super) fn redirect(status: u16, location: Option<&str>, url: &Url) -> Fault {
    let to = location.and_then(|location| url.join(location).ok()).map(|to| origin(&to));
    let to = to.map_or_else(String::new, |to| format!(" to `{to}`"));
    let message = format!(
        "`{}` redirects{to} (status {status}); redirects are not followed, set the base URL itself",
        origin(url)
    );
    Fault { status: Some(status), ..Fault::new(FaultKind::RedirectRefused, message) }
}

/// Scheme, host and port: the part of an address that holds no secret.
fn origin(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The words of the innermost cause.
pub(super) fn deepest(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "no cause given".to_owned(), ToString::to_string)
}

/// hyper wraps what goes wrong on the wire in an error of its own, which is not public; an error
/// of decompression comes without it.
fn came_from_connection(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.to_string().starts_with("error reading a body"))
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| below(*cause))
}

/// An I/O error hides what it wraps: its source is the source of that.
fn below<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => cause.source(),
    }
}

fn find<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Masks the secrets of one endpoint in what servers say.
#[derive(Debug)]
pub(super) struct Redactor<'a> {
    secrets: Vec<&'a str>,
    /// Of these, those that nobody can take for words: keys, and headers that carry one.
    credentials: Vec<&'a str>,
}

impl<'a> Redactor<'a> {
    /// The mask for the key and the headers of `endpoint`.
    pub(super) fn new(endpoint: &'a HttpEndpoint) -> Self {
        let long = |shortest: usize| move |text: &&str| text.len() >= shortest;
        let bare = |value: &'a Secret| {
            let value = value.expose();
            value.strip_prefix("Bearer ").unwrap_or(value)
        };
        let key = match &endpoint.credential {
            // It is never sent, so nobody can repeat it; and as JSON it begins like any other.
            Credential::ServiceAccount(_) => Vec::new(),
            credential => credential.secrets(),
        };
        let key = key.into_iter().map(Secret::expose);
        let headers = endpoint.headers.iter().map(|(_, value)| bare(value));
        let telling = endpoint.headers.iter().filter(|(name, _)| {
            let name = name.to_lowercase();
            ["auth", "key", "token", "secret", "cookie"].iter().any(|part| name.contains(part))
        });
        let telling = telling.map(|(_, value)| bare(value)).filter(long(SHORTEST_HEADER));
        Self {
            credentials: key.clone().filter(long(SHORTEST_HEADER)).chain(telling).collect(),
            secrets: key
                .filter(long(SHORTEST_KEY))
                .chain(headers.filter(long(SHORTEST_HEADER)))
                .collect(),
        }
    }

    /// The same mask, with the token of one attempt.
    pub(super) fn knowing<'b>(&self, token: Option<&'b Secret>) -> Redactor<'b>
    where
        'a: 'b,
    {
        let token = token.map(Secret::expose).filter(|token| token.len() >= SHORTEST_KEY);
        let with = |known: &[&'a str]| known.iter().copied().chain(token).collect();
        Redactor { secrets: with(&self.secrets), credentials: with(&self.credentials) }
    }

    /// Masks in an answer: a model, or what stands before it, may repeat the request.
    pub(super) fn clean_answer(&self, generation: &mut Generation) {
        let reasoning = generation.reasoning.iter_mut();
        let arguments = generation.tool_calls.iter_mut().map(|call| &mut call.arguments);
        for text in std::iter::once(&mut generation.text).chain(reasoning).chain(arguments) {
            for secret in &self.credentials {
                if text.contains(secret) {
                    *text = text.replace(secret, MASK);
                }
            }
        }
    }

    /// Masks in the message and the partial text.
    pub(super) fn clean(&self, fault: &mut Fault) {
        for text in [Some(&mut fault.message), fault.partial.as_mut()].into_iter().flatten() {
            self.secrets.iter().for_each(|secret| mask(text, secret));
        }
    }

    /// `text`, masked.
    pub(super) fn cleaned(&self, mut text: String) -> String {
        self.secrets.iter().for_each(|secret| mask(&mut text, secret));
        text
    }
}

/// Masks the long fields of a form that was sent.
pub(super) fn mask_form(fault: &mut Fault, form: &str) {
    let fields = form.split('&').filter_map(|field| field.split_once('='));
    for (_, value) in fields.filter(|(_, value)| value.len() >= SHORTEST_FIELD) {
        mask(&mut fault.message, value);
    }
}

/// Masks `secret`, also where only its beginning is left because the text was cut.
fn mask(text: &mut String, secret: &str) {
    let head = secret.get(..SHORTEST_PIECE).unwrap_or(secret);
    let mut from = 0;
    while let Some(found) = text[from..].find(head) {
        let start = from + found;
        let same = text[start..].chars().zip(secret.chars()).take_while(|(a, b)| a == b);
        let length: usize = same.map(|(a, _)| a.len_utf8()).sum();
        text.replace_range(start..start + length, MASK);
        from = start + MASK.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_cut_secrets_are_masked() {
        let masked = |text: &str, secret: &str| {
            let mut text = text.to_owned();
            mask(&mut text, secret);
            text
        };
        assert_eq!(masked("a sk-12345678 b sk-123456", "sk-12345678"), "a **** b ****");
        assert_eq!(masked("sk-123 stays", "sk-12345678"), "sk-123 stays");
        assert_eq!(masked("key1key1", "key1"), "********");
        assert_eq!(masked("żółćż żółć", "żółćż"), "**** ****");
    }
}

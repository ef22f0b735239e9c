//! From the errors of the network to faults, without keys and without queries.

use std::{error::Error, io, time::Duration};

use reqwest::Url;

use super::address::{self, Refusal};
use crate::domain::fault::{Fault, FaultKind};

/// How the resolvers of glibc, musl, macOS and Windows say that there is no such name. Whatever else
/// they say, that nobody answered or that there is no address, may pass.
const NO_SUCH_NAME: [&str; 4] =
    ["Name or service not known", "Name does not resolve", "nodename nor servname", "No such host"];

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
        let unknown = NO_SUCH_NAME.iter().any(|words| cause.contains(words));
        let kind = if unknown { FaultKind::Dns } else { FaultKind::Transient };
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
    if cause.contains("message head is too large") {
        let message = format!("the headers of the reply of `{origin}` are too large");
        return Fault::new(FaultKind::TooLarge, message);
    }
    Fault::new(FaultKind::Transient, format!("the connection to `{origin}` broke ({cause})"))
}

fn tls_fault(error: &rustls::Error, origin: &str) -> Fault {
    use rustls::CertificateError as E;

    let (what, hint) = match error {
        rustls::Error::InvalidCertificate(
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. },
        ) => ("has a certificate that is not valid today", "; is the clock of this machine right?"),
        rustls::Error::InvalidCertificate(
            E::NotValidForName | E::NotValidForNameContext { .. },
        ) => ("has a certificate for another name", ""),
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
pub(super) fn origin(url: &Url) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The words of the innermost cause.
pub(super) fn deepest(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "no cause given".to_owned(), ToString::to_string)
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

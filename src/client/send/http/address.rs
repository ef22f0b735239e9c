//! Where a request may go, and how it gets there.
//!
//! Addresses of metadata services, of the local link and of nobody in particular are refused,
//! always: an endpoint that points there wants the machine's own credentials, or is a mistake. A key
//! goes in clear only to this machine, or to a private network when the model's entry says so. Names
//! are judged by what they resolve to, on every new connection, and an address by every other one
//! that it stands for.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::domain::fault::{Fault, FaultKind};

/// The names of metadata services.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

/// What a connection needs; targets that need the same share a pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    /// Whether the connection is encrypted.
    pub(super) tls: bool,
    /// Whether the proxies of the environment are passed by: for this machine, and for keys that
    /// travel in clear.
    pub(super) direct: bool,
    /// Which addresses a name may turn out to have.
    pub(super) reach: Reach,
    /// How long connecting may take.
    pub(super) connect: Duration,
}

/// How far a connection may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anywhere: it is encrypted, or carries no key.
    Anywhere,
    /// To this machine and private networks: a key travels in clear, and the user wants that.
    Private,
    /// To this machine: a key travels in clear.
    Here,
}

/// What a request carries, and what its model's entry allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carries {
    /// Whether there is a key in it.
    pub(super) secret: bool,
    /// Whether a key may travel in clear to a private address.
    pub(super) insecure_http: bool,
}

/// Why an address is not connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// A metadata service or the local link.
    #[error("`{host}` is the metadata or link-local address {address}, which is never called")]
    Forbidden {
        /// The host as written.
        host: String,
        /// What it resolves to.
        address: IpAddr,
    },
    /// An address that is of no machine, or of many.
    #[error("`{host}` is {address}, which is no machine's address; {hint}")]
    Nobody {
        /// The host as written.
        host: String,
        /// What it resolves to.
        address: IpAddr,
        /// What may have been meant.
        hint: &'static str,
    },
    /// A key would cross the open network in clear.
    #[error(
        "`http://{host}` is public ({address}) and the key would travel in clear; use `https://`"
    )]
    Clear {
        /// The host as written.
        host: String,
        /// What it resolves to.
        address: IpAddr,
    },
    /// A key would cross a private network in clear.
    #[error(
        "`http://{host}` is another machine ({address}) and the key would travel in clear; use \
         `https://`, or allow it with `insecure_http: true` on the model"
    )]
    ClearNearby {
        /// The host as written.
        host: String,
        /// What it resolves to.
        address: IpAddr,
    },
}

/// The address `text`, if it can be called at all.
pub(super) fn parse(text: &str) -> Result<Url, Fault> {
    let url = Url::parse(text).map_err(|error| {
        // The text is not shown: it may hold a key.
        bad(format!("the base URL is not an address ({error}); it looks like `https://host/v1`"))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme();
        return Err(bad(format!(
            "the base URL begins with `{scheme}:`; only `http://` and `https://` can be called"
        )));
    }
    let written = Written::of(text);
    if !url.username().is_empty() || url.password().is_some() || written.user {
        let host = url.host_str().unwrap_or_default();
        return Err(bad(format!(
            "the base URL holds a user name or password before `@{host}`; use `api_key` or `headers`"
        )));
    }
    let host = url.host_str().unwrap_or_default();
    // The reader of URLs turns all of these into something else, which may not be what was read.
    if written.host.contains('%') || !written.host.chars().all(|c| c.is_ascii_graphic()) {
        return Err(bad(format!(
            "the host of the base URL has characters that host names do not have; as ASCII it is \
             `{host}`"
        )));
    }
    if let Some(address) = literal(host)
        && !written.is(address)
    {
        let usual = if host.starts_with('[') { host.to_owned() } else { address.to_string() };
        return Err(bad(format!(
            "the host of the base URL is an unusual way to write `{usual}`; write that"
        )));
    }
    Ok(url)
}

/// The authority of an address as it was typed.
struct Written<'a> {
    user: bool,
    host: &'a str,
}

impl<'a> Written<'a> {
    fn of(text: &'a str) -> Self {
        let rest = text.trim().split_once(':').map_or("", |(_, rest)| rest);
        let rest = rest.trim_start_matches(['/', '\\']);
        let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
        let (user, host) =
            authority.rsplit_once('@').map_or((false, authority), |(_, h)| (true, h));
        let bracketed = host.find(']').map(|end| &host[..=end]);
        let host = bracketed.or_else(|| host.split(':').next()).unwrap_or_default();
        Self { user, host }
    }

    /// Whether the host is `address` in the notation that everybody reads alike.
    fn is(&self, address: IpAddr) -> bool {
        match self.host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // Any spelling of an IPv6 address means one address only.
            Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
            None => self.host == address.to_string(),
        }
    }
}

/// The route to `url` for a request that carries `carries`.
pub(super) fn route(url: &Url, carries: Carries, connect: Duration) -> Result<Route, Fault> {
    let host = url.host_str().unwrap_or_default();
    let tls = url.scheme() == "https";
    let clear = carries.secret && !tls;
    let reach = match (clear, carries.insecure_http) {
        (false, _) => Reach::Anywhere,
        (true, true) => Reach::Private,
        (true, false) => Reach::Here,
    };
    if let Some(address) = literal(host) {
        judge(host, address, reach).map_err(|refusal| bad(refusal.to_string()))?;
        return Ok(Route { tls, direct: clear || is_loopback(address), reach, connect });
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if METADATA_NAMES.contains(&name.as_str()) {
        return Err(bad(format!("`{host}` is a metadata service, which is never called")));
    }
    let here = is_localhost(&name);
    // Names of the local network are answered by it alone, and its addresses may be of any kind.
    let near = here || name.rsplit_once('.').is_some_and(|(_, last)| last == "local");
    let reach = if near { Reach::Anywhere } else { reach };
    Ok(Route { tls, direct: clear || here, reach, connect })
}

/// Whether `host` is this machine, for hints.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    literal(host).map_or_else(|| is_localhost(host), is_loopback)
}

/// Who knows the addresses of names.
pub(super) trait Names: std::fmt::Debug + Send + Sync {
    /// The addresses of `host`, asked for anew.
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// The machine's own resolver.
#[derive(Debug)]
pub(super) struct System;

impl Names for System {
    fn addresses<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Looks names up and refuses what they must not resolve to.
#[derive(Debug)]
pub(super) struct Resolver {
    /// As in [`Route`].
    pub(super) reach: Reach,
    /// Who is asked.
    pub(super) names: Arc<dyn Names>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, names) = (self.reach, Arc::clone(&self.names));
        Box::pin(async move {
            let host = name.as_str();
            if host.trim_end_matches('.').ends_with(".localhost") {
                // RFC 6761, 6.3: not every system resolver knows it.
                let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                let found = here.map(|address| SocketAddr::new(address, 0));
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let found = names.addresses(host).await?;
            if found.is_empty() {
                return Err(io::Error::other("the answer is empty").into());
            }
            Ok(Box::new(judged(host, found, reach)?.into_iter()) as Addrs)
        })
    }
}

/// `found`, if all of it may be connected to: one bad address among good ones spoils the name.
fn judged(host: &str, found: Vec<SocketAddr>, reach: Reach) -> Result<Vec<SocketAddr>, Refusal> {
    for address in &found {
        judge(host, address.ip(), reach)?;
    }
    Ok(found)
}

fn judge(host: &str, address: IpAddr, reach: Reach) -> Result<(), Refusal> {
    let host = || host.to_owned();
    // What is sent to an address may arrive at one that is packed into it.
    for address in std::iter::once(address.to_canonical()).chain(packed(address)) {
        if is_metadata(address) {
            return Err(Refusal::Forbidden { host: host(), address });
        }
        if let Some(hint) = nobody(address) {
            return Err(Refusal::Nobody { host: host(), address, hint });
        }
    }
    let address = address.to_canonical();
    match reach {
        Reach::Anywhere => Ok(()),
        _ if is_loopback(address) => Ok(()),
        _ if !is_private(address) => Err(Refusal::Clear { host: host(), address }),
        Reach::Private => Ok(()),
        Reach::Here => Err(Refusal::ClearNearby { host: host(), address }),
    }
}

/// The IPv4 address that gateways of transition techniques would send packets for `address` to.
fn packed(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(v6) = address else { return None };
    let pair = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match v6.segments() {
        // NAT64 (RFC 6052, and RFC 8215 for the local prefix), IPv4-compatible and IPv4-translated
        // (RFC 2765), 6to4 (RFC 3056).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => pair(high, low),
        [0x64, 0xff9b, 1, .., high, low] => pair(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => pair(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => pair(high, low),
        [0x2002, high, low, ..] => pair(high, low),
        // Teredo (RFC 4380) keeps the client's address inverted.
        [0x2001, 0, .., high, low] => pair(!high, !low),
        _ => None,
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    inner.parse().ok()
}

fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Services that hand out the machine's own credentials, and the local link, where they live.
fn is_metadata(address: IpAddr) -> bool {
    match address {
        // 100.100.100.200 is the metadata service of Alibaba Cloud.
        IpAddr::V4(v4) => v4.is_link_local() || v4 == Ipv4Addr::new(100, 100, 100, 200),
        // fd00:ec2::/32 holds the services of Amazon's machines.
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.segments().starts_with(&[0xfd00, 0x0ec2])
        }
    }
}

/// What to do instead, of an address that is not one machine's.
fn nobody(address: IpAddr) -> Option<&'static str> {
    let this = "servers that listen there are reached at `127.0.0.1` or `[::1]`";
    match address {
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some(this),
        IpAddr::V6(v6) if v6.is_unspecified() => Some(this),
        _ if address.is_multicast() => Some("it is a group of machines"),
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("it is every machine of the network"),
        _ => None,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        // 100.64.0.0/10 is shared address space (RFC 6598), which overlay networks use.
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, message)
}

#[cfg(test)]
mod tests;

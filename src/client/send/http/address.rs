//! Where a request may go, and how it gets there.
//!
//! Addresses of metadata services and of the local link are refused, always: an endpoint that
//! points there wants the machine's own credentials. A key goes in clear only to this machine or a
//! private network. Names are judged by what they resolve to, on every new connection.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

use crate::domain::fault::{Fault, FaultKind};

const METADATA_NAME: &str = "metadata.google.internal";

/// What a connection needs; targets that need the same share a pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    /// Whether the connection is encrypted.
    pub(super) tls: bool,
    /// Whether the proxies of the environment are passed by: for this machine, and for keys that
    /// travel in clear.
    pub(super) direct: bool,
    /// Whether only private addresses may be connected to.
    pub(super) private_only: bool,
    /// How long connecting may take.
    pub(super) connect: Duration,
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
    if !url.username().is_empty() || url.password().is_some() {
        let host = url.host_str().unwrap_or_default();
        return Err(bad(format!(
            "the base URL holds a user name or password before `@{host}`; use `api_key` or `headers`"
        )));
    }
    Ok(url)
}

/// The route to `url` for a request that does or does not carry a `secret`.
pub(super) fn route(url: &Url, secret: bool, connect: Duration) -> Result<Route, Fault> {
    let host = url.host_str().unwrap_or_default();
    let tls = url.scheme() == "https";
    let clear = secret && !tls;
    let refused = |refusal: Refusal| bad(refusal.to_string());
    if let Some(address) = literal(host) {
        judge(host, address, clear).map_err(refused)?;
        return Ok(Route { tls, direct: clear || is_here(address), private_only: false, connect });
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if name == METADATA_NAME {
        return Err(bad(format!("`{host}` is a metadata service, which is never called")));
    }
    let here = is_localhost(&name);
    let near = here || name.rsplit_once('.').is_some_and(|(_, last)| last == "local");
    Ok(Route { tls, direct: clear || here, private_only: clear && !near, connect })
}

/// Whether `host` is this machine, for hints.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    literal(host).map_or_else(|| is_localhost(host), is_here)
}

/// Looks names up and refuses what they must not resolve to.
#[derive(Debug)]
pub(super) struct Resolver {
    /// As in [`Route`].
    pub(super) private_only: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private_only = self.private_only;
        Box::pin(async move {
            let host = name.as_str();
            if host.ends_with(".localhost") {
                // RFC 6761, 6.3: not every system resolver knows it.
                let here = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
                let found = here.map(|address| SocketAddr::new(address, 0));
                return Ok(Box::new(found.into_iter()) as Addrs);
            }
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            for address in &found {
                judge(host, address.ip(), private_only)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn judge(host: &str, address: IpAddr, private_only: bool) -> Result<(), Refusal> {
    let address = address.to_canonical();
    if is_forbidden(address) {
        return Err(Refusal::Forbidden { host: host.to_owned(), address });
    }
    if private_only && !is_private(address) {
        return Err(Refusal::Clear { host: host.to_owned(), address });
    }
    Ok(())
}

fn literal(host: &str) -> Option<IpAddr> {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    inner.parse().ok().map(|address: IpAddr| address.to_canonical())
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Servers print `0.0.0.0` as where they listen, and connecting to it reaches this machine.
fn is_here(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

fn is_forbidden(address: IpAddr) -> bool {
    match address {
        // 100.100.100.200 is the metadata service of Alibaba Cloud.
        IpAddr::V4(v4) => v4.is_link_local() || v4 == Ipv4Addr::new(100, 100, 100, 200),
        // fd00:ec2::/32 holds the services of Amazon's machines.
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local() || v6.segments().starts_with(&[0xfd00, 0x0ec2])
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    let private = match address {
        // 100.64.0.0/10 is shared address space (RFC 6598), which overlay networks use.
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local(),
    };
    private || is_here(address)
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(url: &str, secret: bool) -> Result<Route, String> {
        let route = parse(url).and_then(|url| route(&url, secret, Duration::ZERO));
        route.map_err(|fault| fault.message)
    }

    #[test]
    fn metadata_and_link_local_are_refused_in_every_notation() {
        for url in [
            "http://169.254.169.254/latest",
            "https://169.254.0.1/",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://0251.0376.0251.0376/",
            "http://[fe80::1]/",
            "http://[febf::1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://metadata.google.internal/",
            "http://METADATA.google.internal./",
        ] {
            let refused = way(url, false).expect_err(url);
            assert!(refused.contains("never called"), "{url}: {refused}");
        }
    }

    #[test]
    fn keys_go_in_clear_to_private_networks_only() {
        for url in [
            "http://127.0.0.1:1/",
            "http://[::1]/",
            "http://0.0.0.0:8000/v1",
            "http://localhost/",
            "http://a.localhost/",
            "http://box.local/",
            "http://10.1.2.3/",
            "http://192.168.0.9/",
            "http://172.16.0.1/",
            "http://100.64.0.1/",
            "http://[fd12::1]/",
            "https://8.8.8.8/",
        ] {
            assert!(way(url, true).is_ok_and(|route| !route.private_only), "{url}");
        }
        assert!(way("http://8.8.8.8/", false).is_ok());
        assert!(way("http://8.8.8.8/", true).expect_err("clear").contains("https://"));
        assert!(way("http://[2606:4700::1111]/", true).is_err());
        assert!(way("http://vllm:8000/", true).is_ok_and(|route| route.private_only));
        assert!(way("http://vllm:8000/", false).is_ok_and(|route| !route.private_only));
    }

    #[test]
    fn addresses_that_cannot_be_called() {
        assert!(way("localhost:8000/v1", false).expect_err("scheme").contains("`localhost:`"));
        assert!(way("not an address", false).expect_err("relative").contains("https://host/v1"));
        let refused = way("https://user:hunter2@host/v1", false).expect_err("userinfo");
        assert!(refused.contains("api_key") && !refused.contains("hunter2"), "{refused}");
    }

    #[test]
    fn this_machine_is_reached_without_a_proxy() {
        assert!(way("http://localhost:1/", false).is_ok_and(|route| route.direct));
        assert!(way("http://127.1.2.3:1/", false).is_ok_and(|route| route.direct));
        assert!(way("https://example.org/", true).is_ok_and(|route| !route.direct));
        assert!(way("http://10.0.0.1/", true).is_ok_and(|route| route.direct));
    }
}

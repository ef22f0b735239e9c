//! A service account, and the token that it is exchanged for.

use std::{borrow::Cow, fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde_json::{Value, json};

use crate::{
    base::{secret::Secret, text},
    domain::fault::{Fault, FaultKind},
    provider::{HttpReply, HttpRequest, Token, classify},
};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The longest life that an assertion may have, in seconds.
const LIFETIME: i64 = 3_600;

/// What the file of a service account says.
#[derive(Clone)]
pub(super) struct Account {
    email: String,
    key: Secret,
    key_id: Option<String>,
    token_uri: String,
    /// The project that the account belongs to.
    pub(super) project: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("email", &self.email).finish_non_exhaustive()
    }
}

fn unusable(what: impl fmt::Display) -> Fault {
    Fault::new(FaultKind::Auth, format!("the service account cannot be used: {what}"))
}

impl Account {
    /// Reads the JSON of an account. Nothing that it holds is repeated in errors but its type.
    pub(super) fn read(json: &Secret) -> Result<Self, Fault> {
        let file: Value = serde_json::from_str(json.expose()).map_err(|error| {
            unusable(format!("its JSON ends or breaks at line {}", error.line()))
        })?;
        let field = |name: &str| {
            let text = file[name].as_str().map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        if let Some(kind) = field("type").filter(|kind| kind != "service_account") {
            let kind = text::one_line(&kind, 40);
            return Err(unusable(format!("it is of type `{kind}`, not `service_account`")));
        }
        let needed =
            |name: &str| field(name).ok_or_else(|| unusable(format!("its file has no `{name}`")));
        let token_uri = field("token_uri").unwrap_or_else(|| TOKEN_URI.to_owned());
        if !is_safe(&token_uri) {
            return Err(unusable("its `token_uri` must begin with `https://`"));
        }
        Ok(Self {
            email: needed("client_email")?,
            key: Secret::new(needed("private_key")?),
            key_id: field("private_key_id"),
            token_uri,
            project: field("project_id"),
        })
    }

    /// The request that exchanges the account for a token.
    pub(super) fn token_request(&self, now_ms: i64) -> Result<HttpRequest, Fault> {
        let assertion = self.assertion(now_ms.div_euclid(1_000))?;
        // Everything in an assertion may stand in a form as it is.
        let grant = GRANT.replace(':', "%3A");
        let body = format!("grant_type={grant}&assertion={assertion}");
        let kind = Secret::new("application/x-www-form-urlencoded");
        let headers = vec![(Cow::Borrowed("content-type"), kind)];
        Ok(HttpRequest { url: self.token_uri.clone(), headers, body: body.into_bytes() })
    }

    /// A JSON Web Token that says who asks, good for an hour from `now`, in seconds.
    fn assertion(&self, now: i64) -> Result<String, Fault> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(key_id) = &self.key_id {
            header["kid"] = json!(key_id);
        }
        // Whoever receives it cannot use it elsewhere: it is addressed to where it is sent.
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": now,
            "exp": now.saturating_add(LIFETIME),
        });
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(&claims));
        let pair = self.key_pair()?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| unusable("its `private_key` does not sign"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn key_pair(&self) -> Result<RsaKeyPair, Fault> {
        let der = PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes());
        let pair = match &der {
            Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
            _ => None,
        };
        pair.ok_or_else(|| unusable("its `private_key` is no RSA key in PEM"))
    }
}

/// Whether an assertion may be sent there: over TLS, or without leaving this machine.
fn is_safe(uri: &str) -> bool {
    let host = |rest: &str| {
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    if let Some(rest) = uri.strip_prefix("https://") {
        let host = host(rest);
        return !host.is_empty() && !host.contains('@');
    }
    let Some(rest) = uri.strip_prefix("http://") else { return false };
    let host = host(rest);
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let name = name.map_or(host.as_str(), |(name, _)| name);
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

/// The token in the reply to `token_request`.
pub(super) fn read_token(reply: &HttpReply<'_>) -> Result<Token, Fault> {
    let body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
    if !(200..300).contains(&reply.status) {
        return Err(refused(reply, &body));
    }
    let token = body["access_token"].as_str().filter(|token| {
        // What goes into a header.
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
    });
    // The reply is not shown: it may hold a token in another place.
    let token = token.ok_or_else(|| {
        let message = "the reply of the token endpoint has no `access_token`";
        Fault { status: Some(reply.status), ..Fault::new(FaultKind::Protocol, message) }
    })?;
    let seconds = body["expires_in"].as_u64().unwrap_or(LIFETIME.unsigned_abs());
    Ok(Token { value: Secret::new(token), lifetime: Duration::from_secs(seconds) })
}

/// The fault of an exchange that was refused, in Google's words.
fn refused(reply: &HttpReply<'_>, body: &Value) -> Fault {
    let Some(error) = body["error"].as_str() else { return super::super::google::fault(reply) };
    if reply.status == 429 || reply.status >= 500 {
        return classify::fault(reply);
    }
    let said = match body["error_description"].as_str() {
        Some(description) => format!("{error}: {description}"),
        None => error.to_owned(),
    };
    let said = text::one_line(&said, 500);
    let message = format!("the service account was not exchanged for a token: {said}");
    Fault { status: Some(reply.status), ..Fault::new(FaultKind::Auth, message) }
}

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
    provider::{HttpReply, HttpRequest, Token, classify, google, limits},
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

/// By how much the server's clock is ahead, where `reply` refuses an assertion for its time.
pub(super) fn clock_skew(reply: &HttpReply<'_>) -> Option<i64> {
    let body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
    let said = body["error_description"].as_str().unwrap_or_default().to_ascii_lowercase();
    let words = ["reasonable timeframe", "check your iat", "used too early", "token expired"];
    let timed = body["error"] == "invalid_grant" && words.iter().any(|words| said.contains(words));
    if timed { limits::skew(reply.headers, reply.now_ms) } else { None }
}

/// The fault of an exchange that was refused, in Google's words.
fn refused(reply: &HttpReply<'_>, body: &Value) -> Fault {
    let Some(error) = body["error"].as_str() else { return google::fault(reply) };
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

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    fn fixture(name: &str) -> Value {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/service-account");
        let text = fs::read_to_string(root.join(name)).expect("a fixture");
        serde_json::from_str(&text).expect("JSON")
    }

    fn read(json: &Value) -> Result<Account, Fault> {
        Account::read(&Secret::new(json.to_string()))
    }

    #[test]
    fn the_assertion_is_the_one_that_google_auth_signs() {
        let expected = fixture("assertion.json");
        let account = read(&fixture("account.json")).expect("an account");
        let now = expected["now_ms"].as_i64().expect("an instant");
        let request = account.token_request(now).expect("a request");
        assert_eq!(request.url, TOKEN_URI);
        let body = String::from_utf8(request.body).expect("a form");
        let assertion = body.split_once("&assertion=").expect("an assertion").1;
        assert_eq!(assertion, expected["assertion"]);
    }

    #[test]
    fn accounts_that_cannot_be_used() {
        let with = |name: &str, value: Value| {
            let mut account = fixture("account.json");
            account[name] = value;
            let refused = read(&account).and_then(|account| account.token_request(0));
            let fault = refused.expect_err("refused");
            assert_eq!(fault.kind, FaultKind::Auth);
            fault.message.replace("the service account cannot be used: ", "")
        };
        let other = "it is of type `authorized_user`, not `service_account`";
        assert_eq!(with("type", json!("authorized_user")), other);
        assert_eq!(with("client_email", Value::Null), "its file has no `client_email`");
        assert_eq!(with("private_key", json!(" ")), "its file has no `private_key`");
        let no_key = "its `private_key` is no RSA key in PEM";
        assert_eq!(with("private_key", json!("sk-canary")), no_key);
        let begun = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(with("private_key", json!(begun)), no_key);
        for uri in [
            "http://oauth2.googleapis.com/token",
            "http://127.0.0.1.evil.example/token",
            "http://localhost@evil.example/token",
            "http://evil.example\\@localhost/",
            "https://user@evil.example/token",
            "https:///token",
            "file:///etc/passwd",
            "token",
        ] {
            let refused = with("token_uri", json!(uri));
            assert_eq!(refused, "its `token_uri` must begin with `https://`", "{uri}");
        }
        let broken =
            Account::read(&Secret::new("{\"private_key\": \"sk-canary")).expect_err("broken");
        assert!(!broken.message.contains("canary"), "{}", broken.message);
    }

    #[test]
    fn assertions_go_over_tls_or_stay_here() {
        for uri in
            ["https://oauth2.googleapis.com/token", "http://127.0.0.1:80/t", "http://[::1]:9/t"]
        {
            assert!(is_safe(uri), "{uri}");
        }
    }

    #[test]
    fn replies_of_the_token_endpoint() {
        let read = |status: u16, body: &str| {
            let headers: &[(String, String)] = &[];
            let reply = HttpReply { status, headers: &headers, body: body.as_bytes(), now_ms: 0 };
            read_token(&reply).map_err(|fault| (fault.kind, fault.message))
        };
        let token =
            read(200, r#"{"access_token":"ya29.a","expires_in":3599,"token_type":"Bearer"}"#);
        let expected = Token { value: Secret::new("ya29.a"), lifetime: Duration::from_secs(3599) };
        assert_eq!(token, Ok(expected));
        let lifetime = read(200, r#"{"access_token":"a"}"#).map(|token| token.lifetime);
        assert_eq!(lifetime, Ok(Duration::from_hours(1)));
        let none = "the reply of the token endpoint has no `access_token`".to_owned();
        for body in [r#"{"id_token":"ya29.canary"}"#, r#"{"access_token":"a\nb"}"#, "ya29", ""] {
            assert_eq!(read(200, body), Err((FaultKind::Protocol, none.clone())), "{body}");
        }
        let early = r#"{"error":"invalid_grant","error_description":"Token used too early"}"#;
        let said = "the service account was not exchanged for a token: invalid_grant: \
                    Token used too early";
        assert_eq!(read(400, early), Err((FaultKind::Auth, said.to_owned())));
        assert_eq!(read(401, early), Err((FaultKind::Auth, said.to_owned())));
        let kind = |status, body| read(status, body).map_err(|(kind, _)| kind);
        assert_eq!(kind(503, "busy"), Err(FaultKind::Transient));
        assert_eq!(kind(503, r#"{"error":"backend_error"}"#), Err(FaultKind::Transient));
        assert_eq!(kind(429, r#"{"error":"rate_limited"}"#), Err(FaultKind::RateLimited));
    }
}

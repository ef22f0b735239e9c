//! Amazon Bedrock by its interface Converse, which is the same for the models of all vendors.
//!
//! Who asks is told by a key, or by a signature over the request. Streams are binary messages.
//! Vectors come by `InvokeModel`, whose form is that of the model's vendor.
//!
//! # Source
//!
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>, by way of
//! the service model in botocore 1.44.5.

mod decode;
mod embed;
mod encode;
mod family;
mod fault;
mod sign;
mod stream;

use crate::{
    domain::{
        contract::Call,
        fault::{Fault, FaultKind},
        generation::{Embeddings, Generation, Texts},
        target::{Credential, HttpEndpoint, Settings, Target},
    },
    provider::{
        Auth, Card, HttpReply, HttpRequest, Provider, Setting, Signing, StreamDecoder,
        frames::Framing,
    },
};

/// The name in signatures, which is not that of the host.
const SERVICE: &str = "bedrock";

/// Amazon Bedrock.
#[derive(Debug)]
pub(super) struct Bedrock;

impl Provider for Bedrock {
    fn card(&self) -> &'static Card {
        &Card {
            name: "bedrock",
            title: "Amazon Bedrock",
            base_url: None,
            auth: Auth::KeyOrAws,
            key_env: &["AWS_BEARER_TOKEN_BEDROCK"],
            settings: &[Setting::Region],
            docs: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
        }
    }

    fn base_url(&self, settings: &Settings) -> Result<String, String> {
        let region = region(settings)?;
        let china = if region.starts_with("cn-") { ".cn" } else { "" };
        Ok(format!("https://bedrock-runtime.{region}.amazonaws.com{china}"))
    }

    fn check(&self, target: &Target, endpoint: &HttpEndpoint) -> Result<(), Fault> {
        encode::check(target, endpoint)
    }

    fn notices(&self, target: &Target, _endpoint: &HttpEndpoint) -> Vec<String> {
        encode::notices(target)
    }

    fn encode(&self, call: &Call, endpoint: &HttpEndpoint) -> Result<HttpRequest, Fault> {
        encode::request(call, endpoint)
    }

    fn sign(
        &self,
        request: &mut HttpRequest,
        endpoint: &HttpEndpoint,
        with: Signing<'_>,
    ) -> Result<(), Fault> {
        let Credential::Aws { access_key_id, secret_access_key, session_token } =
            &endpoint.credential
        else {
            return Ok(());
        };
        // Whoever writes the header takes the proof into their own hands.
        if request.headers.iter().any(|(name, _)| name == "authorization") {
            return Ok(());
        }
        let region = region(&endpoint.settings)
            .map_err(|missing| Fault::new(FaultKind::BadRequest, missing))?;
        let signer = sign::Signer {
            access_key_id,
            secret_access_key,
            session_token: session_token.as_ref(),
            region,
            service: SERVICE,
        };
        signer.sign(request, with.now_ms)
    }

    fn decode(&self, reply: &HttpReply<'_>) -> Result<Generation, Fault> {
        decode::reply(reply)
    }

    fn framing(&self) -> Framing {
        Framing::AwsEventStream
    }

    fn stream(&self, head: &HttpReply<'_>) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(head))
    }

    fn classify(&self, reply: &HttpReply<'_>) -> Fault {
        fault::fault(reply)
    }

    fn clock_skew(&self, reply: &HttpReply<'_>) -> Option<i64> {
        fault::clock_skew(reply)
    }

    fn embeddings_at_once(&self, target: &Target) -> usize {
        embed::at_once(target)
    }

    fn encode_embeddings(
        &self,
        asked: &Texts,
        endpoint: &HttpEndpoint,
    ) -> Result<HttpRequest, Fault> {
        embed::request(asked, endpoint)
    }

    fn decode_embeddings(&self, reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
        embed::reply(reply)
    }
}

/// The region; it becomes part of a host name.
fn region(settings: &Settings) -> Result<&str, String> {
    let Some(region) = settings.region.as_deref().filter(|region| !region.is_empty()) else {
        return Err("`region` is needed, such as `us-east-1`; set it, or AWS_REGION".to_owned());
    };
    let is_plain = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_plain {
        return Err(format!(
            "`region` has letters, digits and `-`, unlike `{}`; it looks like `us-east-1`",
            crate::base::text::one_line(region, 40)
        ));
    }
    Ok(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_makes_the_address() {
        let url = |region: Option<&str>| {
            Bedrock.base_url(&Settings { region: region.map(str::to_owned), ..Settings::default() })
        };
        let usual = "https://bedrock-runtime.us-east-1.amazonaws.com";
        assert_eq!(url(Some("us-east-1")).as_deref(), Ok(usual));
        let china = "https://bedrock-runtime.cn-north-1.amazonaws.com.cn";
        assert_eq!(url(Some("cn-north-1")).as_deref(), Ok(china));
        let missing = url(None).expect_err("no region");
        assert!(missing.contains("`region`") && missing.contains("AWS_REGION"), "{missing}");
        assert!(url(Some("x.evil.example/")).is_err());
    }
}

//! A request is written once, and times begin when a connection takes it.

use std::{sync::OnceLock, time::Instant};

use super::*;
use crate::{
    base::clock,
    client::send::http::{Record, question::Question as _, redact::Redactor},
    domain::{
        contract::{Encoded, HttpRequest},
        generation::Generation,
    },
    provider,
};

fn endpoint(call: &Call) -> &HttpEndpoint {
    let Endpoint::Http(endpoint) = &call.target.endpoint else { panic!("{:?}", call.target) };
    endpoint
}

#[test]
fn a_request_that_was_written_goes_to_whom_it_was_written_for() {
    let call = call(target("http://127.0.0.1:9/v1", false));
    let provider = provider::find(call.target.provider).expect("a provider");
    let kept = HttpRequest { url: "kept".to_owned(), headers: Vec::new(), body: b"kept".to_vec() };
    let sent = |target: &Arc<Target>| {
        let encoded = Encoded { target: Arc::clone(target), request: kept.clone() };
        let call = Call { encoded: Some(Arc::new(encoded)), ..call.clone() };
        call.encode(provider, endpoint(&call))
    };
    assert_eq!(sent(&call.target), Ok(kept.clone()));
    let other = Arc::new(target("http://127.0.0.1:9/v1", false));
    assert_eq!(sent(&other), call.encode(provider, endpoint(&call)), "not what another was asked");
}

#[test]
fn a_latency_begins_when_a_connection_takes_the_request() {
    let call = call(target("http://127.0.0.1:9/v1", true));
    let started = clock::instant();
    let at = |ms| started + Duration::from_millis(ms);
    let times = |handed_over: Option<Instant>| {
        let record = Record {
            started_ms: 1_000,
            started,
            handed_over: Arc::new(handed_over.map_or_else(OnceLock::new, OnceLock::from)),
            arrived: at(9),
            first_output: Some(at(7)),
            ended: Some(at(9)),
            status: Some(200),
            request_id: None,
            limits: None,
            skew_ms: None,
        };
        let answer = Ok(Generation::default());
        let attempt = record.attempt(&call, &answer, &Redactor::new(endpoint(&call)));
        (attempt.started_ms, attempt.queued_us, attempt.ttft_us, attempt.latency_us)
    };
    assert_eq!(times(Some(at(5))), (1_005, 5_000, Some(2_000), 4_000));
    assert_eq!(times(None), (1_000, 0, Some(7_000), 9_000), "no connection took it");
}

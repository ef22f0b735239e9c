//! Simulated models answer alike every time, and as often right as they should.

use std::{collections::BTreeSet, sync::Arc};

use super::*;
use crate::{
    base::money::Money,
    domain::{
        limits::Limits,
        message::Role,
        params::Params,
        sample::{Sample, Vars},
        target::{Capabilities, Endpoint, Price, Target, Timeouts},
    },
};

const QUICK: SimProfile = SimProfile {
    accuracy: 0.7,
    latency: Duration::ZERO,
    jitter: 0.5,
    error_rate: 0.0,
    verbosity: 0,
    input_tokens: None,
    output_tokens: None,
    seed: 1,
    judge: None,
};

fn call(id: &str, expected: &[&str], max_tokens: Option<u64>) -> Call {
    let target = Target {
        name: "sim".to_owned(),
        provider: "sim",
        model: "sim".to_owned(),
        base_model: None,
        limits: Limits::default(),
        endpoint: Endpoint::Sim(QUICK),
        params: Params { max_tokens, ..Params::default() },
        price: Some(Price::new(Money::from_pico(10), Money::from_pico(100))),
        capabilities: Capabilities::default(),
        timeouts: Timeouts::default(),
        max_output: None,
        fallback: Vec::new(),
        pool: Vec::new(),
    };
    let sample = Sample {
        index: 0,
        id: id.to_owned(),
        input: None,
        expected: expected.iter().map(|text| (*text).to_owned()).collect(),
        vars: Vars::new(),
        metadata: Vars::new(),
        cluster: None,
        tags: Vec::new(),
    };
    Call {
        target: Arc::new(target),
        messages: Arc::new([Message::text(Role::User, "What is the capital of France, please?")]),
        sample: Arc::new(sample),
        prompt: 0,
        epoch: 0,
        requests: Call::MOST_REQUESTS,
        encoded: None,
    }
}

fn ask(call: &Call, profile: &SimProfile) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(send(call, profile))
}

fn text(call: &Call, profile: &SimProfile) -> String {
    ask(call, profile).result.expect("an answer").text
}

#[test]
fn the_same_trial_gives_the_same_reply() {
    let profile = SimProfile { latency: Duration::from_micros(20), error_rate: 0.3, ..QUICK };
    let mut seen = BTreeSet::new();
    for id in 0..40 {
        let call = call(&id.to_string(), &["Paris"], None);
        let (mut first, mut second) = (ask(&call, &profile), ask(&call, &profile));
        first.attempts[0].started_ms = 0;
        second.attempts[0].started_ms = 0;
        assert_eq!(first, second);
        seen.insert(first.attempts[0].latency_us);
    }
    assert!(seen.len() > 5, "latencies vary: {seen:?}");
}

#[test]
fn seeds_prompts_and_epochs_differ() {
    let asked = |seed, prompt, epoch| {
        let profile = SimProfile { accuracy: 0.5, seed, ..QUICK };
        let texts = (0..64).map(|id| {
            let call = call(&id.to_string(), &["Paris"], None);
            text(&Call { prompt, epoch, ..call }, &profile)
        });
        texts.collect::<Vec<_>>()
    };
    let all = [asked(1, 0, 0), asked(2, 0, 0), asked(1, 1, 0), asked(1, 0, 1)];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn accuracy_and_error_rate_are_met() {
    let profile = SimProfile { error_rate: 0.1, ..QUICK };
    let replies: Vec<Reply> =
        (0..4_000).map(|id| ask(&call(&id.to_string(), &["Paris"], None), &profile)).collect();
    let failed = replies.iter().filter(|reply| reply.result.is_err()).count();
    let right = |reply: &&Reply| reply.result.as_ref().is_ok_and(|made| made.text == "Paris");
    let right = replies.iter().filter(right).count();
    // Four standard deviations around 400 of 4,000 and 2,520 of 3,600.
    assert!((324..=476).contains(&failed), "{failed}");
    assert!((2_400..=2_640).contains(&right), "{right}");
    let fault = replies.iter().find_map(|reply| reply.result.as_ref().err()).expect("a fault");
    assert_eq!(fault.kind, FaultKind::Transient);
    assert!(fault.message.starts_with("simulated"));
}

#[test]
fn wrong_answers_are_never_accepted() {
    let never = SimProfile { accuracy: 0.0, verbosity: 9, ..QUICK };
    let always = SimProfile { accuracy: 1.0, ..never.clone() };
    let cases: &[&[&str]] = &[
        &["1"],
        &["0"],
        &["-3.50"],
        &["1,234"],
        &["$18"],
        &["1e308"],
        &["7", "17"],
        &["Yes"],
        &["FALSE"],
        &["A"],
        &["b", "c"],
        &["Paris", "paris, france"],
        &["the"],
        &["Unknown"],
        &["e"],
        &["Something else entirely", "Quux"],
        &["東京"],
        &[" 42 "],
        &["NaN"],
    ];
    for expected in cases {
        for id in 0..50 {
            let call = call(&id.to_string(), expected, None);
            let wrong = text(&call, &never);
            assert!(!wrong.is_empty());
            let last = wrong.rsplit("answer is ").next().expect("the answer").to_lowercase();
            for expected in *expected {
                let expected = expected.trim().to_lowercase();
                assert_ne!(last, expected);
                let alone = last.split(|c: char| !c.is_alphanumeric()).any(|word| word == expected);
                assert!(!alone, "{wrong} holds {expected}");
            }
            assert!(text(&call, &always).ends_with(&format!("The answer is {}", expected[0])));
        }
    }
    let numbers = text(&call("x", &["18"], None), &SimProfile { verbosity: 0, ..never });
    assert!(numbers.parse::<f64>().is_ok(), "a wrong number is a number: {numbers}");
}

#[test]
fn verbosity_counts_words_and_nothing_expected_takes_up_the_prompt() {
    let verbose = SimProfile { accuracy: 1.0, verbosity: 30, ..QUICK };
    let said = text(&call("1", &["Paris"], None), &verbose);
    assert_eq!(words(&said), 30 + 4);
    assert_eq!(
        text(&call("1", &["Paris"], None), &SimProfile { verbosity: 0, ..verbose }),
        "Paris"
    );
    assert!(text(&call("1", &[], None), &QUICK).contains("What is the capital of France"));
}

#[test]
fn tokens_are_counted_priced_and_limited() {
    let verbose = SimProfile { accuracy: 1.0, verbosity: 16, ..QUICK };
    let reply = ask(&call("1", &["Paris"], None), &verbose);
    let usage = reply.attempts[0].usage.expect("usage");
    assert_eq!((usage.input, usage.output), (10, 26));
    assert_eq!(reply.attempts[0].cost, Some(Money::from_pico(10 * 10 + 26 * 100)));

    let cut = ask(&call("1", &["Paris"], Some(13)), &verbose).result.expect("an answer");
    assert_eq!(cut.finish_reason, FinishReason::Length);
    assert_eq!((cut.usage.expect("usage").output, words(&cut.text)), (13, 10));

    let fixed = SimProfile { input_tokens: Some(5), output_tokens: Some(40), ..verbose };
    let made = ask(&call("1", &["Paris"], Some(0)), &fixed).result.expect("an answer");
    assert_eq!((made.text.as_str(), made.finish_reason), ("", FinishReason::Length));
    let usage = made.usage.expect("usage");
    assert_eq!((usage.input, usage.output), (5, 0));
}

#[test]
fn absurd_latencies_are_capped() {
    let wild = SimProfile { latency: Duration::from_secs(1), jitter: 1e6, ..QUICK };
    assert_eq!(latency(&wild, 3.0), LONGEST);
    assert_eq!(latency(&wild, -3.0), Duration::ZERO);
    assert_eq!(latency(&SimProfile { latency: Duration::ZERO, ..wild }, 3.0), Duration::ZERO);
}

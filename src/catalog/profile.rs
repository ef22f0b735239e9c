//! The built-in simulated models, `sim/NAME`.

use std::time::Duration;

use crate::domain::target::{SimJudge, SimProfile};

/// A named profile.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// What follows `sim/`.
    pub name: &'static str,
    /// What it stands for.
    pub summary: &'static str,
    accuracy: f64,
    latency_ms: u64,
    jitter: f64,
    error_rate: f64,
    verbosity: u32,
    judge: Option<SimJudge>,
}

/// Every built-in profile.
pub static PROFILES: &[Profile] = &[
    Profile {
        name: "good",
        summary: "right nine times in ten, not in a hurry",
        accuracy: 0.9,
        latency_ms: 60,
        jitter: 0.35,
        error_rate: 0.0,
        verbosity: 0,
        judge: None,
    },
    Profile {
        name: "fast",
        summary: "right three times in four, and quick",
        accuracy: 0.75,
        latency_ms: 15,
        jitter: 0.25,
        error_rate: 0.0,
        verbosity: 0,
        judge: None,
    },
    Profile {
        name: "weak",
        summary: "right half of the time",
        accuracy: 0.5,
        latency_ms: 25,
        jitter: 0.3,
        error_rate: 0.0,
        verbosity: 0,
        judge: None,
    },
    Profile {
        name: "verbose",
        summary: "right nine times in ten, in many words",
        accuracy: 0.9,
        latency_ms: 90,
        jitter: 0.4,
        error_rate: 0.0,
        verbosity: 25,
        judge: None,
    },
    Profile {
        name: "flaky",
        summary: "right nine times in ten, when it answers: one call in ten fails",
        accuracy: 0.9,
        latency_ms: 60,
        jitter: 0.6,
        error_rate: 0.1,
        verbosity: 0,
        judge: None,
    },
    Profile {
        name: "instant",
        summary: "always right, at once: for load tests",
        accuracy: 1.0,
        latency_ms: 0,
        jitter: 0.0,
        error_rate: 0.0,
        verbosity: 0,
        judge: None,
    },
    Profile {
        name: "judge",
        summary: "a judge that is right nineteen times in twenty and keeps to the marks around data",
        accuracy: 0.95,
        latency_ms: 80,
        jitter: 0.3,
        error_rate: 0.0,
        verbosity: 0,
        judge: Some(SimJudge::Careful),
    },
    Profile {
        name: "gullible",
        summary: "a judge that is always right, and obeys orders in what it judges",
        accuracy: 1.0,
        latency_ms: 0,
        jitter: 0.0,
        error_rate: 0.0,
        verbosity: 0,
        judge: Some(SimJudge::Gullible),
    },
];

impl Profile {
    /// The profile's parameters, with a seed of its own so that profiles differ in what they miss.
    pub fn parameters(&self) -> SimProfile {
        SimProfile {
            accuracy: self.accuracy,
            latency: Duration::from_millis(self.latency_ms),
            jitter: self.jitter,
            error_rate: self.error_rate,
            verbosity: self.verbosity,
            input_tokens: None,
            output_tokens: None,
            judge: self.judge,
            seed: crate::base::digest::sha256_u64(self.name.as_bytes()),
        }
    }
}

/// The profile called `name`.
pub fn find(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

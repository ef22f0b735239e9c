//! Vectors of a simulated model: what words a text has, and what these are made of.
//!
//! Texts that share words, or words of the same stem, are near each other; what they mean is not
//! known. Each word and each three letters of it count up a place that their digest says.

use std::time::Duration;

use super::{draws::Draws, latency, tokens, words};
use crate::{
    base::{clock, digest},
    domain::{
        fault::{Fault, FaultKind},
        generation::{Embeddings, Texts, Usage},
        target::SimProfile,
        trial::Attempt,
    },
};

/// Numbers of a vector.
const SIZE: usize = 256;

/// How much a word counts beside one of its parts.
const WORD: f32 = 2.0;

/// Makes the vectors of `asked` in one attempt.
pub(in crate::client) async fn embed(
    asked: &Texts,
    profile: &SimProfile,
) -> (Result<Embeddings, Fault>, Attempt) {
    let mut draws = Draws::new(profile.seed, &asked.texts.concat(), 0, 0);
    let fails = draws.share() < profile.error_rate;
    let latency = latency(profile, draws.normal());
    let started_ms = clock::now_ms();
    if latency > Duration::ZERO {
        tokio::time::sleep(latency).await;
    }
    let usage = Usage {
        input: asked.texts.iter().map(|text| tokens(words(text))).sum(),
        ..Usage::default()
    };
    let result = if fails {
        Err(Fault::new(FaultKind::Transient, "simulated failure"))
    } else {
        let vectors = asked.texts.iter().map(|text| vector(text)).collect();
        Ok(Embeddings { vectors, usage: Some(usage), ..Embeddings::default() })
    };
    let attempt = Attempt {
        started_ms,
        latency_us: latency.as_micros() as u64,
        fault: result.as_ref().err().cloned(),
        usage: result.as_ref().ok().and_then(|made| made.usage),
        cost: asked.target.price.as_ref().filter(|_| !fails).map(|price| price.cost(&usage)),
        ..Attempt::default()
    };
    (result, attempt)
}

/// The vector of `text`, of length 1.
fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; SIZE];
    let mut count = |part: &str, weight: f32| {
        let place = digest::sha256_u64(part.as_bytes()) as usize % SIZE;
        vector[place] += weight;
    };
    // A text without words is near other such texts only.
    count("", 0.01);
    let text = text.to_lowercase();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        count(word, WORD);
        let letters: Vec<char> = format!("^{word}$").chars().collect();
        for part in letters.windows(3) {
            count(&part.iter().collect::<String>(), 1.0);
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    for number in &mut vector {
        *number /= length;
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_share_words_are_near_each_other() {
        let near =
            |a: &str, b: &str| -> f32 { vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum() };
        assert!((near("The capital is Paris.", "the CAPITAL is paris") - 1.0).abs() < 1e-5);
        let (same, other) = (near("Paris", "It is Paris"), near("Paris", "It is Rome"));
        assert!(same > 0.5 && other < 0.2 && same > other, "{same} {other}");
        assert!(near("running", "runs") > near("running", "zebra"));
        assert!((near("", "?!") - 1.0).abs() < 1e-5 && near("", "Paris") < 0.1);
    }
}

//! Vectors for texts, by the rules that hold for calls: the same addresses, limits and masks.

use crate::{
    client::send::http::HttpSender,
    domain::{
        fault::{Fault, FaultKind},
        generation::{Embeddings, Texts, Usage},
        limits::RateLimits,
        target::{Endpoint, HttpEndpoint},
        trial::Attempt,
    },
    provider,
};

/// Asks for vectors. Keeps connections and tokens for the next time.
#[derive(Debug, Default)]
pub struct Embedder {
    http: HttpSender,
}

/// What came of asking for vectors.
#[derive(Debug)]
pub struct Embedded {
    /// A vector for each text, in their order, or why there are none.
    pub result: Result<Embeddings, Fault>,
    /// Every request made, in order; texts beyond what a provider takes at once need several.
    pub attempts: Vec<Attempt>,
    /// What the last reply said of rate limits.
    pub limits: Option<RateLimits>,
}

impl Embedder {
    /// The vectors of `asked`, in as many requests as the provider needs, one after another; the
    /// first that fails is the last. Called inside a tokio runtime with I/O and time.
    pub async fn embed(&self, asked: &Texts) -> Embedded {
        let mut embedded = Embedded {
            result: Ok(Embeddings {
                usage: Some(Usage::default()),
                reported_cost: Some(crate::base::money::Money::ZERO),
                ..Embeddings::default()
            }),
            attempts: Vec::new(),
            limits: None,
        };
        let (endpoint, most) = match reached(asked) {
            Ok(reached) => reached,
            Err(fault) => return Embedded { result: Err(fault), ..embedded },
        };
        if asked.texts.is_empty() {
            return embedded;
        }
        for texts in asked.texts.chunks(most) {
            let part = Texts { texts: texts.to_vec(), ..asked.clone() };
            let came = self.http.embed(&part, endpoint).await;
            embedded.attempts.extend(came.attempts);
            embedded.limits = came.limits;
            embedded.result = joined(embedded.result, came.result);
            if embedded.result.is_err() {
                break;
            }
        }
        embedded
    }
}

/// Where `asked` is sent, and how many texts at a time.
fn reached(asked: &Texts) -> Result<(&HttpEndpoint, usize), Fault> {
    let target = asked.target.as_ref();
    let bad = |message: String| Err(Fault::new(FaultKind::BadRequest, message));
    let Endpoint::Http(endpoint) = &target.endpoint else {
        return bad(format!("a model of `{}` makes no embeddings", target.provider));
    };
    match provider::find(target.provider) {
        Some(provider) => Ok((endpoint, provider.embeddings_at_once(target).max(1))),
        None => bad(format!("there is no provider called `{}`", target.provider)),
    }
}

/// The vectors so far and those of the next texts. A sum with an unknown part is unknown.
fn joined(
    so_far: Result<Embeddings, Fault>,
    next: Result<Embeddings, Fault>,
) -> Result<Embeddings, Fault> {
    let (mut all, next) = (so_far?, next?);
    let size = |made: &Embeddings| made.vectors.first().map(Vec::len);
    if let (Some(have), Some(came)) = (size(&all), size(&next))
        && have != came
    {
        let message = format!("vectors of {came} numbers came after vectors of {have}");
        return Err(Fault::new(FaultKind::Protocol, message));
    }
    all.vectors.extend(next.vectors);
    all.usage = all.usage.zip(next.usage).map(|(a, b)| Usage {
        input: a.input + b.input,
        output: a.output + b.output,
        cache_read: a.cache_read + b.cache_read,
        cache_write: a.cache_write + b.cache_write,
        cache_write_1h: a.cache_write_1h + b.cache_write_1h,
        reasoning: a.reasoning + b.reasoning,
    });
    all.reported_cost = all.reported_cost.zip(next.reported_cost).map(|(a, b)| a + b);
    all.served_model = next.served_model.or(all.served_model);
    all.request_id = next.request_id.or(all.request_id);
    Ok(all)
}

#[cfg(test)]
mod tests;

//! How near the output and the expected answer are in meaning, by the vectors of a model.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{
    ArgError, Args, Asks, Better, Built, Card, Context, Foreseen, MODEL, OptionCard, Range,
    ScorerKind, Subject,
    against::THRESHOLD,
    compare::{accepted, difference},
    vectors::Vectors,
};
use crate::domain::{
    sample::Sample,
    score::{Score, Verdict},
    target::Target,
};

static CARD: Card = Card {
    name: "embedding_similarity",
    summary: "How near the output is to the expected answer in meaning, by a model's vectors of both.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        OptionCard {
            name: "model",
            kind: MODEL,
            default: "required",
            doc: "Who makes the vectors: written as under `models` of a config. Simulated models make \
                  some out of words and their parts, for trying things out.",
        },
        OptionCard {
            name: "similarity",
            kind: "cosine, dot or euclidean",
            default: "`cosine`",
            doc: "How near two vectors are: by their angle, their inner product, or 1 / (1 + distance).",
        },
        OptionCard {
            name: "floor",
            kind: "number from 0 to 1",
            default: "0",
            doc: "The similarity that counts as none: the value is (similarity - floor) / (1 - floor). \
                  Vectors of texts that have nothing in common are seldom at a right angle.",
        },
        THRESHOLD,
    ],
    edge_cases: &[
        "Of several expected answers the nearest counts.",
        "A similarity below the floor scores 0.",
        "An inner product over 1 is a failure of the scorer: the model's vectors are not of length 1, \
         and `cosine` is meant.",
        "An output without text scores 0; an expected answer without text is left out.",
        "Texts are sent together, as many as have gathered, and each of them once in a run; their \
         vectors are kept in the response cache.",
        "A model that makes no vectors, is down or declines: not scored, never 0. `evals resume` asks \
         it again.",
    ],
    source: "`EmbeddingSimilarity` of autoevals 0.4.1, whose floor is 0.7",
};

/// The kind.
#[derive(Debug)]
pub(super) struct EmbeddingSimilarity;

impl ScorerKind for EmbeddingSimilarity {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let vectors = Vectors::by(args, "model")?.ok_or_else(|| {
            args.error(
                "model",
                "is missing: who makes the vectors? `openai/text-embedding-3-small`",
            )
        })?;
        let similarity = match args.name("similarity", &["cosine", "dot", "euclidean"])? {
            None | Some("cosine") => Similarity::Cosine,
            Some("dot") => Similarity::Dot,
            Some(_) => Similarity::Euclidean,
        };
        let floor = args.number("floor", 0.0, 0.999)?.unwrap_or(0.0);
        let threshold = args.number("threshold", 0.0, 1.0)?;
        Ok(Built::Asks(Arc::new(Nearness { vectors, similarity, floor, threshold })))
    }
}

#[derive(Debug)]
struct Nearness {
    vectors: Vectors,
    similarity: Similarity,
    floor: f64,
    threshold: Option<f64>,
}

impl Nearness {
    async fn judged(
        &self,
        subject: Subject<'_>,
        context: &Context<'_>,
    ) -> Result<Verdict, Verdict> {
        let expected: Vec<&str> = accepted(&subject)?
            .iter()
            .map(String::as_str)
            .filter(|text| !text.trim().is_empty())
            .collect();
        if expected.is_empty() {
            return Err(Verdict::Skipped("the sample has no expected answer".to_owned()));
        }
        let nothing = |why: &str| {
            let passed = self.threshold.map(|least| 0.0 >= least);
            Ok(Verdict::Scored(Score { passed, ..Score::number(0.0) }.because(why)))
        };
        let output = match subject.output {
            None => return nothing("the extraction found nothing"),
            Some(output) if output.trim().is_empty() => return nothing("the output is empty"),
            Some(output) => output,
        };
        let texts: Vec<&str> = std::iter::once(output).chain(expected).collect();
        let made = self.vectors.known(&texts, context).await?;
        let [of_output, of_expected @ ..] = made.as_slice() else {
            return Err(Verdict::Failed("there are no vectors".to_owned()));
        };
        let mut best = f64::NEG_INFINITY;
        for vector in of_expected {
            let found = self.similarity.of(of_output, vector).map_err(Verdict::Failed)?;
            best = best.max(found);
        }
        let value = ((best - self.floor) / (1.0 - self.floor)).clamp(0.0, 1.0);
        let passed = self.threshold.map(|least| value >= least);
        let score = Score { passed, ..Score::number(value) };
        let told = format!(
            "{} {best:.4}; {}",
            self.similarity.name(),
            difference(&subject.sample.expected, output)
        );
        Ok(Verdict::Scored(score.because(told)))
    }
}

impl Asks for Nearness {
    fn ask<'a>(&'a self, subject: Subject<'a>, context: &'a Context<'a>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            match self.judged(subject, context).await {
                Ok(verdict) | Err(verdict) => verdict,
            }
        })
    }

    fn needs_expected(&self) -> bool {
        true
    }

    fn targets(&self) -> Vec<Arc<Target>> {
        vec![Arc::clone(self.vectors.target())]
    }

    fn foreseen(&self, sample: &Sample) -> Vec<Foreseen> {
        // The expected answers are sent once for all models; the estimate is a little too high.
        vec![self.vectors.foreseen(&sample.expected)]
    }
}

/// How near two vectors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Similarity {
    Cosine,
    Dot,
    Euclidean,
}

impl Similarity {
    fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot product",
            Self::Euclidean => "1 / (1 + distance)",
        }
    }

    /// The similarity of two vectors, from -1 to 1.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn of(self, a: &[f32], b: &[f32]) -> Result<f64, String> {
        if a.len() != b.len() {
            return Err(format!(
                "the model gave vectors of {} and of {} numbers",
                a.len(),
                b.len()
            ));
        }
        let product = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let found = match self {
            Self::Cosine => {
                let lengths = product(a, a).sqrt() * product(b, b).sqrt();
                if lengths <= 0.0 {
                    return Err("a vector of the model has no direction".to_owned());
                }
                (product(a, b) / lengths).clamp(-1.0, 1.0)
            }
            Self::Dot => {
                let found = product(a, b);
                // Single precision rounds; anything more is another matter.
                if found.abs() > 1.001 {
                    return Err(format!(
                        "the inner product is {found:.3}: the vectors are not of length 1; \
                         `similarity: cosine` does not mind"
                    ));
                }
                found.clamp(-1.0, 1.0)
            }
            Self::Euclidean => {
                let square = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
                1.0 / (1.0 + a.iter().zip(b).map(square).sum::<f64>().sqrt())
            }
        };
        if found.is_finite() { Ok(found) } else { Err("the vectors have no similarity".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarities() {
        let near = |how: Similarity, a: &[f32], b: &[f32]| how.of(a, b).expect("a similarity");
        let cases = [
            (near(Similarity::Cosine, &[3.0, 4.0], &[4.0, 3.0]), 0.96),
            (near(Similarity::Cosine, &[2.0, 0.0], &[0.0, 5.0]), 0.0),
            (near(Similarity::Cosine, &[1.0, 1.0], &[-2.0, -2.0]), -1.0),
            (near(Similarity::Dot, &[0.6, 0.8], &[0.8, 0.6]), 0.96),
            (near(Similarity::Euclidean, &[0.0, 0.0], &[3.0, 4.0]), 1.0 / 6.0),
            (near(Similarity::Euclidean, &[1.0], &[1.0]), 1.0),
        ];
        for (found, expected) in cases {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        for (how, a, b, why) in [
            (Similarity::Cosine, &[0.0, 0.0][..], &[1.0, 0.0][..], "no direction"),
            (Similarity::Dot, &[2.0], &[2.0], "not of length 1"),
            (Similarity::Cosine, &[1.0], &[1.0, 2.0], "of 1 and of 2 numbers"),
        ] {
            assert!(how.of(a, b).expect_err(why).contains(why));
        }
    }
}

//! A made-up comparison of the models of a made-up run.

use crate::domain::{
    comparison::{Comparison, Difference, Missing, Pair, PairVerdict, PairedScore, Side, What},
    run::RunStatus,
};

use super::Data;

/// The second of two sides by a scorer, against the first: the difference with its interval, and who
/// is better.
pub(in crate::report) fn paired(
    scorer: &str,
    (difference, low, high): (f64, f64, f64),
    verdict: PairVerdict,
) -> PairedScore {
    PairedScore {
        scorer: scorer.to_owned(),
        unit_range: scorer != "latency",
        lower_is_better: scorer == "latency",
        unit: (scorer == "latency").then(|| "ms".to_owned()),
        n: 200,
        units: 200,
        mean_a: Some(0.8),
        mean_b: Some(0.8 + difference),
        difference: Some(difference),
        low: Some(low),
        high: Some(high),
        interval_method: "Tango score",
        p: Some(0.01),
        p_adjusted: Some(0.03),
        test: "McNemar exact mid-p",
        effect: Some(0.31),
        effect_name: "Cohen's g",
        wins: 21,
        losses: 9,
        ties: 170,
        verdict,
        detectable: Some(0.05),
        missing_a: Missing::default(),
        missing_b: Missing { samples: 7, absent: 1, first: vec!["capital-007".to_owned()] },
    }
}

/// Two sides, by their places.
pub(in crate::report) fn pair(a: usize, b: usize, scores: Vec<PairedScore>) -> Pair {
    Pair {
        a,
        b,
        scores,
        unmatched_scorers: Vec::new(),
        cost_ratio: Some(1.8),
        latency_ratio: Some(0.5),
        differences: Vec::new(),
    }
}

/// A side called `label`.
pub(in crate::report) fn side(label: &str) -> Side {
    Side {
        label: label.to_owned(),
        run_id: "01JZX6T5Q8R9S0T1V2W3X4Y5Z6".to_owned(),
        run_name: "capitals".to_owned(),
        created_ms: Some(0),
        status: RunStatus::Complete,
        branch: None,
        commit: None,
        file: None,
        model: label.to_owned(),
        model_label: label.to_owned(),
        prompt: "terse".to_owned(),
        samples: 200,
        trials: 200,
        errors: 1,
        cost: crate::base::money::Money::from_pico(5_000_000_000),
        unpriced_calls: 0,
        latency: crate::domain::measure::Latency::default(),
    }
}

/// Sides with these labels and pairs, each two compared.
pub(in crate::report) fn of(labels: &[&str], pairs: Vec<Pair>) -> Comparison {
    Comparison {
        confidence: 0.95,
        sides: labels.iter().map(|label| side(label)).collect(),
        baseline: None,
        tests: pairs.iter().map(|pair| pair.scores.len() as u64).sum(),
        pairs,
        warnings: Vec::new(),
    }
}

/// The models of `data` compared: the first one is best, by a scorer tied with the second.
pub(in crate::report) fn comparison(data: &Data) -> Comparison {
    use PairVerdict::{A, B, Tied};
    let scores = |points: f64, exact, spelling| {
        vec![
            paired("exact_match", (points, points - 0.04, points + 0.04), exact),
            paired("levenshtein", (points / 2.0, points - 0.03, points + 0.03), spelling),
            paired("latency", (-points * 1e3, -points * 2e3, 0.0), B),
        ]
    };
    let names: Vec<&str> = data.run.header.models.iter().map(|model| &*model.name).collect();
    let pairs = vec![
        pair(0, 1, scores(-0.06, A, Tied)),
        pair(0, 2, scores(-0.30, A, A)),
        pair(1, 2, scores(-0.24, A, A)),
    ];
    let mut comparison = of(&names, pairs);
    for (side, totals) in comparison.sides.iter_mut().zip(&data.measures.models) {
        (side.cost, side.unpriced_calls) = (totals.cost, totals.unpriced_calls);
        side.latency = totals.latency;
    }
    comparison.pairs[1].differences.push(Difference {
        what: What::Params,
        of: "temperature".to_owned(),
        a: Some("0".to_owned()),
        b: Some("0.7".to_owned()),
        unknown: false,
    });
    comparison.warnings.push("the judge is of the same family as gpt-5-mini".to_owned());
    comparison
}

/// `comparison` with `payload` in every field that someone else may have written.
pub(in crate::report) fn hostile(comparison: &mut Comparison, payload: &str) {
    let text = || payload.to_owned();
    for side in &mut comparison.sides {
        (side.label, side.run_id, side.run_name) = (text(), text(), text());
        (side.model, side.model_label, side.prompt) = (text(), text(), text());
        side.file = Some(text());
    }
    for pair in &mut comparison.pairs {
        for score in &mut pair.scores {
            score.scorer = text();
            score.missing_b.first = vec![text()];
        }
        for difference in &mut pair.differences {
            (difference.of, difference.a, difference.b) = (text(), Some(text()), Some(text()));
        }
    }
    comparison.warnings = vec![text()];
}

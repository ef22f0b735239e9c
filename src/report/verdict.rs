//! What was found of the sides of a comparison, in a sentence that can be quoted.

use crate::{
    domain::comparison::{Comparison, Pair, PairVerdict, PairedScore},
    report::number::{Unit, percent, significant},
};

/// The scorer by which sides are told better from worse where only one can be named: the first one
/// whose values are shares, else the first one.
pub(super) fn leading(comparison: &Comparison) -> Option<&PairedScore> {
    let scores = &comparison.pairs.first()?.scores;
    scores.iter().find(|score| score.unit_range).or(scores.first())
}

/// The unit of a compared score's values.
pub(super) fn unit_of(score: &PairedScore) -> Unit<'_> {
    match score.unit.as_deref() {
        _ if score.unit_range => Unit::Share,
        Some(unit) => Unit::named(unit),
        None => Unit::Plain,
    }
}

/// A difference of shares in points, of others in their unit; with a sign if `signed`.
pub(super) fn difference(score: &PairedScore, value: f64, signed: bool) -> String {
    let sign = match value {
        value if value < 0.0 => "−",
        value if signed && value > 0.0 => "+",
        _ => "",
    };
    let size = value.abs();
    let text = match unit_of(score) {
        Unit::Share => format!("{:.1}", size * 100.0),
        unit => unit.show(size),
    };
    // What rounds to nothing has no sign.
    let nothing = !text.contains(|c: char| c.is_ascii_digit() && c != '0');
    format!("{}{text}", if nothing { "" } else { sign })
}

/// What a difference is counted in: `points`, or nothing where the number has its unit.
fn counted(score: &PairedScore) -> &'static str {
    if score.unit_range { " points" } else { "" }
}

/// Two sides by one scorer, the better one (by its mean) first.
struct Ordered<'a> {
    better: usize,
    worse: usize,
    score: &'a PairedScore,
    verdict: PairVerdict,
    /// How much better, and the interval of that; above 0 unless the two are equal.
    ahead: Option<f64>,
    ends: Option<(f64, f64)>,
    /// Price of the better one in that of the worse.
    price: Option<f64>,
}

fn ordered<'a>(pair: &'a Pair, scorer: &str) -> Option<Ordered<'a>> {
    let score = pair.scores.iter().find(|score| score.scorer == scorer)?;
    let sign = if score.lower_is_better { -1.0 } else { 1.0 };
    let gain = score.difference.map(|difference| difference * sign);
    let ends = score.low.zip(score.high);
    let ends = ends.map(|(low, high)| {
        let (low, high) = (low * sign, high * sign);
        (low.min(high), low.max(high))
    });
    let turned = gain.is_some_and(|gain| gain < 0.0);
    let price = pair.cost_ratio.filter(|ratio| *ratio > 0.0 && ratio.is_finite());
    Some(if turned {
        Ordered {
            better: pair.a,
            worse: pair.b,
            score,
            verdict: score.verdict,
            ahead: gain.map(f64::abs),
            ends: ends.map(|(low, high)| (-high, -low)),
            price: price.map(|ratio| 1.0 / ratio),
        }
    } else {
        Ordered {
            better: pair.b,
            worse: pair.a,
            score,
            verdict: score.verdict,
            ahead: gain,
            ends,
            price,
        }
    })
}

/// The comparison in a sentence or two; `None` when nothing was compared.
pub(super) fn sentence(comparison: &Comparison) -> Option<String> {
    let scorer = leading(comparison)?.scorer.as_str();
    let pairs: Vec<Ordered<'_>> =
        comparison.pairs.iter().filter_map(|pair| ordered(pair, scorer)).collect();
    if let (2, [pair]) = (comparison.sides.len(), pairs.as_slice()) {
        return Some(format!("{}.", of_two(comparison, pair)));
    }
    if comparison.baseline.is_some() {
        let told: Vec<String> = pairs.iter().map(|pair| of_two(comparison, pair)).collect();
        return (!told.is_empty()).then(|| format!("{}.", told.join(". ")));
    }
    of_many(comparison, &pairs, scorer)
}

fn of_two(comparison: &Comparison, pair: &Ordered<'_>) -> String {
    let [better, worse] = [pair.better, pair.worse].map(|at| comparison.sides[at].label.as_str());
    let scorer = &pair.score.scorer;
    let price = pair.price.map(|ratio| format!("; {}", price(ratio))).unwrap_or_default();
    match pair.verdict {
        PairVerdict::A | PairVerdict::B => {
            let ahead = by(comparison, pair);
            format!("{better} is better than {worse} on {scorer}{ahead}{price}")
        }
        PairVerdict::Tied if pair.ahead.is_none_or(|ahead| ahead == 0.0) => {
            format!("{worse} and {better} are tied on {scorer}{price}")
        }
        PairVerdict::Tied => {
            let ahead = by(comparison, pair);
            format!(
                "{better} and {worse} are tied on {scorer}: {better} is ahead{ahead}, which chance \
                 alone can make{price}"
            )
        }
        PairVerdict::Unknown => {
            format!("There are too few samples to tell {better} and {worse} apart on {scorer}")
        }
    }
}

/// ` by 4.1 points, 95% interval 1.9 to 6.3`.
fn by(comparison: &Comparison, pair: &Ordered<'_>) -> String {
    let Some(ahead) = pair.ahead else { return String::new() };
    let amount = difference(pair.score, ahead, false);
    let mut text = format!(" by {amount}{}", counted(pair.score));
    if let Some((low, high)) = pair.ends {
        let [low, high] = [low, high].map(|end| difference(pair.score, end, false));
        let confidence = percent((comparison.confidence * 1_000.0).round() as u64, 1_000);
        let confidence = confidence.replace(".0%", "%");
        text.extend([", ", &confidence, " interval ", &low, " to ", &high]);
    }
    text
}

/// `1.8 × the price`.
fn price(ratio: f64) -> String {
    match ratio {
        ratio if (0.995..1.005).contains(&ratio) => "at the same price".to_owned(),
        ratio if ratio >= 10.0 => format!("{ratio:.0} × the price"),
        ratio if ratio >= 0.1 => format!("{ratio:.1} × the price").replace("1.0 ×", "about 1 ×"),
        ratio => format!("{} × the price", significant(ratio)),
    }
}

fn of_many(comparison: &Comparison, pairs: &[Ordered<'_>], scorer: &str) -> Option<String> {
    let sides = 0..comparison.sides.len();
    // The side that is ahead of most others; of equals the first one.
    let ahead = |side: &usize| pairs.iter().filter(|pair| pair.better == *side).count();
    let best = sides.clone().max_by_key(|side| (ahead(side), usize::MAX - side))?;
    let with_best = |side: usize| {
        pairs.iter().find(|pair| {
            (pair.better, pair.worse) == (best, side) || (pair.better, pair.worse) == (side, best)
        })
    };
    let others = || sides.clone().filter(|side| *side != best);
    let is = |side: &usize, wanted: &[PairVerdict]| {
        with_best(*side).is_some_and(|pair| wanted.contains(&pair.verdict))
    };
    let tied: Vec<usize> = others().filter(|side| is(side, &[PairVerdict::Tied])).collect();
    let beaten: Vec<usize> =
        others().filter(|side| is(side, &[PairVerdict::A, PairVerdict::B])).collect();
    let names = |sides: &[usize]| {
        and(&sides.iter().map(|side| comparison.sides[*side].label.as_str()).collect::<Vec<_>>())
    };
    let best_name = &comparison.sides[best].label;
    if tied.is_empty() && beaten.is_empty() {
        return Some(format!("There are too few samples to tell anything apart on {scorer}."));
    }
    // The one that comes nearest to the best.
    let next = |sides: &[usize]| {
        let pairs = sides.iter().filter_map(|side| with_best(*side));
        pairs.min_by(|a, b| a.ahead.unwrap_or(0.0).total_cmp(&b.ahead.unwrap_or(0.0)))
    };
    if tied.is_empty() {
        let next = next(&beaten)?;
        let head = format!("{best_name} is best on {scorer}");
        let tail = of_two(comparison, next).replacen(&format!("{best_name} is "), "", 1);
        let tail = tail.replacen(&format!(" on {scorer}"), "", 1);
        return Some(if beaten.len() == 1 {
            format!("{head}: {tail}.")
        } else {
            format!("{head}: {tail}; the others are further behind.")
        });
    }
    let group = names(&[vec![best], tied].concat());
    if beaten.is_empty() {
        let widest =
            pairs.iter().max_by(|a, b| a.ahead.unwrap_or(0.0).total_cmp(&b.ahead.unwrap_or(0.0)));
        let widest = widest.filter(|pair| pair.ahead.is_some_and(|ahead| ahead > 0.0));
        let widest = widest.map(|pair| {
            let [first, last] = [pair.better, pair.worse].map(|at| &comparison.sides[at].label);
            let ahead = by(comparison, pair);
            format!(", the largest of which is {first} ahead of {last}{ahead}")
        });
        let widest = widest.unwrap_or_default();
        return Some(format!(
            "{group} are tied on {scorer}: chance alone can make the differences{widest}."
        ));
    }
    let tail = of_two(comparison, next(&beaten)?).replacen(&format!(" on {scorer}"), "", 1);
    let rest = if beaten.len() > 1 { "; the others are further behind" } else { "" };
    Some(format!("{group} are tied for the best on {scorer}; {tail}{rest}."))
}

/// `a`, `a and b`, `a, b and c`.
fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use PairVerdict::{A, B, Tied, Unknown};

    use super::*;
    use crate::report::sample::pairs::{of, pair, paired};

    fn two(difference: (f64, f64, f64), verdict: PairVerdict) -> Option<String> {
        let scores = vec![
            paired("latency", (-20.0, -30.0, -10.0), B),
            paired("exact_match", difference, verdict),
        ];
        sentence(&of(&["A", "B"], vec![pair(0, 1, scores)]))
    }

    #[test]
    fn of_two_in_words_that_can_be_quoted() {
        assert_eq!(
            two((0.041, 0.019, 0.063), B).as_deref(),
            Some(
                "B is better than A on exact_match by 4.1 points, 95% interval 1.9 to 6.3; 1.8 × the \
                 price."
            )
        );
        assert_eq!(
            two((-0.041, -0.063, -0.019), A).as_deref(),
            Some(
                "A is better than B on exact_match by 4.1 points, 95% interval 1.9 to 6.3; 0.6 × the \
                 price."
            )
        );
        assert_eq!(
            two((0.011, -0.019, 0.041), Tied).as_deref(),
            Some(
                "B and A are tied on exact_match: B is ahead by 1.1 points, 95% interval −1.9 to \
                 4.1, which chance alone can make; 1.8 × the price."
            )
        );
        assert_eq!(
            two((0.0, -0.02, 0.02), Tied).as_deref(),
            Some("A and B are tied on exact_match; 1.8 × the price.")
        );
        let few = two((0.5, -1.0, 1.0), Unknown);
        assert!(few.is_some_and(|few| few.starts_with("There are too few samples")));
    }

    #[test]
    fn lower_is_better_where_it_is() {
        let faster = paired("latency", (-200.0, -300.0, -100.0), B);
        let comparison = of(&["A", "B"], vec![pair(0, 1, vec![faster])]);
        assert_eq!(
            sentence(&comparison).as_deref(),
            Some(
                "B is better than A on latency by 200ms, 95% interval 100ms to 300ms; 1.8 × the price."
            )
        );
    }

    #[test]
    fn of_many_who_is_best_and_who_is_tied() {
        let say = |verdicts: [PairVerdict; 3]| {
            let score = |points: f64, verdict| {
                vec![paired("s", (points, points - 0.01, points + 0.01), verdict)]
            };
            let pairs = vec![
                pair(0, 1, score(-0.02, verdicts[0])),
                pair(0, 2, score(-0.05, verdicts[1])),
                pair(1, 2, score(-0.03, verdicts[2])),
            ];
            sentence(&of(&["A", "B", "C"], pairs)).unwrap_or_default()
        };
        assert_eq!(
            say([A, A, A]),
            "A is best on s: better than B by 2.0 points, 95% interval 1.0 to 3.0; 0.6 × the price; \
             the others are further behind."
        );
        assert_eq!(
            say([Tied, A, A]),
            "A and B are tied for the best on s; A is better than C by 5.0 points, 95% interval 4.0 to \
             6.0; 0.6 × the price."
        );
        assert_eq!(
            say([Tied, Tied, Tied]),
            "A, B and C are tied on s: chance alone can make the differences, the largest of which is \
             A ahead of C by 5.0 points, 95% interval 4.0 to 6.0."
        );
        assert_eq!(
            say([Unknown, Unknown, Unknown]),
            "There are too few samples to tell anything apart on s."
        );
        assert_eq!(sentence(&of(&["A"], Vec::new())), None);
    }
}

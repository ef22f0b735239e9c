//! One score of several: of several judges, and of one that was asked several times.

use crate::{
    base::text::one_line,
    domain::score::{Score, Verdict},
};

/// How the verdicts of several judges become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Combine {
    /// The mean of their scores.
    #[default]
    Mean,
    /// The middle one of their scores.
    Median,
    /// What most of them say.
    Majority,
    /// The lowest score, so that an answer passes only when every judge lets it.
    Unanimous,
}

impl Combine {
    /// All of them, with their names in configs.
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("mean", Self::Mean),
        ("median", Self::Median),
        ("majority", Self::Majority),
        ("unanimous", Self::Unanimous),
    ];
}

/// What one judge said once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Opinion {
    /// The judge's name.
    pub(super) judge: String,
    /// What it said, as a text.
    pub(super) label: String,
    /// What that is worth.
    pub(super) score: f64,
    /// Why.
    pub(super) reasoning: Option<String>,
}

/// Longest explanation, in characters.
const EXPLAINED: usize = 1_000;

/// One verdict of `opinions`, of which there is at least one; an answer passes from `threshold` on.
pub(super) fn combined(opinions: &[Opinion], how: Combine, threshold: f64) -> Verdict {
    let passes = |score: f64| score >= threshold - 1e-9;
    let scored = |value: f64, label: Option<String>, why: String| {
        Verdict::Scored(Score {
            value,
            passed: Some(passes(value)),
            label,
            explanation: Some(why).filter(|why| !why.is_empty()),
            counts: Vec::new(),
        })
    };
    let [first, rest @ ..] = opinions else {
        return Verdict::Failed("no judge was asked".to_owned());
    };
    if rest.is_empty() {
        let why = one_line(first.reasoning.as_deref().unwrap_or_default(), EXPLAINED);
        return scored(first.score, Some(first.label.clone()), why);
    }
    let why = explained(opinions);
    // A label stands where all say the same; a mean of labels has none.
    let same = rest.iter().all(|other| other.label == first.label);
    let label = same.then(|| first.label.clone());
    let mut scores: Vec<f64> = opinions.iter().map(|opinion| opinion.score).collect();
    scores.sort_by(f64::total_cmp);
    let n = scores.len();
    match how {
        Combine::Mean => scored(scores.iter().sum::<f64>() / n as f64, label, why),
        Combine::Median => scored(f64::midpoint(scores[(n - 1) / 2], scores[n / 2]), label, why),
        Combine::Unanimous => scored(scores[0], label, why),
        Combine::Majority => match majority(opinions) {
            Some(most) => scored(most.score, Some(most.label.clone()), why),
            None => {
                let why = one_line(&format!("the judges are split: {why}"), EXPLAINED);
                Verdict::Failed(why)
            }
        },
    }
}

/// What more of them say than anything else; `None` when two things are said as often.
fn majority(opinions: &[Opinion]) -> Option<&Opinion> {
    let count = |label: &str| opinions.iter().filter(|other| other.label == label).count();
    let most = opinions.iter().max_by_key(|opinion| count(&opinion.label))?;
    let rivals = opinions
        .iter()
        .any(|other| other.label != most.label && count(&other.label) == count(&most.label));
    (!rivals).then_some(most)
}

/// Who said what, in a line.
fn explained(opinions: &[Opinion]) -> String {
    let mut judges: Vec<(&str, Vec<&str>)> = Vec::new();
    for Opinion { judge, label, .. } in opinions {
        match judges.iter_mut().find(|(known, _)| known == judge) {
            Some((_, labels)) => labels.push(label),
            None => judges.push((judge, vec![label])),
        }
    }
    let said: Vec<String> =
        judges.iter().map(|(judge, labels)| format!("{judge}: {}", labels.join(", "))).collect();
    one_line(&said.join("; "), EXPLAINED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinions(said: &[(&str, &str, f64)]) -> Vec<Opinion> {
        let opinion = |(judge, label, score): &(&str, &str, f64)| Opinion {
            judge: (*judge).to_owned(),
            label: (*label).to_owned(),
            score: *score,
            reasoning: Some("since".to_owned()),
        };
        said.iter().map(opinion).collect()
    }

    #[test]
    fn several_opinions_become_one() {
        let three = opinions(&[("a", "Yes", 1.0), ("b", "No", 0.0), ("c", "Yes", 1.0)]);
        let of = |how, opinions: &[Opinion]| match combined(opinions, how, 0.5) {
            Verdict::Scored(score) => (Some((score.value * 1e4).round() / 1e4), score.label),
            _ => (None, None),
        };
        let yes = Some("Yes".to_owned());
        assert_eq!(of(Combine::Mean, &three), (Some(0.6667), None));
        assert_eq!(of(Combine::Median, &three), (Some(1.0), None));
        assert_eq!(of(Combine::Majority, &three), (Some(1.0), yes.clone()));
        assert_eq!(of(Combine::Unanimous, &three), (Some(0.0), None));
        assert_eq!(of(Combine::Majority, &three[..2]), (None, None));
        assert_eq!(of(Combine::Median, &three[..2]), (Some(0.5), None));
        assert_eq!(of(Combine::Unanimous, &three[..1]), (Some(1.0), yes));
        assert_eq!(of(Combine::Mean, &[]), (None, None));
        let split = combined(&three[..2], Combine::Majority, 0.5);
        assert_eq!(split, Verdict::Failed("the judges are split: a: Yes; b: No".to_owned()));
    }

    #[test]
    fn a_share_of_thirds_reaches_its_threshold() {
        let three = opinions(&[("a", "1", 0.1), ("a", "2", 0.2), ("a", "3", 0.3)]);
        let Verdict::Scored(score) = combined(&three, Combine::Mean, 0.2) else { panic!("none") };
        assert_eq!((score.passed, score.explanation.as_deref()), (Some(true), Some("a: 1, 2, 3")));
    }
}

//! Which choices no other one beats in quality, cost and latency together.

/// What is known of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Choice {
    /// More is better.
    pub quality: Option<f64>,
    /// Less is better.
    pub cost: Option<f64>,
    /// Less is better.
    pub latency: Option<f64>,
}

impl Choice {
    /// What is known of each side, where more is better.
    fn sides(self) -> [Option<f64>; 3] {
        [self.quality, self.cost.map(|cost| -cost), self.latency.map(|latency| -latency)]
    }
}

/// For each of `choices`, whether it is on the Pareto front: no other one is at least as good in
/// everything and better in something.
///
/// `None` where that depends on something unknown: its quality, or what would let another one beat
/// it. What is unknown of all choices is not looked at. Choices that are alike are all on the front,
/// or none is.
pub fn pareto_front(choices: &[Choice]) -> Vec<Option<bool>> {
    let known: Vec<[Option<f64>; 3]> = choices.iter().map(|choice| choice.sides()).collect();
    let used: Vec<usize> =
        (0..3).filter(|side| known.iter().any(|sides| sides[*side].is_some())).collect();
    let one = |(at, own): (usize, &[Option<f64>; 3])| {
        let others = || known.iter().enumerate().filter(|(other, _)| *other != at);
        if others().any(|(_, other)| beats(other, own, &used, false)) {
            return Some(false);
        }
        let may = others().any(|(_, other)| beats(other, own, &used, true));
        (own[0].is_some() && !may).then_some(true)
    };
    known.iter().enumerate().map(one).collect()
}

/// Whether `other` beats `own`; with `may`, whether it could, were the unknown known.
fn beats(other: &[Option<f64>; 3], own: &[Option<f64>; 3], used: &[usize], may: bool) -> bool {
    let (mut no_worse, mut better) = (true, false);
    for side in used {
        match (other[*side], own[*side]) {
            (Some(other), Some(own)) => {
                no_worse &= other >= own;
                better |= other > own;
            }
            _ => {
                no_worse &= may;
                better |= may;
            }
        }
    }
    no_worse && better
}

//! Gates that compare a run with another one, its baseline.

use super::{
    decide::{amount, of_model, of_whole, per_model, place, unscored},
    evidence::{Against, Evidence},
    parse::{Allow, Gate, Versus},
};
use crate::domain::{
    comparison::{Pair, PairedScore},
    measure::GateResult,
};

fn result(gate: &Gate, passed: Option<bool>, measured: Option<f64>, reason: String) -> GateResult {
    GateResult { gate: gate.text.clone(), model: None, prompt: None, passed, measured, reason }
}

fn undecided(gate: &Gate, why: &str) -> GateResult {
    result(gate, None, None, format!("undecided: {why}"))
}

/// Decides a gate that compares, one result for each model and prompt that the baseline has too.
pub(super) fn decide(
    index: usize,
    gate: &Gate,
    evidence: &Evidence<'_>,
    allow: &Allow,
) -> Vec<GateResult> {
    let against = match &evidence.baseline {
        Ok(against) => against,
        Err(why) => return vec![undecided(gate, why)],
    };
    let Some(versus) = gate.versus else { return Vec::new() };
    let header = &evidence.run.header;
    if against.matched.is_empty() {
        let why = format!("{} has no model and prompt of the same name", against.name);
        return vec![undecided(gate, &why)];
    }
    if gate.measured.scorer().is_none() && !per_model(&gate.measured) {
        let refused = against.unlike.iter().find_map(|pair| unlike(pair, allow));
        if let Some(why) = refused {
            return vec![undecided(gate, &why)];
        }
        let (here, why) = of_whole(&gate.measured, evidence.measures);
        let (there, why_there) = of_whole(&gate.measured, &against.measures);
        return vec![of_two(gate, versus, (here, there), &[why, why_there], against)];
    }
    let mut results = Vec::new();
    let mut models = Vec::new();
    for (at, (here, there)) in against.matched.iter().enumerate() {
        if per_model(&gate.measured) && models.contains(&here.0) {
            continue;
        }
        models.push(here.0);
        let decided = match unlike(&against.unlike[at], allow) {
            Some(why) => undecided(gate, &why),
            None if per_model(&gate.measured) => {
                let totals = &evidence.measures.models[here.0 as usize];
                let (value, why) = of_model(&gate.measured, totals, header);
                let totals = &against.measures.models[there.0 as usize];
                let (other, why_there) = of_model(&gate.measured, totals, &against.header);
                of_two(gate, versus, (value, other), &[why, why_there], against)
            }
            None => {
                let pairs = against.pairs.get(index).and_then(Option::as_ref);
                match pairs.and_then(|pairs| pairs[at].scores.first()) {
                    Some(score) => of_scores(gate, versus, score, against),
                    None => undecided(gate, &format!("{} has no such scorer", against.name)),
                }
            }
        };
        let mut decided = decided;
        let cells = evidence.probed[index].as_ref();
        let found = cells.and_then(|cells| {
            cells.iter().find(|found| (found.probed.model, found.probed.prompt) == *here)
        });
        if let Some(lacking) = found.and_then(|found| unscored(found, evidence, gate, allow)) {
            (decided.passed, decided.reason) = lacking.over(&decided.reason);
        }
        let named = place(decided, header, *here);
        results.push(if per_model(&gate.measured) {
            GateResult { prompt: None, ..named }
        } else {
            named
        });
    }
    let left_out: Vec<&str> = (0..header.models.len() as u32)
        .filter(|model| !against.matched.iter().any(|(here, _)| here.0 == *model))
        .map(|model| header.models[model as usize].name.as_str())
        .collect();
    for model in left_out {
        let mut missing = undecided(gate, &format!("{} has no such model", against.name));
        missing.model = Some(model.to_owned());
        results.push(missing);
    }
    results
}

/// Why a run and its baseline are not alike, unless what differs is allowed.
fn unlike(pair: &Pair, allow: &Allow) -> Option<String> {
    let differs: Vec<_> = pair
        .differences
        .iter()
        .filter(|found| !found.unknown && found.what.matters() && !allow.what.contains(&found.what))
        .collect();
    let first = differs.first()?;
    let mut kinds: Vec<&str> = differs.iter().map(|found| found.what.name()).collect();
    kinds.dedup();
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
    let of = if first.of.is_empty() { String::new() } else { format!(" ({})", first.of) };
    Some(format!(
        "the baseline is not like this run: {}{of} was {} and is {}{}; if that is what is meant: \
         `allow {}`",
        first.what.words(),
        shown(&first.a),
        shown(&first.b),
        if kinds.len() > 1 { ", and more differs" } else { "" },
        kinds.join(", ")
    ))
}

/// Two numbers of which nobody knows how sure they are.
fn of_two(
    gate: &Gate,
    versus: Versus,
    (here, there): (Option<f64>, Option<f64>),
    why: &[String; 2],
    against: &Against,
) -> GateResult {
    let (Some(here), Some(there)) = (here, there) else {
        let why = match here {
            None => why[0].clone(),
            Some(_) => format!("of {}: {}", against.name, why[1]),
        };
        return undecided(gate, &why);
    };
    let both = format!(
        "{} against {} of {}",
        amount(&gate.measured, here),
        amount(&gate.measured, there),
        against.name
    );
    let sign = gate.op.sign();
    if versus.ratio {
        if there <= 0.0 {
            return undecided(gate, &format!("measured {both}: there is no ratio to nothing"));
        }
        let ratio = here / there;
        let passed = gate.op.holds(ratio, gate.bound);
        let is = if passed { "is" } else { "is not" };
        let reason = format!("measured {both}: {ratio:.3}x, which {is} {sign} {}x", gate.bound);
        return result(gate, Some(passed), Some(ratio), reason);
    }
    let off = here - there;
    let passed = gate.op.holds(off, gate.bound);
    let is = if passed { "is" } else { "is not" };
    let (off_shown, bound) = (signed(gate, off), signed(gate, gate.bound));
    let reason = format!("measured {both}: {off_shown}, which {is} {sign} {bound}");
    result(gate, Some(passed), Some(off), reason)
}

fn signed(gate: &Gate, value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "+" };
    format!("{sign}{}", amount(&gate.measured, value.abs()))
}

/// Two means over the same samples.
fn of_scores(gate: &Gate, versus: Versus, score: &PairedScore, against: &Against) -> GateResult {
    let (Some(off), Some(there), Some(here)) = (score.difference, score.mean_a, score.mean_b)
    else {
        return undecided(gate, &format!("no sample has a score here and in {}", against.name));
    };
    let both = format!("{here:.4} against {there:.4} of {} over {} samples", against.name, score.n);
    if versus.ratio {
        let values = (Some(here), Some(there));
        let empty = [String::new(), String::new()];
        return of_two(gate, versus, values, &empty, against);
    }
    let sign = gate.op.sign();
    let Some(sure) = versus.confidence else {
        let passed = gate.op.holds(off, gate.bound);
        let is = if passed { "is" } else { "is not" };
        let within = score.low.zip(score.high);
        let within = within.map(|(low, high)| format!(" (95% interval {low:+.4} to {high:+.4})"));
        let reason = format!(
            "measured {both}: {off:+.4}{}, which {is} {sign} {}",
            within.unwrap_or_default(),
            gate.bound
        );
        return result(gate, Some(passed), Some(off), reason);
    };
    let Some((low, high)) = score.low.zip(score.high) else {
        let why =
            format!("measured {both}: {off:+.4}; too few samples, or too much alike, to be sure");
        return undecided(gate, &why);
    };
    let more = gate.op.wants_more();
    let (end, far) = if more { (low, high) } else { (high, low) };
    let passed = gate.op.holds(end, gate.bound);
    let percent = format!("{}%", (sure * 1e4).round() / 100.0);
    let side = if more { "above" } else { "below" };
    let found = format!(
        "measured {both}: {off:+.4}, and with {percent} confidence {side} {end:+.4} (one-sided, {})",
        score.interval_method
    );
    let margin = gate.bound.abs();
    let meaning = match (passed, gate.op.holds(far, gate.bound)) {
        (true, _) if gate.bound * if more { 1.0 } else { -1.0 } < 0.0 => {
            format!("not worse than the baseline by {margin} or more (non-inferior)")
        }
        (true, _) if margin == 0.0 => "better than the baseline".to_owned(),
        (true, _) => format!("better than the baseline by {margin} at least"),
        (false, true) => format!(
            "which is not {sign} {}: too little is known to rule it out; more samples may",
            gate.bound
        ),
        (false, false) => format!("which is not {sign} {}: the baseline is better", gate.bound),
    };
    result(gate, Some(passed), Some(off), format!("{found}: {meaning}"))
}

//! The `stop` of a config becomes a rule, or is refused where the rule would not hold.

use serde_json::{Value, json};

use super::Inputs;
use crate::{
    config::{ConfigError, File, Place, error::suggestion},
    domain::run::ScorerInfo,
    metric::early,
};

/// The rule as a header keeps it; `None` where the run has none.
pub(super) fn resolve(
    file: &File,
    inputs: Inputs<'_>,
    scorers: &[ScorerInfo],
    epochs: u32,
) -> Result<Option<Value>, ConfigError> {
    let Some(written) = &file.stop else { return Ok(None) };
    let (scorer, half_width) = (&written.value.scorer, &written.value.half_width);
    let error = |place: Place, message: String| {
        ConfigError::new(inputs.origin_of(place, "--stop"), place, message)
    };
    let name = scorer.value.as_str();
    let Some(info) = scorers.iter().find(|info| info.id == name) else {
        let known = scorers.iter().map(|info| info.id.as_str());
        return Err(error(scorer.place, format!("`stop` names no scorer of the run: `{name}`"))
            .hint(suggestion(name, known, "scorers")));
    };
    if !info.unit_range {
        let message = format!("the values of `{name}` do not lie between 0 and 1");
        let shares = scorers.iter().filter(|info| info.unit_range);
        let shares: Vec<String> = shares.map(|info| format!("`{}`", info.id)).collect();
        return Err(error(scorer.place, message).hint(if shares.is_empty() {
            "`stop` needs a scorer whose values do, such as `exact_match`".to_owned()
        } else {
            format!("`stop` needs a scorer whose values do: {}", shares.join(", "))
        }));
    }
    if !early::HALF_WIDTHS.contains(&half_width.value) {
        let (low, high) = (early::HALF_WIDTHS.start, early::HALF_WIDTHS.end);
        let message =
            format!("`half_width` lies from {low} to below {high}, not at {}", half_width.value);
        return Err(error(half_width.place, message).hint("0.02 is two points up and down"));
    }
    let data = file.dataset.as_ref().map(|entry| &entry.value.0);
    if data.is_none_or(|data| data.shuffle.is_none()) {
        let message = "`stop` needs rows in random order: the first rows of a file say nothing of \
                       the rest";
        return Err(error(written.place, message.to_owned()).hint(
            "add `shuffle: 1` to the dataset, or `--shuffle 1` (`sample` alone keeps the order of \
             the file)",
        ));
    }
    let together = data.is_some_and(|data| {
        let turned = data.choices.as_ref().is_some_and(|choices| choices.value.0.circular);
        data.cluster.is_some() || turned
    });
    let hinders = [
        (epochs > 1, "repeats of a sample (`epochs`)"),
        (together, "rows that belong together (`cluster`, `circular`)"),
        (inputs.shard.is_some(), "shards, each of which sees a part only"),
    ];
    if let Some((_, what)) = hinders.iter().find(|(is, _)| *is) {
        let message = format!("`stop` does not go with {what}");
        return Err(error(written.place, message)
            .hint("leave one of the two out; a budget ends a run too, such as `--budget '$5'`"));
    }
    Ok(Some(json!({ "scorer": name, "half_width": half_width.value })))
}

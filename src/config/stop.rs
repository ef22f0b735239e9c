//! The `stop` of a config.

use schemars::JsonSchema;
use serde::Deserialize;

use super::at::At;

/// Ends the run as soon as enough is known: no further trial begins once, for every model and
/// prompt, the mean of a scorer lies within a 95% interval of this half width. The interval is that
/// of a confidence sequence, which stays valid although it is looked at after every sample. Needs
/// rows in random order: `shuffle` of the dataset.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopEntry {
    /// The id of a scorer whose values lie between 0 and 1.
    pub scorer: At<String>,
    /// Half the width that is narrow enough, from 0.002 to below 0.5: 0.02 is two points up and down.
    pub half_width: At<f64>,
}

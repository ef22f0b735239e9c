//! `evals schema`: the JSON Schema of config files.

use super::{
    Out,
    exit::{Exit, Failure},
};
use crate::config;

pub(super) fn run(out: &mut Out) -> Result<Exit, Failure> {
    out.data(&format!("{:#}\n", config::schema()))?;
    Ok(Exit::Done)
}

//! What a registered model can take: what was said of it, else what its base model can, else what
//! is usual.

use super::{Entry, Kind, Toggles};
use crate::catalog::table::{Row, Table};

/// The longest answer of a model when nobody says otherwise, in tokens.
pub const DEFAULT_MAX_TOKENS: u64 = 4096;

/// What a registered model can take; `None` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Takes {
    /// Longest answer that is asked for, in tokens.
    pub max_tokens: Option<u64>,
    /// What it can do.
    pub toggles: Toggles,
    /// Answers that a schema describes, where the base model says.
    pub schema: Option<bool>,
    /// Temperature and the like, where the base model says.
    pub sampling: Option<bool>,
}

impl Entry {
    /// What it can take. Of an endpoint's models nothing is known but what was said.
    pub fn takes(&self, kind: Kind, table: Table<'_>) -> Takes {
        let said = self.capabilities;
        if kind == Kind::Endpoint {
            return Takes { max_tokens: self.max_tokens, toggles: said, ..Takes::default() };
        }
        let base = self.base_row(table);
        let of_base = base.as_ref().map(Row::capabilities).unwrap_or_default();
        let usual = Toggles::of_models();
        // A limit is asked for unless somebody says otherwise, but none that the base model refuses.
        let limit = base.as_ref().and_then(|row| row.max_output).unwrap_or(u64::MAX);
        Takes {
            max_tokens: Some(self.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS.min(limit))),
            toggles: Toggles {
                json: said.json.or(of_base.json).or(usual.json),
                vision: said.vision.or(of_base.vision).or(usual.vision),
                tools: said.tools.or(of_base.tools).or(usual.tools),
                reasoning: said.reasoning.or(of_base.reasoning).or(usual.reasoning),
                streaming: said.streaming.or(usual.streaming),
            },
            schema: said.json.or(of_base.schema),
            sampling: of_base.sampling,
        }
    }

    /// What the catalog knows of its base model.
    pub fn base_row<'a>(&self, table: Table<'a>) -> Option<Row<'a>> {
        let (provider, model) = self.base_model.as_deref()?.split_once('/')?;
        table.find(provider, model, None)
    }
}

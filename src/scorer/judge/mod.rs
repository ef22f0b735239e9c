//! Scorers that ask a model to judge, and what such scorers are built of.
//!
//! A judge of one question is a file ([`card`]), compiled in ([`builtin`]) or the user's own, and the
//! scorer `judge` (`kind`) asks it, several times or of several models where it should (`panel`).
//! What asks more than one thing is a scorer of its own, made of the same parts:
//!
//! 1. When it is built, it takes its models out of its options by
//!    [`Args::model`](super::Args::model) (an option of kind [`MODEL`](super::MODEL), which the plan has
//!    resolved, priced and checked by then) and makes a [`Step`] of each question: its name in the
//!    record, whom it goes to, and the [`Form`] of the reply. [`Asks::targets`](super::Asks::targets)
//!    names the models, [`Asks::foreseen`](super::Asks::foreseen) the calls for estimates.
//! 2. When it is asked, it puts every text of a stranger between the marks of one
//!    [`Fence`](crate::base::fence::Fence), writes what is to be done around them, and calls
//!    [`Step::ask`]. That gives the reply as JSON of the form, or the [`Verdict`](super::Verdict) to
//!    hand on when there is none: a reply is read strictly, asked for again at most [`REPAIRS`] times,
//!    and every turn is on the disk before anything is made of it. Replies that are recorded or known
//!    are not asked for again; the step does not notice.
//! 3. It makes a score of what the steps said. Prompts, replies and what was read out of them are
//!    recorded under the steps' names without its doing; the score's explanation is for people.
//!
//! ```ignore
//! let claims = Step::new("claims", &model, Form::object("claims", schema)?, Answers::Auto)?;
//! // …
//! let fence = Fence::around([output, context]);
//! let body = format!("List the claims of the answer.\n{}", fence.wrap("answer", output));
//! let value = match claims.ask(context, &Asked::about(&subject, &fence, &body)).await {
//!     Ok(value) => value,
//!     Err(verdict) => return verdict,
//! };
//! ```

pub mod builtin;
pub mod card;
mod form;
mod kind;
mod material;
mod pairwise;
mod panel;
mod parse;
pub mod reference;
mod select_best;
mod step;

pub use self::{
    form::{Answers, Form},
    kind::Judge,
    pairwise::Pairwise,
    select_best::SelectBest,
    step::{Asked, Check, REPAIRS, Step},
};
use crate::domain::generation::{FinishReason, Generation};

/// Whether the model or its provider declined: it is not asked again.
pub fn declined(generation: &Generation) -> bool {
    matches!(generation.finish_reason, FinishReason::ContentFilter | FinishReason::Refusal)
}

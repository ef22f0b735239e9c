//! Policies around a sender, one a file, in the order that [`super::stack`] gives them.

pub(super) mod budget;
pub(super) mod cache;
pub(super) mod fallback;
pub(super) mod limits;
pub(super) mod retry;
pub(super) mod slots;
pub(super) mod timeout;

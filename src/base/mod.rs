//! Floor 0: small pieces that know nothing of evaluation.
//!
//! Clock, digests, ids, money, secrets and text. Nothing here names another module of the crate.

pub mod clock;
pub mod digest;
pub mod fence;
pub mod id;
pub mod money;
pub mod quantity;
pub mod secret;
pub mod text;

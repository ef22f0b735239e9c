//! The own format of text generation servers: one text in, one text out.

pub(super) mod decode;
pub(super) mod encode;
pub(super) mod stream;

//! What tests share: a project of their own, the built program, servers to talk to.
//!
//! No test reads the user's home, keys or network.

mod aimock;
mod browser;
mod evals;
mod project;
mod redact;
mod server;
mod stub;
mod terminal;

use std::path::{Path, PathBuf};

pub(crate) use aimock::Aimock;
pub(crate) use browser::Browser;
pub(crate) use evals::{Evals, Output, Running};
pub(crate) use project::Project;
pub(crate) use redact::redact;
pub(crate) use server::{Server, get, installed};
pub(crate) use stub::{
    Nobody, Request, Response, Stub, exchange, openai_chat, openai_error, openai_stream, read_reply,
};
pub(crate) use terminal::Terminal;

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Data that is too large or too foreign to be part of the checkout, and stands beside it on some
/// machines. `None`, with a word on stderr, where it does not.
pub(crate) fn shared_dir() -> Option<PathBuf> {
    let dir = root().parent()?.join("shared");
    if dir.is_dir() {
        return Some(dir);
    }
    skipped(&format!("there is no `{}`", dir.display()));
    None
}

/// Says on stderr that the running test proves nothing on this machine.
pub(crate) fn skipped(reason: &str) {
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    eprintln!("skipped {name}: {reason}");
}

/// How many scripts of a report are not its own.
pub(crate) fn foreign_scripts(page: &str) -> usize {
    let own =
        ["<script type=\"module\">", "<script type=\"application/octet-stream\" class=\"piece\""];
    let own: usize = own.iter().map(|tag| page.matches(tag).count()).sum();
    page.to_lowercase().matches("<script").count() - own
}

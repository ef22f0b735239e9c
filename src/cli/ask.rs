//! What people are asked at the terminal. Secrets never come by an argument: those can be seen by
//! everybody.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use console::Term;

use super::{Out, env, exit::Failure};
use crate::base::secret::Secret;

/// Bytes of the longest line that is read.
const LONGEST: u64 = 64 << 10;

/// Whether there is somebody to ask: a terminal, and no CI.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && Term::stderr().is_term() && env::variable("CI").is_none()
}

/// What somebody types at the terminal, without showing it.
pub(super) fn typed(what: &str) -> Option<Secret> {
    let terminal = Term::stderr();
    terminal.write_str(&format!("{what}: ")).ok()?;
    terminal.read_secure_line().ok().map(Secret::new)
}

/// A secret: typed at the terminal, or else the first line of standard input.
pub(super) fn secret(what: &str) -> Result<Secret, Failure> {
    let given = if can_ask() { typed(what) } else { line() };
    given.filter(|secret| !secret.expose().is_empty()).ok_or_else(|| {
        Failure::usage(format!("no {what} was given"))
            .hint("type it at the terminal, or hand it in as the first line of standard input")
    })
}

/// A passphrase for later: typed twice at the terminal, or else the first line of standard input.
pub(super) fn new_passphrase() -> Result<Secret, Failure> {
    let passphrase = secret("new passphrase")?;
    if can_ask() && typed("the same again").as_ref() != Some(&passphrase) {
        return Err(Failure::usage("the two passphrases differ; nothing was changed"));
    }
    Ok(passphrase)
}

/// A yes to deleting something.
pub(super) fn confirm(question: &str, out: &mut Out) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("deleting needs a yes, and there is no terminal to ask at")
            .hint("`--yes` says it"));
    }
    out.note(&format!("{question} [y/N]"));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).ok();
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage("nothing was deleted"))
}

fn line() -> Option<Secret> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut line).ok()?;
    // The whole line is a secret, so the buffer is wrapped and not copied.
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Some(Secret::new(line))
}

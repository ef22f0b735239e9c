//! Secrets that people type. They never come by an argument: those can be seen by everybody.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use console::Term;

#[cfg(unix)]
mod unseen;

use super::{env, exit::Failure};
use crate::base::secret::Secret;

/// Bytes of the longest line that is read.
const LONGEST: u64 = 64 << 10;

/// Whether there is somebody to ask: a terminal, and no CI.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && Term::stderr().is_term() && env::variable("CI").is_none()
}

/// What somebody types at the terminal, without showing it. Ctrl-C ends the program, as everywhere.
#[cfg(unix)]
pub(super) fn typed(what: &str) -> Option<Secret> {
    let terminal = Term::stderr();
    // Before the question: what is typed from then on is not shown.
    let unseen = unseen::Unseen::begin()?;
    terminal.write_str(&format!("{what}: ")).ok()?;
    let typed = unseen::line(&mut io::stdin().lock());
    drop(unseen);
    terminal.write_line("").ok();
    match typed {
        unseen::Typed::Line(secret) => Some(secret),
        unseen::Typed::Ended => None,
        unseen::Typed::Interrupted => {
            use rustix::process::{Signal, getpid, kill_process};
            kill_process(getpid(), Signal::INT).ok();
            None
        }
    }
}

/// What somebody types at the terminal, without showing it.
#[cfg(not(unix))]
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

fn line() -> Option<Secret> {
    let mut line = String::new();
    io::stdin().lock().take(LONGEST).read_line(&mut line).ok()?;
    // The whole line is a secret, so the buffer is wrapped and not copied.
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Some(Secret::new(line))
}

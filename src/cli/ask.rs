//! What people are asked at the terminal. Secrets never come by an argument: those can be seen by
//! everybody.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _},
};

use console::Term;
use zeroize::Zeroizing;

#[cfg(unix)]
mod unseen;

use super::{Out, env, exit::Failure};
use crate::base::secret::Secret;

/// Bytes of the longest secret that is read from standard input.
const LONGEST: usize = 64 << 10;

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
    let typed = unseen::line(&mut input().ok()?);
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

/// Everything on standard input. `None`: it is longer than any secret.
pub(super) fn everything() -> io::Result<Option<Secret>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 64));
    input()?.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > LONGEST {
        return Ok(None);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::other("it is not text"))?;
    Ok(Some(Secret::new(text)))
}

/// The first line of standard input.
fn line() -> Option<Secret> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut input = input().ok()?;
    let mut byte = Zeroizing::new([0]);
    while line.len() < LONGEST && input.read(&mut *byte).ok()? == 1 && *byte != *b"\n" {
        line.push(byte[0]);
    }
    let text = std::str::from_utf8(&line).ok()?;
    Some(Secret::new(text.trim_end_matches('\r')))
}

/// Standard input without the buffer that stands before it otherwise, and that nobody wipes.
fn input() -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle as _;
        Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
    }
}

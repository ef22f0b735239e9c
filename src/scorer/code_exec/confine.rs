//! The innermost wall of the sandbox, by Landlock: the kernel denies a program all files but those that
//! are named, all ports, and whatever processes outside would hear of it.
//!
//! A program can only put this wall around itself. So the sandbox starts this one first, which does
//! that and then becomes the other. Where the kernel has no Landlock, or an older one, it is what the
//! kernel can do.

use std::{ffi::OsString, io, path::PathBuf};

/// The first argument of this program when it is to confine itself; what follows are pairs of an
/// access and a path, `--`, and the command that it becomes.
pub const CONFINED: &str = "__confined";

/// What may be done with what lies below a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Reading, and running programs.
    Read,
    /// Everything.
    Write,
    /// Reading and writing what is there.
    Device,
}

impl Access {
    const ALL: [(&'static str, Self); 3] =
        [("read", Self::Read), ("write", Self::Write), ("device", Self::Device)];
}

/// The arguments that confine a command in the sandbox, which stands behind them. `paths` can be read
/// besides what every program needs.
pub(super) fn arguments(paths: &[PathBuf]) -> Vec<String> {
    let fixed = "read /usr read /etc/alternatives read /etc/ld.so.cache read /proc device /dev \
                 write /dev/shm write /tmp write /work";
    let mut arguments = vec![CONFINED.to_owned()];
    arguments.extend(fixed.split_whitespace().map(str::to_owned));
    for path in paths {
        arguments.extend(["read".to_owned(), path.display().to_string()]);
    }
    arguments.push("--".to_owned());
    arguments
}

/// Confines this process by `args`, those behind [`CONFINED`], and becomes the command in them; comes
/// back with what went wrong.
pub fn confined(args: impl Iterator<Item = OsString>) -> io::Error {
    let wrong =
        || io::Error::other("pairs of `read`, `write` or `device` and a path, `--`, a command");
    let mut args = args;
    let mut rules = Vec::new();
    let program = loop {
        let (Some(word), Some(path)) = (args.next(), args.next()) else { return wrong() };
        if word == "--" {
            break path;
        }
        let Some((_, access)) = Access::ALL.iter().find(|(name, _)| word == *name) else {
            return wrong();
        };
        rules.push((*access, PathBuf::from(path)));
    };
    become_confined(&rules, program, args)
}

#[cfg(target_os = "linux")]
fn become_confined(
    rules: &[(Access, PathBuf)],
    program: OsString,
    args: impl Iterator<Item = OsString>,
) -> io::Error {
    use std::{os::unix::process::CommandExt as _, process::Command};

    match restrict(rules) {
        Ok(()) => Command::new(program).args(args).exec(),
        Err(error) => io::Error::other(error),
    }
}

/// Landlock is the kernel's of Linux.
#[cfg(not(target_os = "linux"))]
fn become_confined(
    _rules: &[(Access, PathBuf)],
    _program: OsString,
    _args: impl Iterator<Item = OsString>,
) -> io::Error {
    io::Error::from(io::ErrorKind::Unsupported)
}

/// Puts the wall around this thread, which is the only one, and what it starts.
#[cfg(target_os = "linux")]
fn restrict(rules: &[(Access, PathBuf)]) -> Result<(), landlock::RulesetError> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
        Scope, make_bitflags, path_beneath_rules,
    };

    // The sixth has ports, and signals and abstract sockets across the wall.
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    for (access, path) in rules {
        let allowed = match access {
            Access::Read => AccessFs::from_read(abi),
            Access::Write => AccessFs::from_all(abi),
            Access::Device => make_bitflags!(AccessFs::{ReadFile | WriteFile | ReadDir | Truncate}),
        };
        // What is not there needs no rule.
        ruleset = ruleset.add_rules(path_beneath_rules([path], allowed))?;
    }
    ruleset.restrict_self()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_understood_starts_nothing() {
        for words in [&[][..], &["read"], &["read", "/usr"], &["reed", "/usr", "--", "ls"], &["--"]]
        {
            let error = confined(words.iter().map(OsString::from));
            assert!(error.to_string().contains("a command"), "{words:?}: {error}");
        }
    }

    #[test]
    fn arguments_end_where_the_command_begins() {
        let made = arguments(&["/opt/a b".into()]);
        assert_eq!(made[0], CONFINED);
        assert_eq!(made[made.len() - 3..], ["read", "/opt/a b", "--"]);
        assert_eq!(made.len() % 2, 0);
    }
}

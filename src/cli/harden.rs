//! What the process does before anything else, so that secrets in its memory stay there.

use std::{
    io::{self, Write as _},
    panic::PanicHookInfo,
};

use super::env;

/// The way back, for who debugs the program: with it set to `1`, nothing here is done.
const ALLOW_DEBUG: &str = "EVALS_ALLOW_DEBUG";

/// Leaves no core dump, lets other processes of the user look neither into memory nor into the
/// environment, and keeps what a panic says to its place in the code.
pub(super) fn harden() {
    if env::variable(ALLOW_DEBUG).as_deref() == Some("1") {
        return;
    }
    // A limit of size does not hold for core dumps that go to a program; being undumpable does.
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
    }
    std::panic::set_hook(Box::new(say_where));
}

/// The message of a panic may hold anything that the code was holding, so it is not shown.
fn say_where(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(
        || "an unknown place".to_owned(),
        |at| format!("{}:{}:{}", at.file(), at.line(), at.column()),
    );
    writeln!(
        io::stderr().lock(),
        "error: internal error at {place}; please report it\n\nhint: {ALLOW_DEBUG}=1 shows what was \
         being done, which may include keys"
    )
    .ok();
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use crate::base::secret::Secret;

    const CHILD: &str = "EVALS_TEST_PANICS";

    /// The hook belongs to a whole process, so it is tried in one of its own: this test
    /// program, running this test alone.
    #[test]
    fn attack_18_a_panic_says_where_and_not_what() {
        if super::env::variable(CHILD).is_some() {
            super::harden();
            let secret = Secret::new("sk-CANARY-0123456789");
            panic!("holding {}", secret.expose());
        }
        let name = "cli::harden::tests::attack_18_a_panic_says_where_and_not_what";
        let said = |debug: &str| {
            let output = Command::new("/proc/self/exe")
                .args([name, "--exact", "--nocapture"])
                .env(CHILD, "1")
                .env(super::ALLOW_DEBUG, debug)
                .stdin(Stdio::null())
                .output()
                .expect("the test program");
            assert!(!output.status.success());
            format!("{output:?}")
        };
        let hardened = said("0");
        assert!(hardened.contains("internal error at src/cli/harden.rs:"), "{hardened}");
        assert!(!hardened.contains("CANARY"), "{hardened}");
        assert!(said("1").contains("CANARY"), "the way back");
    }
}

//! The Secret Service of Linux desktops, by way of `secret-tool`.
//!
//! A library that speaks D-Bus would triple the crates that the program is built from, for two
//! messages. Secrets go in by standard input and out by standard output, never by an argument.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use zeroize::Zeroizing;

use super::{KeyStore, KeyStoreError};
use crate::base::secret::Secret;

const PROGRAM: &str = "secret-tool";

/// Bytes of what is read of its output: more than the vault ever stores.
const MOST: usize = 4 << 10;

/// A little less than the vault waits, so that the program is ended rather than left behind.
const LIMIT: Duration = Duration::from_millis(2_500);

/// What the program is told of the environment: how to reach the service, and nothing that might
/// hold a key.
const VARIABLES: [&str; 8] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
];

/// Calls `secret-tool`.
#[derive(Debug)]
pub(super) struct SecretTool {
    variables: Vec<(&'static str, String)>,
}

impl SecretTool {
    pub(super) fn new(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let variables =
            VARIABLES.iter().filter_map(|name| variable(name).map(|value| (*name, value)));
        Self { variables: variables.collect() }
    }

    fn call(&self, args: &[&str], account: &str, input: &[u8]) -> Result<Answer, KeyStoreError> {
        let mut command = Command::new(PROGRAM);
        command
            .args(args)
            .args(["application", "evals", "account", account])
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            KeyStoreError(if error.kind() == ErrorKind::NotFound {
                format!("needs `{PROGRAM}`: install libsecret-tools, or libsecret")
            } else {
                format!("cannot be called ({error})")
            })
        })?;
        let answer = Answer::of(&mut child, input);
        if answer.is_err() {
            child.kill().ok();
        }
        let status = child.wait().map_err(|error| KeyStoreError(format!("broke ({error})")))?;
        answer.map(|answer| Answer { success: status.success(), ..answer })
    }
}

impl KeyStore for SecretTool {
    fn get(&self, account: &str) -> Result<Option<Secret>, KeyStoreError> {
        let answer = self.call(&["lookup"], account, &[])?;
        if answer.success {
            return Ok(Some(answer.output).filter(|secret| !secret.expose().is_empty()));
        }
        // Without a word: there is none.
        if answer.complaint.is_empty() { Ok(None) } else { Err(answer.error()) }
    }

    fn set(&self, account: &str, secret: &Secret) -> Result<(), KeyStoreError> {
        let args = ["store", "--label=evals vault"];
        let answer = self.call(&args, account, secret.expose().as_bytes())?;
        if answer.success { Ok(()) } else { Err(answer.error()) }
    }

    fn delete(&self, account: &str) -> Result<(), KeyStoreError> {
        let answer = self.call(&["clear"], account, &[])?;
        if answer.success || answer.complaint.is_empty() { Ok(()) } else { Err(answer.error()) }
    }
}

/// What the program said.
struct Answer {
    success: bool,
    output: Secret,
    complaint: String,
}

impl Answer {
    /// Feeds `child` and hears it out, as long as there is time.
    fn of(child: &mut Child, input: &[u8]) -> Result<Self, KeyStoreError> {
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(KeyStoreError("broke".to_owned()));
        };
        // A few bytes, which any pipe takes without a reader.
        stdin.write_all(input).ok();
        drop(stdin);
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || {
            // Large enough from the start: a buffer that grows leaves copies behind.
            let mut output = Zeroizing::new(Vec::with_capacity(MOST + 64));
            let mut complaint = String::new();
            let read = stdout.by_ref().take(MOST as u64).read_to_end(&mut output);
            stderr.by_ref().take(1_000).read_to_string(&mut complaint).ok();
            let text = read.ok().and_then(|_| std::str::from_utf8(&output).ok());
            sender.send((text.map(Secret::new), complaint)).ok();
        });
        match heard.recv_timeout(LIMIT) {
            Ok((Some(output), complaint)) => Ok(Self { success: false, output, complaint }),
            Ok((None, _)) => Err(KeyStoreError("gave something that is not text".to_owned())),
            Err(_) => Err(KeyStoreError("did not answer in time; is it locked?".to_owned())),
        }
    }

    fn error(&self) -> KeyStoreError {
        let complaint = self.complaint.trim();
        let complaint = complaint.strip_prefix("secret-tool: ").unwrap_or(complaint);
        KeyStoreError(format!("cannot be reached ({complaint})"))
    }
}

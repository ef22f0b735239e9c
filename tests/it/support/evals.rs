//! The built program, run as a user runs it.

use std::{
    ffi::OsStr,
    fmt,
    io::Write as _,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{Project, Terminal};

/// A command line of the program, in a project, with nothing inherited from the environment.
pub(crate) struct Evals {
    command: Command,
    stdin: Vec<u8>,
}

impl Evals {
    /// The program without arguments, in `project`.
    pub(crate) fn new(project: &Project) -> Self {
        Self::program(env!("CARGO_BIN_EXE_evals"), project)
    }

    /// Another program, in the same surroundings.
    pub(crate) fn program(path: &str, project: &Project) -> Self {
        let home = project.home();
        let mut command = Command::new(path);
        command
            .current_dir(project.path(""))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("HOME", &home)
            .env("TMPDIR", project.tmp())
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("EVALS_HOME", home.join("evals"));
        Self { command, stdin: Vec::new() }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What the program reads from its standard input; nothing else.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Starts it at a terminal; `None` where there is none to be had.
    pub(crate) fn at_terminal(self) -> Option<Terminal> {
        Terminal::start(&self.command)
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Starts it.
    pub(crate) fn spawn(mut self) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let line = format!("{:?}", self.command);
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("{line}: {e}"));
        let mut pipe = child.stdin.take().expect("a pipe");
        let bytes = self.stdin;
        // A program that does not read its input closes the pipe: not a failure of the test.
        std::thread::spawn(move || pipe.write_all(&bytes).ok());
        Running { child: Some(child), line }
    }
}

/// The program while it runs. Killed when dropped.
pub(crate) struct Running {
    child: Option<Child>,
    line: String,
}

impl Running {
    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Sends the signal called `name`: `INT`, `TERM`, `KILL` …
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        let status = Command::new("/bin/sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "`{kill}` failed");
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("it runs");
        child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Output {
        let child = self.child.take().expect("it runs");
        let output = child.wait_with_output().expect("the program ends");
        Output {
            line: self.line.clone(),
            code: output.status.code(),
            stdout: text(output.stdout, "stdout"),
            stderr: text(output.stderr, "stderr"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// What the program left behind.
pub(crate) struct Output {
    line: String,
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Everything on standard output.
    pub(crate) stdout: String,
    /// Everything on standard error.
    pub(crate) stderr: String,
}

impl Output {
    /// Checks that it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "exit code of {self:?}");
        self
    }

    /// Checks that standard output has `part`.
    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        assert!(self.stdout.contains(part), "no {part:?} on stdout of {self:?}");
        self
    }

    /// Checks that standard error has `part`.
    #[track_caller]
    pub(crate) fn complains(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "no {part:?} on stderr of {self:?}");
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("not JSON: {e}: {self:?}"))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parsed: Result<Vec<Value>, _> = self.stdout.lines().map(serde_json::from_str).collect();
        parsed.unwrap_or_else(|e| panic!("not JSON lines: {e}: {self:?}"))
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, code, stdout, stderr } = self;
        write!(f, "{line}\n--- code: {code:?}\n--- stdout:\n{stdout}\n--- stderr:\n{stderr}\n---")
    }
}

fn text(bytes: Vec<u8>, name: &str) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| panic!("{name} is not UTF-8: {e}"))
}

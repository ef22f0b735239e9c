//! Servers written by others, mostly in Python: found, started on a free port, stopped.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tempfile::TempDir;

use super::skipped;

/// Longer than any of them takes to start on a busy machine; only a server that hangs gets there.
const POLLS: u32 = 1200;
const BETWEEN: Duration = Duration::from_millis(250);

/// The program that the environment variable `name` names, or that `.ci/run` installed at `path`
/// in its folder. `None`, with a word on stderr, where there is neither.
pub(crate) fn installed(name: &str, path: &str) -> Option<PathBuf> {
    if let Some(told) = std::env::var_os(name).map(PathBuf::from) {
        assert!(told.is_file(), "{name} is `{}`, which is no file", told.display());
        return Some(told);
    }
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let there = home.join(".cache/evals-ci").join(path);
    if there.is_file() {
        return Some(there);
    }
    skipped(&format!("`{path}` is not installed; `.ci/run` does it, or set {name}"));
    None
}

/// A port that is free, and that the system gives to nobody else: it lies below those that it gives to
/// listeners and connections which name none. No other server of this process gets it either.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let nth = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id() * 37);
        let port = 20_000 + (nth % 10_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A running server, with the processes that it started. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl Server {
    /// Starts what `command` makes of a free port and of a directory for files, and waits until
    /// `GET path` is answered, with whatever status.
    #[expect(clippy::disallowed_methods, reason = "nothing else tells that a stranger listens")]
    pub(crate) fn start(path: &str, command: impl FnOnce(u16, &Path) -> Command) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let port = free_port();
        let log = File::create(dir.path().join("server.log")).expect("a log");
        let mut command = command(port, dir.path());
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut server = Self { child, port, dir };
        for _ in 0..POLLS {
            if get(&server.address(), path).is_some() {
                return server;
            }
            if let Some(status) = server.child.try_wait().expect("a child") {
                panic!("{command:?}: {status}\n{}", server.log());
            }
            std::thread::sleep(BETWEEN);
        }
        panic!("{command:?} does not answer\n{}", server.log());
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A file in its directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.file("server.log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = id {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).ok();
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The whole reply to `GET path`; `None` when there is none.
pub(crate) fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).ok()?;
    let reply = String::from_utf8_lossy(&reply).into_owned();
    reply.starts_with("HTTP/1.").then_some(reply)
}

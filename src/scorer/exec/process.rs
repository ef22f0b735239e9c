//! One running program: a line in, a line out, and all of it killed when it is dropped.

use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use futures_util::future::try_join;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::unix::pipe,
    time::timeout,
};

/// Bytes of a reply at most.
const MOST: usize = 10 << 20;

/// Bytes of standard error that are kept, the last ones.
const TAIL: usize = 4 << 10;

/// How long the last words of a program that ended are waited for.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// How often it is looked whether a program ended.
const LOOK: Duration = Duration::from_millis(100);

/// How long a program may take to end by itself when the run is over.
const GRACE: Duration = Duration::from_secs(1);

/// How the program is started.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) file: PathBuf,
    pub(super) arguments: Vec<String>,
    /// All that it is told of the environment.
    pub(super) environment: Vec<(String, String)>,
    pub(super) directory: PathBuf,
}

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Its standard output is at its end.
    Ended,
    /// The line is longer than is allowed.
    TooLong,
}

/// A program that runs.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// `None` once its input was closed.
    requests: Option<pipe::Sender>,
    replies: BufReader<pipe::Receiver>,
    complaints: pipe::Receiver,
    tail: Vec<u8>,
    /// Whether it and its group were killed and waited for.
    over: bool,
    /// Replies that it gave.
    pub(super) answered: u64,
}

impl Process {
    /// Starts the program, in a process group of its own and with nothing inherited.
    pub(super) fn start(recipe: &Recipe) -> io::Result<Self> {
        let mut child = Command::new(&recipe.file)
            .args(&recipe.arguments)
            .env_clear()
            .envs(recipe.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&recipe.directory)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let opened = (|| {
            let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
                return Err(io::Error::other("it has no pipes"));
            };
            Ok((
                pipe::Sender::from_owned_fd(OwnedFd::from(stdin))?,
                pipe::Receiver::from_owned_fd(OwnedFd::from(stdout))?,
                pipe::Receiver::from_owned_fd(OwnedFd::from(stderr))?,
            ))
        })();
        match opened {
            Ok((requests, replies, complaints)) => Ok(Self {
                child,
                requests: Some(requests),
                replies: BufReader::with_capacity(64 << 10, replies),
                complaints,
                tail: Vec::new(),
                over: false,
                answered: 0,
            }),
            Err(error) => {
                child.kill().ok();
                child.wait().ok();
                Err(error)
            }
        }
    }

    /// Sends `line` and waits for a line; what it complains of meanwhile is kept.
    pub(super) async fn exchange(&mut self, line: &[u8]) -> Result<Vec<u8>, Trouble> {
        let Self { child, requests, replies, complaints, tail, .. } = self;
        let write = async {
            // One that does not read has ended, or will answer without: the reply tells.
            if let Some(requests) = requests {
                requests.write_all(line).await.ok();
            }
            Ok(())
        };
        let talk = try_join(write, read_line(replies));
        let reply = tokio::select! {
            biased;
            talked = talk => talked?.1,
            () = listen_for_ever(complaints, tail) => return Err(Trouble::Ended),
            () = end_of(child) => return Err(Trouble::Ended),
        };
        self.answered += 1;
        Ok(reply)
    }

    /// How it ended, after its last words; `None` when it had not, and was killed.
    pub(super) async fn end(&mut self) -> Option<ExitStatus> {
        let last_words = async {
            listen(&mut self.complaints, &mut self.tail).await;
            // Its pipes are closed a little before its end can be seen.
            while !has_ended(&self.child) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(LAST_WORDS, last_words).await.ok();
        let by_itself = has_ended(&self.child);
        self.kill().filter(|_| by_itself)
    }

    /// Lets it end by itself, which the end of its input asks for; then kills what is left.
    pub(super) async fn close(mut self) {
        drop(self.requests.take());
        let Self { replies, complaints, tail, .. } = &mut self;
        timeout(GRACE, async { tokio::join!(drain(replies), listen(complaints, tail)) }).await.ok();
    }

    /// Kills the program and all of its group, and takes note of its end.
    fn kill(&mut self) -> Option<ExitStatus> {
        if self.over {
            return None;
        }
        self.over = true;
        if let Some(group) = pid(&self.child) {
            // The group keeps its id as long as its leader is not waited for.
            kill_process_group(group, Signal::KILL).ok();
        }
        self.child.kill().ok();
        self.child.wait().ok()
    }

    /// The end of what it wrote to standard error.
    pub(super) fn tail(&self) -> String {
        String::from_utf8_lossy(&self.tail).trim().to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Whether it ended; it stays to be waited for.
fn has_ended(child: &Child) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    pid(child).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), look), Ok(None)))
}

/// What is said of how a program ended.
pub(super) fn ending(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code), _)) => format!("the program ended with exit code {code}"),
        Some((None, Some(signal))) => format!("the program was killed by signal {signal}"),
        _ => "the program closed its standard output".to_owned(),
    }
}

/// Waits for the end of the program, which does not close its pipes while others hold them too.
async fn end_of(child: &Child) {
    while !has_ended(child) {
        tokio::time::sleep(LOOK).await;
    }
    // What it had said by then is read first.
    tokio::time::sleep(LOOK).await;
}

async fn read_line(from: &mut BufReader<pipe::Receiver>) -> Result<Vec<u8>, Trouble> {
    let mut line = Vec::new();
    loop {
        let piece = from.fill_buf().await.map_err(|_| Trouble::Ended)?;
        if piece.is_empty() {
            return Err(Trouble::Ended);
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(piece.len(), |end| end + 1);
        if line.len() + taken > MOST {
            return Err(Trouble::TooLong);
        }
        line.extend_from_slice(&piece[..taken]);
        from.consume(taken);
        if end.is_some() {
            return Ok(line);
        }
    }
}

/// Keeps the end of what is written, up to its end.
async fn listen(from: &mut pipe::Receiver, tail: &mut Vec<u8>) {
    let mut piece = vec![0; 4 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        tail.extend_from_slice(&piece[..length]);
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }
}

/// As [`listen`], and then waits: one who closes its standard error may still answer.
async fn listen_for_ever(from: &mut pipe::Receiver, tail: &mut Vec<u8>) {
    listen(from, tail).await;
    std::future::pending::<()>().await;
}

async fn drain(from: &mut BufReader<pipe::Receiver>) {
    while let Ok(piece @ [_, ..]) = from.fill_buf().await {
        let length = piece.len();
        from.consume(length);
    }
}

//! Where code that a model wrote runs: a sandbox made by bubblewrap, or none where somebody said so.
//!
//! In the sandbox there are the programs of the machine, read-only, and an empty directory in
//! memory; no files of the user, no network, no other process. Everything in it ends with it.

use std::{
    io::{self, Write as _},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream as Pair, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, getuid, kill_process_group};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixStream, unix::pipe},
    time::{Instant, timeout_at},
};

use super::{confine, filter::filter, watch};
use crate::scorer::Site;

/// Limits, and then the command.
const LIMITS: &str = include_str!("../../../scorers/code_limits.sh");

/// Bytes of a verdict at most.
const MOST: u64 = 64 << 10;

/// Kilobytes of memory that one process may have.
const MEMORY_KB: &str = "2097152";

/// Bytes of memory that all processes of a program may hold together.
const MEMORY_OF_ALL: u64 = 2 << 30;

/// Where programs are looked for in the sandbox.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Bytes of the directory that programs may write to, and of two more.
const ROOM: &str = "67108864";

/// Where this program is in the sandbox.
const CONFINER: &str = "/confine";

/// Nobody: what the superuser becomes before it makes a sandbox.
const NOBODY: u32 = 65_534;

/// What came of a program.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The first line that it said, without the line feed.
    Said(Vec<u8>),
    /// It ended, or closed its way out, without a word.
    Silent,
    /// Its time was over.
    Late,
    /// All of its processes together held more memory than they may.
    Hungry,
}

/// A way to run programs.
#[derive(Debug)]
pub(super) struct Jail {
    /// What comes before the command.
    prefix: Vec<String>,
    /// The filter of system calls; empty without a sandbox.
    filter: Vec<u8>,
    /// Whether the superuser becomes nobody.
    as_nobody: bool,
    sandboxed: bool,
}

impl Jail {
    /// The sandbox, tried with `program`; or why there is none.
    pub(super) fn sandbox(site: &Site, program: &str, paths: &[PathBuf]) -> Result<Self, String> {
        let filter = filter().ok_or("this processor has no filter of system calls")?;
        let path = site.variables.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or(PATH, |(_, path)| path);
        let bwrap = path
            .split(':')
            .map(|directory| PathBuf::from(directory).join("bwrap"))
            .find(|file| file.is_absolute() && file.is_file())
            .ok_or("bubblewrap (`bwrap`) is not installed")?;
        let jail = |confiner: Option<&Path>| {
            let mut prefix = vec![bwrap.display().to_string()];
            prefix.extend(arguments(paths, confiner));
            let as_nobody = getuid().is_root();
            Self { prefix, filter: filter.clone(), as_nobody, sandboxed: true }
        };
        // Who becomes nobody may not get at this program's file any more.
        if let Some(confiner) = &site.confiner {
            let jail = jail(Some(confiner));
            if matches!(jail.tried(program), Ok(None)) {
                return Ok(jail);
            }
        }
        let jail = jail(None);
        let tried = jail.tried(program).map_err(|error| format!("bubblewrap failed: {error}"))?;
        tried.map_or(Ok(jail), Err)
    }

    /// No sandbox: a directory of its own, and limits.
    pub(super) fn none() -> Self {
        Self { prefix: Vec::new(), filter: Vec::new(), as_nobody: false, sandboxed: false }
    }

    /// Whether it finds `program`; what is wrong else.
    fn tried(&self, program: &str) -> io::Result<Option<String>> {
        let look = ["/bin/sh", "-c", "command -v \"$1\" >/dev/null || exit 42", "sh", program];
        let mut command = self.command(&look.map(str::to_owned), 10);
        let output = command
            .stdin(self.filter_pipe()?)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        Ok(match output.status.code() {
            Some(0) => None,
            Some(42) => Some(format!(
                "there is no `{program}` in the sandbox, which has the programs of /usr; `paths` adds \
                 directories"
            )),
            _ => Some(format!("bubblewrap makes no sandbox here ({})", complaint.trim())),
        })
    }

    /// The filter as standard input, which bubblewrap reads it from.
    fn filter_pipe(&self) -> io::Result<Stdio> {
        let (reader, mut writer) = io::pipe()?;
        // A few hundred bytes, which any pipe takes without a reader.
        writer.write_all(&self.filter)?;
        Ok(Stdio::from(OwnedFd::from(reader)))
    }

    fn command(&self, line: &[String], seconds: u64) -> Command {
        let limits = ["/bin/sh", "-c", LIMITS, "sh", &seconds.to_string(), MEMORY_KB];
        let limits = limits.iter().map(|word| (*word).to_owned());
        let mut words = self.prefix.iter().cloned().chain(limits).chain(line.iter().cloned());
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().env("PATH", PATH).env("HOME", "/work").process_group(0);
        if self.as_nobody {
            command.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
        command
    }

    /// Runs `line` with `job` on its standard output, which is two-way, and waits for the first line
    /// that comes back by it. Whatever was started is gone afterwards.
    pub(super) async fn run(
        &self,
        line: &[String],
        job: &[u8],
        deadline: Instant,
    ) -> io::Result<Outcome> {
        let scratch = if self.sandboxed { None } else { Some(tempfile::tempdir()?) };
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        let mut ours = UnixStream::from_std(ours)?;
        let seconds = deadline.duration_since(Instant::now()).as_secs() + 1;
        let mut command = self.command(line, seconds);
        if let Some(scratch) = &scratch {
            command.current_dir(scratch.path()).env("HOME", scratch.path());
        }
        let child = command
            .stdin(self.filter_pipe()?)
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .stderr(Stdio::piped())
            .spawn()?;
        // Holds the other end of the pair otherwise.
        drop(command);
        let pid = child.id();
        let mut running = Running(child);
        let stderr = running.0.stderr.take().ok_or_else(|| io::Error::other("no pipe"))?;
        let mut noise = pipe::Receiver::from_owned_fd(OwnedFd::from(stderr))?;
        let (mut reader, mut writer) = ours.split();
        let talk = async {
            let write = async {
                writer.write_all(job).await.ok();
                writer.shutdown().await.ok();
            };
            let ((), said) = tokio::join!(write, first_line(&mut reader));
            said
        };
        let ignore = async {
            let mut piece = vec![0; 16 << 10];
            while let Ok(1..) = noise.read(&mut piece).await {}
            std::future::pending::<Outcome>().await
        };
        let either = async {
            tokio::select! {
                said = talk => said,
                never = ignore => never,
                () = watch::over(pid, MEMORY_OF_ALL) => Outcome::Hungry,
            }
        };
        Ok(timeout_at(deadline, either).await.unwrap_or(Outcome::Late))
    }
}

/// A program under way; killed with its group when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            kill_process_group(group, Signal::KILL).ok();
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

async fn first_line(from: &mut (impl tokio::io::AsyncRead + Unpin)) -> Outcome {
    let mut said = Vec::new();
    let mut from = from.take(MOST);
    let mut piece = [0; 1 << 10];
    loop {
        match from.read(&mut piece).await {
            Ok(length @ 1..) => said.extend_from_slice(&piece[..length]),
            _ => return Outcome::Silent,
        }
        if let Some(end) = said.iter().position(|byte| *byte == b'\n') {
            said.truncate(end);
            return Outcome::Said(said);
        }
    }
}

/// What bubblewrap is told: its arguments are the policy. `confiner` is this program, where it is to
/// put a wall of its own around what it becomes.
fn arguments(paths: &[PathBuf], confiner: Option<&Path>) -> Vec<String> {
    let fixed = [
        "--unshare-all --die-with-parent --new-session --clearenv --hostname sandbox",
        "--uid 65534 --gid 65534 --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib",
        "--symlink usr/lib64 /lib64 --ro-bind-try /etc/alternatives /etc/alternatives",
        "--ro-bind-try /etc/ld.so.cache /etc/ld.so.cache --proc /proc --dev /dev",
        "--size 16777216 --tmpfs /dev/shm --remount-ro /dev",
    ];
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut arguments: Vec<String> = fixed.iter().flat_map(|text| words(text)).collect();
    arguments.extend(words(&format!("--size {ROOM} --tmpfs /tmp --size {ROOM} --tmpfs /work")));
    // Behind the directories in memory, which would hide what lies below them.
    for path in paths {
        let path = path.display().to_string();
        arguments.extend(["--ro-bind".to_owned(), path.clone(), path]);
    }
    if let Some(confiner) = confiner {
        let confiner = confiner.display().to_string();
        arguments.extend(["--ro-bind".to_owned(), confiner, CONFINER.to_owned()]);
    }
    arguments.extend(words(&format!(
        "--remount-ro / --chdir /work --setenv PATH {PATH} --setenv HOME /work --setenv LANG C.UTF-8 \
         --seccomp 0 --"
    )));
    if confiner.is_some() {
        arguments.push(CONFINER.to_owned());
        arguments.extend(confine::arguments(paths));
    }
    arguments
}

//! aimock (npm `@copilotkit/aimock`): a local server, written by others, that speaks the wire
//! formats of many providers.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{installed, skipped};

/// A running aimock. Killed when dropped.
pub(crate) struct Aimock {
    child: Child,
    base: String,
    // Holds the fixtures for as long as the server may read them.
    _dir: TempDir,
}

impl Aimock {
    /// Starts it on a free port with `fixtures`, its own JSON format: `{"fixtures": [{"match": {…},
    /// "response": {…}}]}`. `None`, with a word on stderr, where it or `node` is not installed.
    pub(crate) fn start(fixtures: &Value) -> Option<Self> {
        Self::start_for(fixtures, &[])
    }

    /// As [`Self::start`], and it refuses all but these keys where there are any.
    pub(crate) fn start_for(fixtures: &Value, keys: &[&str]) -> Option<Self> {
        let module = "aimock/node_modules/@copilotkit/aimock/dist/cli.js";
        let cli = installed("EVALS_TEST_AIMOCK", module)?;
        let dir = TempDir::new().expect("a temporary directory");
        let file = dir.path().join("fixtures.json");
        fs::write(&file, fixtures.to_string()).expect("fixtures");
        let spawned = Command::new("node")
            .arg(&cli)
            .args(["-h", "127.0.0.1", "-p", "0", "--strict", "--validate-on-load", "-f"])
            .arg(&file)
            .envs((!keys.is_empty()).then(|| ("AIMOCK_API_KEYS", keys.join(","))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                skipped(&format!("`node` does not start: {error}"));
                return None;
            }
        };
        let base = first_address(&mut child);
        Some(Self { child, base, _dir: dir })
    }

    /// The base URL of its `OpenAI` endpoints, `http://127.0.0.1:PORT/v1`.
    pub(crate) fn base_url(&self) -> String {
        format!("{}/v1", self.base)
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The address that it prints once it listens. Its later output is read and dropped, so that the
/// pipe never fills.
fn first_address(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once("listening on ")?;
        Some(address.trim().to_owned())
    });
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    address.expect("aimock ended before it listened")
}

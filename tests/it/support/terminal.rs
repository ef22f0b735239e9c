//! The program at a terminal, with somebody who types. The terminal is that of `script` from
//! util-linux.

use std::{
    io::{Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use super::skipped;

/// Longer than any wait of a sound test: ends a test that hangs, asserts nothing about time.
const STUCK: Duration = Duration::from_mins(2);

#[derive(Default)]
struct Screen {
    text: String,
    ended: bool,
}

/// A program at a terminal that shows what is typed. Killed when dropped.
pub(crate) struct Terminal {
    child: Child,
    keys: Option<ChildStdin>,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    seen: usize,
}

impl Terminal {
    /// Starts `command` at a terminal. `None`, with a word on stderr, where there is no such `script`.
    pub(crate) fn start(command: &Command) -> Option<Self> {
        let help = Command::new("script").arg("--help").output();
        if !help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--echo")) {
            skipped("`script` of util-linux 2.37 or newer is not installed");
            return None;
        }
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words
            .map(|word| format!("'{}'", word.to_str().expect("UTF-8").replace('\'', "'\\''")))
            .collect();
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--return", "--flush", "--echo", "always", "--command"])
            .arg(format!("exec {}", words.join(" ")))
            .arg("/dev/null")
            .env_clear()
            .env("TERM", "dumb");
        for (name, value) in command.get_envs() {
            script.env(name, value.expect("a value"));
        }
        if let Some(directory) = command.get_current_dir() {
            script.current_dir(directory);
        }
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = script.spawn().expect("`script` starts");
        let mut shown = child.stdout.take().expect("a pipe");
        let screen: Arc<(Mutex<Screen>, Condvar)> = Arc::default();
        let writes = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let count = shown.read(&mut bytes).unwrap_or(0);
                let (screen, changed) = &*writes;
                let mut screen = screen.lock().unwrap();
                screen.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
                screen.ended = count == 0;
                changed.notify_all();
                if screen.ended {
                    return;
                }
            }
        });
        let keys = child.stdin.take();
        Some(Self { child, keys, screen, seen: 0 })
    }

    /// Waits until `text` appears, behind what was waited for before.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) -> &mut Self {
        let (screen, changed) = &*self.screen;
        let screen = screen.lock().unwrap();
        let find = |screen: &Screen| screen.text[self.seen..].find(text);
        let (screen, timeout) = changed
            .wait_timeout_while(screen, STUCK, |screen| find(screen).is_none() && !screen.ended)
            .unwrap();
        let all = &screen.text;
        assert!(!timeout.timed_out(), "stuck waiting for {text:?} in:\n{all}");
        let at = find(&screen).unwrap_or_else(|| panic!("it ended without {text:?}:\n{all}"));
        self.seen += at + text.len();
        drop(screen);
        self
    }

    /// Types `keys`.
    #[track_caller]
    pub(crate) fn types(&mut self, keys: &str) -> &mut Self {
        let pipe = self.keys.as_mut().expect("open");
        pipe.write_all(keys.as_bytes()).expect("it reads");
        pipe.flush().expect("it reads");
        self
    }

    /// Waits for `question`, and answers it with a line.
    #[track_caller]
    pub(crate) fn answers(&mut self, question: &str, line: &str) -> &mut Self {
        self.sees(question).types(&format!("{line}\r"))
    }

    /// Waits for the end: the exit code as shells have it, and everything that was shown.
    #[track_caller]
    pub(crate) fn end(mut self) -> (i32, String) {
        let (screen, changed) = &*self.screen;
        let screen = screen.lock().unwrap();
        let (screen, timeout) =
            changed.wait_timeout_while(screen, STUCK, |screen| !screen.ended).unwrap();
        let text = screen.text.replace('\r', "");
        drop(screen);
        assert!(!timeout.timed_out(), "stuck waiting for its end:\n{text}");
        self.keys = None;
        let status = self.child.wait().expect("it ends");
        (status.code().expect("a code"), text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.keys = None;
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

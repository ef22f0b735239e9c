//! Programs that wait for a request.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Instant, timeout_at};

use super::{
    process::{Process, Recipe, Trouble, ending},
    wire::{Reply, Request},
};
use crate::base::text::one_line;

/// Characters of a program's standard error that a verdict quotes, the last ones.
const QUOTED: usize = 400;

/// What stands for a text that must not be shown.
const MASK: &str = "****";

/// Programs of one recipe. It does not bound how many there are: who asks does.
#[derive(Debug)]
pub(super) struct Pool {
    recipe: Recipe,
    idle: Mutex<Vec<Process>>,
    /// Texts that must not be shown.
    private: Vec<String>,
}

impl Pool {
    pub(super) fn new(recipe: Recipe, mut private: Vec<String>) -> Self {
        // Longest first, so that no part of one is left over by another.
        private.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self { recipe, idle: Mutex::default(), private }
    }

    /// The reply to `request`, which gets an id and has to come back with it; or why there is none.
    /// A program that was asked in vain does not go on.
    pub(super) async fn ask(&self, request: Request, deadline: Instant) -> Result<Reply, String> {
        loop {
            let mut process = match self.idle() {
                Some(process) => process,
                None => Process::start(&self.recipe)
                    .map_err(|error| format!("the program cannot be started: {error}"))?,
            };
            let number = process.answered + 1;
            let line = request.line(number);
            let Ok(reply) = timeout_at(deadline, process.exchange(&line)).await else {
                return Err(self.complaint("the program did not answer in time", &process));
            };
            match reply {
                Ok(line) => {
                    let reply = Reply::read(&line, number);
                    return match reply {
                        Ok(reply) => {
                            self.put_back(process);
                            Ok(self.masked(reply))
                        }
                        Err(why) => {
                            process.end().await;
                            Err(self.complaint(&why, &process))
                        }
                    };
                }
                // It ended between two requests, which is its right.
                Err(Trouble::Ended) if process.answered > 0 => {}
                Err(Trouble::Ended) => {
                    let status = process.end().await;
                    return Err(self.complaint(&ending(status), &process));
                }
                Err(Trouble::TooLong) => {
                    process.end().await;
                    return Err(self.complaint("the reply is longer than 10 MB", &process));
                }
            }
        }
    }

    /// Ends all programs.
    pub(super) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        futures_util::future::join_all(idle.into_iter().map(Process::close)).await;
    }

    fn idle(&self) -> Option<Process> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn put_back(&self, process: Process) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(process);
    }

    /// What went wrong, with the last words of the program.
    fn complaint(&self, what: &str, process: &Process) -> String {
        let tail = self.hide(&process.tail());
        if tail.is_empty() {
            return what.to_owned();
        }
        let surplus = tail.chars().count().saturating_sub(QUOTED);
        let last: String = tail.chars().skip(surplus).collect();
        format!("{what}; its standard error ends: {}", one_line(last.trim(), QUOTED))
    }

    fn masked(&self, reply: Reply) -> Reply {
        let hide = |text: Option<String>| text.map(|text| self.hide(&text));
        Reply {
            label: hide(reply.label),
            explanation: hide(reply.explanation),
            error: hide(reply.error),
            skipped: hide(reply.skipped),
            ..reply
        }
    }

    /// `text` without what must not be shown.
    fn hide(&self, text: &str) -> String {
        self.private.iter().fold(text.to_owned(), |text, private| text.replace(private, MASK))
    }
}

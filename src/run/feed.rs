//! Reads the dataset and renders prompts, ahead of the calls, in a thread of its own.

use std::{mem, sync::Arc, vec};

use tokio::sync::mpsc;

use crate::plan::{Plan, Row};

/// Rows that are handed over at a time, while some are waiting already: each hand-over may have to
/// wake a thread.
const TOGETHER: usize = 16;

/// Rows that are ready before they are needed.
const AHEAD: usize = 64;

/// A row, or why there are no more.
type Read = Result<Row, String>;

/// The rows of the plan as they come.
pub(super) struct Feed {
    received: mpsc::Receiver<Vec<Read>>,
    /// What was handed over last.
    rest: vec::IntoIter<Read>,
}

/// Starts reading. The rows end after the last one, or after the first error.
pub(super) fn start(plan: Arc<Plan>) -> Feed {
    // A group is being made, and one was handed over last.
    let (rows, received) = mpsc::channel(AHEAD / TOGETHER - 2);
    tokio::task::spawn_blocking(move || read(&plan, &rows));
    Feed { received, rest: Vec::new().into_iter() }
}

fn read(plan: &Plan, rows: &mpsc::Sender<Vec<Read>>) {
    let all = match plan.rows() {
        Ok(all) => all,
        Err(error) => {
            rows.blocking_send(vec![Err(error.to_string())]).ok();
            return;
        }
    };
    let mut ready = Vec::new();
    for row in all {
        let last = row.is_err();
        ready.push(row.map_err(|error| error.to_string()));
        let wanted = rows.capacity() == rows.max_capacity();
        if (last || wanted || ready.len() >= TOGETHER)
            && rows.blocking_send(mem::take(&mut ready)).is_err()
        {
            return;
        }
        if last {
            return;
        }
    }
    if !ready.is_empty() {
        rows.blocking_send(ready).ok();
    }
}

impl Feed {
    /// Whether the next row would have to be waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.len() == 0 && self.received.is_empty()
    }

    /// The next row. Nothing is lost when it is waited for in vain.
    pub(super) async fn next(&mut self) -> Option<Read> {
        loop {
            if let Some(row) = self.rest.next() {
                return Some(row);
            }
            self.rest = self.received.recv().await?.into_iter();
        }
    }
}

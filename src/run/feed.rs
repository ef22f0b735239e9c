//! Reads the dataset and renders prompts, ahead of the calls, in a thread of its own.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::plan::{Plan, Row};

/// Rows that are ready before they are needed.
const AHEAD: usize = 64;

/// Starts reading. The channel ends after the last row, or after the first error.
pub(super) fn start(plan: Arc<Plan>) -> mpsc::Receiver<Result<Row, String>> {
    let (rows, received) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let all = match plan.rows() {
            Ok(all) => all,
            Err(error) => {
                rows.blocking_send(Err(error.to_string())).ok();
                return;
            }
        };
        for row in all {
            let row = row.map_err(|error| error.to_string());
            let last = row.is_err();
            if rows.blocking_send(row).is_err() || last {
                return;
            }
        }
    });
    received
}

//! Work that recurses as deep as its input does, on a stack that is made for it.

use std::thread::{Builder, scope};

/// Room for some hundred thousand calls within each other. Only what is used of it becomes memory.
const STACK_BYTES: usize = 256 << 20;

/// What `work` gives, computed with a large stack. `None` when there is no such thread to be had, or
/// when the work broke.
pub(super) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    scope(|threads| {
        let thread = Builder::new().stack_size(STACK_BYTES).spawn_scoped(threads, work).ok()?;
        thread.join().ok()
    })
}

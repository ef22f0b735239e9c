//! What is made once for each target and used by all of its calls.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::target::Target;

/// One `T` a target. Runs have few targets, so they are looked through.
#[derive(Debug)]
pub(in crate::client) struct ByTarget<T> {
    /// The targets are kept too, so that no other one can come to stand at the same address.
    made: RwLock<Vec<(Arc<Target>, Arc<T>)>>,
}

impl<T> Default for ByTarget<T> {
    fn default() -> Self {
        Self { made: RwLock::default() }
    }
}

impl<T> ByTarget<T> {
    /// What there is for `target`, made by `make` when it turns up for the first time.
    pub(in crate::client) fn of(
        &self,
        target: &Arc<Target>,
        make: impl FnOnce() -> Arc<T>,
    ) -> Arc<T> {
        let find = |made: &[(Arc<Target>, Arc<T>)]| {
            let found = made.iter().find(|(have, _)| Arc::ptr_eq(have, target));
            found.map(|(_, one)| Arc::clone(one))
        };
        if let Some(one) = find(&self.made.read().unwrap_or_else(PoisonError::into_inner)) {
            return one;
        }
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been here in between.
        find(&made).unwrap_or_else(|| {
            let one = make();
            made.push((Arc::clone(target), Arc::clone(&one)));
            one
        })
    }
}

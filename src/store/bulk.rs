//! A run that is at hand as a whole is written at once.

use rusqlite::{Transaction, TransactionBehavior};

use super::insert::{self, Progress, Rejection, Statements};
use crate::{
    domain::event::Event,
    store::{Store, StoreError},
};

impl Store {
    /// Writes the events of a run that `next` gives, in one transaction: all of them or none.
    ///
    /// # Errors
    /// The store cannot be written, an event contradicts what is stored, or `next` says why there are
    /// no more.
    pub fn write_run<E: From<StoreError>>(
        &self,
        next: &mut dyn FnMut() -> Result<Option<Event>, E>,
    ) -> Result<(), E> {
        let of = |error| E::from(self.error(error));
        let change =
            Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate).map_err(of)?;
        let mut progress = Progress::default();
        let mut statements = Statements::on(&self.conn);
        while let Some(event) = next()? {
            insert::event(&mut statements, &mut progress, &event).map_err(|rejection| {
                E::from(match rejection {
                    Rejection::Broken(error) => self.error(error),
                    Rejection::Refused(reason) => self.damaged(reason),
                })
            })?;
        }
        insert::flush(&mut statements, &mut progress).map_err(of)?;
        drop(statements);
        change.commit().map_err(of)
    }
}

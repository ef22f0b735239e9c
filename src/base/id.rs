//! Run ids: ULIDs, whose text sorts by the time they were made.

use std::sync::Mutex;

use ulid::Generator;

static GENERATOR: Mutex<Option<Generator>> = Mutex::new(None);

/// A new run id: 26 characters of Crockford base 32, later than every id this process made before.
pub fn new_run_id() -> String {
    let mut slot = GENERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let made = slot.get_or_insert_with(Generator::new).generate();
    made.map_or_else(|_| ulid::Ulid::generate().to_string(), |id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<String> = (0..100).map(|_| new_run_id()).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.len() == 26));
    }
}

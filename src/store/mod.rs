//! Floor 3: SQLite: the record of runs.

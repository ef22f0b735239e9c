//! Floor 6: conditions on a run that set the exit code.

//! Floor 3: scorers, one a file.

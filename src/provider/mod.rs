//! Floor 2: wire formats, one a file; pure translation.

//! Floor 3: a source of rows becomes a stream of samples.

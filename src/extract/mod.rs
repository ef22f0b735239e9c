//! Floor 2: extraction pipelines: which part of an output scorers see.

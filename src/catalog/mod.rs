//! Floor 3: a model reference becomes a target.

//! Floor 2: mathematics on `f64`: intervals and quantiles; no I/O.

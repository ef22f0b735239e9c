//! Floor 4: a config becomes a resolved plan.

//! Floor 5: executes a plan.

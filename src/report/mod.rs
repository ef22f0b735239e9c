//! Floor 6: what a run says, in the formats people and programs read.

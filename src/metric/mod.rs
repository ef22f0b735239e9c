//! Floor 3: scores become numbers with intervals.

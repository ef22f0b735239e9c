//! Floor 2: the experiment file: as written, with the place of every value.

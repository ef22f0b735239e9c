//! Floor 3: a call in, a reply out.

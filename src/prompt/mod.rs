//! Floor 2: templates and what they become for a sample: messages.

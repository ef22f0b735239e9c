//! What the id of a Gemini model tells about it.

/// Major and minor version.
pub(super) type Generation = (u32, u32);

/// The first one that thinks.
pub(super) const THINKS: Generation = (2, 5);

/// The first one that is told how hard to think in words.
pub(super) const LEVELS: Generation = (3, 0);

/// The generation of a Gemini model; `None` for other models, and for names such as
/// `gemini-flash-latest`.
pub(super) fn generation(model: &str) -> Option<Generation> {
    let (_, rest) = model.split_once("gemini-")?;
    let version = rest.split('-').next()?;
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_of_every_form_of_id() {
        for (model, expected) in [
            ("gemini-2.5-flash-preview-05-20", Some((2, 5))),
            ("models/gemini-2.0-flash", Some((2, 0))),
            ("publishers/google/models/gemini-3.1-pro", Some((3, 1))),
            ("gemini-3-pro-preview", Some((3, 0))),
            ("gemini-flash-latest", None),
            ("gemini-embedding-001", None),
            ("gemma-3-27b-it", None),
            ("gemini-", None),
        ] {
            assert_eq!(generation(model), expected, "{model}");
        }
    }
}

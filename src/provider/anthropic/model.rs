//! What the id of a Claude model tells about it.

/// Major and minor version.
pub(super) type Generation = (u32, u32);

/// The first one that thinks at all.
pub(super) const THINKS: Generation = (3, 7);

/// The first one that decides itself how much it thinks, when told how hard to try.
pub(super) const ADAPTS: Generation = (4, 6);

/// The first one that takes neither a thinking budget nor sampling parameters.
pub(super) const DECIDES: Generation = (4, 7);

/// The generation of a Claude model, of whichever host; `None` for other models, and for names such
/// as `claude-sonnet-latest`.
///
/// Ids have had the version before and behind the family: `claude-3-5-sonnet-20241022`,
/// `claude-sonnet-4-5@20250929`, `us.anthropic.claude-opus-4-1-20250805-v1:0`.
pub(super) fn generation(model: &str) -> Option<Generation> {
    let model = model.to_ascii_lowercase();
    // Their versions are counted apart; they came with the fifth generation.
    if ["fable", "mythos"].iter().any(|family| model.contains(family)) {
        return Some((5, 0));
    }
    let (_, rest) = model.split_once("claude")?;
    let words = rest.split(|c: char| !c.is_ascii_alphanumeric());
    // Longer numbers are dates.
    let numbers = words.map(|word| word.parse().ok().filter(|_| word.len() <= 2));
    let mut version = numbers.skip_while(Option::is_none).map_while(|number| number);
    Some((version.next()?, version.next().unwrap_or(0)))
}

/// Whether `model` is a Claude model.
pub(in crate::provider) fn is_claude(model: &str) -> bool {
    model.to_ascii_lowercase().contains("claude") || generation(model).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_of_every_form_of_id() {
        for (model, expected) in [
            ("claude-3-5-sonnet-20241022", Some((3, 5))),
            ("claude-3-7-sonnet-latest", Some((3, 7))),
            ("claude-3-opus-20240229", Some((3, 0))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("claude-sonnet-4@20250514", Some((4, 0))),
            ("claude-opus-4-1-20250805", Some((4, 1))),
            ("claude-haiku-4-5@20251001", Some((4, 5))),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Some((4, 5))),
            ("anthropic/claude-opus-4.7", Some((4, 7))),
            ("claude-opus-5", Some((5, 0))),
            ("claude-fable-1", Some((5, 0))),
            ("claude-mythos-preview", Some((5, 0))),
            ("claude-instant-1.2", Some((1, 2))),
            ("claude-sonnet-latest", None),
            ("MiniMax-M2", None),
            ("", None),
        ] {
            assert_eq!(generation(model), expected, "{model}");
        }
    }
}

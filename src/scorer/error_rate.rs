//! What the error rates of words and of characters have in common.

use crate::{
    domain::score::Corpus,
    scorer::{
        ArgError, Args, OptionCard,
        against::{Found, MAX},
        edits::{Item, distance},
        normalize::{NAMES, Normalize},
    },
};

/// The options of both.
pub(super) const OPTIONS: &[OptionCard] = &[
    MAX,
    OptionCard {
        name: "normalize",
        kind: "list of nfkc, casefold, punctuation, articles, whitespace, trim",
        default: "none",
        doc: "What is done to both sides first, as by `exact_match`.",
    },
];

/// Reads the option `normalize`.
///
/// # Errors
/// A name that is not known.
pub(super) fn normalize(args: &Args) -> Result<Normalize, ArgError> {
    Ok(Normalize::new(&args.names("normalize", &NAMES)?))
}

/// The errors that turn `reference` into `output`, by its length.
///
/// # Errors
/// They are too long.
pub(super) fn rate<T: Item>(reference: &[T], output: &[T]) -> Result<Found, String> {
    Ok(rate_of(distance(reference, output)?, reference.len()))
}

/// So many errors against a reference of so many items.
pub(super) fn rate_of(errors: usize, length: usize) -> Found {
    Found::counted(Corpus::ErrorRate, vec![errors as f64, length as f64])
}

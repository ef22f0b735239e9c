//! How a secret is shown.

/// What stands for a secret.
pub(super) const MASK: &str = "****";

/// The shortest secret of which anything is shown.
const SHORTEST_SHOWN: usize = 12;

/// `****` and the last four characters of `secret`, or `****` alone where it has fewer than twelve.
pub fn masked(secret: &str) -> String {
    let count = secret.chars().count();
    if count < SHORTEST_SHOWN {
        return MASK.to_owned();
    }
    MASK.chars().chain(secret.chars().skip(count - 4)).collect()
}

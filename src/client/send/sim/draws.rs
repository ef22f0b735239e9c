//! Random numbers that are the same for ever.
//!
//! `SplitMix64` (Steele, Lea and Flood 2014, figure 17) instead of the generators of `rand`, which
//! may change between versions, while a seed in a stored run has to mean the same answers later.

use crate::base::digest;

/// A stream of numbers for one trial.
#[derive(Debug)]
pub(super) struct Draws(u64);

impl Draws {
    /// The stream of the trial that the arguments name.
    pub(super) fn new(seed: u64, sample: &str, prompt: u32, epoch: u32) -> Self {
        Self(digest::sha256_u64(format!("{seed}/{prompt}/{epoch}/{sample}").as_bytes()))
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from [0, 1).
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to `count` - 1; 0 when there is nothing to choose from.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((self.share() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// Normally, with mean 0 and deviation 1 (Box and Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_values() {
        // The first outputs of the reference implementation for the state 0.
        let mut draws = Draws(0);
        let found = [draws.next(), draws.next(), draws.next()];
        let expected = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
        assert_eq!(found, expected);
    }
}

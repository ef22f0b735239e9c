//! Models compared two at a time by a judge that sees both answers, in both orders.

use super::calibration::Figure;

/// The scorer whose counts are comparisons.
pub const SCORER: &str = "pairwise";

/// What came of comparing an answer with that of another model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Better in both orders.
    Won,
    /// Worse in both orders.
    Lost,
    /// Anything else.
    Tied,
}

impl Outcome {
    /// What it is worth: 1, 0.5 or 0.
    pub const fn worth(self) -> f64 {
        match self {
            Self::Won => 1.0,
            Self::Tied => 0.5,
            Self::Lost => 0.0,
        }
    }

    /// The same, seen by the other side.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Won => Self::Lost,
            Self::Lost => Self::Won,
            Self::Tied => Self::Tied,
        }
    }
}

/// How the judge's word hung on the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flip {
    /// It did not.
    None,
    /// Whichever answer stood first was the better one.
    First,
    /// Whichever answer stood last was the better one.
    Last,
    /// One order gave a winner and the other one a tie.
    Half,
}

/// One comparison of an answer with that of another model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meeting {
    /// What came of it.
    pub outcome: Outcome,
    /// How that hung on the order.
    pub flip: Flip,
}

impl Meeting {
    /// What two orders say together: by how much the answer is better when it stands first, and when
    /// it stands last, from 0 (worse) by 0.5 (as good) to 1.
    pub fn of(first: f64, last: f64) -> Self {
        let side = |worth: f64| (worth > 0.5 + 1e-9, worth < 0.5 - 1e-9);
        let outcome = match (side(first), side(last)) {
            ((true, _), (true, _)) => Outcome::Won,
            ((_, true), (_, true)) => Outcome::Lost,
            _ => Outcome::Tied,
        };
        let flip = match (side(first), side(last)) {
            ((true, _), (_, true)) => Flip::First,
            ((_, true), (true, _)) => Flip::Last,
            (one, other) if one == other => Flip::None,
            _ => Flip::Half,
        };
        Self { outcome, flip }
    }

    /// The same, seen by the other side.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { outcome: self.outcome.reversed(), ..self }
    }

    /// What the place was worth: 1 where whichever answer stood first was the better one, −1 where
    /// whichever stood last was, 0 where the order did not decide who is better.
    pub const fn lean(self) -> f64 {
        match self.flip {
            Flip::First => 1.0,
            Flip::Last => -1.0,
            Flip::None | Flip::Half => 0.0,
        }
    }
}

/// Meetings with each model of the run, by its index, as a scorer's counts: two numbers a model.
pub fn counts(meetings: &[Option<Meeting>]) -> Vec<f64> {
    let two = |meeting: &Option<Meeting>| match meeting {
        None => [-1.0, 0.0],
        Some(Meeting { outcome, flip }) => {
            let flip = match flip {
                Flip::None => 0.0,
                Flip::First => 1.0,
                Flip::Last => 2.0,
                Flip::Half => 3.0,
            };
            [outcome.worth(), flip]
        }
    };
    meetings.iter().flat_map(two).collect()
}

/// What [`counts`] made numbers of.
pub fn meetings(counts: &[f64]) -> Vec<Option<Meeting>> {
    let (pairs, _) = counts.as_chunks::<2>();
    let one = |[worth, flip]: &[f64; 2]| {
        let outcome = match *worth {
            worth if worth > 0.75 => Outcome::Won,
            worth if worth > 0.25 => Outcome::Tied,
            worth if worth > -0.5 => Outcome::Lost,
            _ => return None,
        };
        let flip = match *flip {
            flip if flip > 2.5 => Flip::Half,
            flip if flip > 1.5 => Flip::Last,
            flip if flip > 0.5 => Flip::First,
            _ => Flip::None,
        };
        Some(Meeting { outcome, flip })
    };
    pairs.iter().map(one).collect()
}

/// What all comparisons of a run say of its models.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairwise {
    /// Index of the scorer.
    pub scorer: u32,
    /// Two models each that were compared, by their indices.
    pub pairs: Vec<Matchup>,
    /// The strength of each compared model in the model of Bradley and Terry, with a mean of 0; by the
    /// index of the model. Empty where there are none.
    pub strengths: Vec<(u32, Figure)>,
    /// Why there are no strengths.
    pub apart: Option<Apart>,
    /// Share of the comparisons in which the judge's word hung on the order.
    pub flipped: Figure,
    /// Comparisons in which whatever stood first was better.
    pub first: u64,
    /// Comparisons in which whatever stood last was better.
    pub last: u64,
    /// All comparisons.
    pub n: u64,
}

/// Two models, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Matchup {
    /// Index of the one.
    pub a: u32,
    /// Index of the other, which is higher.
    pub b: u32,
    /// Comparisons.
    pub n: u64,
    /// Of these: the first model won.
    pub won: u64,
    /// The second model won.
    pub lost: u64,
    /// Neither did.
    pub tied: u64,
    /// Comparisons in which the judge's word hung on the order.
    pub flipped: u64,
    /// The share that the first one won, ties as halves.
    pub share: Figure,
}

/// Why models have no strengths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// These were never compared with the others, by way of third ones neither.
    Unconnected(Vec<u32>),
    /// These never lost to any of the others, not by a tie either.
    Unbeaten(Vec<u32>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_win_is_one_in_both_orders() {
        for (first, last, outcome, flip) in [
            (1.0, 1.0, Outcome::Won, Flip::None),
            (0.0, 0.0, Outcome::Lost, Flip::None),
            (0.5, 0.5, Outcome::Tied, Flip::None),
            (1.0, 0.0, Outcome::Tied, Flip::First),
            (0.0, 1.0, Outcome::Tied, Flip::Last),
            (1.0, 0.5, Outcome::Tied, Flip::Half),
            (0.5, 0.0, Outcome::Tied, Flip::Half),
        ] {
            assert_eq!(Meeting::of(first, last), Meeting { outcome, flip }, "{first} {last}");
            // The other side stands first where this one stands last.
            let other = Meeting::of(1.0 - last, 1.0 - first);
            assert_eq!(other, Meeting { outcome, flip }.reversed(), "{first} {last}");
        }
    }

    #[test]
    fn meetings_survive_as_numbers() {
        let mut all = vec![None];
        for outcome in [Outcome::Won, Outcome::Lost, Outcome::Tied] {
            for flip in [Flip::None, Flip::First, Flip::Last, Flip::Half] {
                all.push(Some(Meeting { outcome, flip }));
            }
        }
        assert_eq!(meetings(&counts(&all)), all);
        assert_eq!(meetings(&[]), []);
    }
}

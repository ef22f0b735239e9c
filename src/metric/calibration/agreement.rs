//! How far scorer and people agree, and in which direction the scorer errs.

use super::{Item, average, figure, figures};
use crate::{
    domain::calibration::{ConfusionTable, Figure, LabelKind},
    stats::{
        Clusters, Rounds,
        agreement::{Confusion, Level, Ranked, Weighting, krippendorff_alpha, pearson},
        distinct, place_among, same,
    },
};

/// The labelled answers, ready to be counted.
pub(super) struct Table<'a> {
    kind: LabelKind,
    clusters: &'a Clusters,
    human: Vec<f64>,
    /// The scorer's values, and what it says in the terms of the people.
    values: Vec<f64>,
    said: Vec<f64>,
    lengths: Vec<Option<f64>>,
    leans: Vec<Option<f64>>,
    /// The values that either side gave, ascending; empty for numbers.
    grades: Vec<f64>,
}

impl<'a> Table<'a> {
    pub(super) fn of(kind: LabelKind, labelled: &[(Item, f64)], clusters: &'a Clusters) -> Self {
        let human: Vec<f64> = labelled.iter().map(|(_, human)| *human).collect();
        let said: Vec<f64> = labelled.iter().map(|(item, _)| said(kind, item)).collect();
        let grades = match kind {
            LabelKind::PassFail => vec![0.0, 1.0],
            LabelKind::Grades => distinct(human.iter().chain(&said).copied()),
            LabelKind::Numbers => Vec::new(),
        };
        let length = |(item, _): &(Item, f64)| item.length.map(|length| length as f64);
        Self {
            kind,
            clusters,
            human,
            values: labelled.iter().map(|(item, _)| item.value).collect(),
            said,
            lengths: labelled.iter().map(length).collect(),
            leans: labelled.iter().map(|(item, _)| item.lean).collect(),
            grades,
        }
    }

    /// What the scorer says of `item` in the terms of the people.
    pub(super) fn said(&self, item: &Item) -> f64 {
        said(self.kind, item)
    }

    pub(super) fn agreement(&self, rounds: Option<Rounds>) -> Vec<(&'static str, Figure)> {
        let ranked = Ranked::of(&self.human, &self.values);
        let units: Vec<Vec<Option<f64>>> =
            self.human.iter().zip(&self.said).map(|(a, b)| vec![Some(*a), Some(*b)]).collect();
        let alpha = |level, weights: &[f64]| krippendorff_alpha(level, &units, weights);
        let names: &[&'static str] = match self.kind {
            LabelKind::PassFail => {
                &["cohen_kappa", "gwet_ac1", "krippendorff_alpha", "spearman", "kendall_tau_b"]
            }
            LabelKind::Grades => &[
                "cohen_kappa",
                "kappa_linear",
                "kappa_quadratic",
                "gwet_ac1",
                "gwet_ac2",
                "krippendorff_alpha",
                "alpha_ordinal",
                "alpha_interval",
                "spearman",
                "kendall_tau_b",
            ],
            LabelKind::Numbers => {
                &["alpha_ordinal", "alpha_interval", "pearson", "spearman", "kendall_tau_b"]
            }
        };
        let items = self.items();
        let statistics = |weights: &[f64]| -> Vec<Option<f64>> {
            let weighted = items.iter().zip(weights).map(|((a, b), weight)| (*a, *b, *weight));
            let table = Confusion::of(self.grades.len(), weighted);
            let one = |name: &&str| match *name {
                "cohen_kappa" => table.kappa(Weighting::Nominal),
                "kappa_linear" => table.kappa(Weighting::Linear),
                "kappa_quadratic" => table.kappa(Weighting::Quadratic),
                "gwet_ac1" => table.gwet(Weighting::Nominal),
                "gwet_ac2" => table.gwet(Weighting::Quadratic),
                "krippendorff_alpha" => alpha(Level::Nominal, weights),
                "alpha_ordinal" => alpha(Level::Ordinal, weights),
                "alpha_interval" => alpha(Level::Interval, weights),
                "pearson" => pearson(&self.human, &self.values, weights),
                "spearman" => ranked.spearman(weights),
                _ => ranked.kendall(weights),
            };
            names.iter().map(one).collect()
        };
        let mut found = Vec::new();
        if self.kind != LabelKind::Numbers {
            let same =
                self.human.iter().zip(&self.said).map(|(a, b)| f64::from(u8::from(same(*a, *b))));
            found.push(("accuracy", average(&same.collect::<Vec<_>>(), self.clusters)));
        }
        found.extend(names.iter().copied().zip(figures(self.clusters, rounds, statistics)));
        found
    }

    /// `excess`: how much more the scorer gives than people. `length`: whether it gives the more the
    /// longer the answer is. `position`, where it compares: how much oftener whatever stands first is
    /// the better one than whatever stands last.
    pub(super) fn bias(&self, rounds: Option<Rounds>) -> Vec<(&'static str, Figure)> {
        let excess: Vec<f64> = self.said.iter().zip(&self.human).map(|(a, b)| a - b).collect();
        let mut found = vec![("excess", average(&excess, self.clusters))];
        let lengths: Option<Vec<f64>> = self.lengths.iter().copied().collect();
        if let Some(lengths) = lengths {
            let ranked = Ranked::of(&excess, &lengths);
            let by_length =
                figures(self.clusters, rounds, |weights| vec![ranked.spearman(weights)]);
            found.push(("length", by_length[0]));
        }
        let leans: Option<Vec<f64>> = self.leans.iter().copied().collect();
        if let Some(leans) = leans {
            found.push(("position", average(&leans, self.clusters)));
        }
        found
    }

    pub(super) fn confusion(&self) -> Option<ConfusionTable> {
        if self.kind == LabelKind::Numbers {
            return None;
        }
        let count = self.grades.len();
        let table = Confusion::of(count, self.items().into_iter().map(|(a, b)| (a, b, 1.0)));
        let row = |row| (0..count).map(|column| table.at(row, column) as u64).collect();
        Some(ConfusionTable { values: self.grades.clone(), counts: (0..count).map(row).collect() })
    }

    /// The places of both sides among the grades; none for numbers.
    fn items(&self) -> Vec<(usize, usize)> {
        if self.grades.is_empty() {
            return Vec::new();
        }
        let place = |value: f64| place_among(&self.grades, value);
        self.human.iter().zip(&self.said).map(|(a, b)| (place(*a), place(*b))).collect()
    }
}

/// What the scorer says in the terms of the people.
fn said(kind: LabelKind, item: &Item) -> f64 {
    if kind == LabelKind::PassFail { item.decided } else { item.value }
}

/// How far the raters of `units` agree among themselves.
pub(super) fn among_raters(
    kind: LabelKind,
    units: &[Vec<Option<f64>>],
    rounds: Option<Rounds>,
) -> Figure {
    let level = match kind {
        LabelKind::PassFail => Level::Nominal,
        LabelKind::Grades => Level::Ordinal,
        LabelKind::Numbers => Level::Interval,
    };
    let clusters = Clusters::lone(units.len());
    let found =
        figures(&clusters, rounds, |weights| vec![krippendorff_alpha(level, units, weights)]);
    found.first().copied().unwrap_or(figure(None, None))
}

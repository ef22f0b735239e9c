//! A scorer measured by people: their labels, how far both agree, and what the means would be by the
//! people.

use super::pairwise::Meeting;

/// What a person said of a recorded answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Place of the trial in the plan.
    pub seq: u64,
    /// Who said it, or the column that it was read from.
    pub rater: String,
    /// What it is worth: 1 for a pass, 0 for a fail, or a number of the rater's scale.
    pub value: f64,
}

/// A recorded answer with its score, as far as calibration needs to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Place of the trial in the plan.
    pub seq: u64,
    /// Index of the sample.
    pub sample: u64,
    /// Index of the prompt.
    pub prompt: u32,
    /// Index of the model.
    pub model: u32,
    /// Repeat, from 0.
    pub epoch: u32,
    /// The sample's cluster.
    pub cluster: Option<String>,
    /// The score; `None` when there is none.
    pub value: Option<f64>,
    /// Pass or fail, where the scorer says so.
    pub passed: Option<bool>,
    /// Characters of the output.
    pub length: Option<u64>,
    /// What came of comparing it with other answers, where that is what the scorer does.
    pub meetings: Vec<Meeting>,
}

/// A number with its 95% interval; `None` is what cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figure {
    /// The number.
    pub value: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

/// What the labels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// Passes and fails.
    PassFail,
    /// A few values in an order.
    Grades,
    /// Numbers.
    Numbers,
}

impl LabelKind {
    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PassFail => "pass_fail",
            Self::Grades => "grades",
            Self::Numbers => "numbers",
        }
    }
}

/// What the labels of a run say of one of its scorers.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Index of the scorer.
    pub scorer: u32,
    /// Who labelled, sorted.
    pub raters: Vec<String>,
    /// What the labels are.
    pub kind: LabelKind,
    /// Answers with a label and a score: what everything else is about.
    pub labelled: u64,
    /// Answers with a label and without a score.
    pub unscored: u64,
    /// Answers on which as many raters said pass as fail.
    pub split: u64,
    /// Whether answers depend on each other, so that intervals take whole clusters.
    pub clustered: bool,
    /// The mean of the labels.
    pub human: Figure,
    /// The mean of the scores of the labelled answers; of pass and fail where the labels are that.
    pub judge: Figure,
    /// How far scorer and people agree, by the name of the figure.
    pub agreement: Vec<(&'static str, Figure)>,
    /// How far the raters agree among themselves (Krippendorff's alpha), when there are several.
    pub raters_agree: Option<Figure>,
    /// How often people said what, by rows, where the scorer said what, by columns.
    pub confusion: Option<ConfusionTable>,
    /// In which direction the scorer errs, by the name of the figure.
    pub bias: Vec<(&'static str, Figure)>,
    /// A pass mark found on one half of the labels.
    pub threshold: Option<Tuned>,
    /// The means that people would have given, one entry a model with labels.
    pub corrected: Vec<Corrected>,
}

/// Counts of what two sides said of the same answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfusionTable {
    /// The values, ascending.
    pub values: Vec<f64>,
    /// Rows are people, columns the scorer.
    pub counts: Vec<Vec<u64>>,
}

/// A pass mark tuned on one half of the labels, and what it tells on the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// The mark that was found.
    pub mark: f64,
    /// Labels that it was found by.
    pub found_by: u64,
    /// Labels that the rest is about.
    pub told_on: u64,
    /// With the mark that was found.
    pub tuned: Told,
    /// With what the scorer itself calls a pass.
    pub given: Told,
}

/// How well passes are told.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Told {
    /// Share told right.
    pub accuracy: Figure,
    /// Mean of the shares told right among passes and among fails.
    pub balanced: Figure,
    /// Cohen's kappa.
    pub kappa: Figure,
}

/// The mean of one model as people would have given it.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrected {
    /// Index of the model.
    pub model: u32,
    /// Answers with a score.
    pub scored: u64,
    /// Of these: with a label.
    pub labelled: u64,
    /// The mean of the scores.
    pub judge: Option<f64>,
    /// The mean of the labels alone.
    pub human: Figure,
    /// The prediction-powered mean.
    pub powered: Figure,
    /// How much of the scorer's word it took, from 0 to 1.
    pub lambda: Option<f64>,
    /// The estimate of Rogan and Gladen; of passes and fails only.
    pub rogan_gladen: Figure,
    /// Share of the people's passes that the scorer passed.
    pub sensitivity: Option<f64>,
    /// Share of the people's fails that the scorer failed.
    pub specificity: Option<f64>,
}

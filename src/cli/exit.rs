//! Exit codes, and failures that lead to them.

use std::process::ExitCode;

use crate::{
    compare::CompareError, config::ConfigError, gate::GateError, plan::PlanError,
    report::ReportError, run::RunError, store::StoreError,
};

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done, and all gates pass.
    Done,
    /// A gate failed.
    GateFailed,
    /// Wrong usage or config; nothing was called.
    Usage,
    /// The run is incomplete.
    Incomplete,
    /// The budget was reached.
    Budget,
    /// Stopped by the user.
    Interrupted,
}

impl Exit {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::GateFailed => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Budget => 4,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), hint: None }
    }

    pub(super) fn incomplete(message: impl Into<String>) -> Self {
        Self { exit: Exit::Incomplete, message: message.into(), hint: None }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { exit: Exit::Usage, message: error.to_string(), hint: error.hint }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Config(error) => error.into(),
            PlanError::Dataset(error) => Self::usage(error.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::usage(format!("failed to {error}"));
        match error {
            StoreError::Missing { .. } => {
                failure.hint("`evals run` makes it; `--db` names another")
            }
            _ => failure,
        }
    }
}

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Store(error) => error.into(),
            error => Self { exit: Exit::Usage, message: error.to_string(), hint: error.hint() },
        }
    }
}

impl From<GateError> for Failure {
    fn from(error: GateError) -> Self {
        Self::usage(error.message).hint(error.hint)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::usage(chain(&error))
    }
}

impl From<RunError> for Failure {
    /// What was recorded stays, so the run is incomplete rather than wrong.
    fn from(error: RunError) -> Self {
        Self::incomplete(error.to_string())
    }
}

/// Whether a reader that closed its end is among the causes.
pub(super) fn is_closed_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        let io = error.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| {
            io.kind() == std::io::ErrorKind::BrokenPipe
                || io.get_ref().is_some_and(|inner| is_closed_pipe(inner))
        })
    })
}

/// An error and its causes, each said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

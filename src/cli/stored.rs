//! Runs as they are stored, ready to be reported.

use std::{
    fs,
    io::{BufWriter, Write as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{baseline, exit::Failure};
use crate::{
    base::money::Money,
    compare::{self, CompareError, Opened, Source},
    config,
    domain::{
        comparison::Comparison,
        measure::{GateResult, RunMeasures},
        run::{RunRecord, TrialRecord},
        slice::Slices,
    },
    gate::{self, Allow, Evidence, Gate},
    metric::{
        Opinion, Spread, Tally,
        calibration::{Calibrate, calibrate},
        derived,
        pairwise::Tournament,
    },
    report::{self, ReportError, TrialSource, View},
    store::{Store, TrialFilter},
};

/// Models and prompts of which each two are compared in a report: more make more pairs than anybody
/// reads.
const MOST_SIDES: usize = 24;

/// A run with everything that is said about it.
pub(super) struct Stored {
    pub(super) store: Store,
    pub(super) run: RunRecord,
    pub(super) measures: RunMeasures,
    pub(super) gates: Vec<GateResult>,
}

impl Stored {
    /// Finds and measures a run.
    pub(super) fn load(db: &Path, reference: &str) -> Result<Self, Failure> {
        Self::load_by(db, reference, &[])
    }

    /// Finds and measures a run, sliced by these columns; without any, by those of its config.
    pub(super) fn load_by(db: &Path, reference: &str, by: &[String]) -> Result<Self, Failure> {
        let store = Store::open_existing(db)?;
        let run = store.find_run(reference)?;
        if by.is_empty() {
            return Ok(Self::measure(store, run)?);
        }
        let slices = store.slices(&run, by)?;
        if let Some((column, why)) = slices.left_out().into_iter().next() {
            let columns = store.columns(&run)?;
            let failure = Failure::usage(format!("--slice: column `{column}`: {why}"));
            let known = columns.iter().map(String::as_str);
            let hint = || config::error::suggestion(&column, known, "columns");
            return Err(if columns.contains(&column) { failure } else { failure.hint(hint()) });
        }
        Ok(Self::measure_by(store, run, slices)?)
    }

    /// Measures a run, sliced by the columns of its config.
    pub(super) fn measure(store: Store, run: RunRecord) -> Result<Self, CompareError> {
        let slices = store.slices(&run, &run.header.slices())?;
        Self::measure_by(store, run, slices)
    }

    fn measure_by(store: Store, run: RunRecord, slices: Slices) -> Result<Self, CompareError> {
        let mut tally = Tally::new(&run.header).slicing(slices, &run.header);
        let mut tournament = Tournament::new(&run.header);
        store.digests(&run, &mut |digest| {
            tally.add(&digest);
            let counts = |scorer: u32| {
                digest.scores.get(scorer as usize).map(|score| score.counts.as_slice())
            };
            tournament.add(digest.key, digest.cluster.as_deref(), counts);
        })?;
        for open in store.open_costs(&run)? {
            tally.add_open(open.model, open.cost_pico.map(Money::from_pico));
        }
        let mut measures = tally.finish();
        measures.reasons = store.unscored(&run)?;
        measures.judges = store.judge_totals(&run)?;
        if !measures.judges.is_empty() {
            let mut spread = Spread::default();
            store.opinions(&run, &mut |scorer, key, judge, score| {
                spread.add(Opinion { scorer, key, judge, score });
            })?;
            measures.spreads = spread.finish();
        }
        measures.pairwise = tournament.finish();
        for (scorer, labels) in store.labels(&run)? {
            let how = Calibrate { scorer, mark: 0.5, draws: None, seed: 0 };
            let judged = store.judged(&run, scorer)?;
            measures.calibrations.extend(calibrate(&judged, &labels, how));
        }
        measures.derived = derived::values(&derived::of_run(&run.header), &run.header, &measures);
        // Stored gates were read once, before the run began; one that cannot be read is not shown.
        let gates: Vec<_> = run
            .header
            .gates
            .iter()
            .filter_map(|gate| gate::parse(gate, &run.header).ok())
            .collect();
        let gates = decided(&gates, &store, &run, &measures)?;
        Ok(Self { store, run, measures, gates })
    }

    pub(super) fn view(&self) -> View<'_> {
        View { run: &self.run, measures: &self.measures, gates: &self.gates, comparison: None }
    }

    /// The run's models and prompts compared with each other, unless there is one or there are very many.
    pub(super) fn compared(&self) -> Result<Option<Comparison>, CompareError> {
        match self.run.header.models.len() * self.run.header.prompts.len() {
            2..=MOST_SIDES => compare::within(&self.store, &self.run),
            _ => Ok(None),
        }
    }

    /// Writes the HTML report, in which models and prompts are compared.
    pub(super) fn html(
        &self,
        to: &mut dyn std::io::Write,
        max_trials: Option<u64>,
    ) -> Result<(), ReportError> {
        let comparison = self.compared().map_err(|error| ReportError::Source(Box::new(error)))?;
        let view = View { comparison: comparison.as_ref(), ..self.view() };
        report::html::write_html(&view, self, to, max_trials)
    }

    /// Writes the HTML report to `path`, whole or not at all.
    pub(super) fn write_html(&self, path: &Path, max_trials: Option<u64>) -> Result<(), Failure> {
        write_file(path, |file| self.html(file, max_trials).map_err(Failure::from))
    }
}

/// What became of the gates that a run was begun with. Those of a shard are decided when the shards are
/// put together.
fn decided(
    gates: &[Gate],
    store: &Store,
    run: &RunRecord,
    measures: &RunMeasures,
) -> Result<Vec<GateResult>, CompareError> {
    let context = &run.header.context;
    if context.shard.is_some() || gates.is_empty() {
        return Ok(Vec::new());
    }
    let found = if gates.iter().any(|gate| gate.versus.is_some()) {
        baseline::of(store, run)
    } else {
        Err("no gate compares".to_owned())
    };
    let other = found.as_ref().map(Opened::source).map_err(Clone::clone);
    let source = Source { store, run, file: None };
    let evidence = Evidence::gather(gates, source, measures, other)?;
    let allow = Allow::parse(context.allow.iter().map(String::as_str)).unwrap_or_default();
    Ok(gate::decide(gates, &evidence, &allow))
}

impl TrialSource for Stored {
    fn each(
        &self,
        take: &mut dyn FnMut(TrialRecord) -> ControlFlow<()>,
    ) -> Result<(), ReportError> {
        self.store
            .trials(&self.run, &TrialFilter::default(), take)
            .map_err(|error| ReportError::Source(Box::new(error)))
    }
}

/// Where a run's HTML report goes when nobody says otherwise.
pub(super) fn report_path(db: &Path, run_id: &str) -> PathBuf {
    let beside = db.parent().unwrap_or(Path::new(""));
    beside.join("reports").join(format!("{run_id}.html"))
}

/// Writes a file by way of a temporary one beside it, so that nobody ever reads half of it.
pub(super) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn std::io::Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format!("failed to write `{}`: {error}", path.display()))
    };
    let directory = directory_of(path);
    fs::create_dir_all(directory).map_err(failed)?;
    let mut file = BufWriter::new(tempfile::NamedTempFile::new_in(directory).map_err(failed)?);
    write(&mut file)?;
    file.flush().map_err(failed)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    persist(file, path).map_err(failed)
}

/// The directory that `path` lies in.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives a finished temporary file its name, readable as any file the user makes.
pub(super) fn persist(file: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

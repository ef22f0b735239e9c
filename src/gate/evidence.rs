//! What gates are decided from, out of the stores of a run and of its baseline.

use super::{measured::Measured, parse::Gate};
use crate::{
    base::money::Money,
    compare::{CompareError, Read, Source, cells_of, matched_cells},
    domain::{
        comparison::Pair,
        measure::{Measure, RunMeasures},
        run::{RunHeader, RunRecord},
    },
    metric::{
        Tally,
        probe::{Latencies, Probe, Probed, Probes, Stat},
    },
    store::{Store, StoreError},
};

/// A model and a prompt by their indices.
type Cell = (u32, u32);

/// Confidence of a difference that no gate asks for.
const CONFIDENCE: f64 = 0.95;

/// What gates are decided from.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The run.
    pub run: &'a RunRecord,
    /// Its numbers.
    pub measures: &'a RunMeasures,
    /// For each gate that is about scores, what was found of each model and prompt.
    pub(super) probed: Vec<Option<Vec<Found>>>,
    /// The latencies, where a gate is about these.
    pub(super) latencies: Option<Latencies>,
    /// The run that it is compared with; `Err` says why there is none.
    pub(super) baseline: Result<Against, String>,
}

/// What was found of a model and prompt.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) probed: Probed,
    /// Ids of the first samples below the full value.
    pub(super) below: Vec<String>,
}

/// A baseline.
#[derive(Debug)]
pub(super) struct Against {
    /// What it is called.
    pub(super) name: String,
    /// Its numbers.
    pub(super) measures: RunMeasures,
    pub(super) header: RunHeader,
    /// Which model and prompt of the run is compared with which of the baseline.
    pub(super) matched: Vec<(Cell, Cell)>,
    /// For each gate that compares scores, the pair of each of these.
    pub(super) pairs: Vec<Option<Vec<Pair>>>,
    /// One pair for each of `matched`, for what differs.
    pub(super) unlike: Vec<Pair>,
}

/// The numbers of a run, without those reasons that only reports need.
///
/// # Errors
/// The store cannot be read.
pub fn measures(store: &Store, run: &RunRecord) -> Result<RunMeasures, StoreError> {
    let mut tally = Tally::new(&run.header);
    store.digests(run, &mut |digest| tally.add(&digest))?;
    for open in store.open_costs(run)? {
        tally.add_open(open.model, open.cost_pico.map(Money::from_pico));
    }
    Ok(tally.finish())
}

impl<'a> Evidence<'a> {
    /// Reads what `gates` need of `run`, and of `baseline` where one of them compares.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn gather(
        gates: &[Gate],
        source: Source<'a>,
        measures: &'a RunMeasures,
        baseline: Result<Source<'_>, String>,
    ) -> Result<Self, CompareError> {
        let (store, run) = (source.store, source.run);
        let measured: Vec<Option<Vec<Found>>> =
            gates.iter().map(|gate| as_measured(gate, measures)).collect();
        let mut probes = Vec::new();
        for (gate, _) in gates.iter().zip(&measured).filter(|(_, found)| found.is_none()) {
            let Measured::Score(scorer, stat) = gate.measured else { continue };
            let samples = gate.slice.as_ref();
            let samples =
                samples.map(|slice| store.samples_where(run, &slice.column, &slice.value));
            probes.push(Probe { scorer, stat, samples: samples.transpose()? });
        }
        let mut probed = probe(store, run, &probes)?.into_iter();
        let of_gate = |(gate, found): (&Gate, Option<Vec<Found>>)| {
            found.or_else(|| gate.measured.scorer().and_then(|_| probed.next()))
        };
        let probed = gates.iter().zip(measured).map(of_gate).collect();
        let latencies = gates.iter().any(|gate| matches!(gate.measured, Measured::Latency(_)));
        let latencies = latencies.then(|| {
            let mut latencies = Latencies::new(run.header.models.len());
            store.digests(run, &mut |digest| latencies.add(&digest))?;
            latencies.finish();
            Ok::<_, StoreError>(latencies)
        });
        let latencies = latencies.transpose()?;
        let compares = gates.iter().any(|gate| gate.versus.is_some());
        let baseline = match baseline {
            Ok(baseline) if compares => Ok(against(gates, source, baseline)?),
            Ok(_) => Err("no gate compares".to_owned()),
            Err(why) => Err(why),
        };
        Ok(Self { run, measures, probed, latencies, baseline })
    }
}

/// What a gate needs that the run's own measures hold: a metric of all samples, each of which has a
/// value. Anything else takes another look at the trials.
fn as_measured(gate: &Gate, measures: &RunMeasures) -> Option<Vec<Found>> {
    let Measured::Score(scorer, Stat::Metric(metric)) = gate.measured else { return None };
    if gate.slice.is_some() {
        return None;
    }
    let cells = measures.measures.iter();
    let cells = cells.filter(|m| m.scorer as usize == scorer && m.metric == metric);
    let of_cell = |cell: &Measure| {
        let whole = cell.estimate.unscored == 0;
        whole.then(|| Found {
            probed: Probed {
                model: cell.model,
                prompt: cell.prompt,
                estimate: cell.estimate,
                failed: 0,
                declined: 0,
                skipped: 0,
                below: 0,
                first_below: Vec::new(),
            },
            below: Vec::new(),
        })
    };
    cells.map(of_cell).collect()
}

fn probe(
    store: &Store,
    run: &RunRecord,
    probes: &[Probe],
) -> Result<Vec<Vec<Found>>, CompareError> {
    let Some(mut taking) = Probes::new(&run.header, probes).filter(|_| !probes.is_empty()) else {
        return Ok(Vec::new());
    };
    store.digests(run, &mut |digest| taking.add(&digest))?;
    let named = |probed: Probed| -> Result<Found, StoreError> {
        let ids = probed.first_below.iter().map(|sample| store.sample_id(run, *sample));
        let below: Result<Vec<Option<String>>, StoreError> = ids.collect();
        Ok(Found { below: below?.into_iter().flatten().collect(), probed })
    };
    let found: Result<Vec<Vec<Found>>, StoreError> =
        taking.finish().into_iter().map(|cells| cells.into_iter().map(named).collect()).collect();
    Ok(found?)
}

fn against(gates: &[Gate], run: Source<'_>, baseline: Source<'_>) -> Result<Against, CompareError> {
    let (own, other) = (cells_of(&run.run.header), cells_of(&baseline.run.header));
    let matched = matched_cells(&run.run.header, &baseline.run.header);
    let read = Read::new(&[(baseline, &other), (run, &own)])?;
    let place = |cells: &[Cell], cell: Cell| cells.iter().position(|c| *c == cell).unwrap_or(0);
    let pairs_by = |scorers: &[String], confidence: f64| -> Result<Vec<Pair>, CompareError> {
        let each = matched.iter().map(|(here, there)| {
            let (a, b) = ((0, place(&other, *there)), (1, place(&own, *here)));
            read.compare(a, b, scorers, confidence)
        });
        each.collect()
    };
    let mut pairs = Vec::with_capacity(gates.len());
    for gate in gates {
        let (Some(versus), Some(scorer)) = (gate.versus, gate.measured.scorer()) else {
            pairs.push(None);
            continue;
        };
        let id = run.run.header.scorers[scorer].id.clone();
        // To be sure to one side takes the end of an interval that is narrower on both.
        let confidence = versus.confidence.map_or(CONFIDENCE, |sure| 2.0 * sure - 1.0);
        pairs.push(Some(pairs_by(&[id], confidence)?));
    }
    // No scorer is called so: what differs is all that is asked.
    let unlike = pairs_by(&[String::new()], CONFIDENCE)?;
    let name = baseline.file.map_or_else(
        || format!("{} ({})", baseline.run.header.name, baseline.run.header.id),
        |path| path.display().to_string(),
    );
    Ok(Against {
        name,
        measures: measures(baseline.store, baseline.run)?,
        header: baseline.run.header.clone(),
        matched,
        pairs,
        unlike,
    })
}

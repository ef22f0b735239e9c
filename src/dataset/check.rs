//! A dataset that was read once and found good, and its samples.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::Arc,
};

use super::{
    Fields, Select, choices,
    draw::{Spool, SpoolReader, draw},
    error::DatasetError,
    fetch::Local,
    fields::{Roles, canonical, named, require, same_defaults},
    flow::{Counts, Course, Flow, Ids},
    survey::Survey,
};
use crate::{
    base::digest::{Hasher, sha256_u64},
    domain::{run::Shard, sample::Sample},
    frame::filter::Filter,
};

/// A dataset after its check: every selected row can be read and is a sample.
#[derive(Debug, Clone)]
pub struct Dataset {
    course: Arc<Course>,
    columns: Arc<[String]>,
    /// Samples with their rotations.
    len: u64,
    digest: String,
    repeated: Arc<HashSet<u64>>,
    /// Drawn samples; `None`: the source is read in its own order.
    spool: Option<Arc<Spool>>,
    /// Of a shard: which of the selected samples are in it, a bit each.
    places: Option<Arc<[u8]>>,
}

/// What a pass over the rows told.
struct Pass {
    flow: Flow,
    len: u64,
    digest: String,
}

impl Dataset {
    /// Reads all rows of `local` that the selection may need and checks each one.
    ///
    /// Without shuffling or sampling, rows behind the last one that is selected are not read.
    ///
    /// # Errors
    ///
    /// A row that cannot be read, an id that is empty or twice there, a column that is not
    /// there, a filter that cannot be used, a selection that leaves nothing.
    pub fn check(local: Local, fields: &Fields, select: Select) -> Result<Self, DatasetError> {
        let filter = select.filter.as_deref().map(Filter::parse).transpose()?;
        let survey = survey(&local, fields, filter.as_ref())?;
        let filter = match filter {
            Some(filter) => Some(typed(filter, &survey)?),
            None => None,
        };
        let roles = Roles::settle(fields, &survey.columns, local.format.is_table())?;
        let select = Arc::new(select);
        let mut course = Arc::new(Course { local, roles, filter, select });
        let mut pass = Pass::run(&course, !survey.complete)?;
        let mut columns = survey.columns;
        if let Some(seen) = pass.flow.columns.take() {
            // A JSON row further down has a column that changes what the fields mean.
            if !same_defaults(&columns, &seen) {
                let roles = Roles::settle(fields, &seen, course.local.format.is_table())?;
                course = Arc::new(Course { roles, ..Course::clone(&course) });
                pass = Pass::run(&course, false)?;
            }
            columns = seen;
        }
        left_over(&course, &pass)?;
        let Pass { flow, mut len, mut digest } = pass;
        let candidates = flow.counts.wanted;
        let repeated = Arc::new(flow.into_repeated());
        let mut spool = None;
        if let Select { shuffle, sample, limit, .. } = &*course.select
            && (shuffle.is_some() || sample.is_some())
        {
            let order = draw(candidates, *shuffle, *sample, *limit);
            let flow = Flow::new(&course, Ids::trust(Arc::clone(&repeated)));
            let filled = Arc::new(Spool::fill(flow, &order)?);
            len = 0;
            let mut reader = filled.read()?;
            let mut ledger = Ledger::default();
            while let Some(sample) = reader.next()? {
                ledger.add(&sample);
                len += course.times(&sample);
            }
            digest = ledger.hasher.finish_hex();
            spool = Some(filled);
        }
        for file in course.local.files.iter() {
            file.unchanged()?;
        }
        if course.roles.has_choices() {
            for name in choices::COLUMNS {
                columns.add(name);
            }
        }
        Ok(Self {
            course,
            columns: columns.names().into(),
            len,
            digest,
            repeated,
            spool,
            places: None,
        })
    }

    /// The part `index` of `of`, counted from 1: the samples whose cluster, or id where they have none,
    /// falls into it. All that a sample depends on is the sample, so that the same one is in the same
    /// part whatever stands around it. The digest stays that of the whole.
    ///
    /// # Errors
    ///
    /// As [`Self::samples`] and its items.
    pub fn shard(mut self, index: u32, of: u32) -> Result<(Self, Shard), DatasetError> {
        let total = self.len;
        let mut places = vec![0_u8; usize::try_from(total.div_ceil(8)).unwrap_or(0)];
        let mut len = 0;
        for (place, sample) in self.samples()?.enumerate() {
            let sample = sample?;
            let unit = sample.cluster.as_deref().unwrap_or(&sample.id);
            if sha256_u64(unit.as_bytes()) % u64::from(of.max(1)) + 1 == u64::from(index) {
                places[place / 8] |= 1 << (place % 8);
                len += 1;
            }
        }
        let shard = Shard::new((index, of), total, &places);
        self.len = len;
        self.places = Some(places.into());
        Ok((self, shard))
    }

    /// How many samples are selected; at least one, but of a shard.
    #[expect(clippy::len_without_is_empty, reason = "a checked dataset is never empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The columns of all files, in order of first appearance. Of a JSON dataset those of the
    /// rows that were read.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// SHA-256 of the selected samples, in order: ids, columns, inputs, answers, clusters and
    /// tags. 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether the fields or the columns name an input.
    pub fn has_input(&self) -> bool {
        self.course.roles.has_input()
    }

    /// Whether the fields or the columns name accepted answers.
    pub fn has_expected(&self) -> bool {
        self.course.roles.has_expected()
    }

    /// Reads the samples in their final order. May be called any number of times.
    ///
    /// # Errors
    ///
    /// A file that changed since the check, or cannot be opened any more.
    pub fn samples(&self) -> Result<Samples, DatasetError> {
        let rows = if let Some(spool) = &self.spool {
            Source::Spool(spool.read()?)
        } else {
            for file in self.course.local.files.iter() {
                file.unchanged()?;
            }
            Source::Flow(Box::new(Flow::new(&self.course, Ids::trust(Arc::clone(&self.repeated)))))
        };
        let (course, queue) = (Arc::clone(&self.course), VecDeque::new());
        let places = self.places.clone();
        Ok(Samples { rows, index: 0, len: self.len, course, queue, place: 0, places })
    }
}

/// The samples of a dataset, in order; ends after the first error.
pub struct Samples {
    rows: Source,
    index: u64,
    len: u64,
    course: Arc<Course>,
    /// Rotations that wait for their turn.
    queue: VecDeque<Sample>,
    /// The place of the next sample among all that are selected.
    place: usize,
    /// Which of these are wanted; all when `None`.
    places: Option<Arc<[u8]>>,
}

enum Source {
    Flow(Box<Flow>),
    Spool(SpoolReader),
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples")
            .field("index", &self.index)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Iterator for Samples {
    type Item = Result<Sample, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.len {
            return None;
        }
        match self.read_wanted() {
            Ok(mut sample) => {
                sample.index = self.index;
                self.index += 1;
                Some(Ok(sample))
            }
            Err(error) => {
                self.index = self.len;
                Some(Err(error))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.len - self.index).ok();
        (0, left)
    }
}

impl Samples {
    fn read_wanted(&mut self) -> Result<Sample, DatasetError> {
        loop {
            let sample = self.read()?;
            let place = self.place;
            self.place += 1;
            let wanted = |bits: &Arc<[u8]>| {
                bits.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
            };
            if self.places.as_ref().is_none_or(wanted) {
                return Ok(sample);
            }
        }
    }

    fn read(&mut self) -> Result<Sample, DatasetError> {
        loop {
            if let Some(rotation) = self.queue.pop_front() {
                return Ok(rotation);
            }
            let read = match &mut self.rows {
                Source::Flow(flow) => flow.next()?,
                Source::Spool(reader) => reader.next()?,
            };
            let changed = || DatasetError::Changed { path: self.course.local.location.clone() };
            let sample = read.ok_or_else(changed)?;
            if !self.course.roles.is_circular() {
                return Ok(sample);
            }
            self.queue.extend(choices::rotations(&sample, self.course.select.only_ids.as_ref()));
        }
    }
}

impl Course {
    /// How many times `sample` is asked.
    fn times(&self, sample: &Sample) -> u64 {
        if !self.roles.is_circular() {
            return 1;
        }
        choices::rotations(sample, self.select.only_ids.as_ref()).len() as u64
    }
}

impl Pass {
    /// Reads the rows, stopping at a limit that is not applied to a draw.
    fn run(course: &Arc<Course>, collect_columns: bool) -> Result<Self, DatasetError> {
        let mut flow = Flow::new(course, Ids::watch());
        flow.columns = collect_columns.then(Default::default);
        let Select { shuffle, sample, limit, .. } = &*course.select;
        let drawn = shuffle.is_some() || sample.is_some();
        let limit = match limit {
            // A limit of nothing is refused later, with the count of what there would have been.
            None | Some(0) => u64::MAX,
            Some(_) if drawn => u64::MAX,
            Some(limit) => *limit,
        };
        let mut ledger = Ledger::default();
        let (mut rows, mut len) = (0, 0);
        while rows < limit {
            let Some(sample) = flow.next()? else { break };
            rows += 1;
            len += course.times(&sample);
            if !drawn {
                ledger.add(&sample);
            }
        }
        Ok(Self { flow, len, digest: ledger.hasher.finish_hex() })
    }
}

/// The running digest of samples.
#[derive(Default)]
struct Ledger {
    hasher: Hasher,
    text: String,
}

impl Ledger {
    fn add(&mut self, sample: &Sample) {
        self.text.clear();
        canonical(&sample.vars, &mut self.text);
        self.hasher.update(self.text.as_bytes());
        let Sample { id, input, expected, cluster, tags, .. } = sample;
        self.list([id]);
        self.list(input);
        self.list(expected);
        self.list(cluster);
        self.list(tags);
    }

    /// Each text with its length before it and a mark behind the last, so that no two lists of
    /// lists look alike.
    fn list<'a>(&mut self, texts: impl IntoIterator<Item = &'a String>) {
        for text in texts {
            self.hasher.update(&(text.len() as u64).to_le_bytes());
            self.hasher.update(text.as_bytes());
        }
        self.hasher.update(&u64::MAX.to_le_bytes());
    }
}

/// The columns, from no more rows than it takes.
fn survey(local: &Local, fields: &Fields, filter: Option<&Filter>) -> Result<Survey, DatasetError> {
    let head = Survey::head(local)?;
    let named_are_known = named(fields).iter().all(|(_, name)| head.columns.contains(name));
    match filter {
        // A misspelt column is told before all rows are read for the types of the others.
        Some(filter) if local.format.is_table() => {
            for name in filter.columns() {
                require("the filter", name, &head.columns)?;
            }
            Survey::whole(local, filter.columns())
        }
        Some(filter) if local.format.is_json() => Survey::whole(local, filter.columns()),
        None if !head.complete && !named_are_known => Survey::whole(local, &[]),
        _ => Ok(head),
    }
}

fn typed(filter: Filter, survey: &Survey) -> Result<Filter, DatasetError> {
    let mut kinds = Vec::with_capacity(filter.columns().len());
    for name in filter.columns() {
        require("the filter", name, &survey.columns)?;
        kinds.extend(survey.kinds.get(name));
    }
    Ok(filter.with_kinds(kinds)?)
}

/// Refuses a selection that leaves nothing, with the step that took the last row.
fn left_over(course: &Course, pass: &Pass) -> Result<(), DatasetError> {
    let Counts { read, in_range, kept, wanted } = pass.flow.counts;
    let Select { range, filter, sample, limit, .. } = &*course.select;
    let location = course.local.location.clone();
    let emptied = |step: String, before: u64| {
        Err(DatasetError::NothingSelected { location: location.clone(), step, before })
    };
    if read == 0 && range.is_none_or(|(_, to)| to != Some(0)) {
        return Err(DatasetError::NoRows { location });
    }
    if in_range == 0 {
        let (from, to) = range.unwrap_or_default();
        let to = to.map_or_else(String::new, |to| to.to_string());
        return emptied(format!("the range {from}..{to}"), read);
    }
    if kept == 0 {
        let filter = filter.as_deref().unwrap_or_default();
        return emptied(format!("the filter `{filter}`"), in_range);
    }
    if wanted == 0 {
        return emptied("the selection by id".to_owned(), kept);
    }
    if sample.is_some_and(|(n, _)| n == 0) {
        return emptied("the sample of 0".to_owned(), wanted);
    }
    if *limit == Some(0) {
        return emptied("the limit of 0".to_owned(), wanted);
    }
    Ok(())
}

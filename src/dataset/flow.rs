//! Rows on their way to samples: range, filter, ids.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::{
    Select,
    error::{DatasetError, Place},
    fetch::Local,
    fields::{Roles, canonical, id_of},
    rows::{Row, Rows},
    survey::Columns,
};
use crate::{
    base::digest::sha256_u64,
    domain::sample::{Sample, Vars},
    frame::filter::Filter,
};

/// Rows that a filter is evaluated on at a time.
const BATCH: usize = 1024;

/// How a source is read: the same in every pass.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub(super) local: Local,
    pub(super) roles: Roles,
    pub(super) filter: Option<Filter>,
    pub(super) select: Arc<Select>,
}

/// How many rows came through each step.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) read: u64,
    pub(super) in_range: u64,
    pub(super) kept: u64,
    pub(super) wanted: u64,
}

/// Hashes that came by. Kept in parts, which grow one after the other: a set that grows needs three
/// times its room.
#[derive(Default)]
pub(super) struct Hashes(Box<[HashSet<u64>; 16]>);

impl Hashes {
    /// Adds `hash`. `false`: it was there already.
    fn insert(&mut self, hash: u64) -> bool {
        self.0[(hash >> 60) as usize].insert(hash)
    }
}

/// How ids are looked after.
pub(super) enum Ids {
    /// Every id is remembered by its hash, and repeated content counted.
    Watch { seen: Hashes, repeated: HashMap<u64, u64> },
    /// The rows are known to be good; only content known to repeat is counted.
    Trust { repeated: Arc<HashSet<u64>>, counts: HashMap<u64, u64> },
}

impl Ids {
    pub(super) fn watch() -> Self {
        Self::Watch { seen: Hashes::default(), repeated: HashMap::new() }
    }

    pub(super) fn trust(repeated: Arc<HashSet<u64>>) -> Self {
        Self::Trust { repeated, counts: HashMap::new() }
    }

    /// How often the content `hash` has come by now.
    fn count(&mut self, hash: u64) -> u64 {
        match self {
            Self::Watch { seen, repeated } => {
                if seen.insert(hash) {
                    return 1;
                }
                let count = repeated.entry(hash).or_insert(1);
                *count += 1;
                *count
            }
            Self::Trust { repeated, counts } => {
                if !repeated.contains(&hash) {
                    return 1;
                }
                let count = counts.entry(hash).or_insert(0);
                *count += 1;
                *count
            }
        }
    }
}

/// A pass over the rows.
pub(super) struct Flow {
    course: Arc<Course>,
    rows: Rows,
    ids: Ids,
    queue: VecDeque<(Row, u64)>,
    scratch: String,
    ended: bool,
    pub(super) counts: Counts,
    /// The columns of the rows that were read, when they are asked for.
    pub(super) columns: Option<Columns>,
}

impl Flow {
    pub(super) fn new(course: &Arc<Course>, ids: Ids) -> Self {
        Self {
            course: Arc::clone(course),
            rows: Rows::new(&course.local),
            ids,
            queue: VecDeque::new(),
            scratch: String::new(),
            ended: false,
            counts: Counts::default(),
            columns: None,
        }
    }

    /// The contents that came more than once.
    pub(super) fn into_repeated(self) -> HashSet<u64> {
        match self.ids {
            Ids::Watch { repeated, .. } => repeated.into_keys().collect(),
            Ids::Trust { .. } => HashSet::new(),
        }
    }

    /// The next sample before any drawing; its index is not set.
    pub(super) fn next(&mut self) -> Result<Option<Sample>, DatasetError> {
        let course = Arc::clone(&self.course);
        loop {
            let Some((row, number)) = self.next_kept()? else { return Ok(None) };
            let id = match &course.roles.id {
                Some(name) => {
                    let id = id_of(name, &row)?;
                    self.refuse_duplicate(name, &id, &row.place, number)?;
                    id
                }
                None => self.content_id(&row.vars),
            };
            if course.select.only_ids.as_ref().is_some_and(|wanted| !wanted.contains(&id)) {
                continue;
            }
            self.counts.wanted += 1;
            return course.roles.sample(id, row).map(Some);
        }
    }

    /// The next row in range that the filter is true of, and its number.
    fn next_kept(&mut self) -> Result<Option<(Row, u64)>, DatasetError> {
        let course = Arc::clone(&self.course);
        let Some(filter) = &course.filter else {
            let row = self.next_in_range()?;
            self.counts.kept = self.counts.in_range;
            return Ok(row);
        };
        while self.queue.is_empty() {
            let mut batch = Vec::with_capacity(BATCH);
            while batch.len() < BATCH {
                let Some(row) = self.next_in_range()? else { break };
                batch.push(row);
            }
            if batch.is_empty() {
                return Ok(None);
            }
            let vars: Vec<&Vars> = batch.iter().map(|(row, _)| &row.vars).collect();
            let kept = filter.keep(&vars)?;
            let batch = batch.into_iter().zip(kept);
            self.queue.extend(batch.filter(|(_, kept)| *kept).map(|(row, _)| row));
        }
        self.counts.kept += 1;
        Ok(self.queue.pop_front())
    }

    fn next_in_range(&mut self) -> Result<Option<(Row, u64)>, DatasetError> {
        let (from, to) = self.course.select.range.unwrap_or((0, None));
        loop {
            if self.ended || to.is_some_and(|to| self.counts.read >= to) {
                return Ok(None);
            }
            let Some(row) = self.rows.next()? else {
                self.ended = true;
                return Ok(None);
            };
            let number = self.counts.read;
            self.counts.read += 1;
            if let Some(columns) = &mut self.columns {
                columns.add_row(&row);
            }
            if number >= from {
                self.counts.in_range += 1;
                return Ok(Some((row, number)));
            }
            // Equal rows are told apart by counting from the first row of the source, so that a
            // range does not change a row's id.
            if self.course.roles.id.is_none() {
                let hash = self.content_hash(&row.vars);
                self.ids.count(hash);
            }
        }
    }

    fn content_hash(&mut self, vars: &Vars) -> u64 {
        self.scratch.clear();
        canonical(vars, &mut self.scratch);
        sha256_u64(self.scratch.as_bytes())
    }

    fn content_id(&mut self, vars: &Vars) -> String {
        let hash = self.content_hash(vars);
        match self.ids.count(hash) {
            1 => format!("{hash:016x}"),
            count => format!("{hash:016x}-{count}"),
        }
    }

    fn refuse_duplicate(
        &mut self,
        name: &str,
        id: &str,
        place: &Place,
        number: u64,
    ) -> Result<(), DatasetError> {
        let Ids::Watch { seen, .. } = &mut self.ids else { return Ok(()) };
        if seen.insert(sha256_u64(id.as_bytes())) {
            return Ok(());
        }
        // Only hashes are kept, so the first row is looked up in the source; that also tells
        // two ids with one hash from one id.
        let mut again = Self::new(&self.course, Ids::trust(Arc::default()));
        while let Some((row, at)) = again.next_kept()? {
            if at >= number {
                break;
            }
            if id_of(name, &row)? == id {
                let place = place.clone();
                return Err(DatasetError::DuplicateId {
                    place,
                    first: row.place,
                    id: id.to_owned(),
                });
            }
        }
        Ok(())
    }
}

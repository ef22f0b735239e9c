//! The response cache of a plan: how old its answers may be, and how large its file.

use std::time::Duration;

use super::Inputs;
use crate::{
    base::quantity,
    config::{ConfigError, File, entry::CacheEntry},
};

/// How old an answer may be to be used again, when nobody says otherwise.
const DEFAULT_TTL: Duration = Duration::from_hours(14 * 24);

/// The smallest bound of the file: less is hardly more than the file itself.
const LEAST_BYTES: u64 = 1_000_000;

/// How old an answer may be; `None` asks anew.
pub(super) fn ttl(file: &File, inputs: Inputs<'_>) -> Result<Option<Duration>, ConfigError> {
    let ttl = match file.cache.as_ref().map(|entry| &entry.value) {
        Some(CacheEntry::Used(false)) => return Ok(None),
        None | Some(CacheEntry::Used(true)) => None,
        Some(CacheEntry::Map(map)) => map.ttl.as_ref(),
    };
    let Some(ttl) = ttl else { return Ok(Some(DEFAULT_TTL)) };
    let read = quantity::duration(&ttl.value).filter(|ttl| !ttl.is_zero());
    read.map(Some).ok_or_else(|| {
        let message = format!("`{}` is no time that an answer may be kept", ttl.value);
        ConfigError::new(inputs.origin_of(ttl.place, "--cache-ttl"), ttl.place, message)
            .hint("write `12h` or `14d`; `cache: false` or `--no-cache` asks anew")
    })
}

/// How large the file may become; `None` is the default.
pub(super) fn max_bytes(file: &File, inputs: Inputs<'_>) -> Result<Option<u64>, ConfigError> {
    let Some(CacheEntry::Map(map)) = file.cache.as_ref().map(|entry| &entry.value) else {
        return Ok(None);
    };
    let Some(size) = &map.max_size else { return Ok(None) };
    let read = quantity::bytes(&size.value).filter(|bytes| *bytes >= LEAST_BYTES);
    read.map(Some).ok_or_else(|| {
        let message = format!("`{}` is no size that the cache may have", size.value);
        ConfigError::new(inputs.origin, size.place, message)
            .hint("write `500MB` or `2GiB`; `1MB` is the least")
    })
}

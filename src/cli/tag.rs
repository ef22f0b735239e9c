//! `evals tag`: a name for a run.

use std::path::Path;

use super::{
    Out,
    args_compare::TagArgs,
    exit::{Exit, Failure},
};
use crate::store::Store;

pub(super) fn run(args: &TagArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let tag = checked(&args.tag)?;
    let store = Store::open_existing(db)?;
    let run = store.find_run(&args.run)?;
    let id = &run.header.id;
    if args.delete {
        if !store.untag(&run, tag)? {
            return Err(Failure::usage(format!("run {id} has no tag `{tag}`")));
        }
        out.note(&format!("run {id} is no longer called {tag}"));
    } else {
        store.tag(&run, tag)?;
        out.note(&format!("run {id} is called {tag}"));
    }
    Ok(Exit::Done)
}

/// `tag`, unless it would be taken for another way to name a run.
pub(super) fn checked(tag: &str) -> Result<&str, Failure> {
    let plain = |c: char| c.is_alphanumeric() || "._-/+".contains(c);
    let taken = tag == "last" || tag.is_empty() || tag.chars().count() > 100;
    if taken || !tag.chars().all(plain) {
        return Err(Failure::usage(format!("`{tag}` is no tag")).hint(
            "a tag is made of letters, digits, `.`, `_`, `-`, `/` and `+`, and is not `last`",
        ));
    }
    Ok(tag)
}

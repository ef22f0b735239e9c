//! Which branch and commit are checked out, read from the files of git; no program is started.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::env;

/// Longest file of git that is read.
const MOST: u64 = 8 << 20;

/// The branch and the commit of the directory `here`, as far as they can be told. A CI job has no
/// branch checked out; its variables tell it.
pub(super) fn head(here: &Path) -> (Option<String>, Option<String>) {
    let (branch, commit) = read_head(here).unwrap_or_default();
    let told = || {
        ["GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME"]
            .into_iter()
            .find_map(|name| env::variable(name).filter(|value| !value.is_empty()))
    };
    let branch = branch.or_else(|| commit.as_ref().and_then(|_| told()));
    (branch, commit)
}

fn read_head(here: &Path) -> Option<(Option<String>, Option<String>)> {
    let dir = here.ancestors().find_map(git_dir)?;
    let head = text(&dir.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref: ") else {
        return Some((None, Some(head).filter(|commit| is_commit(commit))));
    };
    // The branches of a further work tree are those of the first.
    let common = text(&dir.join("commondir")).map_or_else(|| dir.clone(), |path| dir.join(path));
    let commit = text(&common.join(reference)).or_else(|| {
        let packed = text(&common.join("packed-refs"))?;
        let line = packed.lines().find(|line| line.ends_with(&format!(" {reference}")))?;
        line.split(' ').next().map(str::to_owned)
    });
    let branch = reference.strip_prefix("refs/heads/").map(str::to_owned);
    Some((branch, commit.filter(|commit| is_commit(commit))))
}

/// The directory that git keeps for the work tree `tree`.
fn git_dir(tree: &Path) -> Option<PathBuf> {
    let git = tree.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let pointer = text(&git)?;
    Some(tree.join(pointer.strip_prefix("gitdir: ")?))
}

fn text(path: &Path) -> Option<String> {
    let small = fs::metadata(path).ok()?.len() <= MOST;
    let text = small.then(|| fs::read_to_string(path).ok())??;
    Some(text.trim_end().to_owned())
}

fn is_commit(text: &str) -> bool {
    text.len() >= 40 && text.chars().all(|c| c.is_ascii_hexdigit())
}

//! What the environment says.

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

/// The database of runs when nobody says otherwise.
pub(super) const DEFAULT_DB: &str = ".evals/runs.db";

/// The database to use.
pub(super) fn database(given: Option<PathBuf>) -> PathBuf {
    given.unwrap_or_else(|| PathBuf::from(DEFAULT_DB))
}

/// The folder of what belongs to the user and not to a project: `EVALS_HOME`, else `evals` among
/// the user's configurations.
pub(super) fn home() -> Option<PathBuf> {
    let folder = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("EVALS_HOME").or_else(|| {
        let configs = folder("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let configs = configs.or_else(|| Some(folder("HOME")?.join(".config")));
        Some(configs.or_else(|| folder("APPDATA"))?.join("evals"))
    })
}

/// Finds the values of `${NAME}`: definitions first, then the environment.
pub(super) fn lookup(definitions: &BTreeMap<String, String>) -> impl Fn(&str) -> Option<String> {
    |name| definitions.get(name).cloned().or_else(|| variable(name))
}

/// An environment variable, if it is set to text.
#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The file of this program.
pub(super) fn program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// Whether standard output may be coloured: a terminal, and neither `NO_COLOR` nor a dumb terminal.
pub(super) fn stdout_color() -> bool {
    std::io::stdout().is_terminal() && color_wanted()
}

/// Whether progress may be drawn: a terminal that can move its cursor, and no CI.
pub(super) fn can_draw() -> bool {
    std::io::stderr().is_terminal()
        && variable("CI").is_none()
        && variable("TERM").as_deref() != Some("dumb")
}

/// Whether standard output takes characters beyond ASCII.
pub(super) fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// The width to lay tables out in: the terminal's, or `None` where there is none.
pub(super) fn width() -> Option<u16> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    console::Term::stdout().size_checked().map(|(_, columns)| columns)
}

/// `path` as people write it: relative to the current directory where it lies below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    let short = short.unwrap_or(path);
    short.strip_prefix(".").unwrap_or(short).display().to_string()
}

fn color_wanted() -> bool {
    variable("NO_COLOR").is_none_or(|value| value.is_empty())
        && variable("TERM").as_deref() != Some("dumb")
}

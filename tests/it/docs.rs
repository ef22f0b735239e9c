//! What the documents say is true: commands exist, links lead somewhere, CI runs what the README
//! says.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

use crate::support::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("`{path}`: {e}"))
}

/// The lines of the fenced block after the line `<!-- mark -->` of a Markdown text.
fn marked_block(text: &str, mark: &str) -> Option<Vec<String>> {
    let mark = format!("<!-- {mark} -->");
    let mut lines = text.lines().skip_while(|line| *line != mark).skip(1);
    lines.find(|line| !line.is_empty()).filter(|line| line.starts_with("```"))?;
    Some(lines.take_while(|line| !line.starts_with("```")).map(str::to_owned).collect())
}

#[test]
fn the_readme_runs_with_one_command_and_tests_with_one() {
    let readme = read("README.md");
    for (mark, begins) in [("run-command", "cargo run"), ("test-command", "cargo test")] {
        let block = marked_block(&readme, mark);
        let lines = block.unwrap_or_else(|| panic!("README.md: no block after <!-- {mark} -->"));
        assert_eq!(lines.len(), 1, "README.md: <!-- {mark} --> is one command: {lines:?}");
        assert!(lines[0].starts_with(begins), "README.md: `{}` is not `{begins} …`", lines[0]);
    }
}

/// The table of docs/providers.md is that of the program.
#[test]
fn the_providers_are_documented() {
    let code = |names: &mut dyn Iterator<Item = &'static str>| {
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "–".to_owned() } else { names.join(", ") }
    };
    let rows = evals::provider::PROVIDERS.iter().map(|provider| {
        let card = provider.card();
        let keys = code(&mut card.key_env.iter().copied());
        let settings = code(&mut card.settings.iter().map(|setting| setting.name()));
        format!("| `{}` | [{}]({}) | {keys} | {settings} |", card.name, card.title, card.docs)
    });
    let head = ["| provider | name | variables | settings |", "| --- | --- | --- | --- |"];
    let table: Vec<String> = head.map(str::to_owned).into_iter().chain(rows).collect();
    let table = table.join("\n");
    assert!(read("docs/providers.md").contains(&table), "docs/providers.md needs:\n{table}");
}

/// The reference of scorers is what their cards say.
#[test]
fn the_scorers_are_documented() {
    let page = evals::scorer::reference::page();
    if std::env::var_os("EVALS_UPDATE_DOCS").is_some() {
        fs::write(root().join("docs/scorers.md"), &page).expect("written");
    }
    let found = fs::read_to_string(root().join("docs/scorers.md")).unwrap_or_default();
    let same = found == page;
    assert!(
        same,
        "docs/scorers.md is out of date: `EVALS_UPDATE_DOCS=1 cargo test --test it docs`"
    );
}

/// docs/judges.md is made from the files of the judges.
#[test]
fn the_judges_are_documented() {
    let page = evals::scorer::judge::reference::page();
    if std::env::var_os("EVALS_UPDATE_DOCS").is_some() {
        fs::write(root().join("docs/judges.md"), &page).expect("written");
    }
    let same = fs::read_to_string(root().join("docs/judges.md")).unwrap_or_default() == page;
    assert!(same, "docs/judges.md is out of date: `EVALS_UPDATE_DOCS=1 cargo test --test it docs`");
}

/// `.ci/run` takes the test command out of the README; its other checks are those of `just check`.
#[test]
fn ci_runs_the_checks_that_developers_run() {
    let justfile = read("justfile");
    let recipe = justfile.split("\ncheck:\n").nth(1).expect("a recipe `check`");
    let checks: BTreeSet<String> = recipe
        .lines()
        .take_while(|line| line.starts_with("    "))
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.starts_with("cargo test"))
        .collect();
    let ci = read(".ci/run");
    let step = Regex::new(r#"(?m)^step "[^"]+" (cargo .+)$"#).expect("a regex");
    let steps = step.captures_iter(&ci).map(|found| found[1].to_owned()).collect();
    assert_eq!(checks, steps, "justfile and .ci/run differ");
    assert!(ci.contains("<!-- test-command -->"), ".ci/run: no test command of the README");
}

/// Names of numbered tests, `KIND_NN_…`, that stand after `before` in `text`.
fn numbered(kind: &str, before: &str, text: &str) -> BTreeSet<String> {
    let name = Regex::new(&format!(r"{before}({kind}_\d\d_\w+)")).expect("a regex");
    name.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The table of the page at `path` has `n` rows, and names every test called `KIND_NN_…`, in its row,
/// and no other. A row without one says why: `none: …`.
#[track_caller]
fn names_every_test(path: &str, kind: &str, n: usize) {
    let page = read(path);
    let rows = Regex::new(r"(?m)^\| (\d+) \| .+$").expect("a regex");
    let mut documented = BTreeSet::new();
    for (number, row) in (1..).zip(rows.captures_iter(&page)) {
        assert_eq!(row[1], format!("{number}"));
        let tests = numbered(kind, "`", &row[0]);
        let begin = format!("{kind}_{number:02}_");
        assert!(tests.iter().all(|test| test.starts_with(&begin)), "{row:?}");
        assert_eq!(tests.is_empty(), row[0].contains("| none: "), "{row:?}");
        documented.extend(tests);
    }
    assert_eq!(rows.captures_iter(&page).count(), n);
    let mut there = BTreeSet::new();
    let mut dirs = vec![root().join("src"), root().join("tests/it")];
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).expect("a directory").map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                there.extend(numbered(kind, r"\bfn ", &fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    assert_eq!(documented, there);
}

#[test]
fn the_attacks_on_the_vault_are_documented() {
    names_every_test("docs/keys.md", "attack", 25);
}

#[test]
fn the_matrix_of_faults_is_documented() {
    names_every_test("docs/engine.md", "row", 40);
    let engine = read("docs/engine.md");
    assert!(engine.contains("`all_faults_at_once_leave_every_trial_accounted_for`"));
}

/// The targets of relative links in a Markdown text, outside of code.
fn relative_links(text: &str) -> Vec<String> {
    let fence = Regex::new(r"(?ms)^ *```.*?^ *```|`[^`\n]*`").expect("a regex");
    let link =
        Regex::new(r#"\]\(<?([^)\s>]+)>?[^)]*\)|\b(?:src|href)="([^"]+)""#).expect("a regex");
    let prose = fence.replace_all(text, "");
    let targets = link.captures_iter(&prose).filter_map(|found| found.get(1).or(found.get(2)));
    targets
        .map(|target| target.as_str())
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

/// The anchors of a Markdown text's headings, as forges make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let heading = Regex::new(r"(?m)^#+ +(.+?) *$").expect("a regex");
    let anchor = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        heading
            .to_lowercase()
            .chars()
            .filter(kept)
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    heading.captures_iter(text).map(|found| anchor(&found[1])).collect()
}

/// Links of the Markdown text at `file` that lead nowhere.
fn broken_links(file: &Path, text: &str) -> Vec<String> {
    let dir = file.parent().expect("a parent");
    let mut broken = Vec::new();
    for target in relative_links(text) {
        let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
        let to = if path.is_empty() { file.to_path_buf() } else { dir.join(path) };
        let lands = match (to.exists(), anchor) {
            (exists, "") => exists,
            (false, _) => false,
            (true, anchor) if to.extension().is_some_and(|extension| extension == "md") => {
                let text =
                    if to == file { text.to_owned() } else { fs::read_to_string(&to).unwrap() };
                anchors(&text).contains(anchor)
            }
            (true, _) => true,
        };
        if !lands {
            broken.push(format!("{}: `{target}` leads nowhere", file.display()));
        }
    }
    broken
}

/// Every Markdown file of the checkout, build output left out.
fn markdown() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![root().to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for path in fs::read_dir(dir).expect("a directory").map(|entry| entry.unwrap().path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && !name.starts_with('.') && name != "target" {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn links_between_documents_lead_somewhere() {
    let files = markdown();
    assert!(files.len() > 2, "{files:?}");
    let broken: Vec<String> = files
        .iter()
        .flat_map(|file| broken_links(file, &fs::read_to_string(file).expect("UTF-8")))
        .collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn broken_links_and_missing_commands_are_seen() {
    let text = "# One `two`, three\n[a](nowhere.md) [b](Cargo.toml) [c](https://x.y/z) [d](#gone)\n\
                [e](#one-two-three) `[f](code.md)`\n```\n[g](code.md)\n```\n<img src=\"no.png\">\n";
    let broken = broken_links(&root().join("README.md"), text);
    assert_eq!(broken.len(), 3, "{broken:?}");

    let text = "<!-- a -->\n\n```sh\none\ntwo\n```\n<!-- b -->\ntext\n";
    assert_eq!(marked_block(text, "a"), Some(vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!(marked_block(text, "b"), None);
    assert_eq!(marked_block(text, "c"), None);
}

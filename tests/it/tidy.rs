//! The repository's own rules: floors, walls, lists, sizes, cards of the datasets.
//!
//! Each rule is a function from a file's path and text to complaints, so that a sample that breaks
//! it can be shown to be caught. Idea: rust-analyzer's `xtask/src/tidy.rs`.

mod source;

use std::{collections::BTreeMap, fs, path::Path};

use regex::Regex;
use serde::Deserialize;

use crate::support::root;
use source::{Source, production};

/// The floors, lowest first. A module names only modules of a strictly lower floor.
const FLOORS: &[(u8, &[&str])] = &[
    (0, &["base"]),
    (1, &["domain", "frame"]),
    (2, &["config", "extract", "prompt", "provider", "stats", "vault"]),
    (3, &["dataset", "catalog", "client", "scorer", "metric", "store"]),
    (4, &["plan"]),
    (5, &["compare", "run"]),
    (6, &["report", "gate"]),
    (8, &["cli"]),
];

/// Where a wall lets its pattern stand.
enum Side {
    /// Nowhere but here.
    Only(&'static [&'static str]),
    /// Anywhere but here.
    Never(&'static [&'static str]),
}

/// What only some modules may name.
struct Wall {
    /// A pattern in code.
    pattern: &'static str,
    side: Side,
    /// Whether unit tests may climb over it, for their fixtures.
    tests_may: bool,
    /// Said when it is broken.
    rule: &'static str,
}

const WALLS: &[Wall] = &[
    Wall {
        pattern: r"\bpolars\w*::",
        side: Side::Only(&["src/frame"]),
        tests_may: false,
        rule: "only `frame` names polars",
    },
    Wall {
        pattern: r"\bhandlebars::",
        side: Side::Only(&["src/prompt", "src/report"]),
        tests_may: false,
        rule: "only `prompt` and `report` name handlebars",
    },
    Wall {
        pattern: r"\brusqlite::",
        side: Side::Only(&["src/store", "src/scorer/sql_execution"]),
        tests_may: false,
        rule: "only `store` speaks to SQLite, and `sql_execution`, whose database is a dataset's",
    },
    Wall {
        pattern: r"\breqwest::",
        side: Side::Only(&["src/client/send", "src/dataset"]),
        tests_may: false,
        rule: "only `client::send` calls models, and only `dataset` fetches rows",
    },
    Wall {
        pattern: r"\bCommand::new\(",
        side: Side::Only(&[
            "src/vault/keyring",
            "src/scorer/exec/process",
            "src/scorer/code_exec/confine",
            "src/scorer/code_exec/jail",
        ]),
        tests_may: true,
        rule: "only the keyring and the scorers of a user's own start programs, which get none of \
               the environment's keys",
    },
    Wall {
        pattern: r"\benv::(vars?|vars_os|var_os|args|args_os|current_dir|home_dir)\b",
        side: Side::Only(&["src/cli", "src/bin"]),
        tests_may: true,
        rule: "only `cli` reads the environment",
    },
    Wall {
        pattern: r"\bstd::(fs|net|process|thread)\b|\btokio::|\bclock::",
        side: Side::Never(&["src/provider", "src/stats", "src/extract"]),
        tests_may: true,
        rule: "`provider`, `stats` and `extract` do no I/O and read no clock",
    },
];

/// Statements, in the capitals that SQL is written in.
const SQL: &str = concat!(
    r"\b(SELECT\s[^\x22;]*\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|DELETE\s+FROM|UPDATE\s+\w+\s+SET",
    r"|CREATE\s+(TABLE|INDEX|VIEW)|ALTER\s+TABLE|PRAGMA\s+\w)",
);

const MOST_LINES: usize = 800;

/// The floor of the top-level module `name`.
fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, names)| names.contains(&name)).map(|(floor, _)| *floor)
}

/// The top-level module that the file at `path` belongs to; `None` for `lib.rs` and `bin/`.
fn module_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("src/")?.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (name != "lib" && name != "bin").then_some(name)
}

/// Complaints about modules that the file names although they are not below it.
fn floor_complaints(path: &str, text: &str) -> Vec<String> {
    let Some(own) = module_of(path) else { return Vec::new() };
    let Some(own_floor) = floor(own) else {
        return vec![format!("{path}: module `{own}` has no floor: add it to FLOORS in tidy.rs")];
    };
    let source = Source::new(text);
    let mut complaints = Vec::new();
    for (line, name) in source.crate_paths() {
        if name != own && floor(&name).is_some_and(|floor| floor >= own_floor) {
            complaints.push(format!(
                "{path}:{line}: `{own}` (floor {own_floor}) names `crate::{name}` (floor {}): move \
                 what both need to a lower floor, or meet in `domain::contract`",
                floor(&name).unwrap_or_default()
            ));
        }
    }
    complaints
}

/// Complaints about what the file names although it stands behind a wall.
fn wall_complaints(path: &str, text: &str) -> Vec<String> {
    let in_test_file = path.ends_with("/tests.rs") || path.contains("/tests/");
    let live = if in_test_file { "" } else { production(text) };
    let mut complaints = Vec::new();
    for wall in WALLS {
        let stands = |dirs: &[&str]| dirs.iter().any(|dir| is_within(path, dir));
        let free = match wall.side {
            Side::Only(dirs) => stands(dirs),
            Side::Never(dirs) => !stands(dirs),
        };
        if !free {
            let code = Source::new(if wall.tests_may { live } else { text }).code;
            let lines = matching_lines(&code, wall.pattern);
            complaints.extend(lines.map(|line| format!("{path}:{line}: {}", wall.rule)));
        }
    }
    // Polars has an SQL of its own, which `frame` may speak.
    if !is_within(path, "src/store") && !is_within(path, "src/frame") {
        let strings = Source::new(live).strings;
        complaints.extend(
            matching_lines(&strings, SQL)
                .map(|line| format!("{path}:{line}: only `store` contains SQL")),
        );
    }
    complaints
}

/// Complaints about the look of a Rust file.
fn file_complaints(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//!") {
        complaints.push(format!("{path}:1: begin with `//!`: what the file is for"));
    }
    if let Some(line) = text.lines().position(|line| line.contains('\t')) {
        complaints.push(format!("{path}:{}: a tab: indent with spaces", line + 1));
    }
    if !text.ends_with('\n') || text.ends_with("\n\n") {
        complaints.push(format!("{path}: end with exactly one line feed"));
    }
    let lines = text.lines().count();
    if lines > MOST_LINES && !text.contains("\n//! Long because ") {
        complaints.push(format!(
            "{path}: {lines} lines: cut it where it holds two things, or say `//! Long because …` \
             in its head"
        ));
    }
    complaints
}

/// Complaints about notes of unfinished work that point to no issue.
fn note_complaints(path: &str, text: &str) -> Vec<String> {
    // Put together here, so that this file does not complain about itself.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")].join("|");
    let note = Regex::new(&format!(r"\b({words})\b(?P<issue>\s*\(?#\d+)?")).expect("a regex");
    let complain = |(index, line): (usize, &str)| {
        let found = note.captures_iter(line).find(|note| note.name("issue").is_none())?;
        Some(format!("{path}:{}: `{}` without an issue: write `(#12)`", index + 1, &found[1]))
    };
    text.lines().enumerate().filter_map(complain).collect()
}

/// The members of a family, (module, type), and where they are: those that implement the trait
/// `kind`. `files` are the texts of the family's folder by their paths in it.
///
/// A type of which there are statics is a table, and its rows are the members.
fn members(kind: &str, files: &BTreeMap<String, String>) -> Vec<(String, String, String)> {
    let implements =
        Regex::new(&format!(r"\bimpl\s+(\w+::)*{kind}\s+for\s+(\w+)")).expect("a regex");
    let files: Vec<(&String, String)> = files
        .iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .map(|(path, text)| (path, Source::new(production(text)).code))
        .collect();
    let mut found = Vec::new();
    for (path, code) in &files {
        let module = path.split('/').next().unwrap_or(path).trim_end_matches(".rs");
        for member in implements.captures_iter(code) {
            let row = format!(r"\bstatic\s+(\w+)\s*:\s*{}\b", &member[2]);
            let row = Regex::new(&row).expect("a regex");
            let before = found.len();
            for (path, code) in &files {
                let rows = row.captures_iter(code).map(|row| row[1].to_owned());
                found.extend(rows.map(|row| (row.to_lowercase(), row, (*path).clone())));
            }
            if found.len() == before {
                found.push((module.to_owned(), member[2].to_owned(), (*path).clone()));
            }
        }
    }
    found
}

/// Complaints about members of a family that are not in its list, which is in `mod.rs`.
fn list_complaints(
    dir: &str,
    kind: &str,
    list: &str,
    files: &BTreeMap<String, String>,
) -> Vec<String> {
    let declaration = format!(r"(?s)\b(static|const)\s+{list}\s*:.*?;\s");
    let declaration = Regex::new(&declaration).expect("a regex");
    let code = files.get("mod.rs").map(|text| Source::new(text).code).unwrap_or_default();
    let entries = declaration.find(&code).map_or("", |found| found.as_str());
    let is_listed =
        |member: &str| Regex::new(&format!(r"\b{member}\b")).expect("a regex").is_match(entries);
    members(kind, files)
        .into_iter()
        .filter(|(_, member, _)| !is_listed(member))
        .map(|(_, member, path)| {
            format!("{dir}/{path}: `{member}` is a `{kind}` and not in `{list}` of {dir}/mod.rs")
        })
        .collect()
}

/// Whether `path` is the file or folder `dir`, or lies in it. `src/client/send` covers `send.rs` too.
fn is_within(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// The numbers of the lines on which a match of `pattern` begins.
fn matching_lines(text: &str, pattern: &str) -> impl Iterator<Item = usize> {
    let regex = Regex::new(pattern).expect("a regex");
    let begins: Vec<usize> = regex.find_iter(text).map(|found| found.start()).collect();
    begins.into_iter().map(|begin| text[..begin].matches('\n').count() + 1)
}

/// Every file below `dir` of the checkout whose name `wanted` accepts: (path with `/`, text), sorted.
fn files(dir: &str, wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut dirs = vec![root().join(dir)];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let relative = path.strip_prefix(root()).expect("inside").display().to_string();
            if path.is_dir() {
                dirs.push(path);
            } else if wanted(&relative) {
                found.push((relative, fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    found.sort();
    found
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The Rust files of `src` for which `rule` is checked.
#[track_caller]
fn check_src(rule: impl Fn(&str, &str) -> Vec<String>) {
    let files = files("src", is_rust);
    assert!(files.len() > 20, "src was not found");
    report(files.iter().flat_map(|(path, text)| rule(path, text)));
}

#[track_caller]
fn report(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The Rust files of the family in `dir` by their paths in it.
fn family(dir: &str) -> BTreeMap<String, String> {
    files(dir, is_rust)
        .into_iter()
        .map(|(path, text)| (path[dir.len() + 1..].to_owned(), text))
        .collect()
}

#[test]
fn modules_name_only_lower_floors() {
    check_src(floor_complaints);
}

#[test]
fn walls_stand() {
    check_src(wall_complaints);
}

#[test]
fn files_are_documented_clean_and_of_a_readable_size() {
    let mut all = files("src", is_rust);
    all.extend(files("tests/it", is_rust));
    report(all.iter().flat_map(|(path, text)| file_complaints(path, text)));
}

#[test]
fn notes_of_unfinished_work_name_an_issue() {
    let text = |path: &str| {
        ["rs", "toml", "md", "yaml", "yml", "py", "sh", "hbs", "css", "js", "sql"]
            .iter()
            .any(|extension| path.ends_with(&format!(".{extension}")))
    };
    let dirs = ["src", "tests/it", "datasets", "scorers", "reports", "benches", "docs"];
    let all = dirs.iter().flat_map(|dir| files(dir, text));
    report(all.flat_map(|(path, text)| note_complaints(&path, &text)));
}

#[test]
fn every_scorer_and_provider_is_in_its_list() {
    let mut complaints =
        list_complaints("src/scorer", "ScorerKind", "SCORERS", &family("src/scorer"));
    complaints.extend(list_complaints(
        "src/provider",
        "Provider",
        "PROVIDERS",
        &family("src/provider"),
    ));
    report(complaints);
}

/// A provider is proved by files: a folder named as it is in configs, with at least one case.
#[test]
fn every_provider_has_fixtures() {
    let without = members("Provider", &family("src/provider")).into_iter().filter_map(|member| {
        let (module, _, path) = member;
        let dir = format!("tests/fixtures/providers/{}", module.replace('_', "-"));
        let has_cases = fs::read_dir(root().join(&dir)).is_ok_and(|mut all| all.next().is_some());
        (!has_cases).then(|| format!("src/provider/{path}: no cases in {dir}/"))
    });
    report(without);
}

/// What stands in these folders is compiled in; a file that nothing names would be dead weight.
#[test]
fn every_template_and_judge_is_compiled_in() {
    let source: String = files("src", is_rust).into_iter().map(|(_, text)| text).collect();
    let data = |path: &str| !path.ends_with("README.md");
    let all = ["reports", "scorers"].iter().flat_map(|dir| files(dir, data));
    report(all.filter(|(path, _)| !source.contains(path.as_str())).map(|(path, _)| {
        format!(
            "{path}: no file under src/ names it: compile it in with `include_str!`, or remove it"
        )
    }));
}

#[derive(Deserialize)]
struct Card {
    file: String,
    rows: usize,
    columns: BTreeMap<String, String>,
    source: String,
    licence: String,
    sha256: String,
}

/// Complaints about a data file that is not what its card says.
fn card_complaints(card: &Card, bytes: &[u8]) -> Vec<String> {
    let file = &card.file;
    let mut complaints = Vec::new();
    let digest = evals::base::digest::sha256_hex(bytes);
    if digest != card.sha256 {
        complaints
            .push(format!("datasets/{file}: sha256 is {digest}; index.yaml says {}", card.sha256));
    }
    if card.source.is_empty() || card.licence.is_empty() {
        complaints.push(format!("datasets/{file}: say its source and its licence in index.yaml"));
    }
    if Path::new(file).extension().is_some_and(|extension| extension == "csv") {
        let mut reader = csv::Reader::from_reader(bytes);
        let headers = reader.headers().expect("headers").clone();
        if headers.len() != card.columns.len()
            || headers.iter().any(|name| !card.columns.contains_key(name))
        {
            complaints.push(format!("datasets/{file}: index.yaml has other columns: {headers:?}"));
        }
        let rows = reader.records().flatten().count();
        if rows != card.rows {
            complaints.push(format!("datasets/{file}: {rows} rows; index.yaml says {}", card.rows));
        }
    }
    complaints
}

#[test]
fn every_dataset_has_a_card_that_is_true() {
    let dir = root().join("datasets");
    let index = fs::read_to_string(dir.join("index.yaml")).expect("an index");
    let cards: Vec<Card> = serde_saphyr::from_str(&index).expect("cards");
    let is_data = |name: &str| {
        !matches!(name.rsplit('.').next(), Some("md" | "yaml")) && name != "eval.schema.json"
    };
    let names = fs::read_dir(&dir)
        .expect("datasets")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a UTF-8 name"));
    let without_card = names
        .filter(|name| is_data(name) && cards.iter().all(|card| card.file != *name))
        .map(|name| format!("datasets/{name}: has no card in datasets/index.yaml"));
    let untrue = cards.iter().flat_map(|card| match fs::read(dir.join(&card.file)) {
        Ok(bytes) => card_complaints(card, &bytes),
        Err(error) => vec![format!("datasets/{}: {error}; remove its card", card.file)],
    });
    report(without_card.chain(untrue));
}

/// A dependency says why it is there, on its line or on the one above.
fn dependency_complaints(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut above = "";
    let mut complaints = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains(" = ") {
            let explained = line.contains(" # ") || above.starts_with("# ");
            if !explained && !line.starts_with('#') {
                complaints.push(format!("Cargo.toml: say in a comment what this is for: {line}"));
            }
        }
        above = line;
    }
    complaints
}

#[test]
fn every_dependency_says_why() {
    report(dependency_complaints(
        &fs::read_to_string(root().join("Cargo.toml")).expect("a manifest"),
    ));
}

/// Each rule sees what breaks it, and only that.
mod rules {
    use super::*;

    #[test]
    fn of_floors() {
        let upward = "//! x\nuse crate::{base::id, run::{self, Tally}, store};\n";
        let lines = floor_complaints("src/store/mod.rs", upward);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("src/store/mod.rs:2: `store` (floor 3) names `crate::run`"));

        let sideways = "//! crate::cli\nfn f() { crate::plan::g(\"crate::cli\") } // crate::cli\n";
        let lines = floor_complaints("src/dataset/open.rs", sideways);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(":2: `dataset`") && lines[0].contains("`crate::plan`"));

        let same_floor = "use crate::scorer::Card;\npub(crate) fn f() {}\n";
        assert_eq!(floor_complaints("src/metric/mod.rs", same_floor).len(), 1);
        assert_eq!(floor_complaints("src/scorer/regex.rs", same_floor).len(), 0);
        assert_eq!(floor_complaints("src/extra/mod.rs", "//! x\n").len(), 1);
        assert_eq!(floor_complaints("src/lib.rs", "pub mod base;\n").len(), 0);
    }

    #[test]
    fn of_walls() {
        let check = |path: &str, text: &str, expected: usize| {
            let lines = wall_complaints(path, text);
            assert_eq!(lines.len(), expected, "{path}: {text}: {lines:?}");
        };
        check("src/dataset/mod.rs", "use polars::prelude::DataFrame;", 1);
        check("src/dataset/mod.rs", "use polars_io::parquet;", 1);
        check("src/frame/scan.rs", "use polars::prelude::DataFrame;", 0);
        check("src/plan/mod.rs", "use handlebars::Handlebars;", 1);
        check("src/plan/mod.rs", "// handlebars::Handlebars\nlet a = \"polars::b\";", 0);
        check("src/store/read.rs", "let q = rusqlite::params![];", 0);
        check("src/report/mod.rs", "let q = \"SELECT a\n FROM b\";", 1);
        check("src/report/mod.rs", "let q = \"select one from the list\";", 0);
        check("src/store/read.rs", "let q = \"SELECT a FROM b\";", 0);
        check("src/client/send/http.rs", "use reqwest::Client;", 0);
        check("src/client/send.rs", "use reqwest::Client;", 0);
        check("src/client/sender.rs", "use reqwest::Client;", 1);
        check("src/run/mod.rs", "let a = Command::new(\"sh\");", 1);
        check("src/run/mod.rs", "let a = std::env::var(\"A\");", 1);
        check("src/run/mod.rs", "let a = env!(\"CARGO_PKG_VERSION\");", 0);
        check("src/stats/mod.rs", "use std::fs;", 1);
        check("src/stats/mod.rs", "//! x\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n", 0);
        check("src/extract/tests.rs", "use std::fs;", 0);
    }

    #[test]
    fn of_files() {
        assert_eq!(file_complaints("a.rs", "//! a\nfn f() {}\n").len(), 0);
        assert_eq!(file_complaints("a.rs", "fn f() {}\n").len(), 1);
        assert_eq!(file_complaints("a.rs", "//! a\n\tfn f() {}").len(), 2);
        let long = format!("//! a\n{}", "\n// b".repeat(MOST_LINES)) + "\n";
        assert_eq!(file_complaints("a.rs", &long).len(), 1);
        let excused = long.replacen("//! a\n", "//! a\n//! Long because it is a table.\n", 1);
        assert_eq!(file_complaints("a.rs", &excused).len(), 0);
    }

    #[test]
    fn of_notes() {
        let bare = concat!("// TO", "DO: later\n");
        let issue = concat!("// TO", "DO(#12): later\n// FIX", "ME #3\n");
        assert_eq!(note_complaints("a.rs", bare).len(), 1);
        assert_eq!(note_complaints("a.rs", issue).len(), 0);
    }

    #[test]
    fn of_lists() {
        let scorer = "impl ScorerKind for Bleu {}\n#[cfg(test)]\nmod tests {\n impl ScorerKind for X {}\n}\n";
        let list = |entries: &str| {
            let module = format!("pub static SCORERS: &[&dyn ScorerKind] = &[{entries}];\n");
            let files = [("mod.rs", module.as_str()), ("bleu/mod.rs", scorer)]
                .map(|(name, text)| (name.to_owned(), text.to_owned()));
            list_complaints("src/scorer", "ScorerKind", "SCORERS", &BTreeMap::from(files))
        };
        assert_eq!(list("&bleu::Bleu, &regex::Regex"), [""; 0]);
        assert_eq!(list("&regex::Regex").len(), 1);
    }

    #[test]
    fn of_lists_with_rows() {
        let table = "impl Provider for Host {}\nstatic ONE: Host = 1;\nstatic TWO: Host = 2;\n";
        let list = |entries: &str| {
            let module = format!("pub static PROVIDERS: &[&dyn Provider] = &[{entries}];\n");
            let files = [("mod.rs", module.as_str()), ("hosts.rs", table)]
                .map(|(name, text)| (name.to_owned(), text.to_owned()));
            list_complaints("src/provider", "Provider", "PROVIDERS", &BTreeMap::from(files))
        };
        assert_eq!(list("&hosts::ONE, &hosts::TWO"), [""; 0]);
        assert_eq!(list("&hosts::ONE").len(), 1);
    }

    #[test]
    fn of_cards() {
        let bytes = b"id,answer\n1,\"a\nb\"\n";
        let mut card = Card {
            file: "x.csv".to_owned(),
            rows: 1,
            columns: ["id", "answer"].map(|name| (name.to_owned(), String::new())).into(),
            source: "here".to_owned(),
            licence: "CC0-1.0".to_owned(),
            sha256: evals::base::digest::sha256_hex(bytes),
        };
        assert_eq!(card_complaints(&card, bytes), [""; 0]);
        card.rows = 2;
        card.columns.remove("id");
        card.licence.clear();
        card.sha256.clear();
        assert_eq!(card_complaints(&card, bytes).len(), 4);
    }

    #[test]
    fn of_dependencies() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\ncsv = \"1\" # reads CSV\n\
                        # Runs.\ntokio = \"1\"\nglob = \"0.3\"\n[features]\na = []\n";
        let lines = dependency_complaints(manifest);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].ends_with("glob = \"0.3\""));
    }
}

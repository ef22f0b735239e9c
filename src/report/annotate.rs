//! Gates that did not pass, as annotations of GitHub and as a code quality report of GitLab.

use serde_json::{Value, json};

use crate::{
    base::{
        digest::sha256_hex,
        text::{one_line, visible},
    },
    domain::measure::GateResult,
    report::{View, facts::gate_scope},
};

/// Annotations of one step that GitHub shows.
const MOST: usize = 10;

/// Longest message, in characters.
const WIDTH: usize = 600;

/// Where a gate is written: the file and its line, if that is known.
pub type Place<'a> = &'a dyn Fn(&str) -> Option<(String, u64)>;

/// Workflow commands of GitHub, a line each.
pub fn github(view: &View<'_>, place: Place<'_>) -> Vec<String> {
    let lines = not_passed(view).take(MOST).map(|gate| {
        let command = if gate.passed.is_some() { "error" } else { "warning" };
        let at = place(&gate.gate).map_or_else(String::new, |(file, line)| {
            format!("file={},line={line},", property(&file))
        });
        let title = property(&format!("{}: {}", view.run.header.name, headline(view, gate)));
        format!("::{command} {at}title={title}::{}", data(&gate.reason))
    });
    lines.collect()
}

/// A code quality report of GitLab: an array of findings.
pub fn gitlab(view: &View<'_>, place: Place<'_>) -> Value {
    let finding = |gate: &GateResult| {
        let headline = headline(view, gate);
        let (path, line) = place(&gate.gate).unwrap_or_else(|| {
            let config = view.run.header.config.get("config").and_then(Value::as_str);
            let path = config.filter(|path| *path != "command line").unwrap_or("evals.yaml");
            (path.to_owned(), 1)
        });
        json!({
            "description": one_line(&visible(&format!("{headline}: {}", gate.reason)), WIDTH),
            "check_name": "evals gate",
            "fingerprint": sha256_hex(format!("{}\0{headline}", view.run.header.name).as_bytes()),
            "severity": if gate.passed.is_some() { "major" } else { "minor" },
            "location": {"path": path, "lines": {"begin": line}},
        })
    };
    not_passed(view).map(finding).collect()
}

fn not_passed<'a>(view: &View<'a>) -> impl Iterator<Item = &'a GateResult> + use<'a> {
    view.gates.iter().filter(|gate| gate.passed != Some(true))
}

fn headline(view: &View<'_>, gate: &GateResult) -> String {
    match gate_scope(&view.run.header, gate) {
        Some(scope) => format!("{} [{scope}]", gate.gate),
        None => gate.gate.clone(),
    }
}

/// What a workflow command says: one line, in which nothing begins another command.
fn data(text: &str) -> String {
    one_line(&visible(text), WIDTH).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn no_name_makes_a_command_of_its_own() {
        let place = |_: &str| Some(("a,b:c.yaml".to_owned(), 3));
        for payload in ["x", "a\n::error::owned", "%0A::set-env name=a::b", "a,title=b::c", "\r"] {
            let mut data = sample::hostile(payload);
            data.gates.iter_mut().for_each(|gate| gate.passed = Some(false));
            let lines = github(&data.view(), &place);
            assert!(!lines.is_empty());
            for line in &lines {
                assert!(line.starts_with("::error file=a%2Cb%3Ac.yaml,line=3,title="), "{line}");
                assert!(!line.contains(['\n', '\r']), "{line:?}");
                assert!(!line.contains("%0A::"), "{line}");
                let title = line.split("title=").nth(1).and_then(|rest| rest.split("::").next());
                assert!(title.is_some_and(|title| !title.contains([',', ':'])), "{line}");
            }
            let report = gitlab(&data.view(), &place);
            assert_eq!(report.as_array().map(Vec::len), Some(lines.len()));
            assert_eq!(report[0]["location"]["lines"]["begin"], 3);
        }
    }
}

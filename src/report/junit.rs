//! What became of the gates as `JUnit` XML, as CI servers read it: a test for each gate, model and prompt,
//! and one for whether the run is complete. Text of others stands in attributes and text, escaped, and
//! what XML cannot hold is made visible.

use std::fmt::Write as _;

use crate::{
    base::text::{one_line, visible},
    domain::run::RunStatus,
    report::{
        View,
        facts::{gate_scope, trials_line},
    },
};

/// Longest name or reason, in characters.
const WIDTH: usize = 1_000;

/// The document, ended by a line feed.
pub fn render(view: &View<'_>) -> String {
    let header = &view.run.header;
    let complete = view.run.status == RunStatus::Complete;
    let count = |wanted: Option<bool>| view.gates.iter().filter(|g| g.passed == wanted).count();
    let (failures, undecided) = (count(Some(false)), count(None));
    let (tests, errors) = (view.gates.len() + 1, undecided + usize::from(!complete));
    let name = escaped(&header.name);
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    writeln!(out, "<testsuites name=\"evals\" {counts}>").ok();
    writeln!(
        out,
        "  <testsuite name=\"{name}\" {counts} timestamp=\"{}\">",
        crate::base::clock::rfc3339(header.created_ms).trim_end_matches('Z')
    )
    .ok();
    let properties = [("run", header.id.as_str()), ("dataset", &header.dataset)];
    out += "    <properties>\n";
    for (key, value) in properties {
        writeln!(out, "      <property name=\"{key}\" value=\"{}\"/>", escaped(value)).ok();
    }
    out += "    </properties>\n";
    let mut case = |what: &str, element: Option<&str>, reason: &str| {
        let what = escaped(what);
        write!(out, "    <testcase classname=\"{name}\" name=\"{what}\" time=\"0\">").ok();
        let reason = escaped(reason);
        match element {
            Some(element) => {
                write!(out, "<{element} message=\"{reason}\">{reason}</{element}>").ok();
            }
            None => {
                write!(out, "<system-out>{reason}</system-out>").ok();
            }
        }
        out += "</testcase>\n";
    };
    let state = format!("{}; {}", view.run.status.name(), trials_line(view));
    case("the run is complete", (!complete).then_some("error"), &state);
    for gate in view.gates {
        let what = match gate_scope(header, gate) {
            Some(scope) => format!("{} [{scope}]", gate.gate),
            None => gate.gate.clone(),
        };
        let element = match gate.passed {
            Some(true) => None,
            Some(false) => Some("failure"),
            None => Some("error"),
        };
        case(&what, element, &gate.reason);
    }
    out += "  </testsuite>\n</testsuites>\n";
    out
}

/// `text` on one line, fit for an attribute and for text.
fn escaped(text: &str) -> String {
    let line = one_line(&visible(text), WIDTH);
    let mut out = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            // Two characters of Unicode that no XML document may hold.
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn whatever_is_in_a_name_the_document_is_well_formed() {
        let payloads =
            ["a", "]]><x>", "\"'&<>", "\u{0}\u{1B}[2J\u{FFFE}\u{202E}", "a\r\nb", "--><!--"];
        for payload in payloads {
            let text = render(&sample::hostile(payload).view());
            let document = roxmltree::Document::parse(&text).expect("XML");
            let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
            assert_eq!(cases.count(), sample::hostile(payload).gates.len() + 1, "{text}");
            assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        }
    }
}

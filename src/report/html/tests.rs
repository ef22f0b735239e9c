//! The HTML report, with hostile text in every field.

use std::{collections::BTreeMap, fs, path::Path};

use regex::Regex;

use super::*;
use crate::report::sample::{self, Data, Trials};

fn html(data: &Data) -> String {
    let mut page = Vec::new();
    write_html(&data.view(), &data.trials, &mut page, None).expect("written");
    String::from_utf8(page).expect("UTF-8")
}

/// The page without what is packed in it.
fn unpacked(page: &str) -> String {
    let piece = Regex::new(r#"(?s)(<script type="application/octet-stream" [^>]*>)[^<]*"#);
    piece.expect("regex").replace_all(page, "$1").into_owned()
}

/// Every tag, comment or declaration that begins in `page`, counted.
fn markup(page: &str) -> BTreeMap<String, usize> {
    let begins = Regex::new("<[^\\s<>]*").expect("regex");
    begins.find_iter(page).fold(BTreeMap::new(), |mut counts, found| {
        *counts.entry(found.as_str().to_owned()).or_default() += 1;
        counts
    })
}

/// Strings that have broken other programs, with those that matter most to a page in front.
fn naughty() -> Vec<String> {
    let mut strings: Vec<String> = [
        "</script><script>alert(1)</script>",
        "</pre></details></style><img src=x onerror=alert(1)>",
        "\"><svg onload=alert(1)>",
        "' onmouseover='alert(1)",
        "<!-- --> <![CDATA[ <?php",
        "{{name}} {{{style}}} {{> text}}",
        "javascript:alert(1)",
        "&lt;b&gt; &#60;b&#62;",
        "a\u{202E}b\u{2066}c\u{200B}d\0e\u{1b}[31m\u{9b}f",
    ]
    .map(str::to_owned)
    .into();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/naughty/blns.json");
    match fs::read_to_string(&path) {
        Ok(list) => {
            let list: Vec<String> = serde_json::from_str(&list).expect("list of strings");
            strings.extend(list.into_iter().filter(|text| !text.is_empty()));
        }
        Err(error) => println!("not tried: the big list of naughty strings ({error})"),
    }
    strings
}

/// A run with a trial for each of `payloads`.
fn one_trial_each(payloads: &[String]) -> Data {
    let mut data = sample::run();
    let trial = sample::failed_trial(0, "", "");
    data.trials = Trials(
        payloads
            .iter()
            .map(|payload| {
                let mut trial = trial.clone();
                sample::poison(&mut trial, payload);
                trial
            })
            .collect(),
    );
    data
}

#[test]
fn nothing_that_others_wrote_becomes_markup() {
    let payloads = naughty();
    let page = html(&one_trial_each(&payloads));
    let others: Vec<String> = (0..payloads.len()).map(|n| format!("x{n}")).collect();
    let harmless = html(&one_trial_each(&others));
    assert_eq!(markup(&page), markup(&harmless));

    // Together, but short of the length at which a cell is cut and says so.
    let together = payloads.chunks(100).map(|some| some.join("\n"));
    let payloads = payloads.iter().take(9).cloned().chain(together);
    let harmless = markup(&html(&sample::hostile("x")));
    for payload in payloads {
        let page = html(&sample::hostile(&payload));
        assert_eq!(markup(&page), harmless, "{payload:?}");
        let page = unpacked(&page);
        assert!(
            !page.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')),
            "{payload:?}"
        );
        assert!(!page.contains(['\u{202E}', '\u{2066}', '\u{200B}']), "{payload:?}");
    }
}

#[test]
fn a_page_forbids_itself_everything_but_its_style_and_its_script() {
    let page = html(&sample::run());
    assert!(
        page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")
    );
    let between = |begin: &str, end: &str| {
        let (_, rest) = page.split_once(begin).expect("a beginning");
        rest.split_once(end).expect("an end").0
    };
    let style = between("<style>", "</style>");
    let script = between("<script type=\"module\">", "</script>");
    assert_eq!((style, script), (STYLE, SCRIPT));
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = between("http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert_eq!(
        policy.replace("&#x27;", "'").replace("&#x3D;", "="),
        format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; \
             form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
            hash(script),
            hash(style)
        )
    );
    let markup = unpacked(&page).replace(script, "").replace(style, "");
    for forbidden in [" style=", "<img", "<link", "<iframe", "src=", "url(", " onclick"] {
        assert!(!markup.contains(forbidden), "{forbidden}");
    }
    let elsewhere = Regex::new("href=\"[^#]").expect("regex");
    assert!(!elsewhere.is_match(&markup));
    // The script has no word for making markup of text, or for calling anybody.
    for forbidden in [
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "fetch(",
        "XMLHttpRequest",
        "http:",
        "https:",
        "</script",
        "<!--",
    ] {
        assert!(!SCRIPT.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn templates_escape_everything_but_what_is_ours() {
    for (name, source) in TEMPLATES {
        let raw = usize::from(matches!(name, "head" | "data" | "foot"));
        assert_eq!(source.matches("{{{").count(), raw, "{name}");
        assert!(!source.contains("{{&"), "{name}");
        // A browser drops a line feed that follows `<pre>`: ours, not the text's.
        let begun = source.matches("<pre").count();
        assert_eq!(begun, source.matches("<pre tabindex=\"0\">\n").count(), "{name}");
    }
}

#[test]
fn what_went_wrong_is_listed_first_where_there_is_a_limit() {
    let data = sample::run();
    let listed = |most| {
        let mut ids = Vec::new();
        each(&data.trials, most, &mut |trial| {
            ids.push(trial.key.seq);
            Ok(())
        })
        .expect("read");
        ids
    };
    assert_eq!(listed(None), [0, 1, 2, 3, 4]);
    assert_eq!(listed(Some(10)), [1, 3, 4, 0, 2]);
    assert_eq!(listed(Some(4)), [1, 3, 4, 0]);
    assert_eq!(listed(Some(0)), [0_u64; 0]);
    let mut page = Vec::new();
    write_html(&data.view(), &data.trials, &mut page, Some(2)).expect("written");
    let page = String::from_utf8(page).expect("UTF-8");
    assert!(page.contains("2 of 600 trials, those in which something went wrong first."));
}

#[test]
fn a_run_without_anything_is_a_page_too() {
    let mut data = sample::clean();
    data.measures = crate::domain::measure::RunMeasures::default();
    data.gates.clear();
    data.trials.0.clear();
    let header = &mut data.run.header;
    (header.models, header.prompts, header.scorers) = (Vec::new(), Vec::new(), Vec::new());
    data.run.finished_ms = None;
    let page = html(&data);
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn the_same_run_gives_the_same_page() {
    assert_eq!(html(&sample::run()), html(&sample::run()));
}

#[test]
fn what_was_compared_is_said_marked_and_drawn() {
    let mut data = sample::run();
    data.comparison = Some(sample::pairs::comparison(&data));
    let page = html(&data);
    let verdict = "openai/gpt-5-mini is best on exact_match: better than \
                   openrouter/meta-llama/llama-4-maverick by 6.0 points, 95% interval 2.0 to 10.0";
    assert!(page.contains(verdict), "{page}");
    for part in [
        "1 of 3 gates failed.",
        "the judge is of the same family",
        "tied with the best: </span>0.902",
        "worse than the best: </span>0.616",
        "Not known for openrouter/meta-llama/llama-4-maverick.",
        "parameters: temperature",
        "openai/gpt-5-mini is better",
        "capital-007, …",
        "−6.0",
    ] {
        assert!(page.contains(part), "no {part:?}");
    }
    // One drawing against cost, one against latency; the line goes through those that nothing beats.
    assert_eq!(page.matches("<polyline class=\"front\"").count(), 2);
    let summary = page.split("<div id=\"app\"").next().unwrap_or_default();
    assert!(!summary.contains("NaN") && !summary.contains("inf"), "{summary}");
}

//! The HTML report, with hostile text in every field.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use regex::Regex;

use super::*;
use crate::report::sample::{self, Data, Trials};

fn html(data: &Data, max_trials: u64) -> String {
    let mut page = Vec::new();
    write_html(&data.view(), &data.trials, &mut page, max_trials).expect("written");
    String::from_utf8(page).expect("UTF-8")
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
    let page = html(&one_trial_each(&payloads), u64::MAX);
    let harmless = html(&one_trial_each(&vec!["x".to_owned(); payloads.len()]), u64::MAX);
    assert_eq!(markup(&page), markup(&harmless));

    // Together, but short of the length at which a cell is cut and says so.
    let together = payloads.chunks(100).map(|some| some.join("\n"));
    let payloads = payloads.iter().take(9).cloned().chain(together);
    let harmless = markup(&html(&sample::hostile("x"), 10));
    for payload in payloads {
        let page = html(&sample::hostile(&payload), 10);
        assert_eq!(markup(&page), harmless, "{payload:?}");
        assert!(
            !page.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')),
            "{payload:?}"
        );
        assert!(!page.contains(['\u{202E}', '\u{2066}', '\u{200B}']), "{payload:?}");
    }
}

#[test]
fn a_page_forbids_itself_everything_but_its_style() {
    let page = html(&sample::run(), 10);
    assert!(
        page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")
    );
    let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    assert_eq!(style.map(|(style, _)| style), Some(STYLE));
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = Regex::new("http-equiv=\"Content-Security-Policy\" content=\"([^\"]*)\"");
    let policy = policy.expect("regex").captures(&page).expect("policy")[1].to_owned();
    assert_eq!(
        policy.replace("&#x27;", "'").replace("&#x3D;", "="),
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
        )
    );
    for forbidden in ["<script", " style=", "<img", "<link", "<iframe", "src=", "url(", "@import"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let elsewhere = Regex::new("href=\"[^#]").expect("regex");
    assert!(!elsewhere.is_match(&page));
}

#[test]
fn templates_escape_everything_but_the_style() {
    for (name, source) in TEMPLATES {
        assert_eq!(source.matches("{{{").count(), usize::from(name == "head"), "{name}");
        assert!(!source.contains("{{&"), "{name}");
        // A browser drops a line feed that follows `<pre>`: ours, not the text's.
        assert_eq!(source.matches("<pre>").count(), source.matches("<pre>\n").count(), "{name}");
    }
}

#[test]
fn what_went_wrong_is_listed_first_and_the_rest_up_to_the_limit() {
    let data = sample::run();
    let ids = Regex::new("<span class=\"id\">([^<]*)</span> <span class=\"muted\">([^<]*)<")
        .expect("regex");
    let listed = |max| -> Vec<String> {
        let page = html(&data, max);
        let found = ids.captures_iter(&page).map(|c| format!("{} {}", &c[1], &c[2]));
        found.collect()
    };
    let all = listed(10);
    assert_eq!(
        all,
        [
            "capital-000 openrouter/meta-llama/llama-4-maverick",
            "capital-001 openai/gpt-5-mini",
            "capital-001 openrouter/meta-llama/llama-4-maverick",
            "capital-000 openai/gpt-5-mini",
            "capital-000 local"
        ]
    );
    assert_eq!(listed(4), all[..4]);
    assert_eq!(listed(2), all[..2]);
    assert_eq!(listed(0), [""; 0]);
    assert!(html(&data, 2).contains("2 of 600 trials are listed."));
}

#[test]
fn long_text_is_cut_and_says_so() {
    let mut data = sample::run();
    data.trials.0[0].output = Some("é".repeat(20_000));
    data.trials.0[2].output = Some("\n\nlate".to_owned());
    let page = html(&data, 10);
    assert!(page.contains("7,232 bytes more"));
    assert!(!page.contains(&"é".repeat(16_385)));
    assert!(page.contains("<pre>\n\n\nlate</pre>"), "line feeds in front survive");
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
    let page = html(&data, 10);
    assert!(page.ends_with("</html>\n"));
    assert!(page.contains("0 of 0 trials are listed."));
}

#[test]
fn the_same_run_gives_the_same_page() {
    assert_eq!(html(&sample::run(), 10), html(&sample::run(), 10));
}

/// The names of the elements in the document that a browser makes of `page`, counted.
fn elements(browser: &str, page: &str, name: &str) -> Option<BTreeMap<String, usize>> {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join(name);
    fs::write(&path, page).expect("page");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--timeout=30000", "--host-resolver-rules=MAP * ~NOTFOUND"])
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", path.display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let document = String::from_utf8(output.stdout).ok().filter(|text| text.contains("</html>"))?;
    // A browser escapes `<` when it writes a document, but not inside the style sheet.
    let tags = Regex::new("<[a-zA-Z][^\\s/>]*").expect("regex");
    Some(tags.find_iter(&document.replace(STYLE, "")).fold(BTreeMap::new(), |mut counts, tag| {
        *counts.entry(tag.as_str().to_lowercase()).or_default() += 1;
        counts
    }))
}

#[test]
fn a_browser_sees_the_elements_of_a_harmless_page() {
    let works = |browser: &&str| {
        let version = Command::new(browser).arg("--version").stderr(Stdio::null()).output();
        version.is_ok_and(|output| output.status.success())
    };
    let Some(browser) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(works)
    else {
        println!("not tried: there is no browser on the path");
        return;
    };
    let payloads = naughty();
    let hostile = html(&one_trial_each(&payloads), u64::MAX);
    let harmless = html(&one_trial_each(&vec!["x".to_owned(); payloads.len()]), u64::MAX);
    let seen = [(&hostile, "hostile.html"), (&harmless, "harmless.html")]
        .map(|(page, name)| elements(browser, page, name));
    let [Some(hostile), Some(harmless)] = seen else {
        println!("not tried: `{browser}` did not dump the page");
        return;
    };
    assert_eq!(hostile, harmless);
    assert_eq!(harmless.get("<details"), Some(&(payloads.len() * 3 + 4)));
}

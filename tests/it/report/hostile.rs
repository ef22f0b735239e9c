//! Text that others wrote to do harm, in every field that they can write: in a browser, a terminal, a
//! spreadsheet and a comment it is text and nothing else.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use super::{choose, opened, run::report};
use crate::support::{Browser, Project, Response, Stub, openai_chat, openai_error, shared_dir};

/// What breaks pages, terminals and spreadsheets.
const PAYLOADS: &[&str] = &[
    "</script><script>alert(1)</script>",
    "<!--<script>alert(1)//-->",
    "</pre></details></table></dialog><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img onerror=alert(1) src>",
    "' onmouseover='alert(1)' autofocus onfocus='alert(1)",
    "<iframe srcdoc=\"<script>parent.alert(1)</script>\"></iframe>",
    "<meta http-equiv=refresh content=\"0;url=https://example.org/\">",
    "<link rel=stylesheet href=https://example.org/x.css><base href=https://example.org/>",
    "<form action=https://example.org><button autofocus>x</button></form>",
    "<style>@import 'https://example.org/x.css'; * { display: none }</style>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} {{{style}}} {{> text}}",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "__proto__",
    "constructor",
    "a\u{202E}b\u{2066}c\u{2069}\u{200B}d\u{FEFF}e\u{061C}",
    "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[31mred\u{9b}31m\u{9d}8;;https://example.org\u{9c}\u{1b}]52;c;eA==\u{7}",
    "\u{1b}]8;;https://example.org\u{1b}\\link\u{1b}P1$r\u{1b}_G\u{1b}^x\u{8}\u{7f}",
    "=HYPERLINK(\"https://example.org\",\"x\")",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    " \u{200B}\u{A0}=1+1",
    "\u{FEFF}=1+1",
    "＝1+1",
    "@everyone #1 https://example.org ![x](https://example.org/x.png) <b>x</b> | `` ` ``",
];

/// Payloads of our own, then the big list of naughty strings where it is.
fn payloads() -> Vec<String> {
    let mut all: Vec<String> = PAYLOADS.iter().map(|text| (*text).to_owned()).collect();
    if let Some(shared) = shared_dir() {
        let list = fs::read_to_string(shared.join("data/naughty/blns.json")).expect("the list");
        let list: Vec<String> = serde_json::from_str(&list).expect("a list of texts");
        all.extend(list.into_iter().filter(|text| !text.trim().is_empty()));
    }
    all
}

/// A run with a row for each of `texts`, in which it is id, input, expected answer, tag, value of a
/// column and output or error; `name` is the run's name, a column, a prompt, and part of every id.
fn poisoned(texts: &[String], name: &str) -> Project {
    let project = Project::new();
    let mut rows = String::new();
    for (n, text) in texts.iter().enumerate() {
        let row = json!({"id": format!("{n} {text}"), "input": text, "expected": text, "tag": [text],
            name: text, "n": n});
        writeln!(rows, "{row}").ok();
    }
    project.write("rows.jsonl", rows);
    let said = texts.to_vec();
    let stub = Stub::start(move |request, _| answer(&said, &request.json(), &request.last_user()));
    let model = |id: &str| {
        json!({"id": id, "provider": "openai-compatible", "base_url": stub.base_url(), "model": id,
            "stream": false})
    };
    let config = json!({
        "name": name,
        "dataset": {"path": "rows.jsonl", "id": "id", "input": "input", "expected": "expected",
            "tags": "tag"},
        "prompts": [{"id": format!("p {name}"), "user": "{{n}} {{input}}"}],
        "models": [model(&format!("one {name}")), model("breaks")],
        "scorers": [
            {"exact_match": {"id": format!("s {name}")}},
            {"js": "({score: 0.5, label: output, explanation: output})"},
        ],
        "metrics": {"twice": "2 * js.mean"},
    });
    project.write("evals.yaml", config.to_string());
    project.evals().args(["run", "--allow-errors", "100%", "--no-cache"]).run().code(0);
    project
}

/// The text of the row that is asked about: as an answer of the first model, in an error of the other.
fn answer(texts: &[String], body: &Value, asked: &str) -> Response {
    let n: usize = asked.split(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    if body["model"] == "breaks" {
        return openai_error(400, &texts[n], "bad");
    }
    openai_chat(&texts[n], (10, 5))
}

/// The elements of the page, counted, once a trial is open with its differences.
fn elements(browser: &Browser, page: &Path) -> BTreeMap<String, u64> {
    browser.open(page, "");
    browser.until("document.querySelectorAll('#grid-body .excerpt')[6].textContent.length > 0");
    browser.value("document.querySelector('#grid-body [role=row]').click()");
    opened(browser);
    choose(browser, "versus", "expected");
    browser.until("document.body.dataset.opened === '0/expected'");
    // Drawings have as many marks as their numbers ask for, and nothing but these.
    let drawn = "[...document.querySelectorAll('svg *')].every(({localName}) => \
                 ['line', 'rect', 'text', 'circle', 'polyline', 'polygon'].includes(localName))";
    assert_eq!(browser.value(drawn), true);
    let count = "[...document.querySelectorAll('*')].filter((e) => !e.closest('svg')).reduce((all, {localName}) => \
                 ({...all, [localName]: (all[localName] || 0) + 1}), {})";
    serde_json::from_value(browser.value(count)).expect("counts")
}

#[test]
fn a_page_of_hostile_text_has_the_elements_of_a_harmless_one() {
    let Some(browser) = Browser::start() else { return };
    let texts = payloads();
    // As long as they are, since what is long is cut; and as many different ones.
    let harmless: Vec<String> = (0..texts.len()).map(|n| format!("x{n}")).collect();
    let hostile = poisoned(&texts, "<img src=x onerror=alert(1)>");
    let harmless = poisoned(&harmless, "x");
    let expected = elements(&browser, &report(&harmless));
    let page = report(&hostile);
    assert_eq!(elements(&browser, &page), expected);
    browser.nothing_happened();
    // The requests that failed are told with what the server wrote.
    browser.open(&page, "#trials?trial=1");
    opened(&browser);
    assert_eq!(
        browser.text("document.querySelector('.answer.current .tries .under pre').textContent"),
        browser.text("document.querySelector('.answer.current pre').textContent"),
    );
    let made = browser.text("document.getElementById('derived').textContent");
    assert!(made.contains("one <img src=x onerror=alert(1)>"), "{made}");
    browser.open(&page, "#trials?trial=0");
    opened(&browser);
    // Every trial, opened one after the other, and found by its text.
    let step = "new Promise((done) => { const next = document.getElementById('next'); let n = 0; \
                const look = () => { if (next.disabled) done(n); else { n++; next.click(); \
                setTimeout(look, 0); } }; look(); })";
    assert_eq!(browser.value(step), texts.len() * 2 - 1);
    browser.open(&page, "#trials?q=%3Cscript%3E");
    browser.until("document.querySelectorAll('#grid-body .row').length > 1");
    assert_eq!(browser.value("document.querySelectorAll('body script:not(.piece)').length"), 1);
    let shown = browser.text("document.body.innerText");
    let hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || ('\u{202A}'..='\u{202E}').contains(&c)
    };
    assert!(!shown.contains(hidden), "{shown:?}");
    browser.nothing_happened();
    let source = fs::read_to_string(&page).expect("the page");
    assert!(!source.contains("alert(1)</script>") && !source.contains("<img"));
}

/// Control functions in what a terminal is sent, but for the colours that the program sets itself.
fn control_functions(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => {}
            '\r' if rest.peek() == Some(&'\n') => {}
            '\u{1b}' => {
                let sequence: String =
                    std::iter::from_fn(|| rest.next_if(|c| matches!(c, '[' | ';' | '0'..='9')))
                        .collect();
                let last = rest.next();
                if !(sequence.starts_with('[') && last == Some('m')) {
                    found.push(format!("ESC {sequence}{}", last.unwrap_or(' ')));
                }
            }
            c if c.is_control() => found.push(format!("U+{:04X}", u32::from(c))),
            _ => {}
        }
    }
    found
}

#[test]
fn a_terminal_is_sent_no_control_function_but_ours() {
    assert_eq!(control_functions(b"a\x1b[1;31mb\x1b[0m\r\n\tc"), Vec::<String>::new());
    assert_eq!(control_functions("\u{1b}]0;x\u{7}\u{9b}m\u{1b}[2J".as_bytes()).len(), 4);
    let project = poisoned(&payloads(), "\u{1b}[2J\u{202E}x");
    let lines: &[&[&str]] = &[
        &["show"],
        &["show", "--trials", "-n", "2000"],
        &["show", "--failed", "-n", "2000"],
        &["show", "--format", "markdown"],
        &["list"],
        &["report"],
    ];
    for line in lines {
        let output = project.evals().args(*line).run().ok();
        for text in [&output.stdout, &output.stderr] {
            assert_eq!(control_functions(text.as_bytes()), Vec::<String>::new(), "{line:?}");
        }
        let evals = project.evals().args(*line).env("COLUMNS", "100").env("TERM", "xterm");
        if let Some(terminal) = evals.at_terminal() {
            let (_, shown) = terminal.end();
            assert_eq!(control_functions(shown.as_bytes()), Vec::<String>::new(), "{line:?}");
        }
    }
}

#[test]
fn a_spreadsheet_finds_no_formula() {
    let project = poisoned(&payloads(), "=1+1");
    let export = project.evals().args(["export", "--format", "csv"]).run().ok().stdout;
    let formula = |cell: &str| {
        let skipped =
            |c: char| c.is_whitespace() || c.is_control() || "\u{200B}\u{FEFF}".contains(c);
        let begins = cell.trim_start_matches(skipped);
        let risky = begins.starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠']);
        (risky || cell.starts_with(['\t', '\r'])) && cell.parse::<f64>().is_err()
    };
    let mut table = csv::ReaderBuilder::new().has_headers(false).from_reader(export.as_bytes());
    let records: Vec<csv::StringRecord> = table.records().map(|row| row.expect("a row")).collect();
    for cell in records.iter().flatten() {
        assert!(!formula(cell), "{cell:?}");
    }
    // The page's own table is the same one, byte for byte.
    let Some(browser) = Browser::start() else { return };
    browser.open(&report(&project), "");
    let (_, saved) = browser.download("document.getElementById('csv').click()");
    assert_eq!(saved, export);
    browser.nothing_happened();
}

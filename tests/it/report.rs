//! The HTML report in a real browser: what a reader sees, filters, sorts, opens, prints and saves.

mod access;
mod hostile;
mod inside;
mod run;

use serde_json::{Value, json};

use crate::support::Browser;
use run::{recorded, report};

/// The text of the cells of a column in the rows that are in the document.
fn column(browser: &Browser, label: &str) -> Vec<String> {
    let cells = format!(
        "(() => {{ const at = [...document.querySelectorAll('#grid-head [role=columnheader]')]\
         .findIndex((head) => head.textContent === '{label}'); \
         return [...document.querySelectorAll('#grid-body [role=row]')]\
         .map((row) => row.children[at].textContent); }})()"
    );
    serde_json::from_value(browser.value(&cells)).expect("texts")
}

fn counted(browser: &Browser) -> String {
    browser.text("document.getElementById('count').textContent")
}

/// Chooses in a field as a reader does.
fn choose(browser: &Browser, id: &str, value: &str) {
    browser.value(&format!(
        "(() => {{ const field = document.getElementById('{id}'); field.value = {}; \
         if (field.value !== {0}) throw new Error('no such choice'); \
         field.dispatchEvent(new Event('change')); }})()",
        json!(value)
    ));
}

fn click(browser: &Browser, selector: &str) {
    browser.value(&format!("document.querySelector({}).click()", json!(selector)));
}

fn opened(browser: &Browser) {
    browser.until("document.body.dataset.opened !== undefined");
}

#[test]
fn the_summary_needs_no_script() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    let page = report(&project);
    browser.call("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    browser.load(&page);
    let text = browser.text("document.querySelector('main').innerText");
    for part in ["alpha", "exact_match", "not_recorded", "needs JavaScript", "0.900"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    let drawn =
        "[...document.querySelectorAll('svg')].filter((svg) => svg.clientWidth > 50).length";
    assert!(browser.value(drawn).as_u64() > Some(5));
}

#[test]
fn trials_are_filtered() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "");
    assert_eq!(counted(&browser), "120 trials");
    let cases = [
        ("f-model", "1", "40 of 120 trials"),
        ("f-result", "failed", "16 of 120 trials"),
        ("f-result", "wrong", "22 of 120 trials"),
        ("f-result", "unscored", "6 of 120 trials"),
        ("f-ended", "error:not_recorded", "6 of 120 trials"),
        ("f-ended", "ok", "114 of 120 trials"),
        ("f-slice", "tag:even", "60 of 120 trials"),
        ("f-slice", "level=3", "30 of 120 trials"),
    ];
    for (id, value, says) in cases {
        choose(&browser, id, value);
        assert_eq!(counted(&browser), says, "{id} {value}");
        click(&browser, "#clear");
        assert_eq!(counted(&browser), "120 trials");
    }
    choose(&browser, "f-model", "1");
    choose(&browser, "f-slice", "tag:odd");
    choose(&browser, "f-result", "failed");
    assert_eq!(column(&browser, "Model"), vec!["beta"; 12], "conditions hold together");
    click(&browser, "#clear");
    click(&browser, "#f-differ");
    assert_eq!(counted(&browser), "42 of 120 trials");
    click(&browser, "#clear");
    // Case does not matter, and texts that are not in the document are found.
    browser.value("document.getElementById('q').focus()");
    browser.types("WHAT IS 7 PLUS 39?");
    browser.until("document.getElementById('count').textContent === '3 of 120 trials'");
    assert_eq!(column(&browser, "Sample"), vec!["q-39"; 3]);
    browser.types("nowhere");
    browser.until("document.getElementById('count').textContent === '0 of 120 trials'");
    let nothing = browser.text("document.getElementById('grid-body').textContent");
    assert_eq!(nothing, "Nothing matches these filters.");
    browser.nothing_happened();
}

#[test]
fn columns_are_sorted_by() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "#trials?model=1");
    let head = |key: &str| click(&browser, &format!("[data-key={key}] button"));
    let sorted = |key: &str| {
        browser
            .text(&format!("document.querySelector('[data-key={key}]').getAttribute('aria-sort')"))
    };
    assert_eq!(sorted("plan"), "ascending");
    head("sample");
    head("sample");
    assert_eq!((sorted("sample"), sorted("plan")), ("descending".to_owned(), "null".to_owned()));
    assert_eq!(column(&browser, "Sample")[..2], ["q-39", "q-38"]);
    head("score0");
    let scores = column(&browser, "exact_match");
    assert!(scores[0].starts_with('✗'), "{scores:?}");
    head("score0");
    let scores = column(&browser, "exact_match");
    assert!(scores[0].starts_with('✓'), "{scores:?}");
    browser.nothing_happened();
}

#[test]
fn it_works_without_a_mouse() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "");
    let active = || {
        browser.text(
            "document.getElementById(document.getElementById('grid')\
             .getAttribute('aria-activedescendant')).children[0].textContent",
        )
    };
    browser.press("/");
    assert_eq!(browser.text("document.activeElement.id"), "q");
    // From the search on, tabs lead through the filters into the list.
    let mut way = Vec::new();
    while browser.text("document.activeElement.id") != "grid" {
        browser.press("Tab");
        way.push(browser.text("document.activeElement.id"));
        assert!(way.len() < 20, "{way:?}");
    }
    assert!(way.contains(&"f-differ".to_owned()) && way.contains(&"csv".to_owned()), "{way:?}");
    for (key, place) in
        [("ArrowDown", "2"), ("End", "120"), ("ArrowUp", "119"), ("Home", "1"), ("ArrowUp", "1")]
    {
        browser.press(key);
        assert_eq!(active(), place, "{key}");
    }
    browser.press("PageDown");
    assert!(active().parse::<u32>().expect("a number") > 5);
    browser.press("Home");
    browser.press("ArrowDown");
    browser.press("Enter");
    opened(&browser);
    assert_eq!(browser.text("document.querySelector('.answer.current h3').textContent"), "beta");
    browser.press("ArrowRight");
    browser.until("document.querySelector('.answer.current h3')?.textContent === 'gamma'");
    browser.press("Escape");
    browser.until("!document.getElementById('trial').open");
    assert_eq!(browser.text("document.activeElement.id"), "grid");
    assert_eq!(active(), "3", "it goes on where the reader was");
    browser.nothing_happened();
}

#[test]
fn answers_stand_side_by_side_with_their_differences() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "");
    browser.until("document.querySelectorAll('#grid-body .excerpt')[4].textContent.length > 0");
    browser.value("document.querySelectorAll('#grid-body [role=row]')[4].click()");
    opened(&browser);
    let cards = browser.text(
        "[...document.querySelectorAll('.answer')].map((card) => card.querySelector('h3').textContent\
          + ' ' + card.querySelector('.chip').textContent).join()",
    );
    assert_eq!(cards, "alpha passed,beta failed,gamma passed");
    let text = browser.text("document.getElementById('trial-body').textContent");
    for part in ["What is 7 plus 1?", "got `nine is the answer`", "Finish reason"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert_eq!(browser.value("document.querySelectorAll('ins, del').length"), 0);
    let marks = |versus: &str| {
        choose(&browser, "versus", versus);
        browser.until(&format!("document.body.dataset.opened === '4/{versus}'"));
        browser.text(
            "[...document.querySelectorAll('.answer')].map((card) => [...card.querySelectorAll('ins, \
             del')].map((mark) => mark.tagName + ':' + mark.textContent).join()).join('|')",
        )
    };
    assert_eq!(marks("expected"), "|DEL:eight,INS:nine|");
    browser.value("document.getElementById('versus').value = ''");
    assert_eq!(marks("1"), "DEL:nine,INS:eight||DEL:nine,INS:eight");
    assert!(browser.text("location.hash").contains("versus=1"));
    browser.nothing_happened();
}

#[test]
fn a_link_leads_to_a_trial_and_back_leads_out_of_it() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    let page = report(&project);
    browser.open(&page, "#trials?model=1&result=failed&trial=4&versus=expected");
    opened(&browser);
    assert_eq!(browser.text("document.getElementById('trial-h').textContent"), "q-01");
    let place = browser.text("document.getElementById('trial-place').textContent");
    assert_eq!(place, "Trial 1 of 12 listed");
    assert_eq!(browser.text("document.getElementById('f-result').value"), "failed");
    browser.open(&page, "#trials?q=what");
    browser.until("document.querySelectorAll('#grid-body .row').length > 3");
    browser.value("document.querySelector('#grid-body .row').click()");
    opened(&browser);
    assert_eq!(browser.text("location.hash"), "#trials?q=what&trial=0");
    browser.value("history.back()");
    browser.until("!document.getElementById('trial').open && location.hash === '#trials?q=what'");
    // What the address asks for and the page does not have is passed over.
    browser.open(&page, "#trials?trial=99999&model=77&sort=nothing&result=%3Cimg%3E");
    assert_eq!(counted(&browser), "0 of 120 trials");
    browser.nothing_happened();
}

#[test]
fn a_trial_is_copied_as_json() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "#trials?trial=1");
    opened(&browser);
    browser.value(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (text) => { \
         window.copied = text; }}})",
    );
    click(&browser, "#copy-json");
    browser.until("document.getElementById('copied').textContent === 'Copied as JSON.'");
    let copied: Value = serde_json::from_str(&browser.text("window.copied")).expect("JSON");
    let export = project.evals().args(["export"]).run().ok().json_lines();
    for key in ["run_id", "sample_id", "model", "input", "expected", "output", "status", "messages"]
    {
        assert_eq!(copied[key], export[1][key], "{key}");
    }
    let score = |from: &Value| from["scores"]["exact_match"]["value"].as_f64();
    assert_eq!(score(&copied), score(&export[1]));
}

#[test]
fn what_is_filtered_is_saved_as_the_rows_of_an_export() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "");
    let export = project.evals().args(["export", "--format", "csv"]).run().ok().stdout;
    let (name, all) = browser.download("document.getElementById('csv').click()");
    assert!(name.starts_with("trials-") && name.contains(".csv"), "{name}");
    assert_eq!(all, export);
    choose(&browser, "f-model", "1");
    browser.until("!document.getElementById('csv').disabled");
    let (_, some) = browser.download("document.getElementById('csv').click()");
    let wanted =
        export.lines().filter(|line| line.starts_with("\"run_id\"") || line.contains("\"beta\""));
    assert!(some.lines().eq(wanted), "{some}");
    browser.nothing_happened();
}

#[test]
fn it_is_read_in_the_dark_and_on_paper() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "");
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(ground);
    browser.media("", &[("prefers-color-scheme", "dark")]);
    assert_ne!(browser.text(ground), light);
    browser.media("print", &[("prefers-color-scheme", "light")]);
    assert_eq!(browser.text(ground), "rgb(255, 255, 255)");
    let shown = |selector: &str| {
        browser.value(&format!("document.querySelector('{selector}').getClientRects().length > 0"))
    };
    for (selector, visible) in
        [("#app", false), ("nav", false), ("#results table", true), ("#setup pre", true)]
    {
        assert_eq!(shown(selector), visible, "{selector}");
    }
    browser.media("", &[]);
    assert!(browser.print().starts_with(b"%PDF-"));
    // An opened trial is printed alone.
    browser.value("location.hash = '#trials?trial=1'");
    opened(&browser);
    browser.media("print", &[]);
    assert_eq!((shown(".answer"), shown("#results")), (json!(true), json!(false)));
    browser.nothing_happened();
}

#[test]
fn the_file_is_little_larger_than_its_outputs() {
    let project = run::wordy(3_000);
    let page = std::fs::read(report(&project)).expect("the page");
    let outputs: Vec<Value> = project.evals().args(["export"]).run().ok().json_lines();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for line in outputs {
        let output = line["output"].as_str().expect("an output");
        std::io::Write::write_all(&mut packed, output.as_bytes()).expect("packed");
    }
    let packed = packed.finish().expect("packed").len();
    let most = packed * 12 / 10 + 500_000;
    assert!(packed > 1_000_000, "{packed}");
    assert!(page.len() <= most, "{} of {most}", page.len());
}

#[test]
fn a_page_that_was_cut_says_so() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    let page = std::fs::read_to_string(report(&project)).expect("the page");
    let (head, rest) = page.split_once("data-kind=\"rows\"").expect("a piece");
    let (piece, rest) = rest.split_once("</script>").expect("its end");
    let cut = format!(
        "{head}data-kind=\"rows\"{}</script>{rest}",
        piece.chars().take(60).collect::<String>()
    );
    let path = project.write("cut.html", cut);
    browser.load(&path);
    browser.until("document.getElementById('reading')?.textContent.includes('cannot be read')");
    assert_eq!(browser.value("document.getElementById('app').hidden"), true);
}

#[test]
fn a_report_of_some_trials_has_those_that_went_wrong() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    let page = project.path("some.html");
    let args = ["report", "--max-trials", "24", "-o", page.to_str().expect("UTF-8")];
    project.evals().args(args).run().ok();
    browser.open(&page, "");
    assert_eq!(counted(&browser), "24 trials");
    choose(&browser, "f-result", "wrong");
    assert_eq!(counted(&browser), "22 of 24 trials");
    browser.nothing_happened();
}

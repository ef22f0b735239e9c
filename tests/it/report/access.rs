//! The report for people who do not see it, or see it otherwise: axe-core's rules, where it is
//! installed, and what they do not know of.

use std::fs;

use serde_json::{Value, json};

use super::{
    click, opened,
    run::{recorded, report},
};
use crate::support::{Browser, skipped};

/// The source of axe-core; `None`, with a word on stderr, where it is not installed.
fn axe() -> Option<String> {
    let source =
        std::env::var("EVALS_TEST_AXE").ok().and_then(|path| fs::read_to_string(path).ok());
    if source.is_none() {
        skipped("EVALS_TEST_AXE names no axe.min.js");
    }
    source
}

/// What axe finds serious or critical in the page as it is.
fn found(browser: &Browser) -> Vec<Value> {
    let run = "axe.run(document, {resultTypes: ['violations']}).then((found) => \
               found.violations.filter(({impact}) => impact === 'serious' || impact === 'critical')\
               .map(({id, nodes}) => ({id, nodes: nodes.slice(0, 5).map(({html, failureSummary}) => \
               [html, failureSummary])})))";
    serde_json::from_value(browser.value(run)).expect("a list")
}

#[test]
fn axe_finds_nothing_serious() {
    let Some(axe) = axe() else { return };
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    let page = report(&project);
    for scheme in ["light", "dark"] {
        browser.media("", &[("prefers-color-scheme", scheme)]);
        browser.open(&page, "");
        browser.value(&axe);
        assert_eq!(found(&browser), Vec::<Value>::new(), "{scheme}: the page");
        browser.value("for (const fold of document.querySelectorAll('details')) fold.open = true");
        assert_eq!(found(&browser), Vec::<Value>::new(), "{scheme}: everything unfolded");
        browser.open(&page, "#trials?trial=4&versus=expected");
        opened(&browser);
        browser.value(&axe);
        assert_eq!(found(&browser), Vec::<Value>::new(), "{scheme}: an opened trial");
    }
}

#[test]
fn what_the_list_is_called_and_how_long_it_is_can_be_heard() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    browser.open(&report(&project), "");
    let attributes = "(() => { const grid = document.getElementById('grid'); return \
                      ['aria-label', 'aria-rowcount', 'aria-colcount'].map((name) => \
                      grid.getAttribute(name)); })()";
    assert_eq!(browser.value(attributes), json!(["Trials", "121", "11"]));
    let row = "document.querySelectorAll('#grid-body [role=row]')[3].getAttribute('aria-rowindex')";
    assert_eq!(browser.value(row), "5");
    click(&browser, "#f-differ");
    assert_eq!(browser.text("document.getElementById('count').role"), "status");
    // Scores that are coloured have a sign, too.
    let score = "document.querySelector('#grid-body .cell.good.num').textContent";
    assert!(browser.text(score).starts_with('✓'));
}

#[test]
fn a_narrow_window_scrolls_its_tables_and_not_itself() {
    let (project, Some(browser)) = (recorded(), Browser::start()) else { return };
    let narrow = json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false});
    browser.call("Emulation.setDeviceMetricsOverride", &narrow);
    for place in ["", "#trials?trial=4&versus=expected"] {
        browser.open(&report(&project), place);
        let wide = "document.documentElement.scrollWidth <= 360";
        assert_eq!(browser.value(wide), true, "{place}");
    }
}

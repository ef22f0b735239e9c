//! What is known of results beside their means and intervals, as small tables: medians, quantiles and
//! what a correct answer cost.

use crate::{
    domain::measure::{Measure, Quantiles},
    report::{
        View,
        facts::{derived, unit_of},
        number::{Unit, count},
        sheet::Sheet,
    },
};

/// The tables; none where all values are 0 or 1 and nothing is known to have cost anything.
pub(super) fn sheets(view: &View<'_>) -> Vec<Sheet> {
    let spread = table(
        view,
        "Medians and quantiles",
        &["median", "95% interval", "p10 to p90"],
        |measure, unit| Some(quantiles(measure.detail.quantiles.as_ref()?, unit).into()),
    );
    let costs =
        table(view, "Cost of a correct answer", &["correct", "cost of each"], |measure, _| {
            let usd = measure.detail.cost_per_correct.filter(|usd| *usd > 0.0)?;
            Some(vec![count(measure.detail.correct.unwrap_or(0)), Unit::Usd.show(usd)])
        });
    spread.into_iter().chain(costs).collect()
}

/// A table of the measures of which `cells` says something.
fn table(
    view: &View<'_>,
    title: &str,
    headings: &[&str],
    cells: impl Fn(&Measure, Unit<'_>) -> Option<Vec<String>>,
) -> Option<Sheet> {
    let header = &view.run.header;
    let prompts = header.prompts.len() > 1;
    let mut columns = vec![":model"];
    columns.extend(prompts.then_some(":prompt"));
    columns.push(":scorer");
    columns.extend(headings);
    let mut sheet = Sheet::new(title, &columns);
    for measure in &view.measures.measures {
        let Some(scorer) = header.scorers.get(measure.scorer as usize) else { continue };
        let Some(told) = cells(measure, unit_of(scorer)) else { continue };
        let mut row = vec![header.label(measure.model as usize).into_owned()];
        let prompt = header.prompts.get(measure.prompt as usize).map(|prompt| prompt.id.clone());
        row.extend(prompt.filter(|_| prompts));
        row.push(scorer.id.clone());
        row.extend(told);
        sheet.row(row);
    }
    (!sheet.rows.is_empty()).then_some(sheet)
}

fn quantiles(found: &Quantiles, unit: Unit<'_>) -> [String; 3] {
    let ends = found.p50_low.zip(found.p50_high);
    [
        unit.show(found.p50),
        ends.map(|(low, high)| format!("[{}, {}]", unit.show(low), unit.show(high)))
            .unwrap_or_default(),
        format!("{} to {}", unit.show(found.p10), unit.show(found.p90)),
    ]
}

/// The metrics made of others as such a table, for pages.
pub(super) fn made_of_others(view: &View<'_>) -> Option<Sheet> {
    let prompts = view.run.header.prompts.len() > 1;
    let mut columns = vec![":model"];
    columns.extend(prompts.then_some(":prompt"));
    columns.extend([":metric", "value", ":made of", ":why there is none"]);
    let mut sheet = Sheet::new("", &columns);
    for line in derived(view) {
        let mut row = vec![line.model.to_string()];
        row.extend(prompts.then(|| line.prompt.to_owned()));
        let (value, why) = match line.value() {
            Ok(value) => (value, String::new()),
            Err(why) => (String::new(), why.to_owned()),
        };
        row.extend([line.measure.name.clone(), value, line.measure.expression.clone(), why]);
        sheet.row(row);
    }
    // Where everything has a value there is nothing to say in the last column.
    if sheet.rows.iter().all(|row| row.last().is_none_or(String::is_empty)) {
        sheet.columns.pop();
        for row in &mut sheet.rows {
            row.pop();
        }
    }
    (!sheet.rows.is_empty()).then_some(sheet)
}

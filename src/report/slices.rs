//! What is said of slices and of repeats, as small tables.

use crate::{
    domain::measure::{Estimate, Passes, SliceMeasure},
    report::{
        View,
        facts::unit_of,
        number::{Unit, count},
        sheet::Sheet,
    },
};

/// A p-value from which on a difference is not called one.
const ALPHA: f64 = 0.05;

/// A table for each column that results are told apart by, and one of repeats.
pub(super) fn sheets(view: &View<'_>) -> Vec<Sheet> {
    let all = &view.measures.slices;
    let mut sheets: Vec<Sheet> =
        all.chunk_by(|a, b| a.column == b.column).map(|slices| sheet(view, slices)).collect();
    sheets.extend(repeats(view));
    sheets
}

/// Values with their unit, and how far each is from the rest.
fn sheet(view: &View<'_>, slices: &[SliceMeasure]) -> Sheet {
    let header = &view.run.header;
    let prompts = header.prompts.len() > 1;
    let column = slices.first().map_or("", |slice| slice.column.as_str());
    let of_value = format!(":{column}");
    let mut columns = vec![of_value.as_str(), ":model"];
    columns.extend(prompts.then_some(":prompt"));
    columns.extend([":scorer", "n", "mean", "95% interval", "from the rest", "p"]);
    let mut sheet = Sheet::new(format!("By {column}"), &columns);
    for slice in slices {
        let Some(scorer) = header.scorers.get(slice.scorer as usize) else { continue };
        let unit = unit_of(scorer);
        let mut row = vec![slice.value.clone(), header.label(slice.model as usize).into_owned()];
        let prompt = header.prompts.get(slice.prompt as usize).map(|prompt| prompt.id.clone());
        row.extend(prompt.filter(|_| prompts));
        row.push(scorer.id.clone());
        row.extend(estimate(&slice.estimate, unit));
        row.push(slice.difference.map(|off| signed(off, unit)).unwrap_or_default());
        row.push(slice.p_adjusted.map(p_value).unwrap_or_default());
        sheet.row(row);
    }
    sheet.note(
        "p: that the slice differs from the rest, adjusted for all slices (Benjamini-Hochberg); \
         * below 0.05",
    );
    sheet
}

/// Count, value and interval.
fn estimate(found: &Estimate, unit: Unit<'_>) -> [String; 3] {
    let ends = found.low.zip(found.high);
    [
        count(found.n),
        found.value.map(|value| unit.show(value)).unwrap_or_default(),
        ends.map(|(low, high)| format!("[{}, {}]", unit.show(low), unit.show(high)))
            .unwrap_or_default(),
    ]
}

/// A difference with its sign.
pub(super) fn signed(off: f64, unit: Unit<'_>) -> String {
    let sign = if off < 0.0 { "-" } else { "+" };
    format!("{sign}{}", unit.show(off.abs()))
}

/// A p-value in three decimals, with a star where it is small.
fn p_value(p: f64) -> String {
    let star = if p < ALPHA { "*" } else { "" };
    if p < 0.000_5 { format!("<0.001{star}") } else { format!("{p:.3}{star}") }
}

/// How often some and how often all of the repeats are correct, for the most repeats that every
/// scorer of yes and no tells.
pub(super) fn repeats(view: &View<'_>) -> Option<Sheet> {
    let header = &view.run.header;
    let told = view.measures.measures.iter().filter_map(|measure| {
        let passes: &Passes = measure.detail.passes.last()?;
        Some((measure, passes))
    });
    let prompts = header.prompts.len() > 1;
    let mut columns = vec![":model"];
    columns.extend(prompts.then_some(":prompt"));
    columns.extend([":scorer", "k", "pass@k", "95% interval", "pass^k", "95% interval"]);
    let mut sheet = Sheet::new("Of k repeats: pass@k, some are correct; pass^k, all are", &columns);
    for (measure, passes) in told {
        let Some(scorer) = header.scorers.get(measure.scorer as usize) else { continue };
        let mut row = vec![header.label(measure.model as usize).into_owned()];
        let prompt = header.prompts.get(measure.prompt as usize).map(|prompt| prompt.id.clone());
        row.extend(prompt.filter(|_| prompts));
        row.extend([scorer.id.clone(), count(u64::from(passes.k))]);
        for chance in [&passes.any, &passes.all] {
            row.extend(estimate(chance, Unit::Share).into_iter().skip(1));
        }
        sheet.row(row);
    }
    (!sheet.rows.is_empty()).then_some(sheet)
}

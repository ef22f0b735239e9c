//! What samples can show, for people and for programs.

use serde_json::{Value, json};

use super::{
    facts::unit_of,
    json::number,
    number::{Unit, count, significant},
    sheet::{Sheet, text},
    slices::signed,
    table::Style,
};
use crate::{
    domain::run::RunHeader,
    metric::power::Outlook,
    stats::{Design, Spread},
};

/// What was asked: the chances, and the difference that is to be seen.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The chances.
    pub design: Design,
    /// The difference, where one is wanted.
    pub difference: Option<f64>,
}

/// A table of what each comparison of the run can show.
pub fn table(
    header: &RunHeader,
    outlooks: &[Outlook],
    asked: Question,
    width: Option<u16>,
    style: Style,
) -> String {
    let mut columns = vec![":scorer", ":compared", "n", "they vary by", "clusters", "seen from"];
    let needed = asked.difference.map(|off| format!("n for {}", significant(off)));
    columns.extend(needed.as_deref());
    let mut sheet = Sheet::new("", &columns);
    for found in outlooks {
        let Some(scorer) = header.scorers.get(found.scorer as usize) else { continue };
        let unit = unit_of(scorer);
        let mut row = vec![scorer.id.clone(), compared(header, found), count(found.n)];
        row.push(found.spread.map(|spread| varied(spread, unit)).unwrap_or_default());
        row.push(format!("×{:.2}", found.effect));
        row.push(found.detectable.map(|off| signed(off, unit)).unwrap_or_default());
        if asked.difference.is_some() {
            row.push(found.needed.map(count).unwrap_or_default());
        }
        sheet.row(row);
    }
    notes(&mut sheet, asked);
    text(&[sheet], width, style)
}

/// The same as for a run, of `n` samples of which nothing but the spread is known.
pub fn planned(found: &Outlook, asked: Question, width: Option<u16>, style: Style) -> String {
    let mut columns = vec!["n", "they vary by", "seen from"];
    let needed = asked.difference.map(|off| format!("n for {}", significant(off)));
    columns.extend(needed.as_deref());
    let mut sheet = Sheet::new("", &columns);
    let spread = found.spread.map(|spread| varied(spread, Unit::Share)).unwrap_or_default();
    let seen = found.detectable.map(|off| signed(off, Unit::Share)).unwrap_or_default();
    let mut row = vec![count(found.n), spread, seen];
    if asked.difference.is_some() {
        row.push(found.needed.map(count).unwrap_or_default());
    }
    sheet.row(row);
    notes(&mut sheet, asked);
    text(&[sheet], width, style)
}

fn notes(sheet: &mut Sheet, asked: Question) {
    let Design { alpha, power, .. } = asked.design;
    sheet.note(format!(
        "seen from: the smallest true difference that a comparison of the same samples calls \
         significant ({}) in {} of cases",
        share(alpha),
        share(power)
    ));
    sheet.note(
        "they vary by: of yes and no, the share on which the two disagree; of numbers, the standard \
         deviation of the differences",
    );
}

/// A share as people write it.
fn share(share: f64) -> String {
    format!("{}%", (share * 1e4).round() / 1e2)
}

fn varied(spread: Spread, unit: Unit<'_>) -> String {
    match spread {
        Spread::YesNo { discordance } => format!("{:.1}%", discordance * 100.0),
        Spread::Numbers { variance } => unit.show(variance.sqrt()),
    }
}

/// Who is compared with whom.
fn compared(header: &RunHeader, found: &Outlook) -> String {
    let side = |model: u32, prompt: u32| {
        let label = header.label(model as usize);
        match header.prompts.get(prompt as usize).filter(|_| header.prompts.len() > 1) {
            Some(prompt) => format!("{label}, {}", prompt.id),
            None => label.into_owned(),
        }
    };
    let (model, prompt, other) = found.sides;
    let other = other.map_or_else(
        || "one that is independent of it".to_owned(),
        |(model, prompt)| side(model, prompt),
    );
    format!("{} : {other}", side(model, prompt))
}

/// The object of schema `evals.power/1`. Unknown is `null`.
pub fn power_json(header: Option<&RunHeader>, outlooks: &[Outlook], asked: Question) -> Value {
    let name = |model: u32| {
        let models = header.map(|header| &header.models);
        models.and_then(|models| models.get(model as usize)).map(|model| &model.name)
    };
    let prompt = |prompt: u32| {
        let prompts = header.map(|header| &header.prompts);
        prompts.and_then(|prompts| prompts.get(prompt as usize)).map(|prompt| &prompt.id)
    };
    let scorer = |scorer: u32| {
        let scorers = header.map(|header| &header.scorers);
        scorers.and_then(|scorers| scorers.get(scorer as usize)).map(|scorer| &scorer.id)
    };
    let one = |found: &Outlook| {
        let (discordance, variance) = match found.spread {
            Some(Spread::YesNo { discordance }) => (Some(discordance), None),
            Some(Spread::Numbers { variance }) => (None, Some(variance)),
            None => (None, None),
        };
        let (model, prompt_of, other) = found.sides;
        json!({
            "scorer": scorer(found.scorer),
            "model": name(model),
            "prompt": prompt(prompt_of),
            "other_model": other.and_then(|(model, _)| name(model)),
            "other_prompt": other.and_then(|(_, place)| prompt(place)),
            "n": found.n,
            "discordance": number(discordance),
            "variance": number(variance),
            "design_effect": number(Some(found.effect)),
            "detectable": number(found.detectable),
            "needed": found.needed,
        })
    };
    json!({
        "schema": "evals.power/1",
        "run_id": header.map(|header| &header.id),
        "alpha": number(Some(asked.design.alpha)),
        "power": number(Some(asked.design.power)),
        "difference": number(asked.difference),
        "comparisons": outlooks.iter().map(one).collect::<Value>(),
    })
}

//! Texts taken apart into claims, and claims held against texts.

use serde_json::{Value, json};

use super::{About, Ground, ground::score};
use crate::{
    base::text::one_line,
    domain::score::{Score, Verdict},
    scorer::{ArgError, Args, judge::Step, sheet::Sheet},
};

/// Most claims of a text: what has more is no answer to a question.
const MOST: usize = 200;

/// A step that takes a text apart.
const TAKE_APART: &str = "\
Take the text `text` apart into its claims: short sentences that each state one fact and can be \
checked by themselves. Put names in place of pronouns, with the help of `question`. Add nothing that \
the text does not say, and leave nothing out that it does. A text that states no fact, such as a \
greeting or a refusal, has no claims: give an empty list then.";

/// A step that holds claims against a text.
const HOLD: &str = "\
For each numbered claim of `claims`, decide whether it follows from `text`. It follows when somebody \
who knows the text and nothing else would have to grant it; that it is true for all you know does not \
count. Give one verdict for each number, with the reason first.";

/// The form of claims.
pub(super) fn list() -> Value {
    json!({
        "type": "object",
        "properties": {"claims": {"type": "array", "items": {"type": "string"}}},
        "required": ["claims"],
        "additionalProperties": false,
    })
}

/// The form of verdicts on claims.
pub(super) fn verdicts() -> Value {
    json!({
        "type": "object",
        "properties": {"verdicts": {"type": "array", "items": {
            "type": "object",
            "properties": {
                "claim": {"type": "integer"},
                "reason": {"type": "string"},
                "follows": {"type": "boolean"},
            },
            "required": ["claim", "reason", "follows"],
            "additionalProperties": false,
        }}},
        "required": ["verdicts"],
        "additionalProperties": false,
    })
}

impl About<'_> {
    /// The claims of `text`, as `step` takes it apart.
    pub(super) async fn claims(
        &self,
        step: &Step,
        question: &str,
        text: &str,
    ) -> Result<Vec<String>, Verdict> {
        let sheet = Sheet::new(TAKE_APART).show("question", question).show("text", text);
        let check = |value: &Value| match claims_of(value).len() {
            0..=MOST => Ok(()),
            n => Err(format!("{n} claims are too many; at most {MOST}")),
        };
        let value = sheet.put_checked(step, self.subject, self.context, &check).await?;
        Ok(claims_of(&value))
    }
}

fn claims_of(value: &Value) -> Vec<String> {
    let claims = value["claims"].as_array().into_iter().flatten().filter_map(Value::as_str);
    claims.map(|claim| one_line(claim, 2_000)).filter(|claim| !claim.trim().is_empty()).collect()
}

/// Which of `claims` follow from `text`, as `step` says; one for each.
pub(super) async fn follow(
    about: About<'_>,
    step: &Step,
    claims: &[String],
    text: &str,
) -> Result<Vec<bool>, Verdict> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let numbered = numbered(claims);
    let sheet = Sheet::new(HOLD).show("text", text).show("claims", &numbered);
    let check = |value: &Value| marks(value, "verdicts", "follows", claims.len()).map(drop);
    let value = sheet.put_checked(step, about.subject, about.context, &check).await?;
    marks(&value, "verdicts", "follows", claims.len()).map_err(Verdict::Failed)
}

/// The steps that take a text apart and hold its claims against the context.
#[derive(Debug)]
pub(super) struct Held {
    claims: Step,
    verdicts: Step,
}

impl Held {
    pub(super) fn of(ground: &Ground, args: &Args) -> Result<Self, ArgError> {
        Ok(Self {
            claims: ground.step(args, "claims", list())?,
            verdicts: ground.step(args, "verdicts", verdicts())?,
        })
    }

    /// The share of the claims of `text` that follow from the context. `none` is said when there are
    /// no claims, and `why` of how many claims follow, and of how many there are.
    pub(super) async fn share(
        &self,
        about: About<'_>,
        (question, text): (&str, &str),
        none: &str,
        why: impl FnOnce(usize, usize) -> String,
    ) -> Result<Score, Verdict> {
        let texts = about.texts()?;
        let claims = about.claims(&self.claims, question, text).await?;
        if claims.is_empty() {
            return Err(Verdict::Skipped(none.to_owned()));
        }
        let marks = follow(about, &self.verdicts, &claims, &texts.join("\n\n")).await?;
        let (found, all) = (count(&marks), claims.len());
        let mut why = why(found, all);
        if found < all {
            why = format!("{why}; not {}", named(&claims, &marks, false));
        }
        Ok(score(found as f64 / all as f64, &why))
    }

    pub(super) fn steps(&self) -> Vec<(&Step, u64)> {
        vec![(&self.claims, 1), (&self.verdicts, 1)]
    }
}

/// `texts` as lines with numbers from 1.
pub(in crate::scorer) fn numbered(texts: &[String]) -> String {
    let lines = (1..).zip(texts).map(|(number, text): (usize, _)| format!("{number}. {text}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The marks of claims 1 to `count` in the list `list`, in order: exactly one for each.
pub(super) fn marks(
    value: &Value,
    list: &str,
    mark: &str,
    count: usize,
) -> Result<Vec<bool>, String> {
    let mut found: Vec<Option<bool>> = vec![None; count];
    for verdict in value[list].as_array().into_iter().flatten() {
        let number = verdict["claim"].as_u64().and_then(|number| usize::try_from(number).ok());
        let place = number.and_then(|number| found.get_mut(number.checked_sub(1)?));
        let Some(place) = place else {
            return Err(format!("there is no claim {} in `{list}`", verdict["claim"]));
        };
        if place.replace(verdict[mark] == true).is_some() {
            return Err(format!("claim {} has two verdicts in `{list}`", verdict["claim"]));
        }
    }
    let missing = found.iter().position(Option::is_none);
    match missing {
        Some(index) => Err(format!("claim {} has no verdict in `{list}`", index + 1)),
        None => Ok(found.into_iter().flatten().collect()),
    }
}

/// How many of `marks` are set.
pub(super) fn count(marks: &[bool]) -> usize {
    marks.iter().filter(|mark| **mark).count()
}

/// The first claims whose mark is not as it should be, for a person.
pub(super) fn named(claims: &[String], marks: &[bool], wanted: bool) -> String {
    let of_those: Vec<String> = claims
        .iter()
        .zip(marks)
        .filter(|(_, mark)| **mark == wanted)
        .take(3)
        .map(|(claim, _)| format!("“{}”", one_line(claim, 120)))
        .collect();
    of_those.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_has_exactly_one_verdict() {
        let of = |marks: &[(u64, bool)]| {
            let each = |(claim, follows): &(u64, bool)| json!({"claim": claim, "follows": follows});
            json!({"verdicts": marks.iter().map(each).collect::<Value>()})
        };
        let read = |value: &Value| marks(value, "verdicts", "follows", 2);
        assert_eq!(read(&of(&[(2, false), (1, true)])), Ok(vec![true, false]));
        for (value, why) in [
            (of(&[(1, true)]), "claim 2 has no verdict"),
            (of(&[(1, true), (1, false), (2, true)]), "claim 1 has two verdicts"),
            (of(&[(1, true), (3, true)]), "there is no claim 3"),
            (of(&[(0, true)]), "there is no claim 0"),
            (json!({}), "claim 1 has no verdict"),
        ] {
            let found = read(&value).expect_err(why);
            assert!(found.contains(why), "{found}");
        }
    }
}

//! The options of a multiple-choice question: in which order they are asked, and every rotation.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Choices,
    draw::permutation,
    error::{DatasetError, Place},
};
use crate::{
    base::{digest::sha256_u64, text::one_line},
    domain::sample::{Sample, Vars, value_text},
};

/// The columns that options add to a row: their texts in the order asked, their letters, and lines
/// of both.
pub(super) const COLUMNS: [&str; 3] = ["choices", "choice_letters", "choice_lines"];

/// Most options of a question: there are no more letters.
const MAX_CHOICES: usize = 26;

/// Adds the options to `sample`, shuffled if that is wanted, and makes letters of its answers.
pub(super) fn arrange(
    sample: &mut Sample,
    choices: &Choices,
    place: &Place,
) -> Result<(), DatasetError> {
    let error = |what, problem| DatasetError::Make { place: place.clone(), what, problem };
    let texts = texts(&sample.vars, &choices.columns);
    if !(2..=MAX_CHOICES).contains(&texts.len()) {
        let problem = format!("there are {} of them; a question has 2 to 26", texts.len());
        return Err(error("choices", problem));
    }
    let mut right = Vec::with_capacity(sample.expected.len());
    for answer in &sample.expected {
        right.push(resolve(answer, &texts, choices.index).ok_or_else(|| {
            let answer = one_line(answer, 80);
            error("expected", format!("`{answer}` is none of the {} choices", texts.len()))
        })?);
    }
    // By the row's id, so that a row is asked alike whatever rows are asked with it.
    let order = match choices.shuffle {
        Some(seed) => permutation(seed ^ sha256_u64(sample.id.as_bytes()), texts.len()),
        None => (0..texts.len()).collect(),
    };
    let asked: Vec<&String> = order.iter().map(|at| &texts[*at]).collect();
    let places = right.iter().filter_map(|at| order.iter().position(|from| from == at));
    sample.expected = places.map(letter).collect();
    write(&mut sample.vars, &asked);
    Ok(())
}

/// `sample` once for each rotation of its options, all in one cluster. The ids end in `~1`, `~2`, …
pub(super) fn rotations(sample: &Sample, wanted: Option<&HashSet<String>>) -> Vec<Sample> {
    let texts = texts(&sample.vars, &[COLUMNS[0].to_owned()]);
    let count = texts.len();
    let rotated = |turn: usize| {
        let id = rotated_id(&sample.id, turn);
        if wanted.is_some_and(|wanted| !wanted.contains(&id) && !wanted.contains(&sample.id)) {
            return None;
        }
        let asked: Vec<&String> = (0..count).map(|at| &texts[(at + turn) % count]).collect();
        let mut rotated = sample.clone();
        let moved = |answer: &String| {
            let at = (0..count).find(|at| letter(*at) == *answer)?;
            Some(letter((at + count - turn) % count))
        };
        rotated.expected = sample.expected.iter().filter_map(moved).collect();
        rotated.cluster = sample.cluster.clone().or_else(|| Some(sample.id.clone()));
        rotated.id = id;
        write(&mut rotated.vars, &asked);
        Some(rotated)
    };
    (0..count).filter_map(rotated).collect()
}

/// Whether one of `wanted` is the row `id` or a rotation of it.
pub(super) fn is_wanted(id: &str, wanted: &HashSet<String>) -> bool {
    wanted.contains(id) || (0..MAX_CHOICES).any(|turn| wanted.contains(&rotated_id(id, turn)))
}

fn rotated_id(id: &str, turn: usize) -> String {
    format!("{id}~{}", turn + 1)
}

fn letter(at: usize) -> String {
    char::from(b'A' + at as u8).to_string()
}

/// The texts in `columns`: those of a list, also of one written as JSON; null is no option.
fn texts(vars: &Vars, columns: &[String]) -> Vec<String> {
    let mut texts = Vec::new();
    for value in columns.iter().filter_map(|name| vars.get(name)) {
        let parsed: Option<Vec<Value>> = value
            .as_str()
            .filter(|text| columns.len() == 1 && text.trim_start().starts_with('['))
            .and_then(|text| serde_json::from_str(text).ok());
        match (value, parsed) {
            (Value::Null, _) => {}
            (Value::Array(items), _) => texts.extend(items.iter().map(value_text)),
            (_, Some(items)) => texts.extend(items.iter().map(value_text)),
            (one, None) => texts.push(value_text(one)),
        }
    }
    texts
}

/// The place of the option that `answer` is: by its number, its text or its letter.
fn resolve(answer: &str, texts: &[String], first: Option<u64>) -> Option<usize> {
    let answer = answer.trim();
    if let Some(first) = first {
        let at = answer.parse::<u64>().ok()?.checked_sub(first)?;
        return usize::try_from(at).ok().filter(|at| *at < texts.len());
    }
    texts.iter().position(|text| text.trim() == answer).or_else(|| {
        let bare = answer.trim_matches(['(', ')', '.', ':', '[', ']']);
        (0..texts.len()).find(|at| letter(*at).eq_ignore_ascii_case(bare))
    })
}

fn write(vars: &mut Vars, asked: &[&String]) {
    let letters: Vec<String> = (0..asked.len()).map(letter).collect();
    let line = |(letter, text): (&String, &&String)| format!("{letter}. {text}");
    let lines: Vec<String> = letters.iter().zip(asked).map(line).collect();
    let texts: Vec<Value> = asked.iter().map(|text| Value::from(text.as_str())).collect();
    let values = [Value::from(texts), Value::from(letters), Value::from(lines.join("\n"))];
    for (name, value) in COLUMNS.into_iter().zip(values) {
        vars.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(id: &str, expected: &[&str]) -> Sample {
        let vars = json!({"options": ["red", "green", "blue"]});
        Sample {
            index: 0,
            id: id.to_owned(),
            input: None,
            expected: expected.iter().map(|text| (*text).to_owned()).collect(),
            vars: vars.as_object().cloned().expect("a map"),
            metadata: Vars::new(),
            cluster: None,
            tags: Vec::new(),
        }
    }

    fn arranged(id: &str, expected: &[&str], shuffle: Option<u64>, index: Option<u64>) -> Sample {
        let mut sample = sample(id, expected);
        let columns = vec!["options".to_owned()];
        let choices = Choices { columns, index, shuffle, circular: false };
        let place = Place::line(&"q.jsonl".into(), 1);
        arrange(&mut sample, &choices, &place).expect("arranges");
        sample
    }

    fn right(sample: &Sample) -> String {
        let at = usize::from(sample.expected[0].as_bytes()[0] - b'A');
        value_text(&sample.vars["choices"][at])
    }

    #[test]
    fn the_answer_is_the_letter_of_the_right_text() {
        for (expected, index) in
            [("green", None), ("B", None), ("(b)", None), ("1", Some(0)), ("2", Some(1))]
        {
            let plain = arranged("q", &[expected], None, index);
            assert_eq!((plain.expected[0].as_str(), right(&plain).as_str()), ("B", "green"));
            assert_eq!(plain.vars["choice_lines"], "A. red\nB. green\nC. blue");
            assert_eq!(plain.vars["choice_letters"], json!(["A", "B", "C"]));
            assert_eq!(right(&arranged("q", &[expected], Some(7), index)), "green");
        }
    }

    #[test]
    fn a_shuffle_depends_on_the_seed_and_the_row() {
        let order =
            |id: &str, seed| arranged(id, &["red"], Some(seed), None).vars["choices"].clone();
        assert_eq!(order("q", 1), order("q", 1));
        let orders: HashSet<String> =
            (0..40).map(|n| order(&format!("q{n}"), 1).to_string()).collect();
        assert_eq!(orders.len(), 6, "all orders of three occur");
        let orders: HashSet<String> = (0..40).map(|seed| order("q", seed).to_string()).collect();
        assert_eq!(orders.len(), 6);
    }

    #[test]
    fn every_rotation_has_its_own_letter_and_one_cluster() {
        let turned = rotations(&arranged("q", &["green"], None, None), None);
        let ids: Vec<&str> = turned.iter().map(|sample| sample.id.as_str()).collect();
        assert_eq!(ids, ["q~1", "q~2", "q~3"]);
        let letters: Vec<&str> = turned.iter().map(|sample| sample.expected[0].as_str()).collect();
        assert_eq!(letters, ["B", "A", "C"]);
        assert!(turned.iter().all(|sample| right(sample) == "green"));
        assert!(turned.iter().all(|sample| sample.cluster.as_deref() == Some("q")));
        let wanted: HashSet<String> = ["q~2".to_owned()].into();
        assert!(is_wanted("q", &wanted) && !is_wanted("p", &wanted));
        assert_eq!(rotations(&arranged("q", &["green"], None, None), Some(&wanted)).len(), 1);
    }

    #[test]
    fn what_is_no_question_is_refused() {
        let refused = |columns: &[&str], expected: &str| {
            let mut sample = sample("q", &[expected]);
            let columns = columns.iter().map(|name| (*name).to_owned()).collect();
            let choices = Choices { columns, index: None, shuffle: None, circular: false };
            arrange(&mut sample, &choices, &Place::line(&"q.jsonl".into(), 1)).is_err()
        };
        assert!(refused(&["options"], "yellow") && refused(&["options"], "D"));
        assert!(refused(&["absent"], "red") && !refused(&["options"], "red"));
    }
}

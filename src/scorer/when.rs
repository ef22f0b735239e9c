//! `when`: a condition on the other scores of an answer, under which a scorer looks at it at all.
//!
//! `exact_match == 0`, `not exact_match and rouge1 < 0.5`, `(a or b) and c >= 2`. A name alone means
//! that its score has passed. What depends on a score that does not exist is neither true nor false.

use crate::{
    base::text::{nearest, one_line},
    domain::score::Verdict,
};

/// Most levels of brackets and of `not`.
const DEEPEST: usize = 32;

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    text: String,
    body: Node,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    Passed(String),
    Compare(String, Op, f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// The operators; those of two characters first.
const OPS: [(&str, Op); 6] =
    [("==", Op::Eq), ("!=", Op::Ne), ("<=", Op::Le), (">=", Op::Ge), ("<", Op::Lt), (">", Op::Gt)];

impl When {
    /// Reads `text`, in which scorers are named by their `ids`.
    ///
    /// # Errors
    /// What is wrong, where in the text, and what was probably meant.
    pub fn parse(text: &str, ids: &[&str]) -> Result<Self, String> {
        let mut reader = Reader { tokens: tokens(text)?, at: 0, ids, depth: 0 };
        let body = reader.either()?;
        if let Some(rest) = reader.peek() {
            return Err(format!("`{}` is not expected here", one_line(rest, 40)));
        }
        Ok(Self { text: text.to_owned(), body })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ids of the scorers that it depends on.
    pub fn ids(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        let mut open = vec![&self.body];
        while let Some(node) = open.pop() {
            match node {
                Node::Or(nodes) | Node::And(nodes) => open.extend(nodes),
                Node::Not(node) => open.push(node),
                Node::Passed(id) | Node::Compare(id, ..) => ids.push(id.as_str()),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether it holds, given the verdicts by id; `None` when that depends on a score that is not
    /// there.
    pub fn holds<'a>(&self, verdict: &dyn Fn(&str) -> Option<&'a Verdict>) -> Option<bool> {
        holds(&self.body, verdict)
    }
}

fn holds<'a>(node: &Node, verdict: &dyn Fn(&str) -> Option<&'a Verdict>) -> Option<bool> {
    let score = |id: &str| match verdict(id) {
        Some(Verdict::Scored(score)) => Some(score),
        _ => None,
    };
    match node {
        Node::Not(node) => holds(node, verdict).map(|holds| !holds),
        Node::And(nodes) => all(nodes.iter().map(|node| holds(node, verdict))),
        Node::Or(nodes) => {
            all(nodes.iter().map(|node| holds(node, verdict).map(|holds| !holds))).map(|none| !none)
        }
        Node::Passed(id) => {
            let score = score(id)?;
            Some(score.passed.unwrap_or(score.value > 0.0))
        }
        Node::Compare(id, op, number) => {
            let value = score(id)?.value;
            Some(match op {
                Op::Eq => (value - number).abs() < f64::EPSILON,
                Op::Ne => (value - number).abs() >= f64::EPSILON,
                Op::Lt => value < *number,
                Op::Le => value <= *number,
                Op::Gt => value > *number,
                Op::Ge => value >= *number,
            })
        }
    }
}

/// Whether all hold: one that does not decides it, else one that is unknown.
fn all(mut known: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut every = Some(true);
    for holds in &mut known {
        match holds {
            Some(false) => return Some(false),
            Some(true) => {}
            None => every = None,
        }
    }
    every
}

/// The words, brackets and operators of `text`.
fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let operator = OPS.iter().find(|(sign, _)| rest.starts_with(sign));
        let end = match (first, operator) {
            ('(' | ')', _) => 1,
            (_, Some((sign, _))) => sign.len(),
            ('`', _) => {
                let end = rest[1..].find('`').ok_or("a backtick is never closed")?;
                end + 2
            }
            ('=' | '!' | '&' | '|', _) => {
                return Err(format!(
                    "`{first}` means nothing here; there are `==`, `!=`, `<`, `<=`, `>`, `>=`, `and`, \
                     `or`, `not` and brackets"
                ));
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || "()<>=!`".contains(c);
                rest.find(ends).unwrap_or(rest.len())
            }
        };
        tokens.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: Vec<String>,
    at: usize,
    ids: &'a [&'a str],
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.both()?];
        while self.takes("or") {
            nodes.push(self.both()?);
        }
        Ok(if nodes.len() > 1 { Node::Or(nodes) } else { nodes.remove(0) })
    }

    fn both(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.term()?];
        while self.takes("and") {
            nodes.push(self.term()?);
        }
        Ok(if nodes.len() > 1 { Node::And(nodes) } else { nodes.remove(0) })
    }

    fn term(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it is nested over {DEEPEST} deep"));
        }
        let node = if self.takes("not") {
            Node::Not(Box::new(self.term()?))
        } else if self.takes("(") {
            let node = self.either()?;
            if !self.takes(")") {
                return Err("a bracket is never closed".to_owned());
            }
            node
        } else {
            self.score()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn score(&mut self) -> Result<Node, String> {
        let id = self.peek().ok_or("it ends where a scorer is expected")?;
        let id = id.trim_matches('`').to_owned();
        if !self.ids.contains(&id.as_str()) {
            let near = nearest(&id, self.ids.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(format!("no other scorer is called `{}`{hint}", one_line(&id, 60)));
        }
        self.at += 1;
        let op = OPS.iter().find(|(sign, _)| self.peek() == Some(sign));
        let Some((sign, op)) = op else { return Ok(Node::Passed(id)) };
        self.at += 1;
        let number = self.peek().and_then(|text| text.parse::<f64>().ok());
        let number = number.filter(|number| number.is_finite()).ok_or_else(|| {
            let found = self.peek().map_or("nothing".to_owned(), |text| format!("`{text}`"));
            format!("a number is expected after `{sign}`, not {found}")
        })?;
        self.at += 1;
        Ok(Node::Compare(id, *op, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::score::Score;

    const IDS: [&str; 3] = ["exact_match", "f1", "none"];

    fn holds(text: &str) -> Option<bool> {
        let (exact, f1) =
            (Verdict::Scored(Score::binary(false)), Verdict::Scored(Score::number(0.25)));
        let none = Verdict::Skipped("no".into());
        let verdict = |id: &str| match id {
            "exact_match" => Some(&exact),
            "f1" => Some(&f1),
            _ => Some(&none),
        };
        When::parse(text, &IDS).expect(text).holds(&verdict)
    }

    #[test]
    fn conditions_on_other_scores() {
        for (text, expected) in [
            ("exact_match == 0", Some(true)),
            ("exact_match != 0", Some(false)),
            ("exact_match", Some(false)),
            ("not exact_match", Some(true)),
            ("f1", Some(true)),
            ("f1<0.5", Some(true)),
            ("f1 >= 0.25 and not exact_match", Some(true)),
            ("exact_match or f1 > 0.3 or `f1` <= 0.25", Some(true)),
            ("not (exact_match or f1 > 1)", Some(true)),
            ("none == 0", None),
            ("none and exact_match", Some(false)),
            ("none or f1", Some(true)),
            ("not none", None),
        ] {
            assert_eq!(holds(text), expected, "{text}");
        }
        let ids = When::parse("f1 and (exact_match or f1 > 2)", &IDS).expect("a condition");
        assert_eq!(ids.ids(), ["exact_match", "f1"]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, said) in [
            ("", "it ends where a scorer"),
            ("exact_mach == 0", "did you mean `exact_match`?"),
            ("f1 = 0", "`=` means nothing here"),
            ("f1 == x", "a number is expected after `==`, not `x`"),
            ("f1 >", "not nothing"),
            ("(f1", "never closed"),
            ("`f1", "backtick is never closed"),
            ("f1 f1", "`f1` is not expected here"),
            ("f1 && f1", "`&` means nothing"),
            ("f1 == nan", "a number is expected"),
        ] {
            let error = When::parse(text, &IDS).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
        assert!(When::parse(&"not ".repeat(100), &IDS).expect_err("deep").contains("nested"));
    }
}

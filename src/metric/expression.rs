//! Arithmetic as people write it: `2 * p * r / (p + r)`.
//!
//! Numbers, names, `+ - * / ^`, brackets and a few functions. Names may hold dots; one with other
//! characters stands in backticks. What has no value, such as a division by zero, says so.

/// Most levels of brackets, signs and functions.
const DEEPEST: usize = 64;

/// An expression whose names are resolved to `N`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<N> {
    Number(f64),
    Name(N),
    Minus(Box<Node<N>>),
    Two(Sign, Box<Node<N>>, Box<Node<N>>),
    Call(Function, Vec<Node<N>>),
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
    Times,
    Over,
    Power,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Exp,
    Log,
    Max,
    Min,
    Sqrt,
}

/// Functions by their names.
const FUNCTIONS: [(&str, Function); 6] = [
    ("abs", Function::Abs),
    ("exp", Function::Exp),
    ("log", Function::Log),
    ("max", Function::Max),
    ("min", Function::Min),
    ("sqrt", Function::Sqrt),
];

/// What is wrong with an expression, and at which character, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Why a name stands for nothing, and how to mend it.
pub(super) type Unknown = (String, Option<String>);

/// Reads `text`; `name` says what a name stands for.
pub(super) fn parse<N>(
    text: &str,
    name: &mut dyn FnMut(&str) -> Result<N, Unknown>,
) -> Result<Node<N>, Wrong> {
    let mut reader = Reader { tokens: tokens(text)?, next: 0, depth: 0, name };
    let node = reader.sum()?;
    match reader.peek() {
        (_, Token::End) => Ok(node),
        (at, token) => Err(wrong(at, format!("{} is not expected here", token.shown()))),
    }
}

/// The value of `node`, given the values of its names.
///
/// # Errors
/// Why there is none.
pub(super) fn value<N>(
    node: &Node<N>,
    name: &mut dyn FnMut(&N) -> Result<f64, String>,
) -> Result<f64, String> {
    let found = match node {
        Node::Number(number) => *number,
        Node::Name(of) => name(of)?,
        Node::Minus(node) => -value(node, name)?,
        Node::Two(sign, left, right) => {
            let (left, right) = (value(left, name)?, value(right, name)?);
            match sign {
                Sign::Plus => left + right,
                Sign::Minus => left - right,
                Sign::Times => left * right,
                Sign::Over if right.abs() <= 0.0 => return Err("it divides by 0".to_owned()),
                Sign::Over => left / right,
                Sign::Power => left.powf(right),
            }
        }
        Node::Call(function, arguments) => {
            let values: Result<Vec<f64>, String> =
                arguments.iter().map(|argument| value(argument, name)).collect();
            let values = values?;
            let first = values.first().copied().unwrap_or_default();
            match function {
                Function::Abs => first.abs(),
                Function::Exp => first.exp(),
                Function::Log if first <= 0.0 => {
                    return Err(format!("there is no logarithm of {first}"));
                }
                Function::Log => first.ln(),
                Function::Sqrt if first < 0.0 => {
                    return Err(format!("there is no root of {first}"));
                }
                Function::Sqrt => first.sqrt(),
                Function::Max => values.into_iter().fold(first, f64::max),
                Function::Min => values.into_iter().fold(first, f64::min),
            }
        }
    };
    if found.is_finite() { Ok(found) } else { Err("its value is out of range".to_owned()) }
}

impl<N> Node<N> {
    /// Its names, each as often as it stands there.
    pub(super) fn names(&self) -> Vec<&N> {
        let (mut found, mut open) = (Vec::new(), vec![self]);
        while let Some(node) = open.pop() {
            match node {
                Self::Number(_) => {}
                Self::Name(name) => found.push(name),
                Self::Minus(node) => open.push(node),
                Self::Two(_, left, right) => open.extend([&**left, &**right]),
                Self::Call(_, arguments) => open.extend(arguments),
            }
        }
        found
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    Sign(char),
    End,
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Number(number) => format!("`{number}`"),
            Self::Name(name) => format!("`{name}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

fn wrong(at: usize, message: impl Into<String>) -> Wrong {
    Wrong { at, message: message.into(), hint: None }
}

/// The tokens of `text`, each with its place; the last one is the end.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Wrong> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut next = 0;
    while let Some(&first) = chars.get(next) {
        let at = next + 1;
        let while_in = |start: usize, is: &dyn Fn(char) -> bool| {
            chars[start..].iter().position(|c| !is(*c)).map_or(chars.len(), |end| start + end)
        };
        let token = if first.is_whitespace() {
            next += 1;
            continue;
        } else if first.is_ascii_digit() || first == '.' {
            let mut end = while_in(next, &|c| c.is_ascii_digit() || c == '.');
            if chars.get(end).is_some_and(|c| matches!(c, 'e' | 'E')) {
                let signed = chars.get(end + 1).is_some_and(|c| matches!(c, '+' | '-'));
                end = while_in(end + 1 + usize::from(signed), &|c| c.is_ascii_digit());
            }
            let written: String = chars[next..end].iter().collect();
            next = end;
            let number = written.parse::<f64>().ok().filter(|number| number.is_finite());
            Token::Number(number.ok_or_else(|| wrong(at, format!("`{written}` is no number")))?)
        } else if first == '`' || first.is_alphabetic() || first == '_' {
            Token::Name(quoted_or_plain(&chars, &mut next)?)
        } else if "+-*/^(),".contains(first) {
            next += 1;
            Token::Sign(first)
        } else {
            return Err(Wrong {
                hint: Some("there are `+`, `-`, `*`, `/`, `^` and brackets".to_owned()),
                ..wrong(at, format!("`{first}` means nothing here"))
            });
        };
        tokens.push((at, token));
    }
    tokens.push((chars.len() + 1, Token::End));
    Ok(tokens)
}

/// A name that begins at `next`: letters, digits, `_`, `@` and dots, with anything in backticks.
fn quoted_or_plain(chars: &[char], next: &mut usize) -> Result<String, Wrong> {
    let mut name = String::new();
    while let Some(&c) = chars.get(*next) {
        if c == '`' {
            let rest = &chars[*next + 1..];
            let end = rest
                .iter()
                .position(|c| *c == '`')
                .ok_or_else(|| wrong(*next + 1, "a backtick is never closed"))?;
            name.extend(&rest[..end]);
            *next += end + 2;
        } else if c.is_alphanumeric() || matches!(c, '_' | '.' | '@') {
            name.push(c);
            *next += 1;
        } else {
            break;
        }
    }
    Ok(name)
}

struct Reader<'a, N> {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    name: &'a mut (dyn FnMut(&str) -> Result<N, Unknown> + 'a),
}

impl<N> Reader<'_, N> {
    fn peek(&self) -> (usize, &Token) {
        let (at, token) = &self.tokens[self.next.min(self.tokens.len() - 1)];
        (*at, token)
    }

    fn takes(&mut self, sign: char) -> bool {
        let found = *self.peek().1 == Token::Sign(sign);
        self.next += usize::from(found);
        found
    }

    fn sum(&mut self) -> Result<Node<N>, Wrong> {
        let mut node = self.product()?;
        loop {
            let sign = if self.takes('+') {
                Sign::Plus
            } else if self.takes('-') {
                Sign::Minus
            } else {
                return Ok(node);
            };
            node = Node::Two(sign, Box::new(node), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Node<N>, Wrong> {
        let mut node = self.signed()?;
        loop {
            let sign = if self.takes('*') {
                Sign::Times
            } else if self.takes('/') {
                Sign::Over
            } else {
                return Ok(node);
            };
            node = Node::Two(sign, Box::new(node), Box::new(self.signed()?));
        }
    }

    /// A power with signs before it, which bind less than the power: `-2^2` is -4.
    fn signed(&mut self) -> Result<Node<N>, Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(self.peek().0, format!("it is nested over {DEEPEST} deep")));
        }
        let node = if self.takes('-') {
            Node::Minus(Box::new(self.signed()?))
        } else {
            let base = self.operand()?;
            if self.takes('^') {
                Node::Two(Sign::Power, Box::new(base), Box::new(self.signed()?))
            } else {
                base
            }
        };
        self.depth -= 1;
        Ok(node)
    }

    fn operand(&mut self) -> Result<Node<N>, Wrong> {
        let (at, token) = self.peek();
        let token = token.clone();
        self.next += 1;
        match token {
            Token::Number(number) => Ok(Node::Number(number)),
            Token::Sign('(') => {
                let node = self.sum()?;
                self.closed(at)?;
                Ok(node)
            }
            Token::Name(name) if self.takes('(') => self.call(at, &name),
            Token::Name(name) => (self.name)(&name)
                .map(Node::Name)
                .map_err(|(message, hint)| Wrong { at, message, hint }),
            Token::Sign(_) | Token::End => {
                Err(wrong(at, format!("a value is expected, not {}", token.shown())))
            }
        }
    }

    fn closed(&mut self, opened: usize) -> Result<(), Wrong> {
        if self.takes(')') {
            return Ok(());
        }
        match self.peek() {
            (_, Token::End) => Err(wrong(opened, "a bracket is never closed")),
            (at, token) => Err(wrong(at, format!("`)` is expected, not {}", token.shown()))),
        }
    }

    fn call(&mut self, at: usize, name: &str) -> Result<Node<N>, Wrong> {
        let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
        let (_, function) = known.ok_or_else(|| {
            let all: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            let hint = Some(format!("there are `{}`", all.join("`, `")));
            Wrong { hint, ..wrong(at, format!("there is no function `{name}`")) }
        })?;
        let mut arguments = vec![self.sum()?];
        while self.takes(',') {
            arguments.push(self.sum()?);
        }
        self.closed(at)?;
        let takes_many = matches!(function, Function::Max | Function::Min);
        if arguments.len() > 1 && !takes_many {
            return Err(wrong(at, format!("`{name}` takes one value")));
        }
        Ok(Node::Call(*function, arguments))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Node<String>, Wrong> {
        parse(text, &mut |name| match name {
            "no" => Err(("no such name".to_owned(), None)),
            name => Ok(name.to_owned()),
        })
    }

    fn worth(text: &str) -> Result<f64, String> {
        let node = read(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"));
        value(&node, &mut |name| match name.as_str() {
            "p" => Ok(0.5),
            "r.mean" | "chrf++.mean" => Ok(0.25),
            _ => Err(format!("`{name}` is unknown")),
        })
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("8 / 2 / 2", 2.0),
            ("8 - 2 - 2", 4.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-2 ^ 2", -4.0),
            ("2 ^ -1", 0.5),
            ("--1", 1.0),
            ("1e3 + .5", 1000.5),
            ("2e-1", 0.2),
            ("2 * p * r.mean / (p + r.mean)", 1.0 / 3.0),
            ("`chrf++`.mean + `r.mean`", 0.5),
            ("max(p, 1, r.mean) - min(p, r.mean)", 0.75),
            ("sqrt(4) + abs(-1) + log(1) + exp(0)", 4.0),
        ] {
            let found = worth(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert!((found - expected).abs() < 1e-12, "{text}: {found}");
        }
    }

    #[test]
    fn what_has_no_value_says_why() {
        for (text, why) in [
            ("1 / (p - p)", "divides by 0"),
            ("log(0)", "no logarithm of 0"),
            ("sqrt(-1)", "no root of -1"),
            ("10 ^ 400", "out of range"),
            ("(-1) ^ .5", "out of range"),
            ("0 * other", "`other` is unknown"),
        ] {
            let found = worth(text).expect_err(text);
            assert!(found.contains(why), "{text}: {found}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        for (text, at, said) in [
            ("", 1, "a value is expected, not the end"),
            ("1 +", 4, "a value is expected"),
            ("1 2", 3, "`2` is not expected here"),
            ("(p", 1, "never closed"),
            ("(p, 1)", 3, "`)` is expected, not `,`"),
            ("p % 2", 3, "`%` means nothing here"),
            ("p + no", 5, "no such name"),
            ("mean(p)", 1, "no function `mean`"),
            ("sqrt(p, p)", 1, "takes one value"),
            ("1.2.3", 1, "`1.2.3` is no number"),
            ("`p", 1, "backtick is never closed"),
        ] {
            let wrong = read(text).expect_err(text);
            assert_eq!(wrong.at, at, "{text}: {wrong:?}");
            assert!(wrong.message.contains(said), "{text}: {wrong:?}");
        }
        assert!(read(&"(".repeat(1000)).expect_err("deep").message.contains("nested"));
        assert!(read(&"-".repeat(100_000)).expect_err("deep").message.contains("nested"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "[-+*/^(),.0-9e`a-z@é ]{0,40}") {
            if let Ok(node) = read(&text) {
                let found = value(&node, &mut |_| Ok(0.5));
                prop_assert!(found.is_err() || found.is_ok_and(f64::is_finite));
            }
        }
    }
}

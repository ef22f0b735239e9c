//! Reads a formula as an exact quotient.

use super::{poly::Quotient, rational::Rational};

/// How deep brackets may be nested.
const MAX_DEPTH: usize = 40;

/// Longest run of letters that are multiplied; longer ones are a word.
const LETTERS: usize = 2;

/// Functions whose value is a symbol named by the argument.
const FUNCTIONS: [&str; 19] = [
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    "log", "ln", "exp", "lg", "gcd", "max", "min",
];

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

/// What `text` is as a whole; `None` where it is no formula that can be worked out.
pub(super) fn formula(text: &str) -> Option<Quotient> {
    let mut reader = Reader { rest: text, depth: 0 };
    let value = reader.sum()?;
    reader.skip_blanks();
    reader.rest.is_empty().then_some(value)
}

impl<'a> Reader<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.rest.chars().next()
    }

    fn eat(&mut self, text: &str) -> bool {
        self.skip_blanks();
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    /// The name of the command that comes next.
    fn command(&self) -> Option<&'a str> {
        let name = self.rest.strip_prefix('\\')?;
        let end = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
        (end > 0).then(|| &name[..end])
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let read = if self.depth <= MAX_DEPTH { read(self) } else { None };
        self.depth -= 1;
        read
    }

    fn sum(&mut self) -> Option<Quotient> {
        let mut total = self.signed()?;
        loop {
            let minus = match self.peek() {
                Some('+') => false,
                Some('-') => true,
                _ => return Some(total),
            };
            self.rest = &self.rest[1..];
            let next = self.signed()?;
            total = total.plus(&if minus { next.negated()? } else { next })?;
        }
    }

    fn signed(&mut self) -> Option<Quotient> {
        if self.eat("-") {
            return self.nested(Self::signed)?.negated();
        }
        if self.eat("+") {
            return self.nested(Self::signed);
        }
        self.product()
    }

    fn product(&mut self) -> Option<Quotient> {
        let mut product = self.factor()?;
        loop {
            let next = self.peek();
            if next == Some('/') {
                self.rest = &self.rest[1..];
                let by = if self.eat("-") { self.factor()?.negated()? } else { self.factor()? };
                product = product.times(&by.inverted()?)?;
            } else if next == Some('*') {
                self.rest = &self.rest[1..];
                let by = if self.eat("-") { self.factor()?.negated()? } else { self.factor()? };
                product = product.times(&by)?;
            } else if next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '(' | '{' | '['))
                || self.command().is_some()
            {
                product = product.times(&self.factor()?)?;
            } else {
                return Some(product);
            }
        }
    }

    fn factor(&mut self) -> Option<Quotient> {
        let mut base = self.atom()?;
        loop {
            if self.eat("^") {
                let exponent = self.group()?;
                base = base.power(&exponent)?;
            } else if self.eat("!") {
                let number = base.rational()?.to_whole().filter(|n| (0..=30).contains(n))?;
                let product = (1..=number).try_fold(1_i128, i128::checked_mul)?;
                base = Quotient::number(Rational::whole(product));
            } else if self.eat("%") || self.eat("\\%") {
                // Which percent sign counts is decided on the whole answer.
                return None;
            } else {
                return Some(base);
            }
        }
    }

    /// `{…}`, or one digit, letter or command.
    fn group(&mut self) -> Option<Quotient> {
        match self.peek()? {
            '{' => self.bracketed('{'),
            '\\' => self.nested(Self::atom),
            '-' => {
                self.rest = &self.rest[1..];
                self.nested(Self::group)?.negated()
            }
            digit if digit.is_ascii_digit() => {
                self.rest = &self.rest[1..];
                Some(Quotient::number(Rational::whole(i128::from(digit.to_digit(10)?))))
            }
            letter if letter.is_alphabetic() => {
                self.rest = &self.rest[letter.len_utf8()..];
                Some(Quotient::symbol(&letter.to_string()))
            }
            '(' => self.bracketed('('),
            _ => None,
        }
    }

    fn bracketed(&mut self, open: char) -> Option<Quotient> {
        let close = match open {
            '(' => ')',
            '[' => ']',
            _ => '}',
        };
        self.rest = self.rest.strip_prefix(open)?;
        let inner = self.nested(Self::sum)?;
        self.skip_blanks();
        self.rest = self.rest.strip_prefix(close)?;
        Some(inner)
    }

    fn atom(&mut self) -> Option<Quotient> {
        match self.peek()? {
            c if c.is_ascii_digit() || c == '.' => self.number(),
            open @ ('(' | '{' | '[') => self.bracketed(open),
            '√' => {
                self.rest = &self.rest['√'.len_utf8()..];
                let inside =
                    if self.peek()?.is_ascii_digit() { self.number()? } else { self.group()? };
                inside.root(2)
            }
            '\\' => self.called(),
            c if c.is_alphabetic() => self.letters(),
            _ => None,
        }
    }

    /// A number, perhaps with thousands, repeating decimals, a base, or a fraction behind.
    fn number(&mut self) -> Option<Quotient> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut end = digits(self.rest);
        if (1..=3).contains(&end) && !self.rest.starts_with('0') {
            while self.rest[end..].starts_with(',') && digits(&self.rest[end + 1..]) == 3 {
                end += 4;
            }
        }
        let mut plain = self.rest[..end].replace(',', "");
        let whole = !plain.is_empty();
        let point = self.rest[end..].strip_prefix('.');
        if let Some(behind) = point {
            let length = digits(behind);
            if length == 0 && !behind.starts_with("\\overline{") {
                return None;
            }
            plain = format!("{}.{}", if whole { plain.as_str() } else { "0" }, &behind[..length]);
            end += 1 + length;
        }
        self.rest = &self.rest[end..];
        let mut value = Rational::decimal(&plain)?;
        if point.is_some() && self.rest.starts_with("\\overline{") {
            let period = &self.rest["\\overline{".len()..];
            let length = digits(period);
            self.rest = period[length..].strip_prefix('}')?;
            let length = u32::try_from(length).ok().filter(|n| (1..=18).contains(n))?;
            let places = u32::try_from(plain.split_once('.')?.1.len()).ok()?;
            let nines = 10_i128.checked_pow(length)?.checked_sub(1)?;
            let below = nines.checked_mul(10_i128.checked_pow(places)?)?;
            value = value.plus(Rational::new(period[..length as usize].parse().ok()?, below)?)?;
        }
        if self.rest.starts_with('_') {
            self.rest = &self.rest[1..];
            let base = self.group()?;
            return Some(Quotient::symbol(&format!("{plain}_{}", base.name())));
        }
        let number = Quotient::number(value);
        match self.mixed() {
            Some(part) if point.is_none() => number.plus(&part),
            _ => Some(number),
        }
    }

    /// The fraction of a mixed number: `\frac{1}{2}` or ` 1/2` right behind a whole one.
    fn mixed(&mut self) -> Option<Quotient> {
        let mut ahead = Reader { rest: self.rest.trim_start(), depth: self.depth };
        let (above, below) = if ahead.eat("\\frac") {
            let (above, below) = (ahead.group()?.rational()?, ahead.group()?.rational()?);
            (above.to_whole()?, below.to_whole()?)
        } else {
            let (above, behind) = whole(self.rest.strip_prefix(' ')?.trim_start())?;
            let (below, behind) = whole(behind.strip_prefix('/')?)?;
            ahead.rest = behind;
            (above, below)
        };
        let part = Rational::new(above, below).filter(|_| above > 0 && below > above)?;
        self.rest = ahead.rest;
        Some(Quotient::number(part))
    }

    fn letters(&mut self) -> Option<Quotient> {
        let end = self.rest.find(|c: char| !c.is_alphabetic()).unwrap_or(self.rest.len());
        let run = &self.rest[..end];
        if run.chars().count() > LETTERS {
            self.rest = &self.rest[end..];
            return Some(Quotient::symbol(&run.to_lowercase()));
        }
        let letter = run.chars().next()?;
        self.rest = &self.rest[letter.len_utf8()..];
        self.indexed(&letter.to_string())
    }

    /// A symbol with the index and the strokes behind it.
    fn indexed(&mut self, name: &str) -> Option<Quotient> {
        let mut name = name.to_owned();
        if self.rest.starts_with('_') {
            self.rest = &self.rest[1..];
            name = format!("{name}_{}", self.group()?.name());
        }
        while self.rest.starts_with('\'') {
            self.rest = &self.rest[1..];
            name.push('\'');
        }
        Some(Quotient::symbol(&name))
    }

    fn called(&mut self) -> Option<Quotient> {
        let name = self.command()?;
        self.rest = &self.rest[1 + name.len()..];
        match name {
            "frac" => {
                let (above, below) = (self.group()?, self.group()?);
                above.times(&below.inverted()?)
            }
            "sqrt" => {
                let degree = if self.eat("[") {
                    let (degree, behind) = whole(self.rest.trim_start())?;
                    self.rest = behind.trim_start().strip_prefix(']')?;
                    u32::try_from(degree).ok().filter(|degree| (2..=20).contains(degree))?
                } else {
                    2
                };
                self.group()?.root(degree)
            }
            "binom" | "dbinom" | "tbinom" => {
                let (n, k) =
                    (self.group()?.rational()?.to_whole()?, self.group()?.rational()?.to_whole()?);
                let in_range = (0..=60).contains(&n) && (0..=n).contains(&k);
                let step = |product: i128, at: i128| Some(product.checked_mul(n - at)? / (at + 1));
                let ways = in_range.then(|| (0..k).try_fold(1_i128, step)).flatten()?;
                Some(Quotient::number(Rational::whole(ways)))
            }
            "text" => {
                let inner = self.rest.strip_prefix('{')?;
                let end = inner.find('}')?;
                self.rest = &inner[end + 1..];
                let words = inner[..end].split_whitespace().collect::<Vec<_>>().join(" ");
                let words = words.trim_matches(['(', ')', '.']).to_lowercase();
                Some(Quotient::symbol(&words))
            }
            name if FUNCTIONS.contains(&name) => {
                let base = if self.eat("_") { self.group()?.name() } else { String::new() };
                let power = if self.eat("^") { Some(self.group()?) } else { None };
                let argument = self.nested(Self::factor)?;
                let value = Quotient::symbol(&format!("{name}{base}({})", argument.name()));
                power.map_or(Some(value.clone()), |power| value.power(&power))
            }
            "overline" | "vec" | "hat" | "bar" | "mathbb" | "mathcal" => {
                let inside = self.group()?;
                Some(Quotient::symbol(&format!("{name}({})", inside.name())))
            }
            "cup" | "cap" | "le" | "ge" | "ne" | "in" | "pm" | "mp" | "begin" | "end" | "to" => {
                None
            }
            greek => self.indexed(&format!("\\{greek}")),
        }
    }
}

fn whole(text: &str) -> Option<(i128, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..end].parse().ok()?, &text[end..]))
}

//! The verifiable instructions of `IFEval`: from an id and its arguments to a check of a response.
//!
//! # Source
//! Zhou et al. 2023, arXiv 2311.07911, and its code as in lm-eval 0.4.9.1.

mod check;
mod english;
pub(super) mod sentence;

use regex::Regex;
use serde_json::{Map, Value};

/// Every id, in the order of the paper.
pub(super) const IDS: [&str; 25] = [
    "keywords:existence",
    "keywords:frequency",
    "keywords:forbidden_words",
    "keywords:letter_frequency",
    "language:response_language",
    "length_constraints:number_sentences",
    "length_constraints:number_paragraphs",
    "length_constraints:number_words",
    "length_constraints:nth_paragraph_first_word",
    "detectable_content:number_placeholders",
    "detectable_content:postscript",
    "detectable_format:number_bullet_lists",
    "detectable_format:constrained_response",
    "detectable_format:number_highlighted_sections",
    "detectable_format:multiple_sections",
    "detectable_format:json_format",
    "detectable_format:title",
    "combination:two_responses",
    "combination:repeat_prompt",
    "startend:end_checker",
    "change_case:capital_word_frequency",
    "change_case:english_capital",
    "change_case:english_lowercase",
    "punctuation:no_comma",
    "startend:quotation",
];

/// An instruction with its arguments.
#[derive(Debug)]
pub(super) enum Instruction {
    /// Every pattern occurs.
    Keywords(Vec<Regex>),
    /// How often a pattern occurs.
    Frequency(Regex, Amount),
    /// No word occurs.
    Forbidden(Vec<Regex>),
    /// How often a letter occurs.
    Letter(char, Amount),
    /// The language, by its code of two letters.
    Language(&'static str),
    /// How many sentences there are.
    Sentences(Amount),
    /// How many paragraphs there are, parted by `***`.
    Paragraphs(u64),
    /// How many words there are.
    Words(Amount),
    /// How many paragraphs there are, and with which word one of them begins.
    FirstWord { paragraphs: u64, nth: u64, word: String },
    /// At least so many `[placeholders]`.
    Placeholders(u64),
    /// A line that begins so, in lower case.
    Postscript(Regex),
    /// Exactly so many bullet points.
    Bullets(u64),
    /// One of the three allowed answers.
    Constrained,
    /// At least so many `*highlights*`.
    Highlights(u64),
    /// At least so many of the mark with a number.
    Sections(Regex, u64),
    /// JSON, perhaps in a code fence.
    Json,
    /// A title in `<<` and `>>`.
    Title,
    /// Two different answers, parted by `******`.
    TwoResponses,
    /// The prompt, in lower case, first.
    Repeat(String),
    /// The end, in lower case.
    End(String),
    /// How many words are in capitals.
    CapitalWords(Amount),
    /// English in capitals.
    Capital,
    /// English without capitals.
    Lowercase,
    /// No comma.
    NoComma,
    /// In double quotation marks.
    Quoted,
}

/// A number with the relation to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    less: bool,
    number: u64,
}

impl Amount {
    fn fits(self, count: u64) -> bool {
        if self.less { count < self.number } else { count >= self.number }
    }
}

impl Instruction {
    /// The instruction called `id`, with its arguments out of `kwargs`.
    ///
    /// # Errors
    /// An id that is not known, an argument that is missing or makes no sense.
    pub(super) fn read(id: &str, kwargs: &Map<String, Value>) -> Result<Self, String> {
        let args = Kwargs(id, kwargs);
        let amount = |number, relation| args.amount(number, relation);
        Ok(match id {
            "keywords:existence" => Self::Keywords(args.patterns("keywords")?),
            "keywords:frequency" => {
                let keyword = args.text("keyword")?.trim();
                Self::Frequency(args.pattern(keyword)?, amount("frequency", "relation")?)
            }
            "keywords:forbidden_words" => Self::Forbidden(args.patterns("forbidden_words")?),
            "keywords:letter_frequency" => {
                Self::Letter(args.letter()?, amount("let_frequency", "let_relation")?)
            }
            "language:response_language" => {
                let written = args.text("language")?;
                let unknown = || format!("`{id}`: `{written:.20}` is no language that can be told");
                Self::Language(super::tongue::code(written).ok_or_else(unknown)?)
            }
            "length_constraints:number_sentences" => {
                Self::Sentences(amount("num_sentences", "relation")?)
            }
            "length_constraints:number_paragraphs" => {
                Self::Paragraphs(args.number("num_paragraphs")?)
            }
            "length_constraints:number_words" => Self::Words(amount("num_words", "relation")?),
            "length_constraints:nth_paragraph_first_word" => args.first_word()?,
            "detectable_content:number_placeholders" => {
                Self::Placeholders(args.number("num_placeholders")?)
            }
            "detectable_content:postscript" => Self::Postscript(args.postscript()?),
            "detectable_format:number_bullet_lists" => Self::Bullets(args.number("num_bullets")?),
            "detectable_format:constrained_response" => Self::Constrained,
            "detectable_format:number_highlighted_sections" => {
                Self::Highlights(args.number("num_highlights")?)
            }
            "detectable_format:multiple_sections" => {
                let mark = args.text("section_spliter")?.trim();
                let pattern = format!(r"[\s\x1c-\x1f]?{mark}[\s\x1c-\x1f]?\d+[\s\x1c-\x1f]?");
                Self::Sections(args.compile(&pattern)?, args.number("num_sections")?)
            }
            "detectable_format:json_format" => Self::Json,
            "detectable_format:title" => Self::Title,
            "combination:two_responses" => Self::TwoResponses,
            "combination:repeat_prompt" => Self::Repeat(
                super::python_text::strip(args.text("prompt_to_repeat")?).to_lowercase(),
            ),
            "startend:end_checker" => {
                Self::End(super::python_text::strip(args.text("end_phrase")?).to_lowercase())
            }
            "change_case:capital_word_frequency" => {
                Self::CapitalWords(amount("capital_frequency", "capital_relation")?)
            }
            "change_case:english_capital" => Self::Capital,
            "change_case:english_lowercase" => Self::Lowercase,
            "punctuation:no_comma" => Self::NoComma,
            "startend:quotation" => Self::Quoted,
            unknown => return Err(format!("there is no instruction `{unknown:.60}`")),
        })
    }
}

/// The arguments of one instruction; those that are null are not there.
struct Kwargs<'a>(&'a str, &'a Map<String, Value>);

impl Kwargs<'_> {
    fn get(&self, name: &str) -> Result<&Value, String> {
        let found = self.1.get(name).filter(|value| !value.is_null());
        found.ok_or_else(|| format!("`{}` needs `{name}`", self.0))
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        let text = self.get(name)?.as_str().filter(|text| !text.is_empty());
        text.ok_or_else(|| format!("`{name}` of `{}` must be a text", self.0))
    }

    /// A whole number, also one that a table wrote as `3.0`.
    fn number(&self, name: &str) -> Result<u64, String> {
        let value = self.get(name)?;
        let whole = |number: f64| {
            (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as u64)
        };
        value
            .as_u64()
            .or_else(|| value.as_f64().and_then(whole))
            .ok_or_else(|| format!("`{name}` of `{}` must be a whole number", self.0))
    }

    fn amount(&self, number: &str, relation: &str) -> Result<Amount, String> {
        let number = self.number(number)?;
        match self.text(relation)? {
            "less than" => Ok(Amount { less: true, number }),
            "at least" => Ok(Amount { less: false, number }),
            _ => Err(format!("`{relation}` of `{}` must be `less than` or `at least`", self.0)),
        }
    }

    fn letter(&self) -> Result<char, String> {
        let mut chars = self.text("letter")?.chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) if letter.is_ascii_alphabetic() => Ok(letter.to_ascii_lowercase()),
            _ => Err(format!("`letter` of `{}` must be a letter from a to z", self.0)),
        }
    }

    fn patterns(&self, name: &str) -> Result<Vec<Regex>, String> {
        let items = self.get(name)?.as_array().filter(|items| !items.is_empty());
        let items = items.ok_or_else(|| format!("`{name}` of `{}` must be a list", self.0))?;
        let text = |item: &Value| match item.as_str() {
            Some(text) if !text.is_empty() => self.pattern(text),
            _ => Err(format!("`{name}` of `{}` must be a list of texts", self.0)),
        };
        items.iter().map(text).collect()
    }

    /// Keywords are patterns in the reference, in either case of letters.
    fn pattern(&self, keyword: &str) -> Result<Regex, String> {
        self.compile(&format!("(?i:{keyword})"))
    }

    fn compile(&self, pattern: &str) -> Result<Regex, String> {
        crate::extract::pattern::compile(pattern, false)
            .map_err(|why| format!("an argument of `{}` is no pattern: {why}", self.0))
    }

    fn postscript(&self) -> Result<Regex, String> {
        let s = r"[\s\x1c-\x1f]";
        match self.text("postscript_marker")?.trim() {
            "P.P.S" => self.compile(&format!(r"(?m){s}*p\.{s}?p\.{s}?s.*$")),
            "P.S." => self.compile(&format!(r"(?m){s}*p\.{s}?s\..*$")),
            other => self.compile(&format!(r"(?m){s}*{}.*$", other.to_lowercase())),
        }
    }

    fn first_word(&self) -> Result<Instruction, String> {
        let (paragraphs, nth) = (self.number("num_paragraphs")?, self.number("nth_paragraph")?);
        if nth == 0 || nth > paragraphs {
            return Err(format!("`nth_paragraph` of `{}` is none of {paragraphs}", self.0));
        }
        let word = self.text("first_word")?.to_lowercase();
        Ok(Instruction::FirstWord { paragraphs, nth, word })
    }
}

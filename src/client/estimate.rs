//! How many tokens a call will use, before it is made.
//!
//! No tokenizer is asked: each family has its own. [`Tokens::bound`] is what a call can hardly
//! exceed, for money that is set aside; [`Tokens::likely`] is what one may expect, for plans.

use crate::{
    base::money::Money,
    domain::{
        generation::Usage,
        message::{Message, Part},
        target::Target,
    },
};

/// Bytes of a prompt that make a token at the very least. English has about four, source code
/// three, scripts of three bytes a character about two.
const LEAST_BYTES: u64 = 2;

/// What a message adds besides its text: role and separators.
const FRAME: u64 = 8;

/// An image in high detail costs up to about this many tokens at the large providers.
const IMAGE: u64 = 2_000;

/// The longest answer of a model about which nothing is known and nothing was said.
pub const UNKNOWN_OUTPUT: u64 = 4_096;

/// Tokens of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// Of the prompt.
    pub input: u64,
    /// Of the answer.
    pub output: u64,
}

impl Tokens {
    /// The most that one request uses: the prompt counted generously, and the longest answer that
    /// the parameters allow or the model can give.
    pub fn bound(target: &Target, messages: &[Message]) -> Self {
        let input = sum(messages, |text| (text.len() as u64).div_ceil(LEAST_BYTES));
        let forms = target.params.to_value().to_string().len() as u64;
        let output = target.params.max_tokens.or(target.max_output).unwrap_or(UNKNOWN_OUTPUT);
        Self { input: input + forms.div_ceil(LEAST_BYTES), output }
    }

    /// What the prompt may be expected to have: four plain characters a token, and one and a half
    /// tokens for each two others.
    pub fn likely_input(messages: &[Message]) -> u64 {
        sum(messages, |text| {
            let plain = text.bytes().filter(u8::is_ascii).count() as u64;
            let other = text.chars().filter(|c| !c.is_ascii()).count() as u64;
            plain.div_ceil(4) + (other * 3).div_ceil(4)
        })
    }

    /// Both together.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// What they cost at most; `None` without a price.
    pub fn cost(self, target: &Target) -> Option<Money> {
        let price = target.price.as_ref()?;
        let plain = Usage { input: self.input, output: self.output, ..Usage::default() };
        let thought = Usage { reasoning: self.output, ..plain };
        Some(price.cost(&plain).max(price.cost(&thought)))
    }
}

fn sum(messages: &[Message], count: impl Fn(&str) -> u64) -> u64 {
    let part = |part: &Part| match part {
        Part::Text { text } => count(text),
        Part::Image { .. } => IMAGE,
    };
    let message = |message: &Message| FRAME + message.content.iter().map(part).sum::<u64>();
    messages.iter().map(message).sum()
}

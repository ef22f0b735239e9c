//! How TER cuts texts into words, which stand between blanks afterwards.

use crate::scorer::{python_text::is_space, western};

/// What is done to a text.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four switches of sacreBLEU, each its own")]
pub(super) struct Tokens {
    /// Cuts punctuation from words.
    pub(super) normalized: bool,
    /// Drops punctuation.
    pub(super) no_punct: bool,
    /// Does so with East Asian signs, too.
    pub(super) asian: bool,
    /// Leaves capital letters.
    pub(super) case_sensitive: bool,
}

impl Tokens {
    /// `text` with white space between its words.
    ///
    /// # Source
    /// `TercomTokenizer` of sacrebleu 2.6.0. What it says of kana never matches, since the text
    /// begins with a blank by then.
    pub(super) fn apply(self, text: &str) -> String {
        let text = text.trim_end_matches(is_space);
        let mut text = if self.case_sensitive { text.to_owned() } else { text.to_lowercase() };
        if self.normalized {
            let joined = text.replace("\n-", "").replace('\n', " ");
            text = western::spaced(&western::unescaped(joined.into()), |text| {
                *text = text.replace("'s ", " 's ");
            });
            if self.asian {
                text = text.chars().fold(String::with_capacity(text.len()), |mut made, c| {
                    if is_ideograph(c) || is_asian_punct(c) {
                        made.extend([' ', c, ' ']);
                    } else {
                        made.push(c);
                    }
                    made
                });
            }
        }
        if self.no_punct {
            let is_punct = |c: char| ".,?:;!\"()".contains(c) || (self.asian && is_asian_punct(c));
            text.retain(|c| !is_punct(c));
        }
        text
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{2eff}'
        | '\u{31c0}'..='\u{31ef}'
        | '\u{3200}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe4f}')
}

fn is_asian_punct(c: char) -> bool {
    matches!(c,
        '\u{3001}' | '\u{3002}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}'
        | '\u{ff61}'..='\u{ff65}' | '\u{ff0e}' | '\u{ff0c}' | '\u{ff1f}' | '\u{ff1a}' | '\u{ff1b}'
        | '\u{ff01}' | '\u{ff02}' | '\u{ff08}' | '\u{ff09}')
}
